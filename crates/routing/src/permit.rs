//! Whether a caller may call a class of numbers at all: the last word against toll fraud.

use crate::decision::{Refusal, RouteRef};
use crate::facts::Facts;
use crate::find::Found;
use crate::plan::{Numbers, refuse};
use crate::scope::Origin;
use crate::table::{Table, TrunkFacts};
use crate::trace::{Step, Trace};
use base::ReasonId;
use config::Class;

impl Table {
    /// Refuses classes of numbers that are denied. Numbers of ours and emergency services never are.
    pub(crate) fn permit(
        &self,
        numbers: &Numbers,
        (facts, from): (&Facts<'_>, Origin),
        found: &[Found<'_>],
        trace: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let Some(trunk) = self.trunks.get(facts.on.index()) else { return Ok(()) };
        let ours = found.iter().any(|found| matches!(found.route, RouteRef::Numbers(_)));
        if ours || numbers.called.emergency {
            return Ok(());
        }
        let (deny, deny_unknown) = self.scopes.denied(from);
        if deny.is_empty() && deny_unknown.is_empty() {
            return Ok(());
        }
        let classes = self.classes.of(&numbers.called.number);
        if classes.is_empty() {
            return Ok(());
        }
        let mut denied = classes.and(deny);
        let mut unknown = None;
        if denied.is_empty() {
            let held = classes.and(deny_unknown);
            unknown = if held.is_empty() { None } else { self.unknown(trunk, numbers, facts, found) };
            denied = if unknown.is_some() { held } else { denied };
        }
        if trace.wants() {
            trace.note(Step::Classes { classes, unknown });
        }
        let Some(class) = denied.iter().next() else { return Ok(()) };
        Err(refuse(match class {
            Class::Premium => ReasonId::DeniedPremium,
            Class::Satellite => ReasonId::DeniedSatellite,
            Class::SharedCost => ReasonId::DeniedSharedCost,
            Class::Personal => ReasonId::DeniedPersonal,
            Class::International => ReasonId::DeniedInternational,
        }))
    }

    /// Why a caller counts as unknown; `None` for one of ours.
    fn unknown(
        &self,
        trunk: &TrunkFacts,
        numbers: &Numbers,
        facts: &Facts<'_>,
        found: &[Found<'_>],
    ) -> Option<&'static str> {
        if !trunk.direct {
            // A call that can only end inside costs nobody anything.
            let provider = |id: base::TrunkId| self.trunks.get(id.index()).is_some_and(|t| !t.direct);
            let mut trunks = found.iter().flat_map(|f| f.tiers.iter().flatten());
            let leaves = trunks.any(|&(id, _)| provider(id));
            return (leaves && !trunk.transit).then_some("the call comes from a provider");
        }
        // Without numbers of ours nobody can be told from a stranger.
        if self.numbers.is_empty() {
            return None;
        }
        let caller = numbers.caller.number.as_str();
        if self.ranges.find(caller).is_some() {
            // Whoever hides a number of ours from the callee is still one of us.
            return None;
        }
        if caller.starts_with('+') {
            return Some("the caller's number is none of ours");
        }
        // An extension is the PBX's own; a word for nobody is not.
        let nobody =
            caller.is_empty() || (facts.anonymous && !caller.starts_with(|c: char| c.is_ascii_digit()));
        nobody.then_some("the call is anonymous")
    }
}
