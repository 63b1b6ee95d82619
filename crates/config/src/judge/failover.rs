//! Response mapping and quality rules that cannot be meant.

use super::value_at;
use crate::build::Draft;
use crate::model::{Hunt, Quality, Words};
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    for (path, table) in scopes(root) {
        mappings(&path, table, report);
    }
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let (Some(table), Some(trunk)) = (entry.value.table(), trunk) else { continue };
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
            report.error(finding.expected("`asr_min`, `pdd_max` or `acd_min`, or `enabled = false`"));
        }
    }
}

/// All tables in which `map_response` may stand, with their paths.
fn scopes(root: &Table) -> Vec<(String, &Table)> {
    let trunk = |entry: &'_ Entry| format!("trunk.{}", entry.key);
    let trunks = root.entries_of("trunk").iter().filter_map(|e| Some((trunk(e), e.value.table()?)));
    let sites = root.entries_of("site").iter().filter_map(|e| {
        let table = e.value.table()?.table("defaults")?;
        Some((format!("site.{}.defaults", e.key), table))
    });
    let all = root.table("defaults").map(|table| ("defaults".to_owned(), table));
    trunks.chain(sites).chain(all).collect()
}

fn mappings(path: &str, table: &Table, report: &mut Report<'_>) {
    for (index, (span, rule)) in table.tables_of("map_response").into_iter().enumerate() {
        let status = rule.value("status").and_then(|v| v.integer()).unwrap_or(0);
        if (1..400).contains(&status) {
            let at = value_at(rule, "status", span.start);
            let path = format!("{path}.map_response[{index}].status");
            let message = format!("`status` is {status}");
            report
                .error(Finding::new(at, path, "out-of-range", message).expected("400 to 699, or 0 for any"));
        }
    }
}
