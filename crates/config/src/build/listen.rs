//! Interfaces and sites.

use super::usage::permissions;
use super::view::View;
use crate::forms::net;
use crate::keys::{LISTEN, LISTEN_TLS, SITE};
use crate::model::{Listen, Site, TlsIdentity};
use crate::names::Names;
use crate::text::Table;

pub(super) fn listen(name: &str, table: &Table) -> Option<Listen> {
    let view = View::new(&LISTEN, [Some(table)]);
    let sip = view.strings("sip").iter().map(|t| net::sip_port(t).ok()).collect::<Option<Vec<_>>>()?;
    let tls = match view.value("tls") {
        Some(_) => Some(identity(&view.inner(&LISTEN_TLS, "tls"))?),
        None => None,
    };
    let dns = view.strings("dns").iter().map(|t| net::dns_server(t).ok()).collect::<Option<Vec<_>>>()?;
    Some(Listen {
        name: name.to_owned(),
        address: net::address(view.text("address")?).ok()?,
        advertise: maybe(view.text("advertise"), net::host)?,
        sip,
        rtp: maybe(view.text("rtp"), net::ports)?,
        media_address: maybe(view.text("media_address"), net::address)?,
        media_advertise: maybe(view.text("media_advertise"), net::address)?,
        dns,
        tls,
        dscp_media: view.integer("dscp_media")?,
        dscp_sip: view.integer("dscp_sip")?,
        udp_max: view.integer("udp_max")?,
    })
}

/// Reads a text that may be absent; `None` when it is there and faulty.
fn maybe<T, E>(text: Option<&str>, read: fn(&str) -> Result<T, E>) -> Option<Option<T>> {
    text.map(read).transpose().ok()
}

fn identity(view: &View<'_>) -> Option<TlsIdentity> {
    Some(TlsIdentity {
        cert: view.string("cert")?,
        key: view.secret("key")?,
        client_ca: view.string("client_ca"),
        require_client_cert: view.truth("require_client_cert")?,
    })
}

/// A place.
pub(super) fn site(name: &str, table: Option<&Table>, names: &Names<'_>) -> Site {
    let view = View::new(&SITE, [table]);
    Site {
        name: name.to_owned(),
        subnets: view.strings("subnets").iter().filter_map(|net| net::network(net).ok()).collect(),
        permissions: permissions(&view, "policy", names),
        external_prefix: view.string("external_prefix"),
        wan_calls_max: view.integer("wan_calls_max"),
    }
}
