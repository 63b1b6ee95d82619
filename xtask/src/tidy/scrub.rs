//! Rust text with comments, strings and characters blanked, so that the other checks see code only.
//! Lines and columns stay where they were. Enter at [`scrub`].

/// Blanks what is not code; newlines stay.
pub(crate) fn scrub(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let end = match byte {
            b'/' if rest.starts_with(b"//") => at + line(rest),
            b'/' if rest.starts_with(b"/*") => at + block(rest),
            b'"' => at + string(rest),
            b'r' | b'b' | b'c' if !after_word(bytes, at) => at + prefixed(rest),
            b'\'' => at + character(rest),
            _ => at,
        };
        if end == at {
            at += 1;
            continue;
        }
        for spot in out.get_mut(at..end.min(bytes.len())).unwrap_or_default() {
            if *spot != b'\n' {
                *spot = b' ';
            }
        }
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn after_word(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
}

/// Length of a block comment; they nest.
fn block(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                at += 2;
            }
            Some(b"*/") => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of a string that starts with its quote.
fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `b'…'`, `c"…"`; 0 when it is an ordinary word.
fn prefixed(rest: &[u8]) -> usize {
    let letters = rest.iter().take_while(|b| matches!(b, b'r' | b'b' | b'c')).count().min(2);
    let raw = rest.get(..letters).is_some_and(|l| l.contains(&b'r'));
    let tail = rest.get(letters..).unwrap_or_default();
    if !raw {
        return match tail.first() {
            Some(b'"') => letters + string(tail),
            Some(b'\'') => letters + character(tail),
            _ => 0,
        };
    }
    let hashes = tail.iter().take_while(|b| **b == b'#').count();
    if tail.get(hashes) != Some(&b'"') {
        return 0;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = tail.get(hashes + 1..).unwrap_or_default();
    let found = body.windows(close.len()).position(|w| w == close.as_slice());
    found.map_or(rest.len(), |i| letters + hashes + 1 + i + close.len())
}

/// Length of a character literal; 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return rest.iter().skip(3).position(|b| *b == b'\'').map_or(0, |i| i + 4);
    }
    let width = width(rest);
    if width > 0 && rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

/// Bytes of the character after the quote.
fn width(rest: &[u8]) -> usize {
    match rest.get(1) {
        Some(b) if *b >= 0xF0 => 4,
        Some(b) if *b >= 0xE0 => 3,
        Some(b) if *b >= 0xC0 => 2,
        Some(b) if b.is_ascii() && *b != b'\'' => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn comments_strings_and_characters_are_blanked_and_lines_stay() {
        let text = "let a = \"{ // }\"; // {\n/* { /* { */ */ let b = '{';\nfn f<'a>(x: &'a str) {}\nr#\"{\"#; b'\\''; 'é'";
        let bare = scrub(text);
        assert_eq!(bare.lines().count(), text.lines().count());
        assert_eq!(bare.matches('{').count(), 1, "{bare}");
        assert!(bare.contains("fn f<'a>(x: &'a str) {}"));
    }
}
