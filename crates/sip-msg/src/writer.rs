//! [`Writer`] appends one message to a buffer that the caller keeps.
//!
//! No CR, LF or NUL of a value ever reaches the wire: a folded value is unfolded, any other such byte becomes a
//! space, so a value can never start a header of its own. Content-Length is written by [`Writer::finish`] alone.

use crate::chars::{part, skip, token_byte};
use crate::name::Name;

/// One message being written. Drop it without [`Writer::finish`] and the buffer holds an unfinished head.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
}

impl<'b> Writer<'b> {
    /// Starts a request. Bytes that may not stand in a method become `-`, those that may not stand in a URI are
    /// escaped.
    pub fn request(out: &'b mut Vec<u8>, method: &[u8], uri: &[u8]) -> Writer<'b> {
        push_token(out, method);
        out.push(b' ');
        push_uri(out, uri);
        out.extend_from_slice(b" SIP/2.0\r\n");
        Writer { out }
    }

    /// Starts a response. `status` is written as three digits, kept within 100 to 699.
    pub fn response(out: &'b mut Vec<u8>, status: u16, reason: &[u8]) -> Writer<'b> {
        out.extend_from_slice(b"SIP/2.0 ");
        push_number(out, u64::from(status.clamp(100, 699)));
        out.push(b' ');
        push_value(out, reason);
        out.extend_from_slice(b"\r\n");
        Writer { out }
    }

    /// Adds a row. [`Name::Other`] (use [`Writer::raw_header`]) and Content-Length write nothing.
    pub fn header(&mut self, name: Name, value: &[u8]) -> &mut Self {
        self.header_parts(name, &[value])
    }

    /// Adds a row whose value is all `parts` in order, nothing between them.
    pub fn header_parts(&mut self, name: Name, parts: &[&[u8]]) -> &mut Self {
        if !matches!(name, Name::Other | Name::ContentLength) {
            push_row(self.out, name.as_str().as_bytes(), parts);
        }
        self
    }

    /// Adds a row with a decimal number.
    pub fn header_number(&mut self, name: Name, number: u64) -> &mut Self {
        let mut digits = [0; 20];
        self.header(name, decimal(number, &mut digits))
    }

    /// Adds a row with a name spelled by the caller. Bytes that may not stand in a name become `-`; an empty
    /// name and Content-Length in any spelling write nothing.
    pub fn raw_header(&mut self, name: &[u8], value: &[u8]) -> &mut Self {
        if !name.is_empty() && Name::from_bytes(name) != Name::ContentLength {
            push_token(self.out, name);
            push_rest_of_row(self.out, &[value]);
        }
        self
    }

    /// Adds rows that we wrote ourselves earlier, complete with CRLF. Rows that do not end with CRLF, or hold an
    /// empty line, would break the message and write nothing.
    pub fn lines(&mut self, rows: &[u8]) -> &mut Self {
        let whole = rows.ends_with(b"\r\n") && !rows.starts_with(b"\r\n");
        if whole && memchr::memmem::find(rows, b"\r\n\r\n").is_none() {
            self.out.extend_from_slice(rows);
        }
        self
    }

    /// Ends the message: Content-Type if there is a body, Content-Length, the empty line, the body.
    pub fn finish(self, content_type: &[u8], body: &[u8]) {
        if !body.is_empty() && !content_type.is_empty() {
            push_row(self.out, b"Content-Type", &[content_type]);
        }
        push_content_length(self.out, body.len());
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(body);
    }
}

/// One row with a name known to be a token.
pub(crate) fn push_row(out: &mut Vec<u8>, name: &[u8], parts: &[&[u8]]) {
    out.extend_from_slice(name);
    push_rest_of_row(out, parts);
}

fn push_rest_of_row(out: &mut Vec<u8>, parts: &[&[u8]]) {
    out.extend_from_slice(b": ");
    for part in parts {
        push_value(out, part);
    }
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn push_content_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(b"Content-Length: ");
    push_number(out, length as u64);
    out.extend_from_slice(b"\r\n");
}

/// A header value or reason phrase, safe inside one line.
#[inline]
pub(crate) fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    if memchr::memchr3(b'\r', b'\n', 0, value).is_none() {
        out.extend_from_slice(value);
    } else {
        push_unfolded(out, value);
    }
}

/// Each fold becomes one space (RFC 3261 §7.3.1), each other CR, LF or NUL too.
#[cold]
fn push_unfolded(out: &mut Vec<u8>, value: &[u8]) {
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        if !matches!(byte, b'\r' | b'\n' | 0) {
            out.push(*byte);
            at += 1;
            continue;
        }
        let after = skip(value, at, |byte| matches!(byte, b'\r' | b'\n'));
        let folded = after > at && matches!(value.get(after), Some(b' ' | b'\t'));
        at = if folded { skip(value, after, |byte| matches!(byte, b' ' | b'\t')) } else { at + 1 };
        out.push(b' ');
    }
}

fn push_token(out: &mut Vec<u8>, token: &[u8]) {
    out.extend(token.iter().map(|byte| if token_byte(*byte) { *byte } else { b'-' }));
}

/// Bytes that would end or break the Request-URI are escaped.
pub(crate) fn push_uri(out: &mut Vec<u8>, uri: &[u8]) {
    let mut clean = 0;
    for (at, byte) in uri.iter().enumerate() {
        if *byte <= 0x20 || *byte == 0x7f {
            out.extend_from_slice(part(uri, clean, at));
            let digit = |nibble: u8| {
                char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase() as u8
            };
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            clean = at + 1;
        }
    }
    out.extend_from_slice(part(uri, clean, uri.len()));
}

pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    out.extend_from_slice(decimal(number, &mut digits));
}

/// The digits of `number`, in `digits`.
pub(crate) fn decimal(number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    let mut rest = number;
    // A u64 has at most 20 digits, so every place exists.
    for place in digits.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        start -= 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Index, Leniency, Limits, parse};

    fn check(value: &[u8], expected: &[u8]) {
        let mut out = Vec::new();
        push_value(&mut out, value);
        assert_eq!(out, expected, "{}", String::from_utf8_lossy(value));
    }

    #[test]
    fn folds_are_unfolded_and_bad_bytes_blanked() {
        check(b"plain \xfc value", b"plain \xfc value");
        check(b"a\r\n b\r\n\t  c", b"a b c");
        check(b"a\r\nVia: x", b"a  Via: x");
        check(b"a\rb\nc\0d", b"a b c d");
        check(b"\r\n\r\n x", b" x");
    }

    #[test]
    fn what_is_written_parses_with_the_same_values() {
        let mut out = Vec::new();
        let mut writer = Writer::request(&mut out, b"INV ITE", b"sip:a b@c\r\nX: y");
        writer.header(Name::From, b"<sip:a@b>;tag=1\r\nEvil: yes").header_number(Name::MaxForwards, 70);
        writer.header_parts(Name::CSeq, &[b"1", b" ", b"INVITE"]).raw_header(b"X-A:\r\n", b"v");
        writer
            .raw_header(b"l", b"99")
            .header(Name::ContentLength, b"98")
            .lines(b"To: <sip:x>\r\n")
            .lines(b"bad");
        writer.finish(b"application/sdp", b"v=0\r\n");
        let mut index = Index::new();
        let message = parse(&out, &mut index, &Limits::default(), Leniency::default()).unwrap();
        assert_eq!(message.method_token(), b"INV-ITE");
        assert_eq!(message.request_uri(), b"sip:a%20b@c%0D%0AX:%20y");
        assert_eq!(message.headers().count(), 7);
        assert!(message.row_named("Evil").next().is_none());
        assert_eq!(message.row_named("X-A---").next(), Some(&b"v"[..]));
        assert_eq!((message.max_forwards(), message.body()), (Ok(Some(70)), &b"v=0\r\n"[..]));
        assert!(message.is_sdp());
    }

    #[test]
    fn responses_and_numbers() {
        let mut out = Vec::new();
        Writer::response(&mut out, 200, b"OK\r\n").finish(b"", b"");
        assert_eq!(out, b"SIP/2.0 200 OK  \r\nContent-Length: 0\r\n\r\n");
        let mut digits = [0; 20];
        assert_eq!(decimal(u64::MAX, &mut digits), b"18446744073709551615");
        assert_eq!(decimal(0, &mut digits), b"0");
    }
}
