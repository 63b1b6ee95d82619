//! Trunks and their gateways.

use super::scope::{Layer, kind_and_profile, layers};
use super::usage::permissions;
use super::view::View;
use super::{account, failover, listen_id, policy, translate, trunk_id, users};
use crate::country::Country;
use crate::forms::{net, plain};
use crate::keys::{POLICY, TRUNK, TRUNK_TLS};
use crate::model::{Gateway, Host, Kind, Recorder, Trunk, TrunkTls};
use crate::names::Names;
use crate::text::{Table, Value};
use base::{GatewayId, TrunkId};
use ipnet::IpNet;

/// What surrounds a trunk.
struct Around<'a> {
    root: &'a Table,
    names: &'a Names<'a>,
    country: Option<&'static Country>,
}

/// All trunks, and the gateways of all.
pub(super) fn trunks(root: &Table, names: &Names<'_>) -> (Vec<Option<Trunk>>, Vec<Gateway>) {
    let country = root.value("country").and_then(|v| v.text()).and_then(|t| plain::country(t).ok());
    let around = Around { root, names, country };
    let mut gateways = Vec::new();
    let mut trunks = Vec::new();
    for (index, entry) in root.entries_of("trunk").iter().enumerate() {
        let id = TrunkId(u32::try_from(index).unwrap_or(u32::MAX));
        let table = entry.value.table();
        let mut own = table.map_or_else(Vec::new, |t| own_gateways(t, id, &mut gateways));
        own.extend(table.map_or_else(Vec::new, |t| user_gateways(t, id, &mut gateways)));
        trunks.push(table.and_then(|t| trunk(&around, (&entry.key, t), own)));
    }
    (trunks, gateways)
}

/// Appends a trunk's gateways to the table of all and gives their ids.
fn own_gateways(table: &Table, trunk: TrunkId, all: &mut Vec<Gateway>) -> Vec<GatewayId> {
    if let Some((text, target)) = account::outbound_proxy(table) {
        return vec![add_gateway(trunk, text, target, all)];
    }
    if let Some(text) = account::implied_gateway(table).filter(|_| table.value("gateways").is_none()) {
        let target = net::gateway(&text).ok();
        return target.map(|target| add_gateway(trunk, &text, target, all)).into_iter().collect();
    }
    let texts = table.value("gateways").map_or(&[][..], |v| v.items());
    let read =
        texts.iter().filter_map(|v| v.text()).filter_map(|text| Some((text, net::gateway(text).ok()?)));
    read.map(|(text, target)| add_gateway(trunk, text, target, all)).collect()
}

fn add_gateway(trunk: TrunkId, text: &str, target: net::Target, all: &mut Vec<Gateway>) -> GatewayId {
    let id = GatewayId(u32::try_from(all.len()).unwrap_or(u32::MAX));
    let net::Target { host, port, transport } = target;
    all.push(Gateway { trunk, host, port, transport, text: text.to_owned(), user: None });
    id
}

/// Appends a gateway for each user that registers.
fn user_gateways(table: &Table, trunk: TrunkId, all: &mut Vec<Gateway>) -> Vec<GatewayId> {
    let host = || Host::Name("registered.invalid".to_owned());
    let mut own = Vec::new();
    for (place, name) in (0_u16..).zip(users::registering(table)) {
        let target = net::Target { host: host(), port: None, transport: None };
        let id = add_gateway(trunk, name, target, all);
        if let Some(gateway) = all.last_mut() {
            gateway.user = Some(place);
        }
        own.push(id);
    }
    own
}

/// Host part of URIs: `domain`, and beside an outbound proxy the gateway that it stands for.
fn domain(view: &View<'_>, table: &Table) -> Option<String> {
    let written = view.text("domain").and_then(|t| net::host(t).ok()).map(|host| host.to_string());
    written.or_else(|| account::outbound_proxy(table).and_then(|_| account::first_host(table)))
}

/// The numbers, lists and switches of a trunk, and its parts.
fn trunk(around: &Around<'_>, (name, table): (&str, &Table), gateways: Vec<GatewayId>) -> Option<Trunk> {
    let (kind, profile) = kind_and_profile(table)?;
    let [view, policy_view] = views(&layers(around.root, table, profile, around.names));
    Some(Trunk {
        name: name.to_owned(),
        kind,
        profile,
        listen: listen_id(around.names, view.text("listen")?)?,
        site: view.string("site"),
        site_only: view.truth("site_only")?,
        bypass: view.strings("bypass"),
        media_address: view.text("media_address").and_then(|text| net::address(text).ok()),
        permissions: permissions(&view, "policy", around.names),
        transit: view.truth("transit")?,
        pstn: view.value("pstn").and_then(Value::boolean).unwrap_or(kind == Kind::Itsp),
        enabled: view.truth("enabled")?,
        record: recorder(&view, around.names).filter(|_| kind != Kind::Recorder),
        gateways,
        sources: sources(&view)?,
        domain: domain(&view, table),
        login: account::login(&view, table)?,
        users: users::users(&view, table, around.names)?,
        calls_max: view.integer("calls_max"),
        cps_max: view.integer("cps_max"),
        each_way: failover::each_way(&view),
        hunt: failover::hunting(&view)?,
        map_response: failover::mappings(&view)?,
        quality: failover::quality(&view)?,
        retry_on: view.statuses("retry_on"),
        failover_after: view.duration("failover_after")?,
        ring_timeout: view.duration("ring_timeout")?,
        options_interval: view.duration_or_off("options_interval"),
        options_misses: view.integer("options_misses")?,
        tls: tls(&view.inner(&TRUNK_TLS, "tls"))?,
        external_prefix: view.string("external_prefix"),
        pilot: translate::pilot(table)?,
        translate: translate::translate(table)?,
        policy: policy::policy(&policy_view, around.country)?,
    })
}

/// Who records the calls of a trunk or a route, where it says so.
pub(super) fn recorder(view: &View<'_>, names: &Names<'_>) -> Option<Recorder> {
    match view.text("record")? {
        "off" => Some(Recorder::Off),
        name => trunk_id(names, name).map(Recorder::By),
    }
}

/// The trunk and its policy through all layers.
fn views<'a>(layers: &[Layer<'a>]) -> [View<'a>; 2] {
    let all = View::new(&TRUNK, layers.iter().map(|layer| layer.trunk));
    [all, View::new(&POLICY, layers.iter().map(|layer| layer.policy))]
}

fn sources(view: &View<'_>) -> Option<Vec<IpNet>> {
    view.strings("sources").iter().map(|text| net::network(text).ok()).collect()
}

fn tls(view: &View<'_>) -> Option<TrunkTls> {
    let plain_host = |text: &str| net::host(text).ok().map(|h| h.to_string());
    Some(TrunkTls {
        verify: view.truth("verify")?,
        name: view.text("name").and_then(plain_host),
        ca: view.string("ca"),
        client_cert: view.string("client_cert"),
        client_key: view.secret("client_key"),
        peer_names: view.strings("peer_names").iter().filter_map(|t| plain_host(t)).collect(),
    })
}
