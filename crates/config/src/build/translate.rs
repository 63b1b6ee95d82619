//! Translations and pilot number of a trunk.

use super::view::View;
use crate::forms::{expression, number};
use crate::keys::{PILOT, TRANSLATION};
use crate::model::{Pilot, Translate, Translation};
use crate::text::Table;

/// Reads the table `translate` of a trunk; without it all lists are empty.
pub(super) fn translate(trunk: &Table) -> Option<Translate> {
    let Some(table) = trunk.table("translate") else { return Some(Translate::default()) };
    let list = |key: &str| -> Option<Vec<Translation>> {
        let rules = table.tables_of(key).into_iter().enumerate();
        rules.map(|(index, (_, rule))| translation(key, index, rule)).collect()
    };
    Some(Translate {
        called_in: list("called_in")?,
        caller_in: list("caller_in")?,
        called_out: list("called_out")?,
        caller_out: list("caller_out")?,
    })
}

fn translation(list: &str, index: usize, rule: &Table) -> Option<Translation> {
    let view = View::new(&TRANSLATION, [Some(rule)]);
    Some(Translation {
        name: view.string("name").unwrap_or_else(|| format!("{list} {}", index + 1)),
        pattern: expression::expression(view.text("match")?).ok()?,
        to: view.string("to")?,
        ends: view.truth("final")?,
    })
}

/// Reads the table `pilot` of a trunk, which may be absent.
pub(super) fn pilot(trunk: &Table) -> Option<Option<Pilot>> {
    let Some(table) = trunk.table("pilot") else { return Some(None) };
    let view = View::new(&PILOT, [Some(table)]);
    let (digits_min, digits_max) = number::lengths(view.text("digits")?).ok()?;
    Some(Some(Pilot { number: view.string("number")?, digits_min, digits_max }))
}
