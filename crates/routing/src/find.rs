//! Finding the ways of a call: our own numbers, else the first route that takes it; under a policy
//! the first of each usage, in the policy's order.

use crate::decision::{Refusal, RouteRef};
use crate::dialplan::Normal;
use crate::facts::Facts;
use crate::hours::Clocks;
use crate::plan::{Numbers, refuse};
use crate::reading::begun;
use crate::scope::Origin;
use crate::table::{ByCost, Table, Way};
use crate::trace::{Step, Trace, Verdict};
use base::{ReasonId, TrunkId};
use config::{Recorder, Tier};
use smallvec::SmallVec;
use std::sync::Arc;

/// One way that a call takes.
pub(crate) struct Found<'t> {
    pub route: RouteRef,
    pub name: &'t Arc<str>,
    pub tiers: &'t [Tier],
    pub retry_on: Option<&'t Arc<[u16]>>,
    pub caller_id: Option<&'t Normal>,
    pub by_cost: Option<ByCost>,
    pub record: Option<Recorder>,
}

/// Ways in the order in which they are tried; at least one.
pub(crate) type Chain<'t> = SmallVec<[Found<'t>; 2]>;

/// For each place the route that was found for it.
type Picks = SmallVec<[Option<u32>; 8]>;

/// What a route is asked about.
struct Asked<'a, 't> {
    called: &'a str,
    caller: &'a str,
    on: TrunkId,
    clocks: &'a mut Clocks<'t>,
}

impl Table {
    /// Our own numbers first (R59), then the routes.
    pub(crate) fn find<'t>(
        &'t self,
        numbers: &Numbers,
        (facts, from): (&Facts<'_>, Origin),
        clocks: &mut Clocks<'t>,
        trace: &mut dyn Trace,
    ) -> Result<Chain<'t>, Refusal> {
        let called = numbers.called.number.as_str();
        if let Some(found) = self.find_numbers(called, trace) {
            return Ok(SmallVec::from_iter([found]));
        }
        let mut asked = Asked { called, caller: &numbers.caller.number, on: facts.on, clocks };
        let usages = self.usages_of(from, numbers.called.emergency, trace);
        let picks = match usages {
            None => SmallVec::from_iter([self.first_route(&mut asked)]),
            Some(usages) => self.first_of_each(usages, &mut asked),
        };
        if trace.wants() {
            self.tell_routes(usages, &picks, &mut asked, trace);
        }
        let mut chain = Chain::new();
        for way in picks.iter().flatten().filter_map(|&place| self.routes.get(place as usize)) {
            let route = RouteRef::Route(way.index);
            // A route that serves several usages is tried once.
            if chain.iter().all(|found| found.route != route) {
                chain.push(Found {
                    route,
                    name: &way.name,
                    tiers: &way.tiers,
                    retry_on: way.retry_on.as_ref(),
                    caller_id: way.caller_id.as_ref(),
                    by_cost: way.by_cost,
                    record: way.record,
                });
            }
        }
        if chain.is_empty() { Err(self.nowhere(numbers, usages.is_some(), &mut asked)) } else { Ok(chain) }
    }

    /// Why no route is taken.
    fn nowhere(&self, numbers: &Numbers, policy: bool, asked: &mut Asked<'_, '_>) -> Refusal {
        if policy && self.first_route(asked).is_some() {
            return refuse(ReasonId::NotInPolicy);
        }
        // RFC 3261 §21.4.5 and §21.4.22: unknown here, or not all of the number yet.
        let called = asked.called;
        let dialled = called.bytes().all(|b| b.is_ascii_digit() || b == b'+');
        let longer = |number: &str| self.ranges.has_longer(number) || self.tree.has_longer(number.as_bytes());
        let begun = self.dialplan.country().and_then(|home| begun(called, home));
        let leads = |number: &str| {
            let Asked { caller, on, .. } = *asked;
            let mut later = Asked { called: number, caller, on, clocks: &mut *asked.clocks };
            longer(number) || self.ranges.find(number).is_some() || self.first_route(&mut later).is_some()
        };
        let more = longer(called) || begun.as_deref().is_some_and(leads);
        let incomplete = dialled && more && !numbers.called.emergency;
        refuse(if incomplete { ReasonId::NumberIncomplete } else { ReasonId::NoRoute })
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
        let route = RouteRef::Numbers(index);
        let (name, retry_on, caller_id, by_cost, record) = (&self.numbers_name, None, None, None, None);
        Some(Found { route, name, tiers, retry_on, caller_id, by_cost, record })
    }

    /// The usages of the caller's policy; `None` when all routes are open to it. No policy keeps anyone
    /// from an emergency service (R91).
    fn usages_of(&self, from: Origin, emergency: bool, trace: &mut dyn Trace) -> Option<&[u16]> {
        let policy = self.scopes.policy(from).and_then(|at| self.policies.get(at))?;
        if trace.wants() {
            trace.note(Step::Policy { name: &policy.name, counts: !emergency });
        }
        (!emergency).then_some(&policy.usages)
    }

    fn first_route(&self, asked: &mut Asked<'_, '_>) -> Option<u32> {
        let mut found = None;
        self.candidates(asked.called, |place, way| {
            if way.verdict(asked) == Verdict::Matches {
                found = Some(place);
            }
            found.is_some()
        });
        found
    }

    /// The first route of each usage, in one pass over the candidates.
    fn first_of_each(&self, usages: &[u16], asked: &mut Asked<'_, '_>) -> Picks {
        let mut picks: Picks = SmallVec::from_elem(None, usages.len());
        let mut open = usages.len();
        self.candidates(asked.called, |place, way| {
            let mut wanted = usages
                .iter()
                .zip(&mut picks)
                .filter(|(usage, pick)| pick.is_none() && way.usages.contains(usage));
            if let Some((_, first)) = wanted.next()
                && way.verdict(asked) == Verdict::Matches
            {
                *first = Some(place);
                open -= 1;
                for (_, pick) in wanted {
                    *pick = Some(place);
                    open -= 1;
                }
            }
            open == 0
        });
        picks
    }

    /// Shows the routes that may take a called number until `enough`: those filed under one of its
    /// beginnings, merged in the order in which routes are asked.
    fn candidates(&self, called: &str, mut enough: impl FnMut(u32, &Way) -> bool) {
        let mut lists: SmallVec<[&[u32]; 24]> = self.tree.beginning(called.as_bytes()).collect();
        while let Some(next) = lists.iter().filter_map(|list| list.first().copied()).min() {
            let Some(way) = self.routes.get(next as usize) else { return };
            if enough(next, way) {
                return;
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

    /// Tells why each route up to the one taken does or does not match; under a policy usage by usage.
    fn tell_routes(
        &self,
        usages: Option<&[u16]>,
        picks: &[Option<u32>],
        asked: &mut Asked<'_, '_>,
        trace: &mut dyn Trace,
    ) {
        for (at, pick) in picks.iter().enumerate() {
            let usage = usages.and_then(|usages| usages.get(at));
            if let Some(name) = usage.and_then(|&usage| self.usages.get(usize::from(usage))) {
                trace.note(Step::Usage { name });
            }
            let until = pick.map_or(self.routes.len(), |place| place as usize + 1);
            let serves = |way: &&Way| usage.is_none_or(|usage| way.usages.contains(usage));
            for way in self.routes.iter().take(until).filter(serves) {
                let verdict = way.verdict(asked);
                trace.note(Step::Route { name: &way.name, verdict });
            }
        }
    }
}

impl Way {
    /// Whether the route takes a call, and if not, why.
    fn verdict(&self, asked: &mut Asked<'_, '_>) -> Verdict {
        if !self.on.is_empty() && self.on.binary_search(&asked.on).is_err() {
            Verdict::OtherTrunk
        } else if !self.called.takes(asked.called) {
            Verdict::OtherCalled
        } else if !self.caller.takes(asked.caller) {
            Verdict::OtherCaller
        } else if self.except.iter().any(|except| except.takes(asked.called)) {
            Verdict::Excepted
        } else if !self.hours.as_ref().is_none_or(|hours| asked.clocks.hold(hours)) {
            Verdict::OtherTime
        } else {
            Verdict::Matches
        }
    }
}
