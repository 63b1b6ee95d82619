//! Warning: ours, and a peer's on its way across, whose text stays while whoever warned becomes this node (RFC
//! 3261 §20.43: warn-agent).

use crate::headers::{decimal, push_parts};
use base::{ReasonId, names_place};

/// Appends a Warning of ours (RFC 3261 §20.43): a short text that says nothing of this node's configuration.
pub fn push_warning(rows: &mut Vec<u8>, host: &str, (code, text): (u16, &'static str)) {
    let mut digits = [0; 20];
    let code = decimal(u64::from(code), &mut digits);
    push_parts(rows, b"Warning", &[code, b" ", host.as_bytes(), b" \"", text.as_bytes(), b"\""]);
}

/// Appends the stable id of a reason as a Warning; what to do about it is told in record and log alone.
pub fn push_reason_id(rows: &mut Vec<u8>, host: &str, reason: ReasonId) {
    push_warning(rows, host, (399, reason.id()));
}

/// A Warning value with `agent` instead of who warned; values that break the grammar are left out. Empty when
/// nothing is left. `plain`: without texts that name a host.
pub(crate) fn restated(value: &[u8], agent: &str, plain: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while !rest.is_empty() {
        let (one, more) = rest.split_at(end_of_first(rest));
        rest = more.get(1..).unwrap_or_default();
        let Some((code, text)) = code_and_text(one.trim_ascii()) else { continue };
        let text = if plain && names_place(text) { &b"\"-\""[..] } else { text };
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
            ("399 host \"at 10.8.0.31\"", "399 sbc \"-\""),
        ] {
            assert_eq!(String::from_utf8_lossy(&restated(value.as_bytes(), "sbc", true)), told, "{value}");
        }
    }
}
