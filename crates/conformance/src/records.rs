//! The records that a server wrote, read from its JSON lines.

use crate::place::Place;
use serde_json::Value;
use std::collections::BTreeMap;

/// All records so far, in order.
///
/// # Panics
/// A line is not JSON.
#[must_use]
pub fn all(place: &Place) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path("records.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or(""));
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

/// Waits until there are `count` records.
///
/// # Panics
/// There are fewer when the deadline passes, or more.
#[must_use]
pub fn await_count(place: &Place, count: usize) -> Vec<Value> {
    let enough = crate::await_some(|| Some(all(place)).filter(|r| r.len() >= count));
    let records = enough.unwrap_or_else(|| all(place));
    assert_eq!(records.len(), count, "records");
    records
}

/// How many records each Call-ID of a caller has.
#[must_use]
pub fn by_call_id(records: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(word(record, "sip_call_id").to_owned()).or_insert(0) += 1;
    }
    counts
}

/// A text of a record; empty when it has none.
#[must_use]
pub fn word<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A number of a record; 0 when it has none.
#[must_use]
pub fn number(record: &Value, key: &str) -> u64 {
    record.get(key).and_then(Value::as_u64).unwrap_or(0)
}
