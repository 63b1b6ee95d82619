//! Routes, dial rules and tests against each other.

use super::value_at;
use crate::build::Draft;
use crate::keys::EXPECT;
use crate::model::{Kind, Networks, Pattern, Route, Strangers, Trunk, effective, strangers};
use crate::names::one_of;
use crate::nearest::nearest;
use crate::report::{Finding, Report};
use crate::text::{Span, Table};
use base::TrunkId;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let routes = root.tables_of("route");
    let rules = root.tables_of("dialplan");
    repeated_names("route", &routes, report);
    repeated_names("dialplan", &rules, report);
    for (index, (_, table)) in rules.iter().enumerate() {
        one_scope(index, table, report);
    }
    shadowed(&routes, draft, report);
    let networks = Networks::of(&draft.sites);
    for (index, ((span, table), route)) in routes.iter().zip(&draft.routes).enumerate() {
        if let Some(route) = route {
            between_providers(index, *span, table, route, (draft, &networks), report);
        }
    }
    without_media(root, draft, report);
    for (index, (span, table)) in root.tables_of("test").iter().enumerate() {
        test(index, *span, table, report);
        if let Some(call) = table.table("call") {
            caller(index, root, call, report);
        }
    }
}

/// Trunks that routes or numbers bring together and that cannot have media together; each pair is told once.
fn without_media(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let bypass = root.table("media").and_then(|media| media.value("bypass")?.text());
    let bypassed = bypass.is_none_or(|bypass| bypass == "always");
    let mut told = BTreeSet::new();
    let mut tell = |found: Vec<Strangers>, at: usize, path: String| {
        for Strangers { pair, message, expected } in found {
            if told.insert(pair) {
                report.warning(Finding::new(at, path.as_str(), "no-media", message).expected(expected));
            }
        }
    };
    for (index, ((span, table), route)) in root.tables_of("route").iter().zip(&draft.routes).enumerate() {
        let Some(route) = route else { continue };
        let to = route.to.iter().flatten().map(|(id, _)| *id);
        let found = strangers(&route.match_on, to, &draft.trunks, bypassed);
        tell(found, value_at(table, "to", span.start), format!("route[{index}].to"));
    }
    for (index, ((span, table), range)) in root.tables_of("numbers").iter().zip(&draft.numbers).enumerate() {
        let Some(range) = range else { continue };
        let found = strangers(&[], range.deliver.iter().copied(), &draft.trunks, bypassed);
        tell(found, value_at(table, "deliver", span.start), format!("numbers[{index}].deliver"));
    }
}

/// The user of a test's call is one of its trunk.
fn caller(index: usize, root: &Table, call: &Table, report: &mut Report<'_>) {
    let Some((user, trunk)) = call.value("user").zip(call.value("on").and_then(|on| on.text())) else {
        return;
    };
    let Some(name) = user.text() else { return };
    let Some(table) = root.table("trunk").and_then(|trunks| trunks.table(trunk)) else { return };
    let users = table.tables_of("users");
    let known = || users.iter().filter_map(|(_, user)| user.value("username")?.text());
    if known().all(|known| known != name) {
        let message = format!("trunk `{trunk}` has no user `{}`", name.escape_debug());
        let finding =
            Finding::new(user.span.start, format!("test[{index}].call.user"), "unknown-name", message)
                .expected(format!("one of the user names in `[[trunk.{trunk}.users]]`"))
                .nearest(nearest(name, known()).map(str::to_owned));
        report.error(finding);
    }
}

/// Names of routes and rules are told in records, so each has one bearer.
fn repeated_names(kind: &str, tables: &[(Span, &Table)], report: &mut Report<'_>) {
    let mut bearers: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, (_, table)) in tables.iter().enumerate() {
        let Some(value) = table.value("name") else { continue };
        let Some(name) = value.text() else { continue };
        let first = *bearers.entry(name).or_insert(value.span.start);
        if first != value.span.start {
            let line = report.source.line(first);
            let message =
                format!("`{}` is already the name of a [[{kind}]] in line {line}", name.escape_debug());
            let path = format!("{kind}[{index}].name");
            report.error(
                Finding::new(value.span.start, path, "duplicate", message).expected("a name of its own"),
            );
        }
    }
}

fn one_scope(index: usize, table: &Table, report: &mut Report<'_>) {
    let mut scopes = ["trunk", "site", "group"].into_iter().filter_map(|key| table.entry(key));
    if let (Some(_), Some(second)) = (scopes.next(), scopes.next()) {
        let message = "a rule holds for a trunk, a site or a group, not for two of them";
        let path = format!("dialplan[{index}].{}", second.key);
        let finding = Finding::new(second.key_span.start, path, "conflict", message);
        report.error(finding.expected("`trunk`, `site` or `group`"));
    }
}

/// Whether every number of `narrow` is one of `wide`; `false` when that cannot be said.
fn covers(wide: &Option<Pattern>, narrow: &Option<Pattern>) -> bool {
    let Some(wide) = wide else { return true };
    if matches!(wide, Pattern::Prefix(prefix) if prefix.is_empty()) {
        return true;
    }
    let Some(narrow) = narrow else { return false };
    match (wide, narrow) {
        (Pattern::Prefix(a), Pattern::Prefix(b) | Pattern::Exact(b)) => b.starts_with(a.as_str()),
        (Pattern::Exact(a), Pattern::Exact(b)) => a == b,
        (Pattern::Expression(a), Pattern::Exact(b)) => a.is_match(b),
        (Pattern::Expression(a), Pattern::Expression(b)) => a == b,
        _ => false,
    }
}

/// Whether a route that is asked before another takes all its calls. `policies`: whether usages count.
fn shadows(wide: &Route, narrow: &Route, policies: bool) -> bool {
    let always = wide.when.is_none() || wide.when == narrow.when;
    let excepted =
        |p: &Pattern| narrow.except.iter().any(|other| covers(&Some(other.clone()), &Some(p.clone())));
    if !always || !wide.except.iter().all(excepted) {
        return false;
    }
    if policies && !narrow.usages.iter().all(|usage| wide.usages.contains(usage)) {
        return false;
    }
    let from_all = wide.match_on.is_empty();
    let from_these = !narrow.match_on.is_empty() && narrow.match_on.iter().all(|t| wide.match_on.contains(t));
    (from_all || from_these)
        && covers(&wide.match_called, &narrow.match_called)
        && covers(&wide.match_caller, &narrow.match_caller)
}

/// A route that an earlier one leaves no call for is said to be so.
fn shadowed(tables: &[(Span, &Table)], draft: &Draft, report: &mut Report<'_>) {
    let routes: Vec<_> = tables
        .iter()
        .zip(&draft.routes)
        .enumerate()
        .filter_map(|(i, (t, r))| Some((i, t, r.as_ref()?)))
        .collect();
    let mut routes = routes;
    routes.sort_by_key(|(_, _, route)| route.priority);
    let policies = !draft.policies.is_empty();
    for (place, (index, (span, table), route)) in routes.iter().enumerate() {
        let earlier = routes.iter().take(place).find(|(_, _, earlier)| shadows(earlier, route, policies));
        if let Some((_, (earlier_span, _), earlier)) = earlier {
            let line = report.source.line(earlier_span.start);
            let message = format!(
                "route `{}` is never taken: route `{}` in line {line} takes all its calls",
                route.name, earlier.name
            );
            let at = value_at(table, "name", span.start);
            let finding = Finding::new(at, format!("route[{index}]"), "shadowed-route", message);
            report.warning(finding.expected("the narrower route first"));
        }
    }
}

/// Whether calls from the telephone network may take a route: those of a transit trunk are meant to, and
/// others may be held off by the policy that they have wherever they may be.
fn lets_in(route: &Route, trunk: &Trunk, draft: &Draft, networks: &Networks) -> bool {
    if !trunk.pstn || trunk.transit {
        return false;
    }
    let around = networks.around(trunk, (&draft.sites, &draft.gateways));
    around.into_iter().any(|site| {
        let site = site.and_then(|at| draft.sites.get(at));
        let policy = effective(trunk, site, &draft.permissions, |p| p.policy);
        let policy = policy.and_then(|at| draft.policies.get(at)?.as_ref());
        policy.is_none_or(|policy| policy.usages.iter().any(|u| route.usages.contains(u)))
    })
}

/// A route that lets callers of the telephone network out into it is an open relay for whoever can call in (R14).
fn between_providers(
    index: usize,
    span: Span,
    table: &Table,
    route: &Route,
    (draft, networks): (&Draft, &Networks),
    report: &mut Report<'_>,
) {
    let find = |id: &TrunkId| draft.trunks.get(id.index()).and_then(Option::as_ref);
    let targets: Vec<&Trunk> =
        route.to.iter().flatten().filter_map(|(id, _)| find(id)).filter(|trunk| trunk.pstn).collect();
    let named: Vec<&Trunk> = match route.match_on.is_empty() {
        true => draft.trunks.iter().flatten().collect(),
        false => route.match_on.iter().filter_map(find).collect(),
    };
    let mut sources = named.into_iter().filter(|t| lets_in(route, t, draft, networks));
    let way = sources.find_map(|from| targets.iter().find(|to| to.name != from.name).map(|to| (from, *to)));
    if let Some((from, to)) = way {
        let at = value_at(table, "name", span.start);
        let what = |trunk: &Trunk| match trunk.kind {
            Kind::Itsp => format!("provider `{}`", trunk.name),
            _ => format!("gateway trunk `{}`", trunk.name),
        };
        let message = format!(
            "route `{}` lets calls that arrive from {} out through {}, at your cost",
            route.name,
            what(from),
            what(to)
        );
        let finding = Finding::new(at, format!("route[{index}]"), "provider-to-provider", message);
        report.warning(finding.expected(
            "`match = { on = … }` with the inside trunks, a `policy` for the provider's calls, or `transit = true`",
        ));
    }
}

/// A test says what comes out, and either a way or a refusal.
fn test(index: usize, span: Span, table: &Table, report: &mut Report<'_>) {
    let Some(expect) = table.entry("expect") else { return };
    let Some(keys) = expect.value.table() else { return };
    let at = expect.key_span.start.max(span.start);
    let path = format!("test[{index}].expect");
    if keys.entries.is_empty() {
        let finding = Finding::new(at, path, "missing-key", "`expect` is empty");
        report.error(finding.expected(one_of(EXPECT.keys.iter().map(|key| key.name))));
    } else if keys.value("refused").is_some()
        && ["trunk", "called_sent", "calling_sent"].iter().any(|key| keys.value(key).is_some())
    {
        let finding = Finding::new(at, path, "conflict", "a refused call is tried on no trunk");
        report.error(finding.expected("`refused` or `trunk`"));
    }
}
