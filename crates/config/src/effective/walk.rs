//! The key tables, walked over layers.

use super::{Origin, Setting};
use crate::build::default_codecs;
use crate::country::Country;
use crate::keys::{Key, Need, Preset, Section, Shape};
use crate::text::{Entry, Source, Table, Value, What};
use serde_json::{Map, Value as Json, json};
use std::fmt;

/// A layer's table.
pub(super) struct Seen<'a> {
    pub(super) table: &'a Table,
    pub(super) origin: Origin,
    pub(super) source: &'a Source<'a>,
    pub(super) file: &'a str,
}

pub(super) struct Walk {
    pub(super) country: Option<&'static Country>,
    pub(super) settings: Vec<Setting>,
}

impl Walk {
    /// All keys of a section; `path` is the key of its table.
    pub(super) fn section(&mut self, section: &Section, path: &str, layers: &[Seen<'_>]) {
        for key in section.keys {
            let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            match &key.shape {
                Shape::Later(_) => {}
                // The policy is walked by itself: profiles keep it elsewhere.
                Shape::Table(inner) if inner.title == crate::keys::POLICY.title => {}
                Shape::Table(inner) => self.table(inner, key, path, layers),
                _ => self.value(key, path, layers),
            }
        }
    }

    /// A table's keys; one that must hold a key that has no default is a setting by itself when absent.
    fn table(&mut self, inner: &Section, key: &Key, path: String, layers: &[Seen<'_>]) {
        let within: Vec<Seen<'_>> = layers.iter().filter_map(|layer| layer.within(key.name)).collect();
        let all_or_none = inner.keys.iter().any(|k| matches!(k.need, Need::Required));
        if within.is_empty() && all_or_none {
            self.value(key, path, layers);
        } else {
            self.section(inner, &path, &within);
        }
    }

    /// One key, whose table's keys are no settings by themselves.
    pub(super) fn key(&mut self, key: &Key, path: String, layers: &[Seen<'_>]) {
        self.value(key, path, layers);
    }

    fn value(&mut self, key: &Key, path: String, layers: &[Seen<'_>]) {
        let written = layers.iter().find_map(|layer| Some((layer, layer.table.entry(key.name)?)));
        self.settings.push(match written {
            Some((layer, entry)) => Setting {
                value: Some(shown(&key.shape, entry)),
                absent: None,
                origin: layer.origin.clone(),
                place: Some((layer.file.to_owned(), layer.source.place(entry.key_span.start))),
                key: path,
            },
            None => Setting {
                value: self.preset(key),
                absent: if let Need::Absent(meaning) = key.need { Some(meaning) } else { None },
                origin: Origin::BuiltIn,
                place: None,
                key: path,
            },
        });
    }

    fn preset(&self, key: &Key) -> Option<Json> {
        let Need::Default(preset) = &key.need else { return None };
        Some(match preset {
            // The one default that the country has a say in.
            Preset::Texts(texts) if key.name == "offer_codecs" => {
                json!(default_codecs(texts.iter().map(|&t| t.to_owned()).collect(), self.country))
            }
            Preset::Text(text) => json!(text),
            Preset::Integer(number) => json!(number),
            Preset::Bool(truth) => json!(truth),
            Preset::Texts(texts) => json!(texts),
            Preset::Integers(numbers) => json!(numbers),
        })
    }
}

impl Seen<'_> {
    fn within(&self, key: &str) -> Option<Seen<'_>> {
        Some(Seen {
            table: self.table.table(key)?,
            origin: self.origin.clone(),
            source: self.source,
            file: self.file,
        })
    }
}

/// A written value; of a secret only where it is.
fn shown(shape: &Shape, entry: &Entry) -> Json {
    match (shape, &entry.value.what) {
        (Shape::Secret, What::Text(_)) => json!("(hidden)"),
        (Shape::Table(section) | Shape::Each { section, .. } | Shape::Named { section, .. }, _) => {
            within(section, &entry.value)
        }
        _ => plain(&entry.value),
    }
}

/// Tables whose keys may hold secrets.
fn within(section: &Section, value: &Value) -> Json {
    match &value.what {
        What::Table(table) => {
            let fields = table.entries.iter().map(|entry| {
                let shown = match section.key(&entry.key) {
                    Some(key) => shown(&key.shape, entry),
                    None => within(section, &entry.value),
                };
                (entry.key.clone(), shown)
            });
            Json::Object(fields.collect())
        }
        What::List(items) => items.iter().map(|item| within(section, item)).collect(),
        _ => plain(value),
    }
}

fn plain(value: &Value) -> Json {
    match &value.what {
        What::Text(text) => json!(text),
        What::Integer(number) => json!(number),
        What::Bool(truth) => json!(truth),
        What::Float | What::Date | What::Null => Json::Null,
        What::List(items) => items.iter().map(plain).collect(),
        What::Table(table) => {
            let fields = table.entries.iter().map(|e| (e.key.clone(), plain(&e.value)));
            Json::Object(fields.collect::<Map<_, _>>())
        }
    }
}

/// Writes a value as TOML in one line.
pub(super) fn toml(value: &Json, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Json::Array(items) => {
            f.write_str("[")?;
            for (place, item) in items.iter().enumerate() {
                f.write_str(if place > 0 { ", " } else { "" })?;
                toml(item, f)?;
            }
            f.write_str("]")
        }
        Json::Object(fields) if fields.is_empty() => f.write_str("{}"),
        Json::Object(fields) => {
            for (place, (key, item)) in fields.iter().enumerate() {
                write!(f, "{}{key} = ", if place > 0 { ", " } else { "{ " })?;
                toml(item, f)?;
            }
            f.write_str(" }")
        }
        plain => write!(f, "{plain}"),
    }
}
