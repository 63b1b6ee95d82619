//! Where the parts of a configuration stand, for those who judge them after the reading.
//!
//! Kept beside the picture and not in it: a part that moved by a line is still the same part.

use crate::forms::{Form, net, plain};
use crate::keys::{ROOT, Section, Shape};
use crate::report::Report;
use crate::text::{Entry, Place, Table, Value};
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
    /// Values that name something of the machine or the network (files, directories, secrets, addresses, hosts), by their
    /// path, such as `trunk.flex.tls.ca`. A secret stands where its source is named.
    pub named: BTreeMap<String, Place>,
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
        let mut named = Named { report, found: BTreeMap::new() };
        named.table(&ROOT, root, "");
        // What the machine must be able to.
        for key in ["fast_path", "touched_path"] {
            let value = root.table("media").and_then(|media| media.value(key));
            let place = value.map(|value| report.source.place(value.span.start));
            named.found.extend(place.map(|place| (format!("media.{key}"), place)));
        }
        Places {
            rates,
            dialplan: each("dialplan"),
            routes: each("route"),
            tests: each("test"),
            translations,
            named: named.found,
        }
    }
}

/// Collects [`Places::named`] by the key tables.
struct Named<'a, 'r> {
    report: &'r Report<'a>,
    found: BTreeMap<String, Place>,
}

impl Named<'_, '_> {
    fn table(&mut self, section: &Section, table: &Table, path: &str) {
        let keys = table.entries.iter().filter_map(|entry| Some((entry, section.key(&entry.key)?)));
        for (entry, key) in keys.filter(|(_, key)| names(&key.shape)) {
            let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
            self.value(&key.shape, &entry.value, path);
        }
    }

    fn value(&mut self, shape: &Shape, value: &Value, path: String) {
        let within = value.table();
        match (shape, within) {
            (Shape::Table(section), Some(table)) => self.table(section, table, &path),
            (Shape::Named { section, .. }, Some(table)) => {
                for entry in &table.entries {
                    if let Some(table) = entry.value.table() {
                        self.table(section, table, &format!("{path}.{}", entry.key));
                    }
                }
            }
            (Shape::Each { section, .. }, _) => {
                for (index, item) in value.items().iter().enumerate() {
                    if let Some(table) = item.table() {
                        self.table(section, table, &format!("{path}[{index}]"));
                    }
                }
            }
            _ => {
                let source = within.and_then(|table| table.entries.first()).map(|source| &source.value);
                let place = self.report.source.place(source.unwrap_or(value).span.start);
                self.found.insert(path, place);
            }
        }
    }
}

/// Whether a value of this shape names something outside the text, or holds one that does.
fn names(shape: &Shape) -> bool {
    let outside = [&plain::PATH, &plain::PATH_OR_OFF, &net::ADDRESS, &net::HOST];
    match shape {
        Shape::Secret => true,
        Shape::Text(form) => outside.iter().any(|known| std::ptr::eq::<Form>(*known, *form)),
        Shape::Table(section) | Shape::Named { section, .. } | Shape::Each { section, .. } => {
            section.keys.iter().any(|key| names(&key.shape))
        }
        _ => false,
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
