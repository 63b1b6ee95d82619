//! Warning on its way across: the text stays, whoever warned becomes this node (RFC 3261 §20.43: warn-agent).

/// A Warning value with `agent` instead of who warned; values that break the grammar are left out. Empty when
/// nothing is left.
pub(crate) fn restated(value: &[u8], agent: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while !rest.is_empty() {
        let (one, more) = rest.split_at(end_of_first(rest));
        rest = more.get(1..).unwrap_or_default();
        let Some((code, text)) = code_and_text(one.trim_ascii()) else { continue };
        if !out.is_empty() {
            out.extend_from_slice(b", ");
        }
        for part in [code, b" ", agent.as_bytes(), b" ", text] {
            out.extend_from_slice(part);
        }
    }
    out
}

/// Where the first value ends: at a comma outside quotes.
fn end_of_first(list: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in list.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    list.len()
}

fn code_and_text(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (code, rest) = value.split_at_checked(3).filter(|(code, _)| code.iter().all(u8::is_ascii_digit))?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let text = rest.get(rest.iter().position(|c| *c == b' ')?..)?.trim_ascii_start();
    let whole = text.len() > 1 && text.starts_with(b"\"") && text.ends_with(b"\"");
    whole.then_some((code, text))
}

#[cfg(test)]
mod tests {
    use super::restated;

    #[test]
    fn whoever_warned_becomes_this_node_and_the_text_stays() {
        for (value, told) in [
            ("399 10.8.0.31 \"No, really\"", "399 sbc \"No, really\""),
            (
                "307 isi.edu:5060  \"a \\\"b\\\" c\" , 301 [2001:db8::1] \"x\"",
                "307 sbc \"a \\\"b\\\" c\", 301 sbc \"x\"",
            ),
            ("399 host no-quotes, 12 host \"short\", 370 host \"kept\"", "370 sbc \"kept\""),
            ("399", ""),
            ("", ""),
            (",,", ""),
            ("399 host \"open", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&restated(value.as_bytes(), "sbc")), told, "{value}");
        }
    }
}
