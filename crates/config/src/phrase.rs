//! Shapes in words, for messages and the reference page.

use crate::forms::time::written;
use crate::keys::{Family, Preset, Shape};
use crate::names::one_of;

/// What a value of this shape is, with its article.
pub(crate) fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Integer { min, max } if min == max => format!("the integer {min}"),
        Shape::Integer { min, max } => format!("an integer from {min} to {max}"),
        Shape::Duration { min, max, off } => {
            let or_off = if *off { ", or 0 for off" } else { "" };
            format!("a duration such as `10s` from {} to {}{or_off}", written(*min), written(*max))
        }
        Shape::Word { now, .. } => one_of(now.iter().copied()),
        Shape::Text(form) => form.phrase.to_owned(),
        Shape::Name(family) => reference(*family).to_owned(),
        Shape::NameOr(family, word) => format!("{}, or `{word}`", reference(*family)),
        Shape::Tiers => "a trunk, or a list of tiers such as `[[\"a:80\", \"b:20\"], [\"c\"]]`".to_owned(),
        Shape::Secret => {
            "`{ credential = \"NAME\" }`, `{ file = \"PATH\" }` or `{ env = \"NAME\" }`".to_owned()
        }
        Shape::List { of, min, max } => format!("a list of {min} to {max} items, each {}", self::shape(of)),
        Shape::OneOrMore { of, max } => format!("{}, or a list of 1 to {max} of them", self::shape(of)),
        Shape::Table(section) => format!("a table: `[{}]`", section.title),
        Shape::Named { section, .. } => format!("tables by name: `[{}]`", section.title),
        Shape::Each { section, .. } => format!("a list of tables: `[{}]`", section.title),
        Shape::Later(_) => "nothing yet: not supported by this version".to_owned(),
    }
}

fn reference(family: Family) -> &'static str {
    match family {
        Family::Listen => "the name of a `[listen.NAME]`",
        Family::Site => "the name of a `[site.NAME]`, or the node's `site`",
        Family::Trunk => "the name of a `[trunk.NAME]`",
        Family::Route => "the name of a `[[route]]`",
        Family::Profile => "the name of a built-in profile",
        Family::CallPolicy => "the name of a `[policy.NAME]`",
        Family::Holidays => "the name of a `[holidays.NAME]`",
        Family::Group => "the name of a `[group.NAME]`",
    }
}

/// A default as it would be written in TOML.
pub(crate) fn preset(preset: &Preset) -> String {
    match preset {
        Preset::Text(text) => format!("\"{text}\""),
        Preset::Integer(number) => number.to_string(),
        Preset::Bool(truth) => truth.to_string(),
        Preset::Texts(texts) => {
            format!("[{}]", texts.iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>().join(", "))
        }
        Preset::Integers(numbers) => {
            format!("[{}]", numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}
