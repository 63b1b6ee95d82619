//! Normalisation: from what was received to +E.164, by the arriving trunk's translations, by dial
//! rules and then by the country.
//!
//! Rules of the calling user's group are asked first, then those of the arriving trunk, of the caller's
//! site, and the global ones; the first that matches counts (R60). A result without plus is then read as the country reads numbers,
//! so that a rule may just take an exchange prefix off. Emergency numbers are never rewritten.

use crate::decision::Rule;
use crate::number::clean;
use crate::pilot::Extensions;
use crate::reading::{is_emergency, read};
use crate::rewrite::{Rewrite, TooLong};
use crate::scope::{Origin, Scopes};
use crate::table::Table;
use crate::trace::{Side, Step, Trace, Way};
use crate::translate::{List, Translator, apart, push_extension};
use config::{Config, Country, Kind, NumberFormat, Scope, Trunk};
use std::sync::Arc;

impl Table {
    /// Normalises one number of a call from there.
    pub(crate) fn normalise(
        &self,
        received: &str,
        side: Side,
        from: Origin,
        trace: &mut dyn Trace,
    ) -> Result<Normal, TooLong> {
        self.dialplan.normalise(received, side, (from, &self.scopes), trace)
    }
}

/// The dial rules of a configuration and which of them each trunk asks.
pub(crate) struct DialPlan {
    rules: Vec<Rewrite>,
    country: Option<&'static Country>,
    arrivals: Vec<Arrival>,
    /// Positions of the rules of each scope.
    global: Vec<u16>,
    of_sites: Vec<Vec<u16>>,
    of_groups: Vec<Vec<u16>>,
}

/// How numbers of calls that arrive by one trunk are read.
struct Arrival {
    trunk: Arc<str>,
    called: Translator,
    caller: Translator,
    /// Positions of its dial rules.
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

impl Arrival {
    fn compile(config: &Config, index: usize, trunk: &Trunk) -> Arrival {
        Arrival {
            trunk: trunk.name.as_str().into(),
            called: Translator::compile(&trunk.translate.called_in),
            caller: Translator::compile(&trunk.translate.caller_in),
            asked: rules(config, |scope| matches!(scope, Scope::Trunk(id) if id.index() == index)),
            pilot: trunk.pilot.as_ref().map(Extensions::compile),
            direct: trunk.kind == Kind::Direct,
            plain_e164: trunk.policy.number_format == NumberFormat::E164,
        }
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

/// A called number without what is dialled for an outside line; `None` when it has no such prefix.
fn outside(prefix: Option<&str>, number: &str, side: Side, trace: &mut dyn Trace) -> Option<String> {
    let prefix = prefix.filter(|_| side == Side::Called)?;
    let rest = number.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
    if trace.wants() {
        trace.note(Step::Outside { prefix, to: rest });
    }
    Some(rest.to_owned())
}

/// Positions of the rules of one scope, in the order of the text.
fn rules(config: &Config, of: impl Fn(&Scope) -> bool) -> Vec<u16> {
    (0..).zip(&config.dialplan).filter(|(_, rule)| of(&rule.scope)).map(|(at, _)| at).collect()
}

/// What a number is read with.
#[derive(Clone, Copy)]
struct Reading<'a> {
    side: Side,
    from: Origin,
    scopes: &'a Scopes,
}

impl DialPlan {
    pub(crate) fn compile(config: &Config, sites: &[Arc<str>]) -> DialPlan {
        let compiled =
            config.dialplan.iter().map(|rule| Rewrite::compile(&rule.name, &rule.pattern, &rule.to));
        let trunks = config.trunks.iter().enumerate();
        let site = |name: &str| rules(config, |scope| matches!(scope, Scope::Site(of) if of == name));
        let group = |index| rules(config, |scope| *scope == Scope::Group(index));
        DialPlan {
            global: rules(config, |scope| *scope == Scope::Global),
            of_sites: sites.iter().map(|name| site(name)).collect(),
            of_groups: (0..config.groups.len()).map(group).collect(),
            rules: compiled.collect(),
            country: config.country,
            arrivals: trunks.map(|(index, trunk)| Arrival::compile(config, index, trunk)).collect(),
        }
    }

    pub(crate) fn country(&self) -> Option<&'static Country> {
        self.country
    }

    /// Normalises one number of a call from there.
    pub(crate) fn normalise(
        &self,
        received: &str,
        side: Side,
        (from, scopes): (Origin, &Scopes),
        trace: &mut dyn Trace,
    ) -> Result<Normal, TooLong> {
        let cleaned = clean(received);
        if trace.wants() && *cleaned.number != *received {
            trace.note(Step::Cleaned { side, to: &cleaned.number });
        }
        let mut extension = cleaned.extension.map(str::to_owned);
        let mut number = cleaned.number.into_owned();
        let mut emergency = self.calls_emergency(&number, side, trace);
        let arrival = self.arrivals.get(from.trunk);
        if let Some(arrival) = arrival.filter(|_| !emergency) {
            (number, extension) = arrival.translate(number, extension, side, trace)?;
            emergency = self.calls_emergency(&number, side, trace);
            let prefix = scopes.external(from);
            if let Some(rest) = outside(prefix, &number, side, trace).filter(|_| !emergency) {
                number = rest;
                emergency = self.calls_emergency(&number, side, trace);
            }
        }
        if emergency {
            return Ok(Normal { number, extension, rule: None, emergency });
        }
        let reading = Reading { side, from, scopes };
        let read = self.read(Normal { number, extension, ..Normal::default() }, reading, trace)?;
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
        reading: Reading<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Normal, TooLong> {
        let Reading { side, from, scopes } = reading;
        let arrival = self.arrivals.get(from.trunk);
        let plain_e164 = arrival.is_some_and(|a| a.plain_e164);
        let number = &as_dialled.number;
        let Some((index, result)) = self.by_rule(number, reading, trace)? else {
            if number.starts_with('+') {
                return Ok(as_dialled);
            }
            if let Some(own) = scopes.number_of(from, number).filter(|_| side == Side::Caller) {
                return Ok(Normal { number: own.to_owned(), rule: Some(Rule::Own), ..as_dialled });
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

    /// Positions of the rules that are asked for calls from there, most specific scope first.
    fn asked(&self, from: Origin) -> impl Iterator<Item = &u16> {
        let group = from.group.and_then(|at| self.of_groups.get(at)).into_iter().flatten();
        let trunk = self.arrivals.get(from.trunk).map(|arrival| &arrival.asked).into_iter().flatten();
        let site = from.site.and_then(|at| self.of_sites.get(at)).into_iter().flatten();
        group.chain(trunk).chain(site).chain(&self.global)
    }

    fn by_rule(
        &self,
        number: &str,
        Reading { side, from, .. }: Reading<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Option<(u16, String)>, TooLong> {
        for &index in self.asked(from) {
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
