//! Recorders: `record` of a trunk or a route names one, and no call is routed to one.

use super::value_at;
use crate::build::Draft;
use crate::model::{Kind, Recorder, Trunk};
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

/// Who is named as a recorder is one.
fn judge_named(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let named = |record: Option<Recorder>| {
        let named = record.and_then(Recorder::by).and_then(|id| trunk(draft, &id));
        named.filter(|named| named.kind != Kind::Recorder).map(|named| &named.name)
    };
    let mut wrong = Vec::new();
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let named = trunk.as_ref().and_then(|trunk| named(trunk.record));
        if let Some((name, table)) = named.zip(entry.value.table()) {
            let at = value_at(table, "record", entry.key_span.start);
            wrong.push((name, at, format!("trunk.{}.record", entry.key)));
        }
    }
    for ((span, table), route) in root.tables_of("route").into_iter().zip(&draft.routes) {
        let Some(route) = route else { continue };
        let at = value_at(table, "record", span.start);
        wrong.extend(named(route.record).map(|name| (name, at, format!("route.{}.record", route.name))));
    }
    for (name, at, path) in wrong {
        let finding = Finding::new(at, path, "conflict", format!("trunk `{name}` is no recorder"));
        report.error(finding.expected("a trunk with `kind = \"recorder\"`"));
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
