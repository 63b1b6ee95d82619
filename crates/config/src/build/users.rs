//! Who may use a trunk, what they must prove, and how they register.

use super::account::account;
use super::view::View;
use crate::forms::net;
use crate::keys::{AUTHENTICATION, Family, REGISTERING, USER};
use crate::model::{Account, Authenticate, Registrar, Users, Words};
use crate::names::Names;
use crate::text::Table;

pub(super) fn users(trunk: &View<'_>, table: &Table, names: &Names<'_>) -> Option<Users> {
    let all = table.tables_of("users").into_iter().map(|(_, table)| user(table, names));
    Some(Users {
        all: all.collect::<Option<_>>()?,
        authenticate: authenticate(&trunk.inner(&AUTHENTICATION, "authenticate"))?,
        registrar: match trunk.value("registrar") {
            Some(_) => Some(registrar(&trunk.inner(&REGISTERING, "registrar"))?),
            None => None,
        },
    })
}

fn user(table: &Table, names: &Names<'_>) -> Option<Account> {
    let view = View::new(&USER, [Some(table)]);
    let named = |key, family| view.text(key).and_then(|name| names.index(family, name));
    let (group, policy) = (named("group", Family::Group), named("policy", Family::CallPolicy));
    Some(Account { group, policy, ..account(&view)? })
}

fn words<W: Words>(view: &View<'_>, key: &str) -> Option<Vec<W>> {
    view.strings(key).iter().map(|text| W::from_token(text)).collect()
}

fn authenticate(view: &View<'_>) -> Option<Authenticate> {
    Some(Authenticate {
        realm: view.string("realm"),
        algorithms: words(view, "algorithms")?,
        qop: words(view, "qop")?,
        requests: words(view, "requests")?,
        caller: view.word("caller")?,
        presents: view.word("presents")?,
        nonce_life: view.duration("nonce_life")?,
        lock_after: view.integer("lock_after")?,
        lock_for: view.duration("lock_for")?,
    })
}

fn registrar(view: &View<'_>) -> Option<Registrar> {
    let domains = view.strings("domains");
    Some(Registrar {
        domains: domains.iter().map(|text| Some(net::host(text).ok()?.to_string())).collect::<Option<_>>()?,
        expires_min: view.duration("expires_min")?,
        expires_max: view.duration("expires_max")?,
        expires: view.duration("expires")?,
        contacts_max: view.integer("contacts_max")?,
        when_full: view.word("when_full")?,
        outbound: view.truth("outbound")?,
        flow_timer: view.duration_or_off("flow_timer"),
        reach: view.word("reach")?,
        calls_to: view.word("calls_to")?,
    })
}

/// The user names of a trunk that takes registrations: each is a gateway.
pub(super) fn registering(table: &Table) -> Vec<&str> {
    if table.value("registrar").is_none() {
        return Vec::new();
    }
    let users = table.tables_of("users");
    users.into_iter().filter_map(|(_, user)| user.value("username")?.text()).collect()
}
