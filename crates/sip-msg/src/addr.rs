//! Name and address: `"Alice" <sip:a@b>;tag=1` or `sip:a@b;tag=1` (RFC 3261 §20.10, §25.1 `name-addr`).

use crate::chars::{lws_byte, part, skip_lws, skip_quoted, trim};
use crate::header::HeaderError;
use crate::name::Name;
use crate::params::Params;

/// One address with its display name and header parameters. The URI is not judged here: see [`crate::Uri`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes kept, any bytes above 0x7f intact; empty if absent.
    pub display: &'a [u8],
    /// The URI without brackets.
    pub uri: &'a [u8],
    /// The header's parameters (those of the URI are inside `uri`).
    pub params: Params<'a>,
    /// The whole element.
    pub raw: &'a [u8],
}

impl<'a> NameAddr<'a> {
    /// Reads one element (of [`crate::Msg::list`], or a whole single value).
    pub fn parse(element: &'a [u8]) -> Result<NameAddr<'a>, HeaderError> {
        NameAddr::parse_in(Name::Other, element)
    }

    /// Like [`NameAddr::parse`]; errors carry the header's name.
    pub fn parse_in(name: Name, element: &'a [u8]) -> Result<NameAddr<'a>, HeaderError> {
        let fail = |expected, offset| Err(HeaderError::malformed(name, expected, offset));
        let raw = trim(element);
        let open = match raw.first() {
            Some(b'<') => Some(0),
            Some(b'"') => {
                let Some(quote_end) = skip_quoted(raw, 0) else {
                    return fail("a closing quote", 0);
                };
                let open = skip_lws(raw, quote_end);
                if raw.get(open) != Some(&b'<') {
                    return fail("< after the display name", open);
                }
                Some(open)
            }
            Some(_) => memchr::memchr(b'<', raw),
            None => return fail("an address", 0),
        };
        let (display, uri, uri_start, after) = match open {
            Some(open) => {
                let display = trim(part(raw, 0, open));
                if let Some(offset) = stray_in_display(display) {
                    return fail("quotes around such a display name", offset);
                }
                let Some(length) = raw.get(open..).and_then(|rest| memchr::memchr(b'>', rest)) else {
                    return fail("> after the URI", raw.len());
                };
                (display, part(raw, open + 1, open + length), open + 1, open + length + 1)
            }
            None => {
                // Without brackets every semicolon starts a header parameter (RFC 3261 §20.10).
                let end = memchr::memchr(b';', raw).unwrap_or(raw.len());
                (&[][..], trim(part(raw, 0, end)), 0, end)
            }
        };
        if let Some(offset) = stray_in_uri(uri, open.is_some()) {
            return fail("a URI", uri_start + offset);
        }
        match Params::check(raw, after, |_| {}) {
            Ok(end) if end == raw.len() => {
                Ok(NameAddr { display, uri, params: Params::new(part(raw, after, raw.len())), raw })
            }
            Ok(offset) => fail("one address, no comma", offset),
            Err(offset) => fail("a parameter", offset),
        }
    }

    /// The tag parameter (RFC 3261 §19.3), if it has a value.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The display name without quotes, escapes still inside.
    pub fn display_text(&self) -> &'a [u8] {
        crate::chars::unquote(self.display)
    }
}

/// An unquoted display name may hold more than RFC 3261's tokens (brackets, slashes and bytes above 0x7f occur
/// in the field), but nothing that another parser could take for structure.
fn stray_in_display(display: &[u8]) -> Option<usize> {
    if display.first() == Some(&b'"') {
        return None;
    }
    let stray = |byte: &u8| {
        matches!(byte, b'"' | b',' | b';' | b':' | b'@' | b'>' | b'\\' | 0x7f)
            || (*byte < 0x20 && !lws_byte(*byte))
    };
    display.iter().position(stray)
}

/// Blanks and brackets never stand in a URI; outside brackets neither do `?` and `,` (RFC 3261 §20.10).
fn stray_in_uri(uri: &[u8], bracketed: bool) -> Option<usize> {
    if uri.is_empty() {
        return Some(0);
    }
    let stray = |byte: &u8| match byte {
        b'<' | b'>' | b'"' | 0x7f => true,
        b'?' | b',' => !bracketed,
        byte => *byte <= 0x20,
    };
    uri.iter().position(stray)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &[u8], display: &[u8], uri: &[u8], tag: Option<&[u8]>) {
        let address = NameAddr::parse(value).unwrap();
        assert_eq!((address.display, address.uri, address.tag()), (display, uri, tag));
    }

    #[test]
    fn reads_all_forms() {
        check(b"\"A, B\" <sip:a@b;x=1>;tag=t", b"\"A, B\"", b"sip:a@b;x=1", Some(b"t"));
        check(b"sip:a@b;tag=t", b"", b"sip:a@b", Some(b"t"));
        check(b"caller<sip:a@b>;tag=323", b"caller", b"sip:a@b", Some(b"323"));
        check(b"<sip:a@b>", b"", b"sip:a@b", None);
        check(b"J\xfcrgen M (Sales) <tel:+1>", b"J\xfcrgen M (Sales)", b"tel:+1", None);
        check(b"\"\\\"x\\\"\"\r\n <sip:a>\r\n ; tag\r\n = 1", b"\"\\\"x\\\"\"", b"sip:a", Some(b"1"));
    }

    #[test]
    fn refuses_what_breaks_the_grammar() {
        for bad in [
            &b""[..],
            b"<>",
            b"\"open <sip:a@b>",
            b"Bell, Alexander <sip:a@b>;tag=43",
            b"<sip:a@b",
            b"< sip:a@b >",
            b"sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            b"<sip:a@b>, <sip:c@d>",
            b"<sip:a@b>;;tag=1",
            b"\"a\" b <sip:a@b>",
            b"<sip:a@b> x",
            b"sip:a b",
            b"sip:a@b>",
            b"*x <sip:a@b>;tag=\"o",
        ] {
            assert!(NameAddr::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
