//! Recorders: `record` names one, and no call is routed to one.

use super::value_at;
use crate::build::Draft;
use crate::model::{Kind, Trunk};
use crate::report::{Finding, Report};
use crate::text::Table;
use base::TrunkId;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let find = |id: &TrunkId| draft.trunks.get(id.index()).and_then(Option::as_ref);
    let recorder = |id: &TrunkId| find(id).filter(|trunk| trunk.kind == Kind::Recorder);
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let named = trunk.as_ref().and_then(|trunk| trunk.record.as_ref()).and_then(find);
        let named = named.filter(|named| named.kind != Kind::Recorder);
        if let Some((Trunk { name, .. }, table)) = named.zip(entry.value.table()) {
            let (at, path) =
                (value_at(table, "record", entry.key_span.start), format!("trunk.{}.record", entry.key));
            let finding = Finding::new(at, path, "conflict", format!("trunk `{name}` is no recorder"));
            report.error(finding.expected("a trunk with `kind = \"recorder\"`"));
        }
    }
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
