//! Usages, policies, holidays and times of routes: what leads nowhere, and spans without a length.

use super::{item_at, value_at};
use crate::build::Draft;
use crate::forms::calendar;
use crate::model::{CallPolicy, Networks, Trunk, effective};
use crate::names::one_of;
use crate::nearest::nearest;
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};
use std::collections::BTreeSet;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    policies(root, draft, report);
    routes(root, draft, report);
    unused_holidays(root, report);
    unused_groups(root, report);
    abroad(root, report);
}

/// What is abroad can be told of a known country only.
fn abroad(root: &Table, report: &mut Report<'_>) {
    if root.value("country").is_some() {
        return;
    }
    let tables = |key: &str| root.entries_of(key).iter().filter_map(|entry| entry.value.table());
    for table in tables("site").chain(tables("trunk")).chain(tables("group")).chain([root]) {
        for key in ["deny", "deny_unknown"] {
            let items = table.value(key).map_or(&[][..], |v| v.items());
            if let Some(item) = items.iter().find(|item| item.text() == Some("international")) {
                let message =
                    format!("`{key}` names `international` without a `country`, so it refuses nothing");
                let finding = Finding::new(item.span.start, key, "conflict", message);
                report.error(finding.expected("`country = \"DE\"` or the like at the top level"));
            }
        }
    }
}

/// Policies with their entries in the text.
fn named<'a>(root: &'a Table, draft: &'a Draft) -> impl Iterator<Item = (&'a Entry, &'a CallPolicy)> {
    root.entries_of("policy").iter().zip(&draft.policies).filter_map(|(e, p)| Some((e, p.as_ref()?)))
}

/// A usage that no route serves gives the policy's callers nothing.
fn policies(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let served: BTreeSet<&str> =
        draft.routes.iter().flatten().flat_map(|r| &r.usages).map(String::as_str).collect();
    for (entry, policy) in named(root, draft) {
        for (index, usage) in policy.usages.iter().enumerate().filter(|(_, u)| !served.contains(u.as_str())) {
            let at = entry.value.table().map_or(0, |t| item_at(t, "usages", index, entry.key_span.start));
            let message = format!("policy `{}` names usage `{usage}`, which no route serves", policy.name);
            let finding =
                Finding::new(at, format!("policy.{}.usages[{index}]", policy.name), "unknown-usage", message);
            let near = nearest(usage, served.iter().copied()).map(str::to_owned);
            report.warning(finding.expected("a usage of a route").nearest(near));
        }
    }
}

/// Whether the callers of all trunks have a policy, wherever they may be.
fn all_have_policies(draft: &Draft) -> bool {
    let networks = Networks::of(&draft.sites);
    let has = |trunk: &Trunk, site: Option<usize>| {
        let site = site.and_then(|at| draft.sites.get(at));
        effective(trunk, site, &draft.permissions, |p| p.policy).is_some()
    };
    let around = |trunk: &Trunk| networks.around(trunk, (&draft.sites, &draft.gateways));
    draft.trunks.iter().flatten().all(|trunk| around(trunk).into_iter().all(|site| has(trunk, site)))
}

fn routes(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let known: BTreeSet<&str> =
        draft.policies.iter().flatten().flat_map(|p| &p.usages).map(String::as_str).collect();
    let policy_for_all = !draft.trunks.is_empty() && all_have_policies(draft);
    for (index, ((span, table), route)) in root.tables_of("route").iter().zip(&draft.routes).enumerate() {
        when(index, table, span.start, report);
        let Some(route) = route else { continue };
        for (place, usage) in route.usages.iter().enumerate().filter(|(_, u)| !known.contains(u.as_str())) {
            let at = item_at(table, "usages", place, span.start);
            let message = format!("route `{}` serves usage `{usage}`, which no policy names", route.name);
            let path = format!("route[{index}].usages[{place}]");
            let expected = if known.is_empty() {
                "a `[policy.NAME]` with it".to_owned()
            } else {
                one_of(known.iter().copied())
            };
            let near = nearest(usage, known.iter().copied()).map(str::to_owned);
            report.warning(Finding::new(at, path, "unknown-usage", message).expected(expected).nearest(near));
        }
        if policy_for_all && route.usages.is_empty() {
            let message = format!(
                "route `{}` serves no usage and all callers have a policy: only emergency calls can take it",
                route.name
            );
            let at = value_at(table, "name", span.start);
            let finding = Finding::new(at, format!("route[{index}]"), "no-usage", message);
            report.warning(finding.expected("`usages = [\"…\"]`"));
        }
    }
}

/// A span needs a length: two equal ends could mean none or all of a day.
fn when(index: usize, route: &Table, otherwise: usize, report: &mut Report<'_>) {
    let Some(table) = route.table("when") else { return };
    let minute = |key| table.value(key).and_then(|v| v.text()).and_then(|t| calendar::minute(t).ok());
    let at = value_at(table, "to", value_at(table, "from", otherwise));
    let fault = match (minute("from"), minute("to")) {
        (Some(from), Some(to)) if from == to => "`from` and `to` are the same moment",
        (Some(from), None) if from == 24 * 60 => "`from` is the end of the day",
        (Some(from), Some(_)) if from == 24 * 60 => "`from` is the end of the day",
        _ => return,
    };
    let finding = Finding::new(at, format!("route[{index}].when"), "conflict", fault);
    report.error(finding.expected("two times of day that differ, or neither for the whole day"));
}

/// A group without users speaks to nobody.
fn unused_groups(root: &Table, report: &mut Report<'_>) {
    let trunks = root.entries_of("trunk").iter().filter_map(|entry| entry.value.table());
    let users = trunks.flat_map(|trunk| trunk.tables_of("users"));
    let used: BTreeSet<&str> = users.filter_map(|(_, user)| user.value("group")?.text()).collect();
    for entry in root.entries_of("group").iter().filter(|e| !used.contains(e.key.as_str())) {
        let message = format!("no user is of the group `{}`", entry.key.escape_debug());
        let path = format!("group.{}", entry.key);
        let finding = Finding::new(entry.key_span.start, path, "unused-group", message);
        report.warning(finding.expected("`group = \"…\"` in a `[[trunk.NAME.users]]`"));
    }
}

fn unused_holidays(root: &Table, report: &mut Report<'_>) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for (_, table) in root.tables_of("route") {
        let Some(when) = table.table("when") else { continue };
        for value in ["holidays", "not_holidays"].iter().filter_map(|key| when.value(key)) {
            used.extend(value.items().iter().filter_map(|v| v.text()));
        }
    }
    for entry in root.entries_of("holidays").iter().filter(|e| !used.contains(e.key.as_str())) {
        let message = format!("no route refers to the holidays `{}`", entry.key.escape_debug());
        let finding =
            Finding::new(entry.key_span.start, format!("holidays.{}", entry.key), "unused-holidays", message);
        report.warning(finding.expected("`when = { holidays = … }` or `not_holidays` in a route"));
    }
}
