//! Deciding: normalise, look among our numbers, then among the routes, then lay the attempts.

use crate::attempts::{Order, lay};
use crate::bypass::MediaPath;
use crate::decision::{Attempt, Decision, Plan, Refusal};
use crate::dialplan::Normal;
use crate::facts::{Facts, State};
use crate::hours::Clocks;
use crate::number::is_possible;
use crate::rewrite::TooLong;
use crate::table::Table;
use crate::trace::{NoTrace, Side, Step, Trace};
use base::{ReasonId, TrunkId};
use smallvec::SmallVec;
use std::fmt::Write as _;

/// Behind the name of a trunk of which something holds only if it is tried: that depends on those before it.
const IF_TRIED: &str = ", if tried:";

/// Both numbers of a call, normalised.
pub(crate) struct Numbers {
    pub called: Normal,
    pub caller: Normal,
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

    /// Whether a call is for an emergency service.
    #[must_use]
    pub fn is_emergency(&self, facts: &Facts<'_>) -> bool {
        let normal = || self.normalise(facts.called, Side::Called, self.origin(facts), &mut NoTrace);
        is_possible(facts.called) && normal().is_ok_and(|number| number.emergency)
    }

    /// One line for the record: which route, what was skipped, whose media leave the node. `on`: the trunk that the
    /// call arrived by.
    #[must_use]
    pub fn explain(&self, on: TrunkId, plan: &Plan) -> String {
        let mut line = format!("route {}", plan.route_name);
        for (trunk, why) in &plan.skipped {
            let _ = write!(line, "; {} skipped: {}", self.trunk_name(*trunk), self.told(*why));
        }
        for (at, attempt) in plan.attempts.iter().enumerate() {
            let Attempt { trunk, record, .. } = *attempt;
            let (name, path) = (self.trunk_name(trunk), self.media_path(on, trunk, record));
            if attempt.demoted {
                let _ = write!(line, "; {name} demoted");
            }
            if path != MediaPath::Anchored {
                let _ = write!(line, "; {name}{} {path}", if at == 0 { "" } else { IF_TRIED });
            }
        }
        line
    }

    /// The line of [`Table::explain`] from when gateways ring at once, of each the trunk: these are tried for certain.
    #[must_use]
    pub fn explain_round(&self, line: &str, round: impl Iterator<Item = TrunkId>) -> String {
        let (mut line, mut gateways) = (line.to_owned(), 0);
        for trunk in round {
            let name = self.trunk_name(trunk);
            line = line.replace(&format!("; {name}{IF_TRIED}"), &format!("; {name}"));
            gateways += 1;
        }
        let _ = write!(line, "; {gateways} gateways at once");
        line
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
        let from = self.origin(facts);
        self.tell_origin(from, trace);
        let called = self.normalise(facts.called, Side::Called, from, trace);
        let called = called.map_err(|TooLong| refuse(ReasonId::NumberInvalid))?;
        let caller = self.normalise(caller, Side::Caller, from, trace).unwrap_or_default();
        let numbers = Numbers { called, caller };
        if numbers.called.number.trim_start_matches('+').is_empty() {
            return Err(refuse(ReasonId::NumberIncomplete));
        }
        let mut clocks = Clocks::new(facts.at, &self.zones);
        let found = self.find(&numbers, (facts, from), &mut clocks, trace)?;
        self.permit(&numbers, (facts, from), &found, trace)?;
        let Facts { on, source, .. } = *facts;
        let media = facts.media.map_or((on, source), |(trunk, address)| (trunk, Some(address)));
        let order = Order { on, source, media, emergency: numbers.called.emergency, dice };
        lay(self, &found, numbers, order, &mut clocks, state, trace)
    }
}

pub(crate) fn refuse(reason: ReasonId) -> Refusal {
    Refusal {
        status: reason.status(),
        reason,
        retry_after: None,
        sentence: reason.sentence().to_owned(),
        route: None,
        skipped: SmallVec::new(),
    }
}
