//! Where the parts of a configuration stand, for those who judge them after the reading.
//!
//! Kept beside the picture and not in it: a part that moved by a line is still the same part.

use crate::report::Report;
use crate::text::{Entry, Place, Table};

/// Where the tables stand that others than this crate judge, in the order of the picture's lists.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// `[[dialplan]]`.
    pub dialplan: Vec<Place>,
    /// `[[route]]`.
    pub routes: Vec<Place>,
    /// `[[test]]`.
    pub tests: Vec<Place>,
    /// `file` of each `[rates.NAME]`.
    pub rates: Vec<Place>,
}

impl Places {
    pub(crate) fn collect(root: &Table, report: &Report<'_>) -> Places {
        let each = |key| {
            let tables = root.tables_of(key).into_iter();
            tables.map(|(span, _)| report.source.place(span.start)).collect()
        };
        let file = |entry: &Entry| {
            let file = entry.value.table().and_then(|table| table.value("file"));
            report.source.place(file.map_or(entry.key_span.start, |file| file.span.start))
        };
        let rates = root.entries_of("rates").iter().map(file).collect();
        Places { rates, dialplan: each("dialplan"), routes: each("route"), tests: each("test") }
    }
}
