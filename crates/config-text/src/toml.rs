//! TOML to the tree. The grammar is the `toml` crate's; it recovers, so all faults are found at once.

use super::Syntax;
use super::tree::{Entry, Span, Table, Value, What};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

pub(super) fn read(text: &str) -> (Table, Vec<Syntax>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let faults = errors
        .iter()
        .map(|error| Syntax {
            at: error.span().map_or(0, |s| s.start),
            message: message(error, text),
            expected: String::new(),
        })
        .collect();
    (table(root.get_ref()), faults)
}

/// The parser's first line; for a key that is written twice, with the key.
fn message(error: &toml::de::Error, text: &str) -> String {
    let line = error.message().lines().next().unwrap_or("not TOML");
    let key = error.span().and_then(|range| text.get(range)).filter(|_| line == "duplicate key");
    key.map_or_else(|| line.to_owned(), |key| format!("key `{}` is written twice", key.trim()))
}

fn span(range: Range<usize>) -> Span {
    Span { start: range.start, end: range.end }
}

/// Converts a table, its entries in the order of the text. The parser limits the depth.
fn table(from: &DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = from
        .iter()
        .map(|(key, item)| Entry {
            key: key.get_ref().to_string(),
            key_span: span(key.span()),
            value: value(item.get_ref(), span(item.span())),
        })
        .collect();
    entries.sort_by_key(|e| e.key_span.start);
    Table { entries }
}

fn value(from: &DeValue<'_>, span_of: Span) -> Value {
    let what = match from {
        DeValue::String(text) => What::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(What::Float, What::Integer)
        }
        DeValue::Float(_) => What::Float,
        DeValue::Boolean(truth) => What::Bool(*truth),
        DeValue::Datetime(_) => What::Date,
        DeValue::Array(items) => {
            What::List(items.iter().map(|item| value(item.get_ref(), span(item.span()))).collect())
        }
        DeValue::Table(inner) => What::Table(table(inner)),
    };
    Value { what, span: span_of }
}
