//! The values of a profile with their sources.

use super::Profile;
use crate::text::{Table, What};

/// A value that a profile sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileValue {
    /// The key in the profile's file, such as `policy.hold`.
    pub key: String,
    /// The value as it is written.
    pub written: &'static str,
    /// Where it is taken from: what stands behind it on its line.
    pub source: &'static str,
}

impl Profile {
    /// The values that it sets, in the order of its file.
    #[must_use]
    pub fn values(&self) -> Vec<ProfileValue> {
        let mut values = Vec::new();
        for part in ["trunk", "policy"] {
            if let Some(table) = self.table.table(part) {
                self.collect(table, part, &mut values);
            }
        }
        values
    }

    fn collect(&self, table: &Table, path: &str, values: &mut Vec<ProfileValue>) {
        for entry in &table.entries {
            let key = format!("{path}.{}", entry.key);
            let span = entry.value.span;
            let rest = self.text.get(span.end..).unwrap_or_default();
            let line = rest.lines().next().unwrap_or_default().trim();
            match &entry.value.what {
                // A table with a header of its own has its values on lines of their own.
                What::Table(inner) if !self.text.get(span.start..).unwrap_or_default().starts_with('{') => {
                    self.collect(inner, &key, values);
                }
                _ => values.push(ProfileValue {
                    key,
                    written: self.text.get(span.start..span.end).unwrap_or_default(),
                    source: line.strip_prefix('#').map(str::trim).unwrap_or_default(),
                }),
            }
        }
    }
}
