//! What is done with the numbers of one trunk: its pilot number, and translations, each direction and
//! side by itself.

use super::route::Expression;

/// Most rules in one list (as Teams allows, R67).
pub const TRANSLATIONS_MAX: usize = 400;
/// Longest name of a rule, in characters.
pub const TRANSLATION_NAME_MAX: usize = 100;

/// The number whose extensions a peer's telephones are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pilot {
    /// The number before every extension, +E.164.
    pub number: String,
    /// Fewest digits of an extension, at least 1.
    pub digits_min: u8,
    /// Most digits of an extension.
    pub digits_max: u8,
}

/// The four lists of a trunk; an empty list leaves numbers as they are.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Translate {
    /// Called numbers of calls that arrive, before the dial plan.
    pub called_in: Vec<Translation>,
    /// Callers' numbers of calls that arrive, before the dial plan.
    pub caller_in: Vec<Translation>,
    /// Called numbers of calls that leave, after the trunk's number format.
    pub called_out: Vec<Translation>,
    /// Callers' numbers of calls that leave, after the trunk's number format.
    pub caller_out: Vec<Translation>,
}

impl Translate {
    /// The lists with the names of their keys.
    #[must_use]
    pub fn lists(&self) -> [(&'static str, &[Translation]); 4] {
        [
            ("called_in", &self.called_in),
            ("caller_in", &self.caller_in),
            ("called_out", &self.called_out),
            ("caller_out", &self.caller_out),
        ]
    }
}

/// One rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Translation {
    /// Its name; `called_in 2` when none is written.
    pub name: String,
    /// What the whole number must look like.
    pub pattern: Expression,
    /// What it becomes; `$1`, `${1}` and `${name}` stand for groups, all of which exist.
    pub to: String,
    /// Whether the list ends here when the rule matches.
    pub ends: bool,
}
