//! Deciding: normalise, look among our numbers, then among the routes, then lay the attempts.

use crate::attempts::{Order, lay};
use crate::decision::{Decision, Plan, Refusal};
use crate::dialplan::Normal;
use crate::facts::{Facts, State};
use crate::hours::Clocks;
use crate::number::is_possible;
use crate::rewrite::TooLong;
use crate::table::Table;
use crate::trace::{NoTrace, Side, Step, Trace};
use base::{ReasonId, TrunkId};
use smallvec::SmallVec;

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

    /// Whether a called number as received is that of an emergency service, for calls that arrive by a trunk.
    #[must_use]
    pub fn is_emergency(&self, on: TrunkId, called: &str) -> bool {
        is_possible(called)
            && self
                .dialplan
                .normalise(called, Side::Called, on.index(), &mut NoTrace)
                .is_ok_and(|number| number.emergency)
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
        let mut clocks = Clocks::new(facts.at, &self.zones);
        let found = self.find(&numbers, facts, &mut clocks, trace)?;
        self.permit(&numbers, facts, &found, trace)?;
        let order = Order { on: facts.on, emergency: numbers.called.emergency, dice };
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
