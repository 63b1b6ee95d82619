//! Rules that rewrite numbers: a replacement names only groups that its expression has.

use crate::build::Draft;
use crate::forms::expression::{groups, has_group};
use crate::model::{Expression, Translate};
use crate::report::{Finding, Report};
use crate::text::Table;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    for (index, ((span, table), rule)) in root.tables_of("dialplan").iter().zip(&draft.dialplan).enumerate() {
        let Some(rule) = rule else { continue };
        known_groups(table, span.start, &format!("dialplan[{index}]"), &rule.pattern, &rule.to, report);
    }
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let lists = entry.value.table().and_then(|t| t.table("translate"));
        if let (Some(lists), Some(trunk)) = (lists, trunk) {
            translations(lists, &trunk.translate, &format!("trunk.{}.translate", entry.key), report);
        }
    }
}

fn translations(tables: &Table, translate: &Translate, path: &str, report: &mut Report<'_>) {
    for (key, list) in translate.lists() {
        for (index, ((span, table), rule)) in tables.tables_of(key).iter().zip(list).enumerate() {
            let path = format!("{path}.{key}[{index}]");
            known_groups(table, span.start, &path, &rule.pattern, &rule.to, report);
        }
    }
}

/// `at` and `path` are those of the rule's table.
pub(super) fn known_groups(
    table: &Table,
    at: usize,
    path: &str,
    pattern: &Expression,
    to: &str,
    report: &mut Report<'_>,
) {
    let (Some(value), Ok(named)) = (table.value("to"), groups(to)) else { return };
    for group in named {
        if let Err(meant) = has_group(pattern, &group.name) {
            let at = report.source.inside(value.span, group.at).max(at);
            let count = pattern.captures_len().saturating_sub(1);
            let message =
                format!("`to` names group `{}`, which `match` does not have", group.name.escape_debug());
            let finding = Finding::new(at, format!("{path}.to"), "bad-value", message);
            report.error(finding.expected(format!("`$0` to `${count}`, or a group's name")).nearest(meant));
        }
    }
}
