//! Normalisation: from what was received to +E.164, by the arriving trunk's translations, by dial
//! rules and then by the country.
//!
//! Rules of the arriving trunk are asked first, then those of its site, then the global ones; the
//! first that matches counts (R60). A result without plus is then read as the country reads numbers,
//! so that a rule may just take an exchange prefix off. Emergency numbers are never rewritten.

use crate::decision::Rule;
use crate::number::clean;
use crate::pilot::Extensions;
use crate::reading::{is_emergency, read};
use crate::rewrite::{Rewrite, TooLong};
use crate::trace::{Side, Step, Trace, Way};
use crate::translate::{List, Translator, apart, push_extension};
use config::{Config, Country, Kind, NumberFormat, Scope, Trunk};
use std::sync::Arc;

/// The dial rules of a configuration and which of them each trunk asks.
pub(crate) struct DialPlan {
    rules: Vec<Rewrite>,
    country: Option<&'static Country>,
    arrivals: Vec<Arrival>,
}

/// How numbers of calls that arrive by one trunk are read.
struct Arrival {
    trunk: Arc<str>,
    called: Translator,
    caller: Translator,
    /// What is dialled for an outside line.
    external: Option<Box<str>>,
    /// Positions of its dial rules, most specific scope first.
    asked: Vec<u16>,
    /// Its pilot number and how long extensions are.
    pilot: Option<Extensions>,
    /// Whether callers' numbers may be extensions too, and not only called numbers.
    direct: bool,
    /// Whether plain digits from it are E.164.
    plain_e164: bool,
}

/// A number after normalisation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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

fn asked_by(config: &Config, trunk: usize, site: Option<&str>) -> Vec<u16> {
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

/// The most specific external prefix (R60).
fn external<'c>(config: &'c Config, trunk: &'c Trunk) -> Option<&'c str> {
    let site = || config.sites.iter().find(|site| Some(&site.name) == trunk.site.as_ref());
    let own = trunk.external_prefix.as_deref();
    own.or_else(|| site()?.external_prefix.as_deref()).or(config.external_prefix.as_deref())
}

impl Arrival {
    fn compile(config: &Config, index: usize, trunk: &Trunk) -> Arrival {
        Arrival {
            trunk: trunk.name.as_str().into(),
            called: Translator::compile(&trunk.translate.called_in),
            caller: Translator::compile(&trunk.translate.caller_in),
            external: external(config, trunk).map(Box::from),
            asked: asked_by(config, index, trunk.site.as_deref()),
            pilot: trunk.pilot.as_ref().map(Extensions::compile),
            direct: trunk.kind == Kind::Direct,
            plain_e164: trunk.policy.number_format == NumberFormat::E164,
        }
    }

    /// A called number without what is dialled for an outside line; `None` when it has no such prefix.
    fn outside(&self, number: &str, side: Side, trace: &mut dyn Trace) -> Option<String> {
        let prefix = self.external.as_deref().filter(|_| side == Side::Called)?;
        let rest = number.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
        if trace.wants() {
            trace.note(Step::Outside { prefix, to: rest });
        }
        Some(rest.to_owned())
    }

    /// The whole number of an extension.
    fn whole(&self, number: &str, side: Side) -> Option<String> {
        let pilot = self.pilot.as_ref().filter(|_| side == Side::Called || self.direct)?;
        pilot.whole(number)
    }

    /// The number and extension after the trunk's own translations.
    fn translate(
        &self,
        number: String,
        extension: Option<String>,
        side: Side,
        trace: &mut dyn Trace,
    ) -> Result<(String, Option<String>), TooLong> {
        let translator = if side == Side::Called { &self.called } else { &self.caller };
        if translator.is_empty() {
            return Ok((number, extension));
        }
        let list = List { trunk: &self.trunk, side, way: Way::In };
        let mut text = number.clone();
        push_extension(&mut text, extension.as_deref());
        let result = translator.run(&text, list, trace)?;
        Ok(result.map_or((number, extension), |text| apart(&text)))
    }
}

impl DialPlan {
    pub(crate) fn compile(config: &Config) -> DialPlan {
        let rules = config.dialplan.iter().map(|rule| Rewrite::compile(&rule.name, &rule.pattern, &rule.to));
        let trunks = config.trunks.iter().enumerate();
        DialPlan {
            rules: rules.collect(),
            country: config.country,
            arrivals: trunks.map(|(index, trunk)| Arrival::compile(config, index, trunk)).collect(),
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
    ) -> Result<Normal, TooLong> {
        let cleaned = clean(received);
        if trace.wants() && *cleaned.number != *received {
            trace.note(Step::Cleaned { side, to: &cleaned.number });
        }
        let mut extension = cleaned.extension.map(str::to_owned);
        let mut number = cleaned.number.into_owned();
        let mut emergency = self.calls_emergency(&number, side, trace);
        let arrival = self.arrivals.get(trunk);
        if let Some(arrival) = arrival.filter(|_| !emergency) {
            (number, extension) = arrival.translate(number, extension, side, trace)?;
            emergency = self.calls_emergency(&number, side, trace);
            if let Some(rest) = arrival.outside(&number, side, trace).filter(|_| !emergency) {
                number = rest;
                emergency = self.calls_emergency(&number, side, trace);
            }
        }
        if emergency {
            return Ok(Normal { number, extension, rule: None, emergency });
        }
        let read = self.read(Normal { number, extension, ..Normal::default() }, side, arrival, trace)?;
        if trace.wants() {
            let number = &read.number;
            trace.note(match read.rule {
                Some(rule) => Step::Read { side, rule, to: number },
                None => Step::AsReceived { side, number },
            });
        }
        Ok(read)
    }

    fn calls_emergency(&self, number: &str, side: Side, trace: &mut dyn Trace) -> bool {
        let emergency = side == Side::Called && is_emergency(number, self.country);
        if emergency && trace.wants() {
            trace.note(Step::Emergency { number });
        }
        emergency
    }

    fn read(
        &self,
        as_dialled: Normal,
        side: Side,
        arrival: Option<&Arrival>,
        trace: &mut dyn Trace,
    ) -> Result<Normal, TooLong> {
        let plain_e164 = arrival.is_some_and(|a| a.plain_e164);
        let number = &as_dialled.number;
        let Some((index, result)) = self.by_rule(number, side, arrival, trace)? else {
            if number.starts_with('+') {
                return Ok(as_dialled);
            }
            if let Some(whole) = arrival.and_then(|a| a.whole(number, side)) {
                return Ok(Normal { number: whole, rule: Some(Rule::Extension), ..as_dialled });
            }
            return Ok(match read(number, self.country, plain_e164) {
                Some((whole, rule)) => Normal { number: whole, rule: Some(rule), ..as_dialled },
                None => as_dialled,
            });
        };
        let (result, named) = apart(&result);
        let extension = named.or_else(|| as_dialled.extension.clone());
        let by = |number: String, rule| {
            let emergency = side == Side::Called && is_emergency(&number, self.country);
            Normal { number, extension, rule: Some(rule), emergency }
        };
        // A rule that leaves the number as it is says that it is to stay so ("Keep All", R60).
        if result.starts_with('+') || result == *number || is_emergency(&result, self.country) {
            return Ok(by(result, Rule::Dial(index)));
        }
        Ok(match read(&result, self.country, plain_e164) {
            Some((whole, _)) => by(whole, Rule::DialThenCountry(index)),
            None => by(result, Rule::Dial(index)),
        })
    }

    fn by_rule(
        &self,
        number: &str,
        side: Side,
        arrival: Option<&Arrival>,
        trace: &mut dyn Trace,
    ) -> Result<Option<(u16, String)>, TooLong> {
        for &index in arrival.map_or(&[][..], |a| &a.asked) {
            let Some(rule) = self.rules.get(usize::from(index)) else { continue };
            let result = rule.apply(number);
            if trace.wants() {
                let name = &rule.name;
                trace.note(match &result {
                    Some(Err(TooLong)) => Step::TooLong { side, name },
                    Some(Ok(to)) => Step::DialRule { side, name, to: Some(to) },
                    None => Step::DialRule { side, name, to: None },
                });
            }
            if let Some(result) = result {
                return Ok(Some((index, result?)));
            }
        }
        Ok(None)
    }
}
