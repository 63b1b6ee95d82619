//! Rates and the routes that ask for them.

use super::value_at;
use crate::build::Draft;
use crate::model::TierOrder;
use crate::report::{Finding, Report};
use crate::text::Table;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    currencies(root, report);
    for (index, ((span, table), route)) in root.tables_of("route").iter().zip(&draft.routes).enumerate() {
        let by_cost = route.as_ref().is_some_and(|route| route.order == TierOrder::Cost);
        let path = format!("route[{index}]");
        if by_cost && draft.rates.is_empty() {
            let at = value_at(table, "order", span.start);
            let message = "`order = \"cost\"` and there are no rates";
            let finding = Finding::new(at, format!("{path}.order"), "conflict", message);
            report.error(finding.expected("a `[rates.NAME]`"));
        }
        for key in ["unrated", "call_length"].into_iter().filter(|_| !by_cost && route.is_some()) {
            if let Some(entry) = table.entry(key) {
                let message = format!("`{key}` has no meaning without `order = \"cost\"`");
                let finding =
                    Finding::new(entry.key_span.start, format!("{path}.{key}"), "no-effect", message);
                report.warning(finding.expected("`order = \"cost\"`, or not this key"));
            }
        }
    }
}

/// Prices are compared, so they are all in one currency.
fn currencies(root: &Table, report: &mut Report<'_>) {
    let mut named = root.entries_of("rates").iter().filter_map(|entry| {
        let value = entry.value.table()?.value("currency")?;
        Some((entry, value, value.text()?))
    });
    let Some((_, first, currency)) = named.next() else { return };
    for (entry, value, other) in named.filter(|(_, _, other)| *other != currency) {
        let line = report.source.line(first.span.start);
        let message = format!("rates in {other}, and in {currency} in line {line}: they cannot be compared");
        let path = format!("rates.{}.currency", entry.key);
        let finding = Finding::new(value.span.start, path, "conflict", message);
        report.error(finding.expected("one currency in all `[rates.NAME]`"));
    }
}
