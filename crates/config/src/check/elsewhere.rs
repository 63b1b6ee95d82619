//! A key in a table that has no such key, while others do: where it belongs, by the key tables alone.

use crate::keys::{ROOT, Section, Shape};

/// Most tables that are named; a word that is a key of more of them says nothing about where it belongs.
const HOMES_MAX: usize = 3;

/// What is right instead of a key that other tables have; `None` when none has it, or too many do.
pub(super) fn home(key: &str) -> Option<String> {
    let mut homes: Vec<&str> = Vec::new();
    collect(&ROOT, key, &mut homes);
    let (last, others) = homes.split_last().filter(|(_, others)| others.len() < HOMES_MAX)?;
    let others: Vec<String> = others.iter().map(|title| place(title)).collect();
    let or = if others.is_empty() { "" } else { " or " };
    Some(format!("`{key} = …` {}{or}{}", others.join(", "), place(last)))
}

fn collect(section: &'static Section, key: &str, homes: &mut Vec<&'static str>) {
    let built = section.key(key).is_some_and(|known| !matches!(known.shape, Shape::Later(_)));
    if built && !homes.contains(&section.title) {
        homes.push(section.title);
    }
    for inner in section.keys.iter().filter_map(|known| known.shape.section()) {
        collect(inner, key, homes);
    }
}

/// A table by its title: `in [site.NAME]`.
fn place(title: &str) -> String {
    match title.split_once("].") {
        _ if title.is_empty() => "at the top level".to_owned(),
        Some((list, inner)) => format!("in `{inner}` of `[{list}]]`"),
        None => format!("in `[{title}]`"),
    }
}
