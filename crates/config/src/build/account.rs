//! Who we are towards a trunk's peer, and how we register there.

use super::view::View;
use crate::forms::{account, net, number};
use crate::keys::{ACCOUNT_OF_TRUNK, REGISTRATION};
use crate::model::{Account, Login, Register};
use crate::text::Table;

/// All of it.
pub(super) fn login(trunk: &View<'_>, table: &Table) -> Option<Login> {
    Some(Login {
        accounts: accounts(trunk, table)?,
        own: has_own(trunk),
        realms: trunk.strings("realm"),
        register: register(trunk, table)?,
        proxy_route: proxy_route(table),
    })
}

/// Whether the trunk's table itself has an account.
fn has_own(trunk: &View<'_>) -> bool {
    trunk.value("username").is_some() && trunk.value("password").is_some()
}

/// The trunk's own account, then the further ones; what is half written is reported by the judge.
fn accounts(trunk: &View<'_>, table: &Table) -> Option<Vec<Account>> {
    let mut all = Vec::new();
    if has_own(trunk) {
        all.push(account(trunk)?);
    }
    for (_, more) in table.tables_of("accounts") {
        all.push(account(&View::new(&ACCOUNT_OF_TRUNK, [Some(more)]))?);
    }
    Some(all)
}

/// An account; of a user the rights are added by `users`.
pub(super) fn account(view: &View<'_>) -> Option<Account> {
    let username = view.string("username")?;
    let written = view.text("account").unwrap_or(&username);
    let (user, domain) = account::address(written).ok()?;
    Some(Account {
        user,
        domain,
        password: view.secret("password")?,
        numbers: view.strings("numbers").iter().map(|t| number::range(t).ok()).collect::<Option<_>>()?,
        from_user: view.string("from_user"),
        policy: None,
        group: None,
        username,
    })
}

/// How the trunk registers.
fn register(trunk: &View<'_>, table: &Table) -> Option<Option<Register>> {
    // A profile says how to register, never whether.
    if table.value("register").is_none() {
        return Some(None);
    }
    let first = first_host(table);
    let view = trunk.inner(&REGISTRATION, "register");
    let written = view.text("registrar").or(trunk.text("domain")).or(first.as_deref())?;
    Some(Some(Register {
        registrar: net::host(written).ok()?.to_string(),
        expires: view.duration("expires")?,
        mode: view.word("mode")?,
        contact_user: view.string("contact_user"),
        pin: view.truth("pin")?,
        health: view.truth("health")?,
        flows: view.integer("flows")?,
        outbound: view.truth("outbound")?,
        keepalive: view.duration_or_off("keepalive"),
        security: view.word("security")?,
    }))
}

/// The one far end that a trunk with an outbound proxy sends to, as written and read.
pub(super) fn outbound_proxy(table: &Table) -> Option<(&str, net::Target)> {
    let text = table.value("outbound_proxy")?.text()?;
    Some((text, net::gateway(text).ok()?))
}

/// The Route that names an outbound proxy (RFC 3261 §8.1.2).
fn proxy_route(table: &Table) -> Option<String> {
    let (_, target) = outbound_proxy(table)?;
    let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
    let transport = target.transport.map(|t| format!(";transport={t}")).unwrap_or_default();
    Some(format!("<sip:{}{port}{transport};lr>", target.host))
}

/// The host of the first gateway as written.
pub(super) fn first_host(table: &Table) -> Option<String> {
    let Some(written) = table.value("gateways") else { return implied_gateway(table) };
    let text = written.items().first()?.text()?;
    net::gateway(text).ok().map(|target| target.host.to_string())
}

/// The gateway of a trunk that names none: its registrar, else the domain of its account.
pub(crate) fn implied_gateway(table: &Table) -> Option<String> {
    let registrar = table.table("register").and_then(|t| t.value("registrar")).and_then(|v| v.text());
    if let Some(host) = registrar {
        return net::host(host).ok().map(|host| host.to_string());
    }
    let written = ["account", "username"].into_iter().filter_map(|key| table.value(key)?.text());
    written.filter_map(|text| account::address(text).ok()?.1).next()
}
