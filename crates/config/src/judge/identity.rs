//! Identity: values that need another beside them.

use super::value_at;
use crate::model::{CalledParty, CallerDisplay, CallerWritten, Charge, FirstIs, NotOwned, PassStrip, Trunk};
use crate::report::{Finding, Report};
use crate::text::Table;

/// Judges `override.caller` and `override.forwarding` of a trunk; `at` is where the trunk's name stands.
pub(super) fn judge(trunk: &Trunk, table: &Table, at: usize, report: &mut Report<'_>) {
    let (caller, forwarding) = (&trunk.policy.caller, &trunk.policy.forwarding);
    let own = table.table("override");
    let written = own.and_then(|t| t.table("caller"));
    let screen = written.and_then(|t| t.table("screen"));
    let place = |table: Option<&Table>, key| table.map_or(at, |t| value_at(t, key, at));
    let mut conflict = |at: usize, key: &str, message: String, expected: &str| {
        let path = format!("trunk.{}.override.{key}", trunk.name);
        report.error(Finding::new(at, path, "conflict", message).expected(expected));
    };
    let pilot = "`pilot = \"+493023125000\"` in `caller.screen`";
    if caller.screen.pilot.is_none() && trunk.pilot.is_none() {
        if matches!(caller.screen.not_owned, NotOwned::Pilot | NotOwned::PilotAsserted) {
            let message = format!("`not_owned = \"{}\"` without a `pilot`", caller.screen.not_owned);
            conflict(place(screen, "not_owned"), "caller.screen.not_owned", message, pilot);
        }
        if caller.write.as_ref().is_some_and(|write| !write.contains(&CallerWritten::From)) {
            let message = "`write` without `from` and without a `pilot` for From".to_owned();
            conflict(place(written, "write"), "caller.write", message, pilot);
        }
        if caller.charge == Charge::Pilot {
            let message = "`charge = \"pilot\"` without a `pilot`".to_owned();
            conflict(place(written, "charge"), "caller.charge", message, pilot);
        }
        if forwarding.first_is == FirstIs::Pilot {
            let message = "`first_is = \"pilot\"` without a `pilot`".to_owned();
            let table = own.and_then(|t| t.table("forwarding"));
            conflict(place(table, "first_is"), "forwarding.first_is", message, pilot);
        }
    }
    if caller.charge == Charge::Replace && caller.charge_number.is_none() {
        let message = "`charge = \"replace\"` without a `charge_number`".to_owned();
        conflict(place(written, "charge"), "caller.charge", message, "`charge_number = \"…\"`");
    }
    for (key, idle) in [
        ("charge", caller.charge == Charge::Strip),
        ("called_party", caller.called_party == CalledParty::Strip),
        ("referred_by", caller.referred_by == PassStrip::Strip),
    ] {
        if !caller.trust && !idle && written.is_some_and(|t| t.value(key).is_some()) {
            let message = format!("`{key}` tells nothing to a peer that is not trusted");
            conflict(place(written, key), &format!("caller.{key}"), message, "`trust = true`");
        }
    }
    if caller.display == CallerDisplay::Replace && caller.display_name.is_none() {
        let message = "`display = \"replace\"` without a `display_name`".to_owned();
        conflict(place(written, "display"), "caller.display", message, "`display_name = \"…\"`");
    }
}
