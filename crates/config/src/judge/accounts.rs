//! Keys that authenticate us, against each other.

use super::value_at;
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};

pub(super) fn judge(root: &Table, report: &mut Report<'_>) {
    for entry in root.entries_of("trunk") {
        if let Some(table) = entry.value.table() {
            credentials(entry, table, report);
            registration(entry, table, report);
            repeated(entry, table, report);
        }
    }
}

/// A name without a password proves nothing, nor does a password without a name.
fn credentials(entry: &Entry, table: &Table, report: &mut Report<'_>) {
    let has = |key: &str| table.value(key).is_some();
    let wants = |key, lacks: &str, report: &mut Report<'_>| {
        let at = value_at(table, key, entry.key_span.start);
        let message = format!("`{key}` without `{lacks}`");
        let finding = Finding::new(at, format!("trunk.{}.{key}", entry.key), "conflict", message);
        report.error(finding.expected("both, or none"));
    };
    match (has("username"), has("password")) {
        (true, false) => wants("username", "password", report),
        (false, true) => wants("password", "username", report),
        (false, false) if has("realm") && !has("accounts") => wants("realm", "username", report),
        _ => {}
    }
}

/// A registration needs an account to register, and a bulk one is for one account and without a user.
fn registration(entry: &Entry, table: &Table, report: &mut Report<'_>) {
    let Some(register) = table.table("register") else {
        return;
    };
    let at = value_at(table, "register", entry.key_span.start);
    let mut conflict = |at, key: &str, message: &str, expected: &str| {
        let path = format!("trunk.{}.{key}", entry.key);
        report.error(Finding::new(at, path, "conflict", message).expected(expected));
    };
    if table.value("username").is_none() && table.value("accounts").is_none() {
        conflict(at, "register", "`register` without an account", "`username` and `password`, or `accounts`");
    }
    let bulk = register.value("mode").and_then(|v| v.text()) == Some("bulk");
    if bulk && register.value("contact_user").is_some() {
        let at = value_at(register, "contact_user", at);
        let message = "a bulk registration's Contact has no user part (RFC 6140 §5.2)";
        conflict(at, "register.contact_user", message, "no `contact_user`");
    }
}

/// Two accounts with one user name cannot be told apart.
fn repeated(entry: &Entry, table: &Table, report: &mut Report<'_>) {
    let own = table.value("username").and_then(|v| v.text());
    let mut seen: Vec<&str> = own.into_iter().collect();
    for (span, account) in table.tables_of("accounts") {
        let Some(username) = account.value("username").and_then(|v| v.text()) else { continue };
        if seen.contains(&username) {
            let at = value_at(account, "username", span.start);
            let message = format!("user name `{username}` stands twice in this trunk");
            let path = format!("trunk.{}.accounts", entry.key);
            report.error(Finding::new(at, path, "duplicate", message).expected("one entry for each account"));
        }
        seen.push(username);
    }
}
