//! Keys that demand passwords and take registrations, against each other.

use super::value_at;
use crate::model::{DigestAlgorithm, Trunk, Words};
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};

pub(super) fn judge(entry: &Entry, table: &Table, trunk: &Trunk, report: &mut Report<'_>) {
    needed(entry, table, report);
    repeated(entry, table, report);
    lengths(entry, table, trunk, report);
    weak(entry, table, trunk, report);
}

fn conflict(entry: &Entry, at: usize, key: &str, message: String) -> Finding {
    Finding::new(at, format!("trunk.{}.{key}", entry.key), "conflict", message)
}

/// What is asked needs somebody who can answer, and who registers a place to come from.
fn needed(entry: &Entry, table: &Table, report: &mut Report<'_>) {
    let at = |key| value_at(table, key, entry.key_span.start);
    for key in ["registrar", "authenticate"] {
        if table.value(key).is_some() && table.value("users").is_none() {
            let finding = conflict(entry, at(key), key, format!("`{key}` without `users`"));
            report.error(finding.expected("`[[trunk.NAME.users]]` with `username` and `password`"));
        }
    }
    let known = ["sources", "gateways"].iter().any(|key| table.value(key).is_some());
    let by_name = table.table("tls").is_some_and(|tls| tls.value("peer_names").is_some());
    if table.value("registrar").is_some() && !known && !by_name {
        let message = "`registrar` without `sources`: nobody can register, for unknown sources are dropped";
        let finding = conflict(entry, at("registrar"), "registrar", message.to_owned());
        report.error(finding.expected("`sources` with the networks that users register from"));
    }
}

/// Two users with one name, or one address of record, cannot be told apart.
fn repeated(entry: &Entry, table: &Table, report: &mut Report<'_>) {
    for key in ["username", "account"] {
        let mut seen: Vec<&str> = Vec::new();
        for (span, user) in table.tables_of("users") {
            let Some(name) = user.value(key).and_then(|v| v.text()) else { continue };
            if seen.contains(&name) {
                let at = value_at(user, key, span.start);
                let message = format!("`{key}` `{name}` stands twice in this trunk");
                let path = format!("trunk.{}.users", entry.key);
                let finding = Finding::new(at, path, "duplicate", message);
                report.error(finding.expected("one entry for each user"));
            }
            seen.push(name);
        }
    }
}

/// Bounds of registrations in their order.
fn lengths(entry: &Entry, table: &Table, trunk: &Trunk, report: &mut Report<'_>) {
    let Some(registrar) = &trunk.users.registrar else { return };
    let (least, usual, most) = (registrar.expires_min, registrar.expires, registrar.expires_max);
    if least > usual || usual > most {
        let message = format!(
            "registrations of {}s, {}s when they do not say, {}s at most",
            least.as_secs(),
            usual.as_secs(),
            most.as_secs()
        );
        let at = value_at(table, "registrar", entry.key_span.start);
        report.error(
            conflict(entry, at, "registrar", message).expected("`expires_min` <= `expires` <= `expires_max`"),
        );
    }
}

/// MD5 alone.
fn weak(entry: &Entry, table: &Table, trunk: &Trunk, report: &mut Report<'_>) {
    if trunk.users.all.is_empty() || trunk.users.authenticate.algorithms != [DigestAlgorithm::Md5] {
        return;
    }
    let at = value_at(table, "authenticate", entry.key_span.start);
    let message = format!("passwords are proven by {} alone", DigestAlgorithm::Md5.token());
    let path = format!("trunk.{}.authenticate.algorithms", entry.key);
    let finding = Finding::new(at, path, "weak-digest", message);
    report.warning(finding.expected("`sha-256` before it, for peers that know it (RFC 8760)"));
}
