//! The parameters of a `Digest` value: RFC 7235 §2.1 as RFC 3261 §25.1 has it (`auth-param`).

use super::PARAMS_MAX;

/// Hands each parameter (name, value without quotes, escapes kept) of a `Digest` value to `visit`; the first of
/// a name counts. `None` for another scheme, and for what breaks the grammar.
///
/// Escapes stay because RFC 7616 §3.4 hashes what stands between the quotes.
pub(super) fn walk<'a>(value: &'a [u8], mut visit: impl FnMut(&'a [u8], &'a [u8])) -> Option<()> {
    let mut rest = scheme(value)?;
    for _ in 0..PARAMS_MAX {
        rest = blanks(rest);
        while let Some(more) = rest.strip_prefix(b",") {
            rest = blanks(more);
        }
        if rest.is_empty() {
            return Some(());
        }
        let (name, after) = word(rest, |byte| !matches!(byte, b'=' | b',' | b'"') && !is_blank(byte))?;
        rest = blanks(blanks(after).strip_prefix(b"=")?);
        let given;
        (given, rest) = match rest.strip_prefix(b"\"") {
            Some(inner) => quoted(inner)?,
            None => word(rest, |byte| !matches!(byte, b',' | b'"') && !is_blank(byte))?,
        };
        visit(name, given);
        rest = blanks(rest);
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    None
}

/// What follows the scheme, which must be Digest.
fn scheme(value: &[u8]) -> Option<&[u8]> {
    let (name, rest) = word(blanks(value), |byte| !is_blank(byte))?;
    name.eq_ignore_ascii_case(b"Digest").then_some(rest)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn blanks(text: &[u8]) -> &[u8] {
    let at = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    text.get(at..).unwrap_or_default()
}

/// The bytes at the start for which `is_part` holds, at least one, and what follows.
fn word(text: &[u8], is_part: impl Fn(u8) -> bool) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !is_part(*byte)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(word, _)| !word.is_empty())
}

/// A quoted text after its first quote: what stands in it, and what follows its last.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some((text.get(..at)?, text.get(at + 1..)?)),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Appends ` name="value"`, with what a quoted text must not hold made harmless.
pub(super) fn push_quoted(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    out.extend(value.iter().map(|&byte| if matches!(byte, b'\r' | b'\n' | 0) { b' ' } else { byte }));
    out.push(b'"');
}

/// A text of ours as it stands between quotes.
pub(super) fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Vec<(String, String)>> {
        let mut all = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        walk(value.as_bytes(), |name, value| all.push((text(name), text(value))))?;
        Some(all)
    }

    #[test]
    fn quotes_blanks_commas_and_folds_are_read() {
        let all = read("digest  realm = \"a \\\" ,b\" ,nonce=\"\",\r\n qop=auth ,, stale=TRUE").unwrap();
        let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(all, [("realm", "a \\\" ,b"), ("nonce", ""), ("qop", "auth"), ("stale", "TRUE")]);
        assert_eq!(read("Digest"), Some(Vec::new()));
    }

    #[test]
    fn what_breaks_the_grammar_is_nothing() {
        for bad in [
            "",
            "Basic realm=\"x\"",
            "Digest realm",
            "Digest realm=",
            "Digest realm=\"x",
            "Digest realm=\"x\\",
            "Digest realm=\"x\" nonce=\"y\"",
            "Digest =x",
            "Digest a=b\"c\"",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&format!("Digest {}", "a=b,".repeat(PARAMS_MAX + 1))), None, "a bounded number");
    }
}
