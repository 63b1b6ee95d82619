//! The tree: values with the place where they stand.

/// Byte offsets in the text, `start..end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
}

/// A value and its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    /// The value.
    pub what: What,
    /// Its place.
    pub span: Span,
}

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A string, decoded.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number that is no 64-bit integer.
    Float,
    /// `true` or `false`.
    Bool(bool),
    /// A date or time, which no key of ours takes.
    Date,
    /// `null` of JSON.
    Null,
    /// A list.
    List(Vec<Value>),
    /// A table.
    Table(Table),
}

impl What {
    /// What it is, with its article.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            What::Text(_) => "a string",
            What::Integer(_) => "an integer",
            What::Float => "a number with a fraction or beyond 64 bits",
            What::Bool(_) => "a boolean",
            What::Date => "a date or time",
            What::Null => "null",
            What::List(_) => "a list",
            What::Table(_) => "a table",
        }
    }
}

/// Keys and values in the order of the text.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// Them.
    pub entries: Vec<Entry>,
}

/// One key and its value.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// The key, decoded.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Value,
}

impl Table {
    /// The entry of a key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|e| &e.value)
    }

    /// The table at a key.
    #[must_use]
    pub fn table(&self, key: &str) -> Option<&Table> {
        self.value(key).and_then(Value::table)
    }

    /// The entries of the table at a key, none when it is missing or something else.
    #[must_use]
    pub fn entries_of(&self, key: &str) -> &[Entry] {
        self.table(key).map_or(&[], |t| &t.entries)
    }

    /// The tables of a list of tables at a key, with their values' places.
    #[must_use]
    pub fn tables_of(&self, key: &str) -> Vec<(Span, &Table)> {
        let items = self.value(key).map_or(&[][..], Value::items);
        items.iter().filter_map(|v| v.table().map(|t| (v.span, t))).collect()
    }
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self.what {
            What::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        match self.what {
            What::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// The table, if it is one.
    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        match &self.what {
            What::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The items of a list; a value that is no list is its own only item.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        match &self.what {
            What::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}
