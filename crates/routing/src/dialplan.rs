//! Normalisation: from what was received to +E.164, by dial rules and then by the country.
//!
//! Rules of the arriving trunk are asked first, then those of its site, then the global ones; the
//! first that matches counts (R60). A result without plus is then read as the country reads numbers,
//! so that a rule may just take an exchange prefix off. Emergency numbers are never rewritten.

use crate::decision::Rule;
use crate::number::clean;
use crate::pattern::Beginnings;
use crate::reading::{is_emergency, read};
use crate::trace::{Side, Step, Trace};
use config::{Config, Country, Expression, NumberFormat, Scope};
use std::sync::Arc;

struct DialRule {
    name: Arc<str>,
    expression: Expression,
    beginnings: Beginnings,
    /// The replacement in the engine's language (`+49$1`).
    to: String,
}

/// The dial rules of a configuration and which of them each trunk asks.
pub(crate) struct DialPlan {
    rules: Vec<DialRule>,
    country: Option<&'static Country>,
    /// For each trunk: positions of its rules, most specific scope first.
    asked: Vec<Vec<u16>>,
    /// For each trunk: whether plain digits from it are E.164.
    plain_e164: Vec<bool>,
}

/// A number after normalisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Normal {
    /// +E.164, or as received without separators.
    pub number: String,
    /// Digits of an `;ext=` parameter.
    pub extension: Option<String>,
    /// How it was read.
    pub rule: Option<Rule>,
    /// Whether it calls an emergency service.
    pub emergency: bool,
}

fn asked_by(config: &Config, trunk: usize) -> Vec<u16> {
    let site = config.trunks.get(trunk).and_then(|t| t.site.as_deref());
    let rank = |scope: &Scope| match scope {
        Scope::Trunk(id) => (id.index() == trunk).then_some(0),
        Scope::Site(name) => (Some(name.as_str()) == site).then_some(1),
        Scope::Global => Some(2),
    };
    let mut ranked: Vec<(u8, u16)> =
        config.dialplan.iter().zip(0_u16..).filter_map(|(rule, at)| Some((rank(&rule.scope)?, at))).collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, at)| at).collect()
}

impl DialPlan {
    pub(crate) fn compile(config: &Config) -> DialPlan {
        let rules = config.dialplan.iter().map(|rule| DialRule {
            name: rule.name.as_str().into(),
            beginnings: Beginnings::of(&rule.pattern),
            expression: rule.pattern.clone(),
            to: rule.to.clone(),
        });
        DialPlan {
            rules: rules.collect(),
            country: config.country,
            asked: (0..config.trunks.len()).map(|trunk| asked_by(config, trunk)).collect(),
            plain_e164: config.trunks.iter().map(|t| t.policy.number_format == NumberFormat::E164).collect(),
        }
    }

    pub(crate) fn country(&self) -> Option<&'static Country> {
        self.country
    }

    /// Normalises one number of a call that arrived by `trunk`.
    pub(crate) fn normalise(
        &self,
        received: &str,
        side: Side,
        trunk: usize,
        trace: &mut dyn Trace,
    ) -> Normal {
        let cleaned = clean(received);
        if trace.wants() && *cleaned.number != *received {
            trace.note(Step::Cleaned { side, to: &cleaned.number });
        }
        let extension = cleaned.extension.map(str::to_owned);
        let number = cleaned.number.into_owned();
        if side == Side::Called && is_emergency(&number, self.country) {
            if trace.wants() {
                trace.note(Step::Emergency { number: &number });
            }
            return Normal { number, extension, rule: None, emergency: true };
        }
        let (number, rule) = self.read(number, side, trunk, trace);
        if trace.wants() {
            trace.note(match rule {
                Some(rule) => Step::Read { side, rule, to: &number },
                None => Step::AsReceived { side, number: &number },
            });
        }
        Normal { number, extension, rule, emergency: false }
    }

    fn read(
        &self,
        number: String,
        side: Side,
        trunk: usize,
        trace: &mut dyn Trace,
    ) -> (String, Option<Rule>) {
        let plain_e164 = self.plain_e164.get(trunk).copied().unwrap_or(false);
        let Some((index, result)) = self.by_rule(&number, side, trunk, trace) else {
            if number.starts_with('+') {
                return (number, None);
            }
            return match read(&number, self.country, plain_e164) {
                Some((whole, rule)) => (whole, Some(rule)),
                None => (number, None),
            };
        };
        // A rule that leaves the number as it is says that it is to stay so ("Keep All", R60).
        if result.starts_with('+') || result == number || is_emergency(&result, self.country) {
            return (result, Some(Rule::Dial(index)));
        }
        match read(&result, self.country, plain_e164) {
            Some((whole, _)) => (whole, Some(Rule::DialThenCountry(index))),
            None => (result, Some(Rule::Dial(index))),
        }
    }

    fn by_rule(
        &self,
        number: &str,
        side: Side,
        trunk: usize,
        trace: &mut dyn Trace,
    ) -> Option<(u16, String)> {
        for &index in self.asked.get(trunk)? {
            let Some(rule) = self.rules.get(usize::from(index)) else { continue };
            let captures =
                if rule.beginnings.begin(number) { rule.expression.captures(number) } else { None };
            let result = captures.map(|captures| {
                let mut to = String::with_capacity(number.len() + rule.to.len());
                captures.expand(&rule.to, &mut to);
                to
            });
            if trace.wants() {
                trace.note(Step::DialRule { side, name: &rule.name, to: result.as_deref() });
            }
            if let Some(result) = result {
                return Some((index, result));
            }
        }
        None
    }
}
