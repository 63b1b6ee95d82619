//! Places in a text: from byte offsets to lines and columns.

use super::tree::Span;

/// A place in a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Default for Place {
    /// The beginning of the text.
    fn default() -> Place {
        Place { line: 1, column: 1 }
    }
}

/// The place of a byte offset in a text; one beyond the end counts as the end.
#[must_use]
pub fn place(text: &str, offset: usize) -> Place {
    Source::new(text).place(offset)
}

/// A text that can say on which line an offset is.
pub struct Source<'a> {
    text: &'a str,
    /// Offset of each line's first byte.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Finds the lines.
    #[must_use]
    pub fn new(text: &'a str) -> Source<'a> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Source { text, lines: std::iter::once(0).chain(ends).collect() }
    }

    /// Line and column of a byte offset, both from 1, the column in characters. An offset beyond the
    /// end or inside a character counts as the nearest place before it.
    #[must_use]
    pub fn position(&self, offset: usize) -> (u32, u32) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        let column = before.trim_start_matches('\u{feff}').chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The place of an offset.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        let (line, column) = self.position(offset);
        Place { line, column }
    }

    /// The line of an offset, from 1.
    #[must_use]
    pub fn line(&self, offset: usize) -> u32 {
        self.position(offset).0
    }

    /// Where byte `inner` of a string's decoded text is written. Multi-line strings give their start.
    #[must_use]
    pub fn inside(&self, span: Span, inner: usize) -> usize {
        let raw = self.text.get(span.start..span.end).unwrap_or("");
        let multi_line = raw.starts_with("'''") || raw.starts_with("\"\"\"");
        if multi_line {
            return span.start;
        }
        if raw.starts_with('\'') {
            return span.start + 1 + inner;
        }
        let Some(body) = raw.strip_prefix('"') else { return span.start };
        span.start + 1 + escaped_offset(body, inner)
    }
}

/// The offset in a basic string's body at which `inner` decoded bytes have been written.
fn escaped_offset(body: &str, inner: usize) -> usize {
    let mut decoded = 0;
    let mut rest = body;
    while decoded < inner && !rest.is_empty() {
        let (raw_len, decoded_len) = one_character(rest);
        decoded += decoded_len;
        rest = rest.get(raw_len..).unwrap_or("");
    }
    body.len() - rest.len()
}

/// Written and decoded length of the first character of a basic string's body.
fn one_character(rest: &str) -> (usize, usize) {
    let Some(escape) = rest.strip_prefix('\\') else {
        let len = rest.chars().next().map_or(1, char::len_utf8);
        return (len, len);
    };
    let digits = match escape.bytes().next() {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        _ => return (2, 1),
    };
    let code = escape.get(1..1 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    (2 + digits, code.and_then(char::from_u32).map_or(1, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let source = Source::new("ab\nöü=1\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 3));
        assert_eq!(source.position(3), (2, 1));
        assert_eq!(source.position(7), (2, 3));
        assert_eq!(source.position(4), (2, 1), "inside a character");
        assert_eq!(source.position(999), (3, 1));
    }

    #[test]
    fn offsets_inside_strings_follow_escapes() {
        let text = r#"a = "x\\d\u00e9(" "#;
        let source = Source::new(text);
        let span = Span { start: 4, end: text.len() - 1 };
        assert_eq!(text.as_bytes()[source.inside(span, 2)], b'd');
        assert_eq!(text.as_bytes()[source.inside(span, 5)], b'(');
        assert_eq!(source.inside(span, 999), text.len() - 1);
    }
}
