//! JSON (RFC 8259) to the tree: a reader of our own, because places are what we need from it.
//!
//! It stops at the first fault of grammar; duplicate keys are faults it goes on after.

use super::Syntax;
use super::tree::{Entry, Span, Table, Value, What};

/// Deepest nesting of lists and tables.
const DEPTH_MAX: usize = 64;

pub(super) fn read(text: &str) -> (Table, Vec<Syntax>) {
    let mut reader = Reader { text, at: 0, depth: 0, faults: Vec::new() };
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    let table = match reader.document() {
        Ok(table) => table,
        Err(fault) => {
            reader.faults.push(fault);
            Table::default()
        }
    };
    (table, reader.faults)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    faults: Vec<Syntax>,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Table, Syntax> {
        self.blanks();
        let value = self.value()?;
        self.blanks();
        if self.at < self.text.len() {
            return Err(self.fault("text after the end of the configuration", "nothing"));
        }
        match value.what {
            What::Table(table) => Ok(table),
            other => {
                self.at = value.span.start;
                Err(self.fault(&format!("the configuration is {}", other.noun()), "a JSON object"))
            }
        }
    }

    fn fault(&self, message: &str, expected: &str) -> Syntax {
        Syntax { at: self.at, message: message.to_owned(), expected: expected.to_owned() }
    }

    /// What stands here, for a message.
    fn here(&self) -> String {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(character) => format!("unexpected `{}`", character.escape_debug()),
            None => "unexpected end of the text".to_owned(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over one byte if it is this.
    fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn value(&mut self) -> Result<Value, Syntax> {
        let start = self.at;
        let what = match self.peek() {
            Some(b'{') => self.deeper(Reader::object)?,
            Some(b'[') => self.deeper(Reader::list)?,
            Some(b'"') => What::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Value { what, span: Span { start, end: self.at } })
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Result<What, Syntax>) -> Result<What, Syntax> {
        if self.depth == DEPTH_MAX {
            return Err(self.fault("nested too deep", "at most 64 levels"));
        }
        self.depth += 1;
        self.at += 1;
        let what = read(self);
        self.depth -= 1;
        what
    }

    fn object(&mut self) -> Result<What, Syntax> {
        let mut table = Table::default();
        self.blanks();
        if self.take(b'}') {
            return Ok(What::Table(table));
        }
        loop {
            self.entry(&mut table)?;
            self.blanks();
            if self.take(b'}') {
                return Ok(What::Table(table));
            }
            if !self.take(b',') {
                return Err(self.fault(&self.here(), "`,` or `}`"));
            }
        }
    }

    fn entry(&mut self, table: &mut Table) -> Result<(), Syntax> {
        self.blanks();
        if self.peek() != Some(b'"') {
            return Err(self.fault(&self.here(), "a key in double quotes"));
        }
        let start = self.at;
        let key = self.string()?;
        let key_span = Span { start, end: self.at };
        self.blanks();
        if !self.take(b':') {
            return Err(self.fault(&self.here(), "`:` after the key"));
        }
        self.blanks();
        let value = self.value()?;
        if table.value(&key).is_some() {
            self.faults.push(Syntax {
                at: start,
                message: format!("key `{key}` is written twice"),
                expected: "one value".to_owned(),
            });
        } else {
            table.entries.push(Entry { key, key_span, value });
        }
        Ok(())
    }

    fn list(&mut self) -> Result<What, Syntax> {
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Ok(What::List(items));
        }
        loop {
            self.blanks();
            items.push(self.value()?);
            self.blanks();
            if self.take(b']') {
                return Ok(What::List(items));
            }
            if !self.take(b',') {
                return Err(self.fault(&self.here(), "`,` or `]`"));
            }
        }
    }

    fn word(&mut self) -> Result<What, Syntax> {
        let rest = self.text.get(self.at..).unwrap_or("");
        for (word, what) in [("true", What::Bool(true)), ("false", What::Bool(false)), ("null", What::Null)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(what);
            }
        }
        Err(self.fault(&self.here(), "a JSON value"))
    }

    fn digits(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault(&self.here(), "a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<What, Syntax> {
        let start = self.at;
        self.take(b'-');
        let first = self.at;
        self.digits()?;
        if self.at > first + 1 && self.text.as_bytes().get(first) == Some(&b'0') {
            self.at = first;
            return Err(self.fault("a number with a leading zero", "the number without it"));
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let written = self.text.get(start..self.at).unwrap_or("");
        let number = if whole { written.parse().ok() } else { None };
        Ok(number.map_or(What::Float, What::Integer))
    }

    fn string(&mut self) -> Result<String, Syntax> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or("");
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            text.push_str(rest.get(..plain).unwrap_or(""));
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => {
                    return Err(self.fault("a control character in a string", "an escape such as `\\n`"));
                }
                None => return Err(self.fault("a string without an end", "`\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Syntax> {
        let fault = self
            .fault("an unknown escape", "one of `\\\"` `\\\\` `\\/` `\\b` `\\f` `\\n` `\\r` `\\t` `\\uXXXX`");
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode().ok_or(fault),
            _ => return Err(fault),
        })
    }

    /// The rest of `\uXXXX`, with its second half when it is a surrogate (RFC 8259 §7).
    fn unicode(&mut self) -> Option<char> {
        let high = self.hex()?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high);
        }
        if !(self.take(b'\\') && self.take(b'u')) {
            return None;
        }
        let low = self.hex()?;
        if !(0xDC00..0xE000).contains(&low) {
            return None;
        }
        char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (usize, String) {
        let (_, faults) = read(text);
        faults.first().map(|f| (f.at, f.message.clone())).unwrap_or_default()
    }

    #[test]
    fn reads_every_kind_of_value() {
        let (table, faults) = read(
            r#" {"a": [1, -2.5, 1e3, true, null, "x\u00e9\ud83d\ude00\n"], "b": {"c": 99999999999999999999}} "#,
        );
        assert!(faults.is_empty());
        let items = table.value("a").unwrap().items();
        assert_eq!(items[0].integer(), Some(1));
        assert_eq!(items[1].what, What::Float);
        assert_eq!(items[2].what, What::Float);
        assert_eq!(items[3].boolean(), Some(true));
        assert_eq!(items[4].what, What::Null);
        assert_eq!(items[5].text(), Some("xé😀\n"));
        assert_eq!(table.table("b").unwrap().value("c").unwrap().what, What::Float);
    }

    #[test]
    fn faults_name_their_place() {
        assert_eq!(fault(r#"{"a": 1,}"#), (8, "unexpected `}`".into()));
        assert_eq!(fault(r#"{"a" 1}"#), (5, "unexpected `1`".into()));
        assert_eq!(fault(r#"{"a": 01}"#), (6, "a number with a leading zero".into()));
        assert_eq!(fault("{\"a\": \"x\ny\"}"), (8, "a control character in a string".into()));
        assert_eq!(fault(r#"{"a": "\ud83d"}"#), (7, "an unknown escape".into()));
        assert_eq!(fault(r#"{"a": 1, "a": 2}"#), (9, "key `a` is written twice".into()));
        assert_eq!(fault(r#"[1]"#), (0, "the configuration is a list".into()));
        assert_eq!(fault(r#"{"a": "#), (6, "unexpected end of the text".into()));
        assert_eq!(fault(r#"{} x"#), (3, "text after the end of the configuration".into()));
        assert_eq!(fault(&"[".repeat(1000)), (64, "nested too deep".into()));
    }
}
