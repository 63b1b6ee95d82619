//! Laying the attempts: tiers in order, weights drawn, limits obeyed, trunks in trouble last.
//!
//! Full, rate-limited, disabled and draining trunks are skipped with their reason, and so are those
//! whose media would cross a WAN link without room (R90); trunks that are down or asked to be left
//! alone go behind all others but are never excluded (R79). Limits do not hold for emergency calls (R95).

use crate::bypass::MediaPath;
use crate::decision::{Attempt, Plan, Refusal, SkipReason, Told};
use crate::facts::{Health, State};
use crate::find::Found;
use crate::hours::Clocks;
use crate::links::Peer;
use crate::plan::Numbers;
use crate::rates::{Price, Priced};
use crate::table::Table;
use crate::trace::{Side, Step, Trace};
use crate::wire::write;
use base::{ReasonId, Rng, TrunkId};
use config::Tier;
use smallvec::SmallVec;
use std::fmt::Write as _;
use std::net::IpAddr;

/// Most attempts of one call.
pub const ATTEMPTS_MAX: usize = 16;
/// Seconds until a full trunk may have room again.
const RETRY_FULL: u32 = 5;
/// Seconds until a new second's calls are counted.
const RETRY_RATE: u32 = 1;

/// What the order of attempts hangs on beside the route.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    /// The arriving trunk, and where the caller is.
    pub on: TrunkId,
    pub source: Option<IpAddr>,
    /// Whose media they are.
    pub media: Peer,
    pub emergency: bool,
    pub dice: u64,
}

type Skipped = SmallVec<[(TrunkId, SkipReason); 2]>;
type Drawn = SmallVec<[TrunkId; 8]>;

/// A trunk that may be tried.
struct Place<'f> {
    trunk: TrunkId,
    /// The way that it belongs to.
    found: &'f Found<'f>,
    price: Option<Price>,
    tier: u8,
    demoted: bool,
}

/// Lays the attempts of a call over the tiers of its routes.
pub(crate) fn lay<'t>(
    table: &'t Table,
    chain: &[Found<'_>],
    numbers: Numbers,
    order: Order,
    clocks: &mut Clocks<'t>,
    state: &dyn State,
    trace: &mut dyn Trace,
) -> Result<Plan, Refusal> {
    let mut sorting = Sorting::new(table, &numbers.called.number, clocks, order);
    let (places, mut skipped) = choose(&mut sorting, chain, order, state, trace);
    let mut attempts: SmallVec<[Attempt; 4]> = SmallVec::new();
    for place in &places {
        match attempt(table, place, &numbers, trace) {
            Ok(attempt) => {
                tell(table, order.on, attempts.len() + 1, &attempt, trace);
                attempts.push(attempt);
            }
            Err(why) => {
                tell_skipped(table, place.trunk, why, trace);
                skipped.push((place.trunk, why));
            }
        }
    }
    let Some(first) = chain.first().filter(|_| !attempts.is_empty()) else {
        return Err(refuse(table, (chain, order.media), skipped));
    };
    Ok(Plan {
        route: first.route,
        route_name: first.name.clone(),
        attempts,
        called: numbers.called.number,
        caller: numbers.caller.number,
        called_rule: numbers.called.rule,
        caller_rule: numbers.caller.rule,
        emergency: order.emergency,
        skipped,
    })
}

fn tell(table: &Table, on: TrunkId, number: usize, attempt: &Attempt, trace: &mut dyn Trace) {
    if trace.wants() {
        let Attempt { tier, ref called, ref caller, .. } = *attempt;
        trace.note(Step::Attempt { number, trunk: table.trunk_name(attempt.trunk), tier, called, caller });
        let path = table.media_path(on, attempt.trunk, attempt.record);
        if path != MediaPath::Anchored {
            trace.note(Step::Media { trunk: table.trunk_name(attempt.trunk), path });
        }
    }
}

fn tell_skipped(table: &Table, trunk: TrunkId, why: SkipReason, trace: &mut dyn Trace) {
    if trace.wants() {
        let Told(_, site) = table.told(why);
        trace.note(Step::Skipped { trunk: table.trunk_name(trunk), why, site });
    }
}

fn tell_demoted(table: &Table, trunk: TrunkId, trouble: Trouble, trace: &mut dyn Trace) {
    if trace.wants() {
        let down = trouble == Trouble::Down;
        trace.note(Step::Demoted { trunk: table.trunk_name(trunk), down });
    }
}

/// The tiers of all routes, counted through.
fn tiers<'f>(chain: &'f [Found<'f>]) -> impl Iterator<Item = (u8, &'f Found<'f>, &'f Tier)> {
    let all = chain.iter().flat_map(|found| found.tiers.iter().map(move |members| (found, members)));
    (0_u8..=u8::MAX).zip(all).map(|(tier, (found, members))| (tier, found, members))
}

/// Judges every trunk of the tiers once, in drawn order.
fn choose<'f>(
    sorting: &mut Sorting<'_, '_>,
    chain: &'f [Found<'f>],
    order: Order,
    state: &dyn State,
    trace: &mut dyn Trace,
) -> (SmallVec<[Place<'f>; 8]>, Skipped) {
    let table = sorting.table;
    let mut seen = Drawn::new();
    let mut skipped = Skipped::new();
    let mut places: SmallVec<[Place<'_>; 8]> = SmallVec::new();
    let mut last: SmallVec<[Place<'_>; 8]> = SmallVec::new();
    for (tier, found, members) in tiers(chain) {
        for (trunk, price) in sorting.sort(found, members, trace) {
            if seen.contains(&trunk) {
                continue;
            }
            seen.push(trunk);
            let unrated = price.is_none() && found.by_cost.is_some_and(|by| by.exclude) && !order.emergency;
            let judged = match () {
                () if places.len() + last.len() >= ATTEMPTS_MAX => Err(SkipReason::PlanFull),
                () if unrated => Err(SkipReason::Unrated),
                () => judge(table, (trunk, found), order, state),
            };
            match judged {
                Ok(None) => places.push(Place { trunk, found, price, tier, demoted: false }),
                Ok(Some(trouble)) => {
                    tell_demoted(table, trunk, trouble, trace);
                    last.push(Place { trunk, found, price, tier, demoted: true });
                }
                Err(why) => {
                    tell_skipped(table, trunk, why, trace);
                    skipped.push((trunk, why));
                }
            }
        }
    }
    places.append(&mut last);
    (places, skipped)
}

/// Puts the trunks of a tier in order.
struct Sorting<'t, 'c> {
    table: &'t Table,
    called: &'c str,
    clocks: &'c mut Clocks<'t>,
    rng: Rng,
    emergency: bool,
}

impl<'t, 'c> Sorting<'t, 'c> {
    fn new(table: &'t Table, called: &'c str, clocks: &'c mut Clocks<'t>, order: Order) -> Sorting<'t, 'c> {
        // The second word only separates this use of the dice from others.
        let rng = Rng::new((order.dice, 0x7469_6572_7365_6564));
        Sorting { table, called, clocks, rng, emergency: order.emergency }
    }

    /// By weight, or by cost where the route wants that; costs are no matter in an emergency.
    fn sort(&mut self, found: &Found<'_>, members: &Tier, trace: &mut dyn Trace) -> Priced {
        let Some(by) = found.by_cost else {
            return draw(members, &mut self.rng).into_iter().map(|trunk| (trunk, None)).collect();
        };
        if self.emergency {
            return members.iter().map(|&(trunk, _)| (trunk, None)).collect();
        }
        let rates = &self.table.rates;
        let priced = rates.of(self.called, members, by.seconds, self.clocks);
        if trace.wants() {
            for (trunk, price) in &priced {
                let prefix = |price: &Price| self.called.get(..usize::from(price.prefix));
                trace.note(Step::Priced {
                    trunk: self.table.trunk_name(*trunk),
                    rate: price.as_ref().and_then(|price| Some((prefix(price)?, price))),
                    currency: rates.currency.as_deref().unwrap_or_default(),
                    seconds: by.seconds,
                });
            }
        }
        priced
    }
}

/// Why a trunk goes last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Down,
    Cooling,
}

fn judge(
    table: &Table,
    (trunk, found): (TrunkId, &Found<'_>),
    order: Order,
    state: &dyn State,
) -> Result<Option<Trouble>, SkipReason> {
    let Some(facts) = table.trunks.get(trunk.index()) else { return Err(SkipReason::Disabled) };
    let now = state.trunk(trunk);
    if !facts.enabled || !now.enabled {
        return Err(SkipReason::Disabled);
    }
    if now.draining {
        return Err(SkipReason::Draining);
    }
    if trunk == order.on && !facts.direct {
        return Err(SkipReason::Hairpin);
    }
    if !order.emergency
        && !table.scopes.places.varies(trunk)
        && table.are_apart((order.on, order.source), (trunk, None))
    {
        return Err(SkipReason::OtherSite);
    }
    if !order.emergency {
        if now.full_out || facts.calls_max.is_some_and(|max| now.calls >= max) {
            return Err(SkipReason::Full);
        }
        if now.cps_spent {
            return Err(SkipReason::Rate);
        }
        if let Some(full) = table.full_link(order.media, trunk, found.record, state) {
            return Err(SkipReason::LinkFull(full));
        }
    }
    Ok(match (now.health, now.cooling) {
        (Health::Down, _) => Some(Trouble::Down),
        (Health::Up, true) => Some(Trouble::Cooling),
        (Health::Up, false) => None,
    })
}

/// The members of a tier in an order drawn by weight, without putting back; members without weight
/// come last, as they stand.
fn draw(members: &[(TrunkId, u32)], rng: &mut Rng) -> Drawn {
    if let [(only, _)] = members {
        return Drawn::from_slice(&[*only]);
    }
    let mut left: SmallVec<[(TrunkId, u32); 8]> = SmallVec::from_slice(members);
    let mut drawn = Drawn::new();
    while !left.is_empty() {
        let total: u64 = left.iter().map(|&(_, weight)| u64::from(weight)).sum();
        let mut at = 0;
        if total > 0 {
            let mut point = rng.below(total);
            for (index, &(_, weight)) in left.iter().enumerate() {
                at = index;
                if point < u64::from(weight) {
                    break;
                }
                point -= u64::from(weight);
            }
        }
        drawn.push(left.remove(at).0);
    }
    drawn
}

fn attempt(
    table: &Table,
    place: &Place<'_>,
    numbers: &Numbers,
    trace: &mut dyn Trace,
) -> Result<Attempt, SkipReason> {
    let Some(facts) = table.trunks.get(place.trunk.index()) else { return Err(SkipReason::Disabled) };
    let country = table.dialplan.country();
    let called = write(facts, Side::Called, &numbers.called, country, trace);
    // The route's own word on who calls comes first (R62, R73).
    let replaced = place.found.caller_id.is_some();
    let caller = place.found.caller_id.unwrap_or(&numbers.caller);
    let caller = write(facts, Side::Caller, caller, country, trace);
    let (Some(called), Some(caller)) = (called, caller) else { return Err(SkipReason::Unwritable) };
    Ok(Attempt {
        trunk: place.trunk,
        route_name: place.found.name.clone(),
        retry_on: place.found.retry_on.cloned(),
        record: place.found.record,
        tier: place.tier,
        price: place.price,
        called,
        caller,
        replaced,
        demoted: place.demoted,
    })
}

/// No trunk of the routes can be tried: the common reason, or that each has its own.
fn refuse(table: &Table, (chain, from): (&[Found<'_>], Peer), skipped: Skipped) -> Refusal {
    // Where the call came from never counts when another trunk has a reason that may pass.
    let mut reasons = skipped.iter().map(|&(_, why)| why).filter(|&why| why != SkipReason::Hairpin);
    let reason = match reasons.next() {
        None if skipped.is_empty() => ReasonId::NoTrunk,
        None => ReasonId::Hairpin,
        Some(first) if reasons.all(|why| why.reason() == first.reason()) => first.reason(),
        Some(_) => ReasonId::NoTrunk,
    };
    let wait = |why: SkipReason| match why {
        SkipReason::Full | SkipReason::LinkFull(_) => Some(RETRY_FULL),
        SkipReason::Rate => Some(RETRY_RATE),
        _ => None,
    };
    let retry_after = skipped.iter().filter_map(|&(_, why)| wait(why)).min();
    let mut sentence = reason.sentence().trim_end_matches('.').to_owned();
    for (at, found) in chain.iter().enumerate() {
        let _ = write!(sentence, "{}{}", if at == 0 { " (route " } else { ", " }, found.name);
    }
    for (at, &(trunk, why)) in skipped.iter().enumerate() {
        let (mark, name) = (if at == 0 { ";" } else { "," }, table.trunk_name(trunk));
        let _ = write!(sentence, "{mark} {name}: {}", table.told(why));
        if let SkipReason::LinkFull(full) = why {
            let route = chain.first().and_then(|found| found.record);
            sentence.push_str(&table.detour(from, trunk, full.site, route));
        }
    }
    sentence.push_str(").");
    Refusal {
        status: reason.status(),
        reason,
        retry_after: retry_after.filter(|_| reason.status() == 503),
        sentence,
        route: chain.first().map(|found| found.route),
        skipped,
    }
}
