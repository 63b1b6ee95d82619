//! Dial rules and translations that work but probably do not do what their author meant
//! (REQUIREMENTS §13.8).
//!
//! Judged by their writing (`lint::shape`) and by what they make of numbers that they take
//! (`lint::sample`). Enter through [`doubtful_rules`].

mod sample;
mod shape;

use config::country::COUNTRIES;
use config::{Config, Country, Expression, Scope};
use sample::samples;
use std::collections::BTreeMap;
use std::fmt;

/// Where a rule stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RulePlace {
    /// The index into the configuration's `dialplan`.
    Dial(usize),
    /// A translation.
    Translation {
        /// Name of the trunk.
        trunk: String,
        /// Which of its lists: `called_in` and so on.
        list: &'static str,
        /// The index into the list.
        rule: usize,
    },
}

impl fmt::Display for RulePlace {
    /// The path in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RulePlace::Dial(rule) => write!(f, "dialplan[{rule}]"),
            RulePlace::Translation { trunk, list, rule } => {
                write!(f, "trunk.{trunk}.translate.{list}[{rule}]")
            }
        }
    }
}

/// A doubtful rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleDoubt {
    /// Where it stands.
    pub place: RulePlace,
    /// What is doubtful, in one sentence.
    pub sentence: String,
    /// What was probably meant.
    pub expected: &'static str,
}

/// A rule of either kind.
struct Judged<'c> {
    /// `dial rule` or `translation`, with its name.
    name: String,
    pattern: &'c Expression,
    to: &'c str,
}

/// Finds doubtful rules: a country code lost under a plus, a blank that no number holds, a repetition of
/// the beginning where a plus was meant, a rule that an earlier one of its list leaves nothing.
#[must_use]
pub fn doubtful_rules(config: &Config) -> Vec<RuleDoubt> {
    let mut doubts = Vec::new();
    let mut scopes: BTreeMap<&Scope, Seen<'_>> = BTreeMap::new();
    for (index, rule) in config.dialplan.iter().enumerate() {
        let judged =
            Judged { name: format!("dial rule `{}`", rule.name), pattern: &rule.pattern, to: &rule.to };
        let hidden = scopes.entry(&rule.scope).or_default().meet(&rule.name, &rule.pattern, true);
        judge(config.country, &judged, &RulePlace::Dial(index), hidden, &mut doubts);
    }
    for trunk in &config.trunks {
        for (list, rules) in trunk.translate.lists() {
            let mut seen = Seen::default();
            for (index, rule) in rules.iter().enumerate() {
                let name = format!("translation `{}` of trunk `{}`", rule.name, trunk.name);
                let judged = Judged { name, pattern: &rule.pattern, to: &rule.to };
                let place = RulePlace::Translation { trunk: trunk.name.clone(), list, rule: index };
                let hidden = seen.meet(&rule.name, &rule.pattern, rule.ends);
                judge(config.country, &judged, &place, hidden, &mut doubts);
            }
        }
    }
    doubts
}

fn judge(
    country: Option<&Country>,
    rule: &Judged<'_>,
    place: &RulePlace,
    hidden: Option<&str>,
    doubts: &mut Vec<RuleDoubt>,
) {
    let mut doubt = |what: String, expected| {
        let sentence = format!("{} {what}", rule.name);
        doubts.push(RuleDoubt { place: place.clone(), sentence, expected });
    };
    if let Some((number, result)) = country_lost(country, rule) {
        let what = format!("makes {result} of {number}: the country code is lost");
        doubt(what, "the country code between the plus and the group");
    }
    for (key, text) in [("match", rule.pattern.source()), ("to", rule.to)] {
        if let Some(at) = shape::blank(text) {
            let what = format!("holds a blank at character {at} of `{key}`, and no number has one");
            doubt(what, "a pattern and a result without blanks");
        }
    }
    if let Some(at) = shape::repeated_place(rule.pattern) {
        let what = format!("repeats a place at character {at} of `match`, which takes no character");
        doubt(what, "`\\+` for a plus");
    }
    if let Some(earlier) = hidden {
        doubt(
            format!("is never asked: `{earlier}` before it takes all its numbers"),
            "the narrower rule first",
        );
    }
}

/// A number that the rule takes and what becomes of it, when the result has a plus and lacks the country.
///
/// The result is then the end of the number, and what is missing is a national prefix or a country code.
fn country_lost(country: Option<&Country>, rule: &Judged<'_>) -> Option<(String, String)> {
    samples(rule.pattern).into_iter().find_map(|number| {
        let captures = rule.pattern.captures(&number)?;
        let mut result = String::new();
        captures.expand(rule.to, &mut result);
        drop(captures);
        let digits = result.strip_prefix('+')?.split(';').next().filter(|d| !d.is_empty())?;
        let dialled = number.split(';').next().unwrap_or_default();
        let taken = match dialled.strip_prefix('+') {
            Some(whole) => COUNTRIES.iter().any(|c| whole.strip_suffix(digits) == Some(c.calling_code)),
            None => is_national(dialled.strip_suffix(digits)?, country),
        };
        taken.then_some((number, result))
    })
}

/// Whether this is dialled before national numbers; in an unknown country one of the two usual prefixes.
fn is_national(prefix: &str, country: Option<&Country>) -> bool {
    match country {
        Some(home) => !prefix.is_empty() && prefix == home.national_prefix,
        None => matches!(prefix, "0" | "1"),
    }
}

/// The rules of one list so far.
#[derive(Default)]
struct Seen<'r> {
    /// Names by their expressions.
    sources: BTreeMap<&'r str, &'r str>,
    /// The first that takes everything.
    all: Option<&'r str>,
}

impl<'r> Seen<'r> {
    /// Adds a rule; tells an earlier one that takes all its numbers, as far as that is certain.
    fn meet(&mut self, name: &'r str, pattern: &'r Expression, ends: bool) -> Option<&'r str> {
        let hidden = self.sources.get(pattern.source()).copied().or(self.all);
        if ends {
            self.sources.entry(pattern.source()).or_insert(name);
            if self.all.is_none() && shape::takes_all(pattern) {
                self.all = Some(name);
            }
        }
        hidden
    }
}
