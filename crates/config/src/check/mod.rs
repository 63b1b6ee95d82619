//! The check of one tree against the key tables: unknown and missing keys, types, bounds, forms,
//! references. What concerns two values at once is judged later, in `judge`.

mod elsewhere;
mod meant;
mod value;

use crate::build::implied_gateway;
use crate::keys::{self, Need, Section, Shape};
use crate::names::{Names, one_of};
use crate::nearest::nearest;
use crate::phrase;
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};

/// Checks a table and all below it. Findings go to the report.
pub(crate) fn check<'a>(section: &Section, table: &'a Table, names: &Names<'a>, report: &mut Report<'_>) {
    let mut check = Check { report, names, path: Vec::new() };
    check.table(section, table, 0);
}

/// One step from the root to a value.
#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

struct Check<'a, 'r, 's> {
    report: &'r mut Report<'s>,
    names: &'r Names<'a>,
    path: Vec<Step<'a>>,
}

/// Writes steps as `trunk.pbx.gateways[1]`.
fn written(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl<'a> Check<'a, '_, '_> {
    fn path(&self) -> String {
        written(&self.path)
    }

    /// The innermost key with the indexes behind it: `gateways[1]`.
    fn subject(&self) -> String {
        let start = self.path.iter().rposition(|s| matches!(s, Step::Key(_))).unwrap_or(0);
        written(self.path.get(start..).unwrap_or(&[]))
    }

    /// Where a table is, for a sentence: `in [trunk.pbx]`.
    fn place(&self) -> String {
        if self.path.is_empty() { "at the top level".to_owned() } else { format!("in [{}]", self.path()) }
    }

    /// `at` is where the table's own name or bracket stands.
    fn table(&mut self, section: &Section, table: &'a Table, at: usize) {
        for entry in &table.entries {
            self.path.push(Step::Key(&entry.key));
            match section.key(&entry.key) {
                Some(key) => match &key.shape {
                    Shape::Later(what) => self.later(entry, what),
                    shape => self.value(shape, &entry.value, entry.key_span.start),
                },
                None => {
                    self.path.pop();
                    self.unknown(section, entry);
                    continue;
                }
            }
            self.path.pop();
        }
        for key in section.keys.iter().filter(|k| matches!(k.need, Need::Required)) {
            // A trunk that registers finds its gateways by its registrar, one that takes registrations by them.
            let registers = || implied_gateway(table).is_some() || table.value("registrar").is_some();
            let implied = key.name == "gateways" && registers();
            if table.value(key.name).is_none() && !implied {
                let message = match self.path.is_empty() {
                    true => format!("`{}` is missing", key.name),
                    false => format!("`{}` is missing {}", key.name, self.place()),
                };
                let finding = Finding::new(at, self.path(), "missing-key", message);
                self.report.error(finding.expected(phrase::shape(&key.shape)));
            }
        }
    }

    fn later(&mut self, entry: &Entry, what: &str) {
        let message = format!("`{}` is not supported by this version: {what} is not built yet", entry.key);
        self.report.error(Finding::new(entry.key_span.start, self.path(), "not-supported-yet", message));
    }

    /// Whether a key that stands in an `override` belongs into the table around it.
    fn is_beside_override(&self, key: &str) -> bool {
        let around = match self.path.as_slice() {
            [.., Step::Key("defaults"), Step::Key("override")] => &keys::SCOPE,
            [.., Step::Key("override")] => &keys::TRUNK,
            _ => return false,
        };
        around.key(key).is_some()
    }

    fn unknown(&mut self, section: &Section, entry: &Entry) {
        let built = section.keys.iter().filter(|k| !matches!(k.shape, Shape::Later(_)));
        let known: Vec<&str> = built.map(|k| k.name).collect();
        let message = format!("unknown key `{}` {}", entry.key.escape_debug(), self.place());
        let mut path = self.path();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&entry.key);
        let finding = Finding::new(entry.key_span.start, path, "unknown-key", message);
        let has_policy = section.key("override").is_some();
        let in_policy = has_policy && keys::POLICY.key(&entry.key).is_some();
        let finding = if in_policy {
            finding.expected(format!("`override = {{ {} = … }}`", entry.key))
        } else if self.is_beside_override(&entry.key) {
            finding.expected(format!("`{} = …` beside `override`", entry.key))
        } else if let Some(home) = elsewhere::home(&entry.key) {
            finding.expected(home)
        } else {
            let near = nearest(&entry.key, section.keys.iter().map(|k| k.name));
            let expected = if known.is_empty() { "no key yet".to_owned() } else { one_of(known) };
            finding.expected(expected).nearest(near.map(str::to_owned))
        };
        self.report.error(finding);
    }
}
