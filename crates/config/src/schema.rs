//! JSON Schema (draft 2020-12) from the key tables.
//!
//! It tells an editor shapes, bounds and documentation; conflicts between values are for [`crate::parse`].

use crate::keys::{Key, Need, Preset, ROOT, Section, Shape};
use crate::phrase;
use serde_json::{Map, Value, json};

/// The JSON Schema of a configuration, for TOML and JSON alike.
#[must_use]
pub fn schema() -> Value {
    let mut defs = Map::new();
    let mut root = section(&ROOT, &mut defs);
    if let Value::Object(map) = &mut root {
        map.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.insert("title".to_owned(), json!("Tronco configuration"));
        map.insert("$defs".to_owned(), Value::Object(defs));
    }
    root
}

fn section(section: &Section, defs: &mut Map<String, Value>) -> Value {
    let built = || section.keys.iter().filter(|k| !matches!(k.shape, Shape::Later(_)));
    let mut properties = Map::new();
    for key in built() {
        let value = property(key, defs);
        properties.insert(key.name.to_owned(), value);
    }
    let required: Vec<&str> = built().filter(|k| matches!(k.need, Need::Required)).map(|k| k.name).collect();
    json!({
        "type": "object",
        "description": section.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A section by reference; its definition is added once.
fn reference(of: &Section, defs: &mut Map<String, Value>) -> Value {
    let name = of.title.replace(['[', ']'], "").replace(".NAME", "");
    if !defs.contains_key(&name) {
        defs.insert(name.clone(), Value::Null);
        let definition = section(of, defs);
        defs.insert(name.clone(), definition);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn property(key: &Key, defs: &mut Map<String, Value>) -> Value {
    let mut value = shape(&key.shape, defs);
    if let Value::Object(map) = &mut value {
        map.insert("description".to_owned(), json!(key.doc));
        if let Need::Default(preset) = &key.need {
            map.insert("default".to_owned(), default(preset));
        }
    }
    value
}

fn default(preset: &Preset) -> Value {
    match preset {
        Preset::Text(text) => json!(text),
        Preset::Integer(number) => json!(number),
        Preset::Bool(truth) => json!(truth),
        Preset::Texts(texts) => json!(texts),
        Preset::Integers(numbers) => json!(numbers),
    }
}

fn shape(of: &Shape, defs: &mut Map<String, Value>) -> Value {
    match of {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Duration { .. } => json!({
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" },
                { "type": "integer", "minimum": 0 },
            ],
            "examples": [phrase::shape(of)],
        }),
        Shape::Word { now, .. } => json!({ "enum": now }),
        Shape::Text(form) if form.schema_pattern.is_empty() => {
            json!({ "type": "string", "minLength": 1, "title": form.phrase })
        }
        Shape::Text(form) => {
            json!({ "type": "string", "pattern": form.schema_pattern, "title": form.phrase })
        }
        Shape::Name(_) | Shape::NameOr(..) => json!({ "type": "string", "title": phrase::shape(of) }),
        Shape::Tiers => tiers(),
        Shape::Secret => secret(),
        Shape::List { of, min, max } => {
            json!({ "type": "array", "items": shape(of, defs), "minItems": min, "maxItems": max, "uniqueItems": true })
        }
        Shape::OneOrMore { of, max } => {
            let one = shape(of, defs);
            let more =
                json!({ "type": "array", "items": one, "minItems": 1, "maxItems": max, "uniqueItems": true });
            json!({ "anyOf": [one, more] })
        }
        Shape::Table(section) => reference(section, defs),
        Shape::Named { section, max } => json!({
            "type": "object",
            "propertyNames": { "pattern": crate::forms::plain::NAME.schema_pattern },
            "additionalProperties": reference(section, defs),
            "minProperties": 1,
            "maxProperties": max,
        }),
        Shape::Each { section, max } => {
            json!({ "type": "array", "items": reference(section, defs), "maxItems": max })
        }
        Shape::Later(_) => json!(false),
    }
}

fn tiers() -> Value {
    let share = json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,63}(:[0-9]{1,4}%?)?$" });
    let tier = json!({ "anyOf": [share, { "type": "array", "items": share, "minItems": 1 }] });
    json!({ "anyOf": [share, { "type": "array", "items": tier, "minItems": 1 }] })
}

fn secret() -> Value {
    let source = |name: &str| {
        json!({
            "type": "object",
            "properties": { name: { "type": "string", "minLength": 1 } },
            "required": [name],
            "additionalProperties": false,
        })
    };
    json!({ "anyOf": [source("credential"), source("file"), source("env"), { "type": "string", "deprecated": true }] })
}

#[cfg(test)]
#[path = "../tests/unit/schema.rs"]
mod tests;
