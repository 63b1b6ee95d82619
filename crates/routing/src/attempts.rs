//! Laying the attempts: tiers in order, weights drawn, limits obeyed, trunks in trouble last.
//!
//! Full, rate-limited, disabled and draining trunks are skipped with their reason; trunks that are
//! down or asked to be left alone go behind all others but are never excluded (R79). Limits do not
//! hold for emergency calls (R95).

use crate::decision::{Attempt, Plan, Refusal, SkipReason};
use crate::facts::{Health, State};
use crate::plan::{Found, Numbers};
use crate::table::Table;
use crate::trace::{Side, Step, Trace};
use crate::wire::write;
use base::{ReasonId, Rng, TrunkId};
use smallvec::SmallVec;
use std::fmt::Write as _;

/// Most attempts of one call.
pub const ATTEMPTS_MAX: usize = 16;
/// Seconds until a full trunk may have room again.
const RETRY_FULL: u32 = 5;
/// Seconds until a new second's calls are counted.
const RETRY_RATE: u32 = 1;

/// What the order of attempts hangs on beside the route.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    /// The arriving trunk.
    pub on: TrunkId,
    pub emergency: bool,
    pub dice: u64,
}

type Skipped = SmallVec<[(TrunkId, SkipReason); 4]>;
type Drawn = SmallVec<[TrunkId; 8]>;

/// A trunk that may be tried.
struct Place {
    trunk: TrunkId,
    tier: u8,
    demoted: bool,
}

/// Lays the attempts of a call over the tiers of its route.
pub(crate) fn lay(
    table: &Table,
    found: &Found<'_>,
    numbers: Numbers,
    order: Order,
    state: &dyn State,
    trace: &mut dyn Trace,
) -> Result<Plan, Refusal> {
    let (places, mut skipped) = choose(table, found, order, state, trace);
    let mut attempts: SmallVec<[Attempt; 4]> = SmallVec::new();
    for place in &places {
        match attempt(table, place, &numbers, trace) {
            Ok(attempt) => {
                tell(table, attempts.len() + 1, &attempt, trace);
                attempts.push(attempt);
            }
            Err(why) => {
                if trace.wants() {
                    trace.note(Step::Skipped { trunk: table.trunk_name(place.trunk), why });
                }
                skipped.push((place.trunk, why));
            }
        }
    }
    if attempts.is_empty() {
        return Err(refuse(table, found, skipped));
    }
    Ok(Plan {
        route: found.route,
        route_name: found.name.clone(),
        attempts,
        called: numbers.called.number,
        caller: numbers.caller.number,
        called_rule: numbers.called.rule,
        caller_rule: numbers.caller.rule,
        emergency: order.emergency,
        retry_on: found.retry_on.cloned(),
        skipped,
    })
}

fn tell(table: &Table, number: usize, attempt: &Attempt, trace: &mut dyn Trace) {
    if trace.wants() {
        let Attempt { tier, ref called, ref caller, .. } = *attempt;
        trace.note(Step::Attempt { number, trunk: table.trunk_name(attempt.trunk), tier, called, caller });
    }
}

/// Judges every trunk of the tiers once, in drawn order.
fn choose(
    table: &Table,
    found: &Found<'_>,
    order: Order,
    state: &dyn State,
    trace: &mut dyn Trace,
) -> (SmallVec<[Place; 8]>, Skipped) {
    // The second word only separates this use of the dice from others.
    let mut rng = Rng::new((order.dice, 0x7469_6572_7365_6564));
    let mut seen = Drawn::new();
    let mut skipped = Skipped::new();
    let mut places: SmallVec<[Place; 8]> = SmallVec::new();
    let mut last: SmallVec<[Place; 8]> = SmallVec::new();
    for (tier, members) in (0_u8..=u8::MAX).zip(found.tiers) {
        for trunk in draw(members, &mut rng) {
            if seen.contains(&trunk) {
                continue;
            }
            seen.push(trunk);
            let full = places.len() + last.len() >= ATTEMPTS_MAX;
            let judged = if full { Err(SkipReason::PlanFull) } else { judge(table, trunk, order, state) };
            match judged {
                Ok(None) => places.push(Place { trunk, tier, demoted: false }),
                Ok(Some(trouble)) => {
                    if trace.wants() {
                        let down = trouble == Trouble::Down;
                        trace.note(Step::Demoted { trunk: table.trunk_name(trunk), down });
                    }
                    last.push(Place { trunk, tier, demoted: true });
                }
                Err(why) => {
                    if trace.wants() {
                        trace.note(Step::Skipped { trunk: table.trunk_name(trunk), why });
                    }
                    skipped.push((trunk, why));
                }
            }
        }
    }
    places.append(&mut last);
    (places, skipped)
}

/// Why a trunk goes last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Down,
    Cooling,
}

fn judge(
    table: &Table,
    trunk: TrunkId,
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
    if !order.emergency {
        if now.full_out || facts.calls_max.is_some_and(|max| now.calls >= max) {
            return Err(SkipReason::Full);
        }
        if now.cps_spent {
            return Err(SkipReason::Rate);
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
    place: &Place,
    numbers: &Numbers,
    trace: &mut dyn Trace,
) -> Result<Attempt, SkipReason> {
    let Some(facts) = table.trunks.get(place.trunk.index()) else { return Err(SkipReason::Disabled) };
    let country = table.dialplan.country();
    let called = write(facts, Side::Called, &numbers.called, country, trace);
    let caller = write(facts, Side::Caller, &numbers.caller, country, trace);
    let (Some(called), Some(caller)) = (called, caller) else { return Err(SkipReason::Unwritable) };
    Ok(Attempt { trunk: place.trunk, tier: place.tier, called, caller, demoted: place.demoted })
}

/// No trunk of the route can be tried: the common reason, or that each has its own.
fn refuse(table: &Table, found: &Found<'_>, skipped: Skipped) -> Refusal {
    // Where the call came from never counts when another trunk has a reason that may pass.
    let mut reasons = skipped.iter().map(|&(_, why)| why).filter(|&why| why != SkipReason::Hairpin);
    let reason = match reasons.next() {
        None if skipped.is_empty() => ReasonId::NoTrunk,
        None => ReasonId::Hairpin,
        Some(first) if reasons.all(|why| why == first) => first.reason(),
        Some(_) => ReasonId::NoTrunk,
    };
    let wait = |why: SkipReason| match why {
        SkipReason::Full => Some(RETRY_FULL),
        SkipReason::Rate => Some(RETRY_RATE),
        _ => None,
    };
    let retry_after = skipped.iter().filter_map(|&(_, why)| wait(why)).min();
    let mut sentence = reason.sentence().trim_end_matches('.').to_owned();
    let _ = write!(sentence, " (route {}", found.name);
    for (at, &(trunk, why)) in skipped.iter().enumerate() {
        let _ = write!(sentence, "{} {}: {why}", if at == 0 { ";" } else { "," }, table.trunk_name(trunk));
    }
    sentence.push_str(").");
    Refusal {
        status: reason.status(),
        reason,
        retry_after: retry_after.filter(|_| reason.status() == 503),
        sentence,
        route: Some(found.route),
        skipped,
    }
}
