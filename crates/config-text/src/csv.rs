//! Tables in text: lines and cells (RFC 4180, with `;` and tabs as well), with their places.

use std::borrow::Cow;

/// One cell: where its text begins in the whole, and the text.
pub struct Cell<'a> {
    /// Byte offset.
    pub at: usize,
    /// Without quotes and blanks around it.
    pub text: Cow<'a, str>,
}

/// Lines that say something, with their beginnings: neither blank nor remarks (`#`).
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let all = text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line)
    });
    all.map(|(start, line)| {
        let bare = line.trim_end_matches(['\n', '\r']);
        let shown = bare.trim_start_matches('\u{feff}');
        (start + bare.len() - shown.len(), shown)
    })
    .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

/// What separates the columns of a table with this head.
#[must_use]
pub fn separator(head: &str) -> char {
    [';', '\t'].into_iter().find(|&mark| head.contains(mark)).unwrap_or(',')
}

/// Reads the cells of a line into `cells`, blanks around them taken off; `false` when a quote is not closed.
pub fn cells<'a>(start: usize, line: &'a str, mark: char, cells: &mut Vec<Cell<'a>>) -> bool {
    cells.clear();
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let opened = rest.get(blanks..).and_then(|cell| cell.strip_prefix('"'));
        let (len, cell) = match opened {
            Some(inner) => match quoted(inner) {
                Some((len, text)) => (blanks + 1 + len, Cell { at: start + at + blanks + 1, text }),
                None => return false,
            },
            None => {
                let len = rest.find(mark).unwrap_or(rest.len());
                let text = rest.get(..len).unwrap_or_default().trim();
                (len, Cell { at: start + at + blanks.min(len), text: Cow::Borrowed(text) })
            }
        };
        cells.push(cell);
        // Behind a closing quote only blanks may stand before the next mark; they are stepped over.
        let behind = line.get(at + len..).unwrap_or_default();
        let Some(next) = behind.find(mark) else { return behind.trim().is_empty() };
        if !behind.get(..next).unwrap_or_default().trim().is_empty() {
            return false;
        }
        at += len + next + mark.len_utf8();
    }
}

/// A quoted cell behind its first quote: its length with the closing quote, and its text.
fn quoted(inner: &str) -> Option<(usize, Cow<'_, str>)> {
    let mut end = 0;
    loop {
        end += inner.get(end..)?.find('"')?;
        if !inner.get(end + 1..)?.starts_with('"') {
            break;
        }
        end += 2;
    }
    let text = inner.get(..end)?;
    let text = if text.contains('"') { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) };
    Some((end + 1, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, mark: char) -> Option<Vec<(usize, String)>> {
        let mut found = Vec::new();
        cells(100, line, mark, &mut found).then(|| found.iter().map(|c| (c.at, c.text.to_string())).collect())
    }

    #[test]
    fn cells_and_their_places() {
        let cell = |at, text: &str| (at, text.to_owned());
        assert_eq!(
            read("a, b,,c", ','),
            Some(vec![cell(100, "a"), cell(103, "b"), cell(105, ""), cell(106, "c")])
        );
        assert_eq!(read("\"a,\"\"b\"\"\" ;x", ';'), Some(vec![cell(101, "a,\"b\""), cell(111, "x")]));
        assert_eq!(read("a,", ','), Some(vec![cell(100, "a"), cell(102, "")]));
        assert_eq!(read("\"a", ','), None);
        assert_eq!(read("\"a\"b,c", ','), None);
    }

    #[test]
    fn blank_lines_and_remarks_are_passed_over() {
        let text = "\u{feff}prefix,price\r\n\n# remark\n49,1\n";
        let found: Vec<(usize, &str)> = lines(text).collect();
        assert_eq!(found, [(3, "prefix,price"), (27, "49,1")]);
        assert_eq!((separator("a;b,c"), separator("a\tb"), separator("a,b")), (';', '\t', ','));
    }
}
