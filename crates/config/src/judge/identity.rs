//! Identity: values that need another beside them.

use super::value_at;
use crate::model::{
    CalledParty, Caller, CallerDisplay, CallerWritten, Charge, FirstIs, NotOwned, PassStrip, Trunk,
};
use crate::report::{Finding, Report};
use crate::text::Table;

/// A key below `override`, what is wrong with it, and what was expected.
type Fault = (&'static str, String, &'static str);

/// Judges `override.caller` and `override.forwarding` of a trunk; `at` is where the trunk's name stands.
pub(super) fn judge(trunk: &Trunk, table: &Table, at: usize, report: &mut Report<'_>) {
    let own = table.table("override");
    let written = own.and_then(|t| t.table("caller"));
    let mut faults = Vec::new();
    if trunk.policy.caller.screen.pilot.is_none() && trunk.pilot.is_none() {
        pilotless(trunk, &mut faults);
    }
    incomplete(&trunk.policy.caller, &mut faults);
    if !trunk.policy.caller.trust {
        idle(&trunk.policy.caller, |key| written.is_some_and(|t| t.value(key).is_some()), &mut faults);
    }
    for (path, message, expected) in faults {
        let (tables, key) = path.rsplit_once('.').unwrap_or(("", path));
        let inner = tables.split('.').try_fold(own, |table, name| table.map(|t| t.table(name)));
        let place = inner.flatten().map_or(at, |t| value_at(t, key, at));
        let path = format!("trunk.{}.override.{path}", trunk.name);
        report.error(Finding::new(place, path, "conflict", message).expected(expected));
    }
}

/// What names the pilot of a trunk that has none.
fn pilotless(trunk: &Trunk, faults: &mut Vec<Fault>) {
    let pilot = "`pilot = \"+493023125000\"` in `caller.screen`";
    let (caller, forwarding) = (&trunk.policy.caller, &trunk.policy.forwarding);
    if caller.write.as_ref().is_some_and(|write| !write.contains(&CallerWritten::From)) {
        let message = "`write` without `from` and without a `pilot` for From".to_owned();
        faults.push(("caller.write", message, pilot));
    }
    let not_owned = caller.screen.not_owned;
    if matches!(not_owned, NotOwned::Pilot | NotOwned::PilotAsserted) {
        let message = format!("`not_owned = \"{not_owned}\"` without a `pilot`");
        faults.push(("caller.screen.not_owned", message, pilot));
    }
    if caller.charge == Charge::Pilot {
        faults.push(("caller.charge", "`charge = \"pilot\"` without a `pilot`".to_owned(), pilot));
    }
    if forwarding.first_is == FirstIs::Pilot {
        faults.push(("forwarding.first_is", "`first_is = \"pilot\"` without a `pilot`".to_owned(), pilot));
    }
}

/// A replacement by nothing.
fn incomplete(caller: &Caller, faults: &mut Vec<Fault>) {
    if caller.charge == Charge::Replace && caller.charge_number.is_none() {
        let message = "`charge = \"replace\"` without a `charge_number`".to_owned();
        faults.push(("caller.charge", message, "`charge_number = \"…\"`"));
    }
    if caller.display == CallerDisplay::Replace && caller.display_name.is_none() {
        let message = "`display = \"replace\"` without a `display_name`".to_owned();
        faults.push(("caller.display", message, "`display_name = \"…\"`"));
    }
}

/// What says something only to trusted peers, written for one that is not.
fn idle(caller: &Caller, written: impl Fn(&str) -> bool, faults: &mut Vec<Fault>) {
    for (path, key, says) in [
        ("caller.charge", "charge", caller.charge != Charge::Strip),
        ("caller.called_party", "called_party", caller.called_party != CalledParty::Strip),
        ("caller.referred_by", "referred_by", caller.referred_by != PassStrip::Strip),
    ] {
        if says && written(key) {
            let message = format!("`{key}` tells nothing to a peer that is not trusted");
            faults.push((path, message, "`trust = true`"));
        }
    }
}
