//! Extensions of a pilot number: whoever writes them says which number it is.

use super::value_at;
use crate::build::Draft;
use crate::model::{Extension, Words};
use crate::report::{Finding, Report};
use crate::text::Table;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let (Some(table), Some(trunk)) = (entry.value.table(), trunk) else { continue };
        let written = trunk.policy.extension;
        if trunk.pilot.is_some() || !matches!(written, Extension::Add | Extension::Short) {
            continue;
        }
        let own = table.table("override");
        let at = own.map_or(entry.key_span.start, |own| value_at(own, "extension", entry.key_span.start));
        let message = format!("`extension = \"{}\"` without a `pilot`", written.token());
        let path = format!("trunk.{}.override.extension", entry.key);
        let expected = "`pilot = { number = \"+493023125\", digits = \"3\" }` or the like in the trunk";
        report.error(Finding::new(at, path, "conflict", message).expected(expected));
    }
}
