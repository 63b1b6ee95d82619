//! Deciding: normalise, look among our numbers, then among the routes, then lay the attempts.

use crate::attempts::{Order, lay};
use crate::decision::{Decision, Plan, Refusal, RouteRef};
use crate::dialplan::Normal;
use crate::facts::{Facts, State};
use crate::number::is_possible;
use crate::rewrite::TooLong;
use crate::table::{Table, Way};
use crate::trace::{Side, Step, Trace, Verdict};
use base::{ReasonId, TrunkId};
use config::Tier;
use smallvec::SmallVec;
use std::sync::Arc;

/// Both numbers of a call, normalised.
pub(crate) struct Numbers {
    pub called: Normal,
    pub caller: Normal,
}

/// The way that a call takes.
pub(crate) struct Found<'t> {
    pub route: RouteRef,
    pub name: &'t Arc<str>,
    pub tiers: &'t [Tier],
    pub retry_on: Option<&'t Arc<[u16]>>,
}

impl Table {
    /// Decides on one call. The same facts, state and `dice` always give the same decision.
    ///
    /// `dice` is entropy for the order inside weighted tiers; `trace` hears every step when it wants.
    #[must_use]
    pub fn plan(&self, facts: &Facts<'_>, state: &dyn State, dice: u64, trace: &mut dyn Trace) -> Decision {
        if trace.wants() {
            let Facts { called, caller, anonymous, .. } = *facts;
            trace.note(Step::Arrived { on: self.trunk_name(facts.on), called, caller, anonymous });
        }
        match self.judge(facts, state, dice, trace) {
            Ok(plan) => Decision::Plan(plan),
            Err(refusal) => {
                if trace.wants() {
                    let Refusal { reason, status, ref sentence, .. } = refusal;
                    trace.note(Step::Refused { reason, status, sentence });
                }
                Decision::Refuse(refusal)
            }
        }
    }

    fn judge(
        &self,
        facts: &Facts<'_>,
        state: &dyn State,
        dice: u64,
        trace: &mut dyn Trace,
    ) -> Result<Plan, Refusal> {
        if !is_possible(facts.called) {
            return Err(refuse(ReasonId::NumberInvalid));
        }
        // A caller that cannot be one is not worth refusing the call for; it has no number then.
        let caller = if is_possible(facts.caller) { facts.caller } else { "" };
        let on = facts.on.index();
        let called = self.dialplan.normalise(facts.called, Side::Called, on, trace);
        let called = called.map_err(|TooLong| refuse(ReasonId::NumberInvalid))?;
        let caller = self.dialplan.normalise(caller, Side::Caller, on, trace).unwrap_or_default();
        let numbers = Numbers { called, caller };
        if numbers.called.number.trim_start_matches('+').is_empty() {
            return Err(refuse(ReasonId::NumberIncomplete));
        }
        let found = self.find(&numbers, facts.on, trace)?;
        let order = Order { on: facts.on, emergency: numbers.called.emergency, dice };
        lay(self, &found, numbers, order, state, trace)
    }

    /// Our own numbers first (R59), then the first route that matches.
    fn find(&self, numbers: &Numbers, on: TrunkId, trace: &mut dyn Trace) -> Result<Found<'_>, Refusal> {
        let called = numbers.called.number.as_str();
        if let Some(found) = self.find_numbers(called, trace) {
            return Ok(found);
        }
        let index = self.find_route(called, &numbers.caller.number, on);
        if trace.wants() {
            self.tell_routes(index, numbers, on, trace);
        }
        let Some((index, way)) = index.and_then(|i| Some((i, self.routes.get(i as usize)?))) else {
            // RFC 3261 §21.4.5 and §21.4.22: unknown here, or not all of the number yet.
            let dialled = called.bytes().all(|b| b.is_ascii_digit() || b == b'+');
            let longer = self.ranges.has_longer(called) || self.tree.has_longer(called.as_bytes());
            let incomplete = dialled && longer && !numbers.called.emergency;
            return Err(refuse(if incomplete { ReasonId::NumberIncomplete } else { ReasonId::NoRoute }));
        };
        let route = RouteRef::Route(index);
        Ok(Found { route, name: &way.name, tiers: &way.tiers, retry_on: way.retry_on.as_ref() })
    }

    fn find_numbers(&self, called: &str, trace: &mut dyn Trace) -> Option<Found<'_>> {
        let found = self.ranges.find(called).and_then(|index| {
            let numbers = self.numbers.get(index as usize)?;
            Some((index, numbers, self.deliveries.get(numbers.delivery as usize)?))
        });
        if trace.wants() {
            trace.note(match found {
                Some((_, n, _)) => Step::OurNumber { first: &n.first, last: &n.last },
                None => Step::NotOurNumber,
            });
        }
        let (index, _, tiers) = found?;
        Some(Found { route: RouteRef::Numbers(index), name: &self.numbers_name, tiers, retry_on: None })
    }

    /// The first route that takes the call: candidates are those filed under a beginning of the
    /// called number, merged in the order of the configuration.
    fn find_route(&self, called: &str, caller: &str, on: TrunkId) -> Option<u32> {
        let mut lists: SmallVec<[&[u32]; 24]> = self.tree.beginning(called.as_bytes()).collect();
        loop {
            let next = lists.iter().filter_map(|list| list.first().copied()).min()?;
            if self.routes.get(next as usize)?.verdict(called, caller, on) == Verdict::Matches {
                return Some(next);
            }
            for list in &mut lists {
                if let Some((&first, rest)) = list.split_first()
                    && first == next
                {
                    *list = rest;
                }
            }
        }
    }

    /// Tells why each route up to the one taken does or does not match.
    fn tell_routes(&self, taken: Option<u32>, numbers: &Numbers, on: TrunkId, trace: &mut dyn Trace) {
        let until = taken.map_or(self.routes.len(), |index| index as usize + 1);
        for way in self.routes.iter().take(until) {
            let verdict = way.verdict(&numbers.called.number, &numbers.caller.number, on);
            trace.note(Step::Route { name: &way.name, verdict });
        }
    }
}

impl Way {
    /// Whether the route takes a call, and if not, why.
    pub(crate) fn verdict(&self, called: &str, caller: &str, on: TrunkId) -> Verdict {
        if !self.on.is_empty() && self.on.binary_search(&on).is_err() {
            Verdict::OtherTrunk
        } else if !self.called.takes(called) {
            Verdict::OtherCalled
        } else if !self.caller.takes(caller) {
            Verdict::OtherCaller
        } else {
            Verdict::Matches
        }
    }
}

fn refuse(reason: ReasonId) -> Refusal {
    Refusal {
        status: reason.status(),
        reason,
        retry_after: None,
        sentence: reason.sentence().to_owned(),
        route: None,
        skipped: SmallVec::new(),
    }
}
