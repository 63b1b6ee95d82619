//! Comma-separated header values over all rows of a name (RFC 3261 §7.3.1), quotes and angle brackets respected.

use crate::chars::{part, skip_quoted, trim};
use crate::message::{Msg, RowsOf};
use crate::name::Name;

/// The elements of one value, trimmed, empty ones left out. Commas inside quotes or `<>` do not separate.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    Elements { rest: value }
}

#[derive(Clone, Debug, Default)]
struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let comma = top_level_comma(self.rest);
            let element = trim(part(self.rest, 0, comma));
            self.rest = part(self.rest, comma.saturating_add(1), self.rest.len());
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

/// The position of the first comma outside quotes and brackets, or the length. An unclosed quote or bracket
/// reaches to the end: it hides the rest rather than splitting it at a comma that may be quoted.
pub(crate) fn top_level_comma(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr3(b',', b'"', b'<', rest)) {
        let found = at + found;
        let after = match bytes.get(found) {
            Some(b',') => return found,
            Some(b'"') => skip_quoted(bytes, found),
            _ => bytes.get(found..).and_then(|rest| memchr::memchr(b'>', rest)).map(|end| found + end + 1),
        };
        match after {
            Some(after) => at = after,
            None => break,
        }
    }
    bytes.len()
}

/// Iterator of [`Msg::list`].
#[derive(Clone, Debug)]
pub struct List<'a> {
    rows: RowsOf<'a>,
    row: Elements<'a>,
}

impl<'a> List<'a> {
    pub(crate) fn new(message: Msg<'a>, name: Name) -> List<'a> {
        List { rows: RowsOf::new(message, name), row: Elements::default() }
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if let Some(element) = self.row.next() {
                return Some(element);
            }
            self.row = Elements { rest: self.rows.next()? };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &[&str]) {
        let found: Vec<_> = elements(value.as_bytes()).map(|e| std::str::from_utf8(e).unwrap()).collect();
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        check("a, b ,c", &["a", "b", "c"]);
        check("\"x, y\" <sip:a,b@c>;p=\"1,2\", <sip:d>", &["\"x, y\" <sip:a,b@c>;p=\"1,2\"", "<sip:d>"]);
        check(",, a ,,", &["a"]);
        check("\"open, a", &["\"open, a"]);
        check("<sip:open, a", &["<sip:open, a"]);
        check("\"q\\\"x, y\", z", &["\"q\\\"x, y\"", "z"]);
        check("", &[]);
    }
}
