//! What concerns several values at once: conflicts between interfaces, trunks and their interfaces,
//! overlapping ranges, shadowed routes, open ways between providers, usages that lead nowhere.
//!
//! Judges what could be built and leaves out what the check has already found faulty. Enter through
//! [`judge`].

mod accounts;
mod bypass;
mod codecs;
mod failover;
mod headers;
mod identity;
mod listens;
mod numbers;
mod pilots;
mod rates;
mod recording;
mod replacements;
mod routes;
mod sites;
mod trunks;
mod usages;
mod users;

use crate::build::Draft;
use crate::report::{Finding, Report};
use crate::text::Table;

/// Judges a draft. Findings go to the report.
pub(crate) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    listens::judge(root, draft, report);
    trunks::judge(root, draft, report);
    accounts::judge(root, report);
    codecs::judge(root, draft, report);
    failover::judge(root, draft, report);
    numbers::judge(root, draft, report);
    pilots::judge(root, draft, report);
    replacements::judge(root, draft, report);
    headers::judge(root, draft, report);
    routes::judge(root, draft, report);
    rates::judge(root, draft, report);
    recording::judge(root, draft, report);
    sites::judge(root, draft, report);
    usages::judge(root, draft, report);
    touched(root, report);
    timers(root, report);
    records(root, report);
}

/// Where the value of a key stands, or where its table does.
fn value_at(table: &Table, key: &str, otherwise: usize) -> usize {
    table.value(key).map_or(otherwise, |v| v.span.start)
}

/// Where item `index` of a list at a key stands.
fn item_at(table: &Table, key: &str, index: usize, otherwise: usize) -> usize {
    let item = table.value(key).and_then(|v| v.items().get(index));
    item.map_or(otherwise, |v| v.span.start)
}

/// JSON lines are written from the journal and the database; without them there is nothing to write.
fn records(root: &Table, report: &mut Report<'_>) {
    let Some(table) = root.table("records") else { return };
    let off = table.value("path").and_then(|value| value.text()) == Some("off");
    if off && table.value("jsonl").is_some() {
        let message = "`jsonl` names a file and `path` is `off`";
        let finding = Finding::new(value_at(table, "jsonl", 0), "records.jsonl", "conflict", message);
        report.error(finding.expected("a directory at `path`, or no `jsonl`"));
    }
}

/// Packets come in shared memory only where the program is at the driver.
fn touched(root: &Table, report: &mut Report<'_>) {
    let Some(table) = root.table("media") else { return };
    let word = |key| table.value(key).and_then(|value| value.text());
    if let (Some(path @ ("off" | "tcx")), Some("required")) = (word("fast_path"), word("touched_path")) {
        let message =
            format!("`touched_path = \"required\"` and `fast_path = \"{path}\"`: the node cannot start");
        let at = value_at(table, "touched_path", 0);
        let finding = Finding::new(at, "media.touched_path", "conflict", message);
        report.error(finding.expected("`fast_path = \"auto\"` or `\"xdp\"`"));
    }
}

/// T2 is the ceiling that T1 doubles up to (RFC 3261 §17.1.2.2).
fn timers(root: &Table, report: &mut Report<'_>) {
    let Some(table) = root.table("signalling") else { return };
    let written = |key| table.value(key).and_then(|v| v.integer());
    let (t1, t2) = (written("t1_ms").unwrap_or(500), written("t2_ms").unwrap_or(4_000));
    if t2 < t1 {
        let at = value_at(table, "t2_ms", value_at(table, "t1_ms", 0));
        let message = format!("`t2_ms` is {t2} and `t1_ms` is {t1}");
        let finding = Finding::new(at, "signalling", "conflict", message);
        report.error(finding.expected("T2 not below T1"));
    }
}
