//! Lines and tokens: the only place that splits bytes.
//!
//! Tolerant where the field needs it and no byte is lost by it: LF alone ends a line, empty lines
//! and trailing NULs are passed over, runs of blanks separate like one (RFC 8866 §5 and §9).

/// One `<letter>=<value>` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The type letter; 0 where the line is not of the form `<letter>=<value>`.
    pub kind: u8,
    /// Everything after the `=`, without the line end.
    pub value: &'a [u8],
    /// Number within the iterated bytes, counted from 1; empty lines count.
    pub number: u32,
    /// Offset of the line's first byte within the iterated bytes.
    pub(crate) start: usize,
    /// Offset just behind the line's end.
    pub(crate) next: usize,
}

/// Iterates over the non-empty lines of a description or a part of one.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: u32,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Lines<'a> {
        Lines { bytes, at: 0, number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let start = self.at;
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.at = (start + end + 1).min(self.bytes.len());
            self.number = self.number.saturating_add(1);
            let raw = rest.get(..end).map(trim_line_end).unwrap_or_default();
            if raw.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | 0)) {
                continue;
            }
            let (kind, value) = match raw {
                [kind, b'=', value @ ..] if kind.is_ascii_alphabetic() => (*kind, value),
                _ => (0, raw),
            };
            return Some(Line { kind, value, number: self.number, start, next: self.at });
        }
    }
}

fn trim_line_end(mut raw: &[u8]) -> &[u8] {
    while let [head @ .., b'\r' | 0] = raw {
        raw = head;
    }
    raw
}

/// The blank-separated tokens of a value, each with what follows it.
pub(crate) fn tokens<'a>(value: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
    value.split(|byte| is_blank(*byte)).filter(|token| !token.is_empty())
}

/// The first token and the rest behind it, both trimmed of blanks.
pub(crate) fn first_token(value: &[u8]) -> (&[u8], &[u8]) {
    let value = trim(value);
    match value.iter().position(|byte| is_blank(*byte)) {
        Some(at) => (value.get(..at).unwrap_or_default(), trim(value.get(at..).unwrap_or_default())),
        None => (value, &[]),
    }
}

/// The value before its last token, and the last token; both trimmed of blanks.
pub(crate) fn last_token(value: &[u8]) -> (&[u8], &[u8]) {
    let value = trim(value);
    match value.iter().rposition(|byte| is_blank(*byte)) {
        Some(at) => (trim(value.get(..at).unwrap_or_default()), value.get(at + 1..).unwrap_or_default()),
        None => (&[], value),
    }
}

pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = value {
        if !is_blank(*first) {
            break;
        }
        value = rest;
    }
    while let [rest @ .., last] = value {
        if !is_blank(*last) {
            break;
        }
        value = rest;
    }
    value
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// A decimal number of digits only, refused above `max`.
pub(crate) fn number(token: &[u8], max: u32) -> Option<u32> {
    if token.is_empty() {
        return None;
    }
    let mut value: u32 = 0;
    for byte in token {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(u32::from(digit))?;
        if value > max {
            return None;
        }
    }
    Some(value)
}

/// An attribute's name and value: `name` or `name:value` (RFC 8866 §5.13).
pub(crate) fn attribute(value: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', value) {
        Some(at) => (trim(value.get(..at).unwrap_or_default()), value.get(at + 1..).unwrap_or_default()),
        None => (trim(value), &[]),
    }
}

/// The values of the a= lines called `name` in a part of a description.
pub(crate) fn attributes<'a, 'n>(
    part: &'a [u8],
    name: &'n [u8],
) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
    Lines::new(part).filter(|line| line.kind == b'a').filter_map(move |line| {
        let (found, value) = attribute(line.value);
        found.eq_ignore_ascii_case(name).then(|| trim(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_crlf_lf_or_the_bytes() {
        let lines: Vec<_> =
            Lines::new(b"v=0\r\n\r\no=x\ns=\r\r\na=y\0\0").map(|l| (l.number, l.kind, l.value)).collect();
        assert_eq!(lines, [(1, b'v', &b"0"[..]), (3, b'o', b"x"), (4, b's', b""), (5, b'a', b"y")]);
    }

    #[test]
    fn a_line_without_type_is_shown_as_such() {
        assert_eq!(Lines::new(b"=0\n").next().map(|l| l.kind), Some(0));
        assert_eq!(Lines::new(b"1=0\n").next().map(|l| l.kind), Some(0));
        assert_eq!(Lines::new(b"v\n").next().map(|l| l.kind), Some(0));
        assert!(Lines::new(b" \r\n\0\0").next().is_none());
    }

    #[test]
    fn numbers_are_digits_within_bounds() {
        assert_eq!(number(b"127", 127), Some(127));
        for bad in [&b""[..], b"128", b"-1", b"+1", b"1 ", b"99999999999999999999"] {
            assert_eq!(number(bad, 127), None);
        }
    }

    #[test]
    fn tokens_fall_at_any_run_of_blanks() {
        assert_eq!(tokens(b"  a \t b  ").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(first_token(b" a  b c "), (&b"a"[..], &b"b c"[..]));
        assert_eq!(last_token(b" a  b c "), (&b"a  b"[..], &b"c"[..]));
    }
}
