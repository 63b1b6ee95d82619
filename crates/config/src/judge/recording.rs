//! Recorders: `record` names one wherever it stands, none is recorded itself, and no call is routed to one.

use super::value_at;
use crate::build::Draft;
use crate::model::{Kind, Trunk};
use crate::report::{Finding, Report};
use crate::text::Table;
use base::TrunkId;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    judge_named(root, draft, report);
    judge_routed(root, draft, report);
}

fn trunk<'d>(draft: &'d Draft, id: &TrunkId) -> Option<&'d Trunk> {
    draft.trunks.get(id.index()).and_then(Option::as_ref)
}

/// Who is named as a recorder is one, wherever that is written, also where no trunk takes it over; and who records
/// is not recorded.
fn judge_named(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let mut places: Vec<(String, &Table)> = Vec::new();
    places.extend(root.table("defaults").map(|table| ("defaults".to_owned(), table)));
    for entry in root.entries_of("site") {
        let defaults = entry.value.table().and_then(|table| table.table("defaults"));
        places.extend(defaults.map(|table| (format!("site.{}.defaults", entry.key), table)));
    }
    for entry in root.entries_of("trunk") {
        places.extend(entry.value.table().map(|table| (format!("trunk.{}", entry.key), table)));
    }
    for ((_, table), route) in root.tables_of("route").into_iter().zip(&draft.routes) {
        places.extend(route.iter().map(|route| (format!("route.{}", route.name), table)));
    }
    let kind = |name: &str| draft.trunks.iter().flatten().find(|t| t.name == name).map(|t| t.kind);
    for (place, table) in places {
        let Some((value, name)) = table.value("record").and_then(|value| Some((value, value.text()?))) else {
            continue;
        };
        let own = place.strip_prefix("trunk.").filter(|own| kind(own) == Some(Kind::Recorder));
        let (message, expected) = match (own, kind(name)) {
            (Some(own), _) => {
                (format!("trunk `{own}` is a recorder: its calls are not recorded"), "no `record`")
            }
            (None, None | Some(Kind::Recorder)) => continue,
            (None, Some(_)) => {
                (format!("trunk `{name}` is no recorder"), "a trunk with `kind = \"recorder\"`")
            }
        };
        let finding = Finding::new(value.span.start, format!("{place}.record"), "conflict", message);
        report.error(finding.expected(expected));
    }
}

/// No call is routed to a recorder.
fn judge_routed(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let recorder = |id: &TrunkId| trunk(draft, id).filter(|trunk| trunk.kind == Kind::Recorder);
    let mut routed = Vec::new();
    for ((span, table), route) in root.tables_of("route").into_iter().zip(&draft.routes) {
        let to = route.iter().flat_map(|route| route.to.iter().flatten());
        routed
            .extend(to.filter_map(|(id, _)| recorder(id)).map(|to| (to, value_at(table, "to", span.start))));
    }
    for ((span, table), range) in root.tables_of("numbers").into_iter().zip(&draft.numbers) {
        let to = range.iter().flat_map(|range| &range.deliver);
        routed.extend(to.filter_map(recorder).map(|to| (to, value_at(table, "deliver", span.start))));
    }
    for (Trunk { name, .. }, at) in routed {
        let message = format!("trunk `{name}` is a recorder: no call is routed there");
        let finding = Finding::new(at, format!("trunk.{name}"), "conflict", message);
        report.error(finding.expected("a trunk of another kind"));
    }
}
