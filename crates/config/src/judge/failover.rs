//! Response mapping and quality rules that cannot be meant.

use super::value_at;
use crate::build::Draft;
use crate::model::{Hunt, Quality, Words};
use crate::report::{Finding, Report};
use crate::text::Table;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let (Some(table), Some(trunk)) = (entry.value.table(), trunk) else { continue };
        for (index, (_, rule)) in table.tables_of("map_response").into_iter().enumerate() {
            let status = rule.value("status").and_then(|v| v.integer()).unwrap_or(0);
            if (1..400).contains(&status) {
                let at = value_at(rule, "status", entry.key_span.start);
                let path = format!("trunk.{}.map_response[{index}].status", trunk.name);
                let message = format!("`status` is {status}");
                report.error(
                    Finding::new(at, path, "out-of-range", message).expected("400 to 699, or 0 for any"),
                );
            }
        }
        if table.value("forks_max").is_some() && trunk.hunt.way != Hunt::Parallel {
            let at = value_at(table, "forks_max", entry.key_span.start);
            let path = format!("trunk.{}.forks_max", trunk.name);
            let message = format!("`forks_max` says nothing while `hunt` is `{}`", trunk.hunt.way.token());
            report.warning(Finding::new(at, path, "no-effect", message).expected("`hunt = \"parallel\"`"));
        }
        let judges_nothing = |q: &Quality| q.asr_min.is_none() && q.pdd_max.is_none() && q.acd_min.is_none();
        if trunk.quality.as_ref().is_some_and(judges_nothing) {
            let at = value_at(table, "quality", entry.key_span.start);
            let path = format!("trunk.{}.quality", trunk.name);
            let finding = Finding::new(at, path, "missing-key", "`quality` judges nothing");
            report.error(finding.expected("`asr_min`, `pdd_max` or `acd_min`"));
        }
    }
}
