//! Packet times that nobody uses, and rules of codecs where no media are anchored.

use super::value_at;
use crate::build::Draft;
use crate::model::MediaMode;
use crate::report::{Finding, Report};
use crate::text::Table;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let Some(table) = entry.value.table().and_then(|trunk| trunk.table("override")) else { continue };
        let path = |key: &str| format!("trunk.{}.override.{key}", entry.key);
        let written = table.value("ptime").and_then(|value| value.integer());
        if let Some(ptime) = written.filter(|ptime| (10..=60).contains(ptime) && ptime % 10 != 0) {
            let at = value_at(table, "ptime", entry.key_span.start);
            let message = format!("`ptime` is {ptime}");
            let finding = Finding::new(at, path("ptime"), "out-of-range", message);
            report.error(finding.expected("10, 20, 30, 40, 50 or 60"));
        }
        let direct = trunk.as_ref().is_some_and(|trunk| trunk.policy.media == MediaMode::Direct);
        for key in ["codecs", "codecs_locked", "ptime"] {
            if direct && table.value(key).is_some() {
                let at = value_at(table, key, entry.key_span.start);
                let message = format!("`{key}` says nothing between trunks whose `media` is `direct`");
                let finding = Finding::new(at, path(key), "no-effect", message);
                report.warning(finding.expected("`media = \"anchor\"`"));
            }
        }
    }
}
