//! Where the parts of a configuration stand, for those who judge them after the reading.
//!
//! Kept beside the picture and not in it: a part that moved by a line is still the same part.

use crate::report::Report;
use crate::text::{Entry, Place, Table};
use std::collections::BTreeMap;

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
    /// Translations by their path, such as `trunk.pbx.translate.called_in[0]`.
    pub translations: BTreeMap<String, Place>,
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
        let translations = translations(root, report);
        Places { rates, dialplan: each("dialplan"), routes: each("route"), tests: each("test"), translations }
    }
}

fn translations(root: &Table, report: &Report<'_>) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for trunk in root.entries_of("trunk") {
        let lists = trunk.value.table().map_or(&[][..], |table| table.entries_of("translate"));
        for list in lists {
            for (index, rule) in list.value.items().iter().enumerate() {
                let path = format!("trunk.{}.translate.{}[{index}]", trunk.key, list.key);
                places.insert(path, report.source.place(rule.span.start));
            }
        }
    }
    places
}
