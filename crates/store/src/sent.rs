//! Who an attempt's INVITE named, as it is stored: a value for each header of [`b2bua::SENT`].

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How many headers there are.
pub(crate) const FIELDS: usize = b2bua::SENT.len();

/// The values of headers, in the order of [`b2bua::SENT`]; empty where none left. In JSON an object of
/// those that did: `{"from": "…", "asserted": "…"}`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SentRow<'a>(pub(crate) [Cow<'a, str>; FIELDS]);

impl<'a> SentRow<'a> {
    /// Takes the values one after the other.
    pub(crate) fn take<E>(mut next: impl FnMut() -> Result<Cow<'a, str>, E>) -> Result<SentRow<'a>, E> {
        let mut row = SentRow::default();
        row.0.iter_mut().try_for_each(|value| next().map(|text| *value = text))?;
        Ok(row)
    }

    /// The names of columns: `from_sent`.
    pub(crate) fn columns() -> impl Iterator<Item = String> {
        b2bua::SENT.iter().map(|(_, name)| format!("{name}_sent"))
    }

    /// What left, with its header's word in records.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = b2bua::SENT.iter().zip(&self.0).map(|((_, name), value)| (*name, &**value));
        all.filter(|(_, value)| !value.is_empty())
    }

    /// What left in one header, by its word in records (`asserted`).
    #[must_use]
    pub fn value(&self, word: &str) -> &str {
        self.named().find(|(name, _)| *name == word).map_or("", |(_, value)| value)
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> SentRow<'static> {
        SentRow(self.0.map(|value| Cow::Owned(value.into_owned())))
    }
}

impl Serialize for SentRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.named().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for SentRow<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(SentRow(b2bua::SENT.map(|(_, name)| Cow::Owned(found.remove(name).unwrap_or_default()))))
    }
}
