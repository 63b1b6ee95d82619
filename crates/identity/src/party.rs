//! A person or a line as a header names it: number and display name.

use crate::received::number_of;
use sip_msg::{NameAddr, Scheme, Uri, unquote};

/// The longest display name that is kept, in characters: limit `display_name`.
const DISPLAY_MAX: usize = 128;

/// Words in the user part that name nobody (RFC 3323 §4.1.1.3 and common practice).
const NOBODY: [&str; 4] = ["anonymous", "restricted", "unknown", "unavailable"];

/// Who a header names.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Party {
    /// The user part or tel number, as received; empty when there is none.
    pub number: Box<str>,
    /// The display name, without quotes and escapes; empty when there is none.
    pub display: Box<str>,
}

impl Party {
    /// Reads an address; `None` when it names no user of sip, sips or tel.
    pub fn of(address: &NameAddr<'_>) -> Option<Party> {
        let number = number_of(address.uri);
        let party = Party { number, display: display_of(address.display) };
        (!party.number.is_empty()).then_some(party)
    }

    /// The first of several addresses that names somebody; P-Asserted-Identity may hold two, one of
    /// them tel (RFC 3325 §9.1).
    pub fn first<'a>(elements: impl Iterator<Item = &'a [u8]>) -> Option<Party> {
        elements.filter_map(|element| Party::of(&NameAddr::parse(element).ok()?)).find(|p| !p.is_nobody())
    }

    /// Whether it only says that the caller does not want to be known.
    #[inline]
    pub fn is_nobody(&self) -> bool {
        is_nobody(&self.number)
    }
}

/// Whether a user part says that the caller does not want to be known.
#[inline]
pub fn is_nobody(number: &str) -> bool {
    NOBODY.iter().any(|word| number.eq_ignore_ascii_case(word))
}

/// Whether a URI's host is one that stands for nobody (RFC 3323 §4.1.1.3).
pub(crate) fn is_anonymous_host(uri: &[u8]) -> bool {
    let Ok(uri) = Uri::parse(uri) else { return false };
    uri.scheme != Scheme::Other && uri.host.eq_ignore_ascii_case(b"anonymous.invalid")
}

/// A display name as text: quotes and escapes taken off, bytes that are no UTF-8 read as Latin-1,
/// folds and control characters made blanks (RFC 3261 §25.1 `quoted-string`).
pub(crate) fn display_of(written: &[u8]) -> Box<str> {
    let quoted = written.first() == Some(&b'"');
    let mut bytes = Vec::with_capacity(written.len());
    let mut escaped = false;
    for &byte in unquote(written) {
        if quoted && byte == b'\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        bytes.push(byte);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|&byte| char::from(byte)));
    }
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = plain.take(DISPLAY_MAX).collect();
    cut.trim().into()
}

/// Appends a display name as a quoted string with a blank behind it; nothing for none.
pub(crate) fn push_display(out: &mut Vec<u8>, display: &str) {
    if display.is_empty() {
        return;
    }
    out.push(b'"');
    for byte in display.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(if byte < 0x20 || byte == 0x7f { b' ' } else { byte });
    }
    out.extend_from_slice(b"\" ");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &[u8], text: &str, quoted: &str) {
        assert_eq!(&*display_of(written), text);
        let mut out = Vec::new();
        push_display(&mut out, &display_of(written));
        assert_eq!(String::from_utf8(out).unwrap(), quoted);
    }

    #[test]
    fn display_names_are_read_and_quoted() {
        check(b"", "", "");
        check(b"Alice", "Alice", "\"Alice\" ");
        check(b"\"A, B\"", "A, B", "\"A, B\" ");
        check(b"\"say \\\"x\\\\y\\\"\"", "say \"x\\y\"", "\"say \\\"x\\\\y\\\"\" ");
        check("\"Jürgen\"".as_bytes(), "Jürgen", "\"Jürgen\" ");
        check(b"\"J\xfcrgen\"", "Jürgen", "\"Jürgen\" ");
        check(b"\"a\r\n b\x01c\\\x00\"", "a   b c", "\"a   b c\" ");
        check(b"\"\"", "", "");
        check(&[b'x'; 300], &"x".repeat(128), &format!("\"{}\" ", "x".repeat(128)));
    }

    #[test]
    fn somebody_is_found_among_addresses() {
        let first = |list: &[&[u8]]| Party::first(list.iter().copied()).map(|p| p.number);
        assert_eq!(first(&[b"<sip:x", b"<sip:example.com>", b"<tel:+4930>"]).as_deref(), Some("+4930"));
        assert_eq!(first(&[b"\"A\" <sip:+49%3030@h;user=phone>"]).as_deref(), Some("+49030"));
        assert_eq!(first(&[b"<sip:anonymous@anonymous.invalid>", b"<mailto:x@y>"]), None);
    }
}
