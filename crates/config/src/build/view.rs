//! A table seen through its section: what is written, else the profile's value, else the default.

use crate::forms::time::duration;
use crate::keys::{Key, Need, Preset, Section};
use crate::model::{Hidden, Secret, Words};
use crate::text::{Table, Value, What};
use std::time::Duration;

/// Layers of one table, the most specific first. All values have been checked: `None` means absent, or
/// a fault that the check has reported.
pub(super) struct View<'a> {
    section: &'static Section,
    layers: Vec<&'a Table>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        section: &'static Section,
        layers: impl IntoIterator<Item = Option<&'a Table>>,
    ) -> View<'a> {
        View { section, layers: layers.into_iter().flatten().collect() }
    }

    /// The table at a key, in all layers.
    pub(super) fn inner(&self, section: &'static Section, key: &str) -> View<'a> {
        View { section, layers: self.layers.iter().filter_map(|layer| layer.table(key)).collect() }
    }

    /// What is written.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.layers.iter().find_map(|layer| layer.value(key))
    }

    fn preset(&self, key: &str) -> Option<&'static Preset> {
        match self.section.key(key) {
            Some(Key { need: Need::Default(preset), .. }) => Some(preset),
            _ => None,
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        match self.value(key) {
            Some(value) => value.text(),
            None => match self.preset(key) {
                Some(Preset::Text(text)) => Some(text),
                _ => None,
            },
        }
    }

    pub(super) fn string(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    pub(super) fn truth(&self, key: &str) -> Option<bool> {
        match (self.value(key), self.preset(key)) {
            (Some(value), _) => value.boolean(),
            (None, Some(Preset::Bool(truth))) => Some(*truth),
            _ => None,
        }
    }

    /// An integer that the section's bounds make fit.
    pub(super) fn integer<N: TryFrom<i64>>(&self, key: &str) -> Option<N> {
        let number = match (self.value(key), self.preset(key)) {
            (Some(value), _) => value.integer(),
            (None, Some(Preset::Integer(number))) => Some(*number),
            _ => None,
        };
        number.and_then(|n| N::try_from(n).ok())
    }

    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        match self.value(key).map(|v| &v.what) {
            Some(What::Integer(number)) => u64::try_from(*number).ok().map(Duration::from_secs),
            _ => self.text(key).and_then(|t| duration(t).ok()),
        }
    }

    /// A duration of which zero is off.
    pub(super) fn duration_or_off(&self, key: &str) -> Option<Duration> {
        self.duration(key).filter(|d| !d.is_zero())
    }

    pub(super) fn word<W: Words>(&self, key: &str) -> Option<W> {
        self.text(key).and_then(W::from_token)
    }

    /// The items of a list; a single value is a list of one.
    pub(super) fn items(&self, key: &str) -> &'a [Value] {
        self.value(key).map_or(&[], Value::items)
    }

    pub(super) fn strings(&self, key: &str) -> Vec<String> {
        match (self.value(key), self.preset(key)) {
            (None, Some(Preset::Texts(texts))) => texts.iter().map(|&t| t.to_owned()).collect(),
            _ => self.items(key).iter().filter_map(|v| v.text().map(str::to_owned)).collect(),
        }
    }

    /// A list of SIP statuses.
    pub(super) fn statuses(&self, key: &str) -> Vec<u16> {
        let fitting = |number: i64| u16::try_from(number).ok();
        match (self.value(key), self.preset(key)) {
            (None, Some(Preset::Integers(numbers))) => numbers.iter().copied().filter_map(fitting).collect(),
            _ => self.items(key).iter().filter_map(Value::integer).filter_map(fitting).collect(),
        }
    }

    pub(super) fn secret(&self, key: &str) -> Option<Secret> {
        let value = self.value(key)?;
        if let Some(text) = value.text() {
            return Some(Secret::Inline(Hidden::new(text.to_owned())));
        }
        let entry = value.table()?.entries.first()?;
        let place = entry.value.text()?.to_owned();
        match entry.key.as_str() {
            "credential" => Some(Secret::Credential(place)),
            "file" => Some(Secret::File(place)),
            "env" => Some(Secret::Env(place)),
            _ => None,
        }
    }
}
