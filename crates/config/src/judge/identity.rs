//! Identity: values that need another beside them.

use super::value_at;
use crate::model::{
    CalledParty, Caller, CallerDisplay, CallerWritten, Charge, FirstIs, NotOwned, PassStrip, Trunk,
};
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
    if caller.screen.pilot.is_none() && trunk.pilot.is_none() {
        let pilot = "`pilot = \"+493023125000\"` in `caller.screen`";
        if matches!(caller.screen.not_owned, NotOwned::Pilot | NotOwned::PilotAsserted) {
            let message = format!("`not_owned = \"{}\"` without a `pilot`", caller.screen.not_owned);
            conflict(place(screen, "not_owned"), "caller.screen.not_owned", message, pilot);
        }
        if caller.write.as_ref().is_some_and(|write| !write.contains(&CallerWritten::From)) {
            let message = "`write` without `from` and without a `pilot` for From".to_owned();
            conflict(place(written, "write"), "caller.write", message, pilot);
        }
        let forward = own.and_then(|t| t.table("forwarding"));
        for (table, path, key, wanted) in [
            (written, "caller.charge", "charge", caller.charge == Charge::Pilot),
            (forward, "forwarding.first_is", "first_is", forwarding.first_is == FirstIs::Pilot),
        ] {
            if wanted {
                conflict(place(table, key), path, format!("`{key} = \"pilot\"` without a `pilot`"), pilot);
            }
        }
    }
    for key in idle_keys(caller).filter(|key| written.is_some_and(|t| t.value(key).is_some())) {
        let message = format!("`{key}` tells nothing to a peer that is not trusted");
        conflict(place(written, key), &format!("caller.{key}"), message, "`trust = true`");
    }
    for (key, wants, without) in [
        ("charge", "charge_number", caller.charge == Charge::Replace && caller.charge_number.is_none()),
        (
            "display",
            "display_name",
            caller.display == CallerDisplay::Replace && caller.display_name.is_none(),
        ),
    ] {
        if without {
            let message = format!("`{key} = \"replace\"` without a `{wants}`");
            conflict(place(written, key), &format!("caller.{key}"), message, &format!("`{wants} = \"…\"`"));
        }
    }
}

/// Keys that say something only to trusted peers, where this one is not.
fn idle_keys(caller: &Caller) -> impl Iterator<Item = &'static str> {
    let said = [
        ("charge", caller.charge != Charge::Strip),
        ("called_party", caller.called_party != CalledParty::Strip),
        ("referred_by", caller.referred_by != PassStrip::Strip),
    ];
    let trusted = caller.trust;
    said.into_iter().filter(move |(_, says)| *says && !trusted).map(|(key, _)| key)
}
