//! Header rules: what each deed needs, and their tests.

use super::replacements::known_groups;
use super::value_at;
use crate::build::{Draft, header_policy};
use crate::forms::headers::ruled;
use crate::forms::plain::HEADER;
use crate::model::{HeaderDo, HeaderList, HeaderPolicy, HeaderRow, HeaderRule};
use crate::report::{Finding, Report};
use crate::text::Table;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let table = entry.value.table().and_then(|t| t.table("override"));
        let (Some(table), Some(trunk)) = (table, trunk) else { continue };
        written_in(table, &trunk.policy.headers, &format!("trunk.{}.override", entry.key), report);
    }
    // The rules of a scope are judged once, whoever takes them over.
    let sites = root.entries_of("site").iter();
    let of_sites = sites.map(|e| (format!("site.{}.defaults.override", e.key), e.value.table()));
    for (path, table) in of_sites.chain([("defaults.override".to_owned(), Some(root))]) {
        let table = table.and_then(|t| t.table("defaults")).and_then(|t| t.table("override"));
        if let Some((table, policy)) = table.and_then(|t| Some((t, header_policy(t)?))) {
            written_in(table, &policy, &path, report);
        }
    }
}

/// Judges the lists in one policy table; `policy` is what holds there.
fn written_in(table: &Table, policy: &HeaderPolicy, path: &str, report: &mut Report<'_>) {
    for (key, rules) in [("header_rules_in", &policy.rules_in), ("header_rules_out", &policy.rules_out)] {
        for (index, ((span, table), rule)) in table.tables_of(key).iter().zip(&rules.0).enumerate() {
            let path = format!("{path}.{key}[{index}]");
            deed(table, span.start, &path, rule, report);
            if key == "header_rules_in" {
                own_key(table, span.start, &path, rule, report);
            }
        }
    }
    tests(table, policy, path, report);
    agent(table, path, report);
}

/// A request names one agent, and that is this node (RFC 3261 §20.41).
fn agent(table: &Table, path: &str, report: &mut Report<'_>) {
    let items = table.value("headers_pass").map(|value| value.items()).unwrap_or_default();
    let is = |text: &str| text.eq_ignore_ascii_case("User-Agent");
    if let Some(item) = items.iter().find(|item| item.text().is_some_and(is)) {
        let message = "`User-Agent` crosses in responses only: requests bear `user_agent`";
        report.warning(Finding::new(item.span.start, path, "no-effect", message).expected("`user_agent`"));
    }
}

/// What a policy key decides about never comes to a rule for what arrives.
fn own_key(table: &Table, at: usize, path: &str, rule: &HeaderRule, report: &mut Report<'_>) {
    for (key, text) in [("header", &rule.header), ("to", &rule.to)] {
        let renamed = key == "header" || rule.deed == HeaderDo::Rename;
        if let Err(flaw) = (HEADER.check)(text)
            && renamed
            && ruled(text).is_ok()
        {
            let at = value_at(table, key, at);
            report.error(Finding::new(at, format!("{path}.{key}"), "conflict", flaw.message));
        }
    }
}

/// What a rule does needs its keys, and no others.
fn deed(table: &Table, at: usize, path: &str, rule: &HeaderRule, report: &mut Report<'_>) {
    let word = rule.deed;
    let (value, to) = match rule.deed {
        HeaderDo::Remove => (false, false),
        HeaderDo::Set | HeaderDo::Add => (true, false),
        HeaderDo::Replace | HeaderDo::Rename => (false, true),
    };
    for (key, wanted) in [("value", value), ("to", to)] {
        if wanted != table.value(key).is_some() {
            let verb = if wanted { "needs" } else { "takes no" };
            let message = format!("`do = \"{word}\"` {verb} `{key}`");
            report.error(Finding::new(value_at(table, key, at), path, "conflict", message));
        }
    }
    let matched = table.value("match").is_some();
    let (needs, bars) = (rule.deed == HeaderDo::Replace, rule.deed == HeaderDo::Add);
    if (needs && !matched) || (bars && matched) {
        let verb = if needs { "needs" } else { "takes no" };
        let message = format!("`do = \"{word}\"` {verb} `match`");
        report.error(Finding::new(value_at(table, "match", at), path, "conflict", message));
    }
    match (&rule.pattern, rule.deed) {
        (Some(pattern), HeaderDo::Replace) => known_groups(table, at, path, pattern, &rule.to, report),
        (_, HeaderDo::Rename) => {
            if let Err(flaw) = ruled(&rule.to) {
                let at = value_at(table, "to", at);
                report.error(Finding::new(at, format!("{path}.to"), "bad-value", flaw.message));
            }
        }
        _ => {}
    }
}

/// The tests, run as live messages would be.
fn tests(table: &Table, policy: &HeaderPolicy, path: &str, report: &mut Report<'_>) {
    for (index, ((span, _), test)) in table.tables_of("header_tests").iter().zip(&policy.tests).enumerate() {
        let rules = match test.rules {
            HeaderList::In => &policy.rules_in,
            HeaderList::Out => &policy.rules_out,
        };
        let mut rows = test.given.clone();
        rules.run(test.on, &mut rows);
        if rows != test.expect {
            let message = format!("the rules give {}", written(&rows));
            let finding =
                Finding::new(span.start, format!("{path}.header_tests[{index}]"), "test-failed", message);
            report.error(finding.expected(written(&test.expect)));
        }
    }
}

fn written(rows: &[HeaderRow]) -> String {
    let row = |r: &HeaderRow| format!("`{}: {}`", r.name, String::from_utf8_lossy(&r.value).escape_debug());
    if rows.is_empty() { "no row".to_owned() } else { rows.iter().map(row).collect::<Vec<_>>().join(", ") }
}
