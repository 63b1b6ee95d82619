//! Trunks against their interfaces and against each other.

use super::{item_at, value_at};
use crate::build::Draft;
use crate::model::{
    Dtmf, Fax, Gateway, Host, Kind, Listen, MediaMode, Networks, NumberFormat, PortRange, RefreshBy,
    RingingTone, SrtpKeys, SrtpMode, SrtpOverPlain, SrtpT38, Trunk, Update,
};
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};
use base::{ListenId, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A trunk that could be built, and where it is written.
struct Seen<'a> {
    entry: &'a Entry,
    table: &'a Table,
    trunk: &'a Trunk,
    gateways: Vec<&'a Gateway>,
    listen: Option<&'a Listen>,
}

impl Seen<'_> {
    fn at(&self, key: &str) -> usize {
        value_at(self.table, key, self.entry.key_span.start)
    }

    fn path(&self, key: &str) -> String {
        format!("trunk.{}.{key}", self.trunk.name)
    }
}

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let country = root.value("country").is_some();
    let mode = root.table("media").and_then(|media| media.value("bypass")?.text());
    let networks = Networks::of(&draft.sites);
    let entries = root.entries_of("trunk").iter().zip(&draft.trunks);
    let seen: Vec<Seen<'_>> =
        entries.filter_map(|(entry, trunk)| see(entry, trunk.as_ref()?, draft)).collect();
    for one in &seen {
        for (index, gateway) in one.gateways.iter().enumerate() {
            reachable(one, index, gateway, report);
            in_the_open(one, index, gateway, report);
        }
        repeated_gateways(one, report);
        media(one, root, report);
        super::bypass::judge((one.entry, one.table), one.trunk, mode, (&networks, draft), report);
        digits(one, report);
        site(one, draft, &networks, report);
        tls(one, report);
        policy(one, country, report);
        srtp(one, report);
        super::users::judge(one.entry, one.table, one.trunk, report);
        super::identity::judge(one.trunk, one.table, one.entry.key_span.start, report);
    }
    shared_sources(&seen, report);
    shared_names(&seen, report);
}

fn see<'a>(entry: &'a Entry, trunk: &'a Trunk, draft: &'a Draft) -> Option<Seen<'a>> {
    let table = entry.value.table()?;
    let gateways = trunk.gateways.iter().filter_map(|id| draft.gateways.get(id.index()));
    // Who registers is found where it comes from.
    let gateways = gateways.filter(|gateway| gateway.user.is_none()).collect();
    let listen = draft.listens.get(trunk.listen.index()).and_then(Option::as_ref);
    Some(Seen { entry, table, trunk, gateways, listen })
}

/// The transport that a gateway asks for: an address without one means UDP (RFC 3263 §4.1); a name
/// without one asks DNS.
fn asked(gateway: &Gateway) -> Option<Transport> {
    match (gateway.transport, &gateway.host) {
        (None, Host::Ip(_)) => Some(Transport::Udp),
        (transport, _) => transport,
    }
}

/// The interface must speak the gateway's transport and IP version.
fn reachable(one: &Seen<'_>, index: usize, gateway: &Gateway, report: &mut Report<'_>) {
    let Some(listen) = one.listen else { return };
    let at = item_at(one.table, "gateways", index, one.entry.key_span.start);
    let path = format!("trunk.{}.gateways[{index}]", one.trunk.name);
    if let Some(transport) = asked(gateway).filter(|t| listen.port(*t).is_none()) {
        let implied =
            if gateway.transport.is_none() { ", implied by an address without `;transport=`" } else { "" };
        let message = format!(
            "gateway `{}` asks for {transport}{implied}, which [listen.{}] does not speak",
            gateway.text, listen.name
        );
        let mut spoken: Vec<&str> = listen.sip.iter().map(|p| p.transport.token()).collect();
        spoken.dedup();
        let expected =
            format!("`;transport={}`, or `{transport}` in the interface's `sip`", spoken.join("` or `"));
        report.error(Finding::new(at, path.clone(), "conflict", message).expected(expected));
    }
    if let Host::Ip(address) = gateway.host
        && address.is_ipv4() != listen.address.is_ipv4()
    {
        let (theirs, ours) = if address.is_ipv4() { (4, 6) } else { (6, 4) };
        let message = format!(
            "gateway `{}` is an IPv{theirs} address and [listen.{}] speaks IPv{ours}",
            gateway.text, listen.name
        );
        report.error(Finding::new(at, path, "conflict", message).expected("one IP version on both sides"));
    }
}

/// Whether an address is reached over networks of the organisation's own (RFC 1918, RFC 6598, RFC 4193,
/// loopback, link-local).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// A provider over the Internet needs TLS or a private network (R4).
fn in_the_open(one: &Seen<'_>, index: usize, gateway: &Gateway, report: &mut Report<'_>) {
    let Host::Ip(address) = gateway.host else { return };
    if one.trunk.kind != Kind::Itsp || asked(gateway) == Some(Transport::Tls) || is_private(address) {
        return;
    }
    let at = item_at(one.table, "gateways", index, one.entry.key_span.start);
    let message = format!(
        "gateway `{}` is a public address reached without TLS: anyone on the way can read and change the calls",
        gateway.text
    );
    let finding =
        Finding::new(at, format!("trunk.{}.gateways[{index}]", one.trunk.name), "plain-public", message);
    report.warning(finding.expected("`;transport=tls`, or a VPN to a private address"));
}

fn repeated_gateways(one: &Seen<'_>, report: &mut Report<'_>) {
    let same = |a: &Gateway, b: &Gateway| a.host == b.host && a.port == b.port && asked(a) == asked(b);
    for (index, gateway) in one.gateways.iter().enumerate() {
        let before = one.gateways.iter().take(index).find(|before| same(before, gateway));
        // The list's own check reports items that are written alike.
        if let Some(before) = before.filter(|b| b.text != gateway.text) {
            let at = item_at(one.table, "gateways", index, one.entry.key_span.start);
            let message = format!("gateway `{}` is the same as `{}`", gateway.text, before.text);
            let path = one.path(&format!("gateways[{index}]"));
            report.error(Finding::new(at, path, "duplicate", message));
        }
    }
}

/// Anchored media needs ports, for as many calls as there may be.
fn media(one: &Seen<'_>, root: &Table, report: &mut Report<'_>) {
    let Some(listen) = one.listen else { return };
    if let Some(range) = listen.rtp {
        return too_few(one, listen, range, report);
    }
    let entry = root.entries_of("listen").get(one.trunk.listen.index());
    // A range that cannot be read has been told.
    if entry.and_then(|entry| entry.value.table()?.value("rtp")).is_some() {
        return;
    }
    let (does, expected) = match (one.trunk.kind, one.trunk.policy.media) {
        // What it gets comes from here, whatever is said of its media.
        (Kind::Recorder, _) => ("records", "`rtp = \"20000-29999\"` in the interface"),
        (_, MediaMode::Anchor) => (
            "anchors media",
            "`rtp = \"20000-29999\"` in the interface, or `override = { media = \"direct\" }`",
        ),
        _ => return,
    };
    let message =
        format!("trunk `{}` {does} and [listen.{}] has no `rtp` ports", one.trunk.name, listen.name);
    let finding = Finding::new(one.at("listen"), one.path("listen"), "conflict", message);
    report.error(finding.expected(expected));
}

/// Each relayed call takes a pair of ports where its trunk is.
fn too_few(one: &Seen<'_>, listen: &Listen, range: PortRange, report: &mut Report<'_>) {
    let Some(calls) = one.trunk.calls_max.filter(|calls| *calls > range.pairs()) else { return };
    if one.trunk.policy.media != MediaMode::Anchor {
        return;
    }
    let message = format!(
        "`calls_max` is {calls}, and `rtp` of [listen.{}] ({range}) has ports for {} calls",
        listen.name,
        range.pairs()
    );
    let finding = Finding::new(one.at("calls_max"), one.path("calls_max"), "too-few-ports", message);
    report.warning(finding.expected("a wider `rtp`, or fewer calls"));
}

/// Digits can be converted, and sound be made, only in media that flow through us.
fn digits(one: &Seen<'_>, report: &mut Report<'_>) {
    let policy = &one.trunk.policy;
    let converts = !matches!(policy.digits.by, Dtmf::Auto | Dtmf::Info);
    let sounds = policy.sounds.ringing != RingingTone::Off || policy.sounds.files().next().is_some();
    if policy.media == MediaMode::Direct && (converts || sounds) {
        let (what, else_) = match converts {
            true => (format!("`dtmf = \"{}\"`", policy.digits.by), "`dtmf = \"auto\"`"),
            false => ("sounds of ours".to_owned(), "no `ringback`, `announce` and `hold_music`"),
        };
        let message = format!("{what} and media that do not flow through this node");
        let finding = Finding::new(one.at("override"), one.path("override"), "conflict", message);
        report.error(finding.expected(format!("`media = \"anchor\"`, or {else_}")));
    }
    let (allowed, made) = (&policy.codecs.allowed, ["PCMA", "PCMU", "G722", "opus"]);
    let heard = policy.sounds.ringing != RingingTone::Off || !policy.sounds.announce.is_empty();
    if heard && !allowed.is_empty() && !allowed.iter().any(|name| made.contains(&name.as_str())) {
        let message = "`ringback` and `announce` say nothing: sound is made in none of the trunk's `codecs`";
        let finding = Finding::new(one.at("override"), one.path("override"), "no-effect", message);
        report.warning(finding.expected("`PCMA`, `PCMU`, `G722` or `opus` in `codecs`"));
    }
}

/// A trunk that is kept to its site needs one, or networks that its peers may be in.
fn site(one: &Seen<'_>, draft: &Draft, networks: &Networks, report: &mut Report<'_>) {
    let placed = || networks.around(one.trunk, (&draft.sites, &draft.gateways)).iter().any(Option::is_some);
    if one.trunk.site_only && one.trunk.site.is_none() && !placed() {
        let message =
            "`site_only` and no `site`, and no `subnets` hold its gateways: no call could use the trunk";
        let finding = Finding::new(one.at("site_only"), one.path("site_only"), "conflict", message);
        report.error(finding.expected("the trunk's `site`, or a site whose `subnets` hold its gateways"));
    }
}

fn tls(one: &Seen<'_>, report: &mut Report<'_>) {
    let tls = &one.trunk.tls;
    let pair = [("client_cert", tls.client_cert.is_some()), ("client_key", tls.client_key.is_some())];
    if let [(have, true), (lack, false)] | [(lack, false), (have, true)] = pair {
        let message = format!("`{have}` without `{lack}`");
        let finding = Finding::new(one.at("tls"), one.path("tls"), "conflict", message);
        report.error(finding.expected("both, or none"));
    }
    if !tls.verify {
        let table = one.table.table("tls").unwrap_or(one.table);
        let at = value_at(table, "verify", one.at("tls"));
        let message = "certificates are not verified: anyone on the way can read and change the calls";
        let finding = Finding::new(at, one.path("tls.verify"), "unverified-tls", message);
        report.warning(finding.expected("`ca` with the peer's authority"));
    }
}

fn policy(one: &Seen<'_>, country: bool, report: &mut Report<'_>) {
    let policy = &one.trunk.policy;
    let table = one.table.table("override").unwrap_or(one.table);
    let at = |key| value_at(table, key, one.entry.key_span.start);
    session_timer(one, at("session_timer"), report);
    let by_country = [NumberFormat::National, NumberFormat::International];
    if by_country.contains(&policy.number_format) && !country {
        let message = format!("`number_format = \"{}\"` without a `country`", policy.number_format);
        let finding =
            Finding::new(at("number_format"), one.path("override.number_format"), "conflict", message);
        report.error(finding.expected("`country = \"DE\"` or the like at the top level"));
    }
}

/// Keys in SDP are as secret as the signalling that bears them (RFC 4568 §7).
fn srtp(one: &Seen<'_>, report: &mut Report<'_>) {
    let policy = &one.trunk.policy.srtp;
    let table = one.table.table("override").unwrap_or(one.table);
    let at = |key| value_at(table, key, one.entry.key_span.start);
    if policy.keys.contains(&SrtpKeys::Dtls) && !policy.suites.iter().any(|suite| suite.has_profile()) {
        let message = "`srtp_keys` with `dtls`, and no suite that DTLS-SRTP knows";
        let finding = Finding::new(at("srtp_suites"), one.path("override.srtp_suites"), "conflict", message);
        report.error(finding.expected("`AES_CM_128_HMAC_SHA1_80` or `AEAD_AES_128_GCM` among `srtp_suites`"));
    }
    if policy.mode == SrtpMode::Required && policy.t38 == SrtpT38::Refuse && one.trunk.policy.fax == Fax::T38
    {
        let message = "`fax = \"t38\"` where SRTP is required, which T.38 cannot have";
        let finding = Finding::new(at("fax"), one.path("override.fax"), "conflict", message);
        report.error(finding.expected("`srtp_t38 = \"plain\"`, or `fax = \"auto\"`"));
    }
    let is_plain = |gateway: &Gateway| matches!(asked(gateway), Some(Transport::Udp | Transport::Tcp));
    let is_plain = one.gateways.iter().any(|gateway| is_plain(gateway));
    handshakes(one, table, is_plain, report);
    let wanted = [SrtpMode::Optional, SrtpMode::Required].contains(&policy.mode);
    // A handshake does not need signalling to be secret.
    let at_risk = policy.keys.contains(&SrtpKeys::Sdes) || policy.over_plain == SrtpOverPlain::Off;
    if !wanted || !at_risk || !is_plain {
        return;
    }
    let message = match policy.over_plain {
        SrtpOverPlain::Allow => {
            "keys of SRTP go over signalling without TLS: who reads it can hear the calls"
        }
        SrtpOverPlain::Off => "`srtp_over_plain = \"off\"` and a gateway without TLS: media are not secured",
    };
    let finding = Finding::new(at("srtp"), one.path("override.srtp"), "plain-keys", message);
    report.warning(finding.expected("`;transport=tls` for the gateway, or `srtp = \"auto\"`"));
}

/// Whoever asks for handshakes does not expect media in clear.
fn handshakes(one: &Seen<'_>, table: &Table, is_plain: bool, report: &mut Report<'_>) {
    let policy = &one.trunk.policy;
    let why = match policy.srtp.mode {
        SrtpMode::Off => "`srtp = \"off\"`",
        SrtpMode::Auto if is_plain => "`srtp = \"auto\"` and a gateway without TLS",
        _ => return,
    };
    let has_dtls = policy.srtp.keys.contains(&SrtpKeys::Dtls);
    let asks = |key: &&str| table.value(key).is_some() && (has_dtls || *key == "dtls_setup");
    let Some(key) = ["srtp_keys", "dtls_setup"].into_iter().find(asks) else { return };
    if policy.media == MediaMode::Direct {
        return;
    }
    let at = value_at(table, key, one.entry.key_span.start);
    let message = format!("`{key}` of DTLS-SRTP and {why}: media are not secured");
    let finding = Finding::new(at, one.path(&format!("override.{key}")), "no-effect", message);
    report.warning(finding.expected("`srtp = \"optional\"` or `srtp = \"required\"`"));
}

/// A session timer that can be kept.
fn session_timer(one: &Seen<'_>, at: usize, report: &mut Report<'_>) {
    let policy = &one.trunk.policy;
    let timer = policy.session_timer;
    if timer.expires.is_some_and(|expires| expires < timer.min_se) {
        let message =
            format!("`expires` is {}s and `min_se` is {}s", timer.expires.unwrap_or(0), timer.min_se);
        let finding = Finding::new(at, one.path("override.session_timer"), "conflict", message);
        report.error(finding.expected("`expires` not below `min_se` (RFC 4028 §4)"));
    }
    if timer.refresh_by == RefreshBy::Update && policy.dialog.update == Update::Off {
        let message = "`refresh_by = \"update\"` with `update = \"off\"`";
        let path = one.path("override.session_timer.refresh_by");
        let finding = Finding::new(at, path, "conflict", message);
        report.error(finding.expected("`refresh_by = \"reinvite\"`, or `update = \"auto\"`"));
    }
}

/// Two trunks that one address speaks for on one interface cannot be told apart when a call arrives.
fn shared_sources(seen: &[Seen<'_>], report: &mut Report<'_>) {
    let mut owners: BTreeMap<(ListenId, &Host), &str> = BTreeMap::new();
    for one in seen {
        for (index, gateway) in one.gateways.iter().enumerate() {
            let owner = *owners.entry((one.trunk.listen, &gateway.host)).or_insert(&one.trunk.name);
            if owner == one.trunk.name {
                continue;
            }
            let at = item_at(one.table, "gateways", index, one.entry.key_span.start);
            let message = format!(
                "`{}` is also a gateway of trunk `{owner}` on the same interface: a call from there cannot be told to be trunk `{}`'s",
                gateway.host, one.trunk.name
            );
            let path = format!("trunk.{}.gateways[{index}]", one.trunk.name);
            report.warning(
                Finding::new(at, path, "shared-source", message).expected("one trunk, or two interfaces"),
            );
        }
    }
}

/// A certificate name identifies one trunk of an interface.
fn shared_names(seen: &[Seen<'_>], report: &mut Report<'_>) {
    let mut owners: BTreeMap<(ListenId, &str), &str> = BTreeMap::new();
    for one in seen {
        for (index, name) in one.trunk.tls.peer_names.iter().enumerate() {
            let owner = *owners.entry((one.trunk.listen, name)).or_insert(&one.trunk.name);
            if owner != one.trunk.name {
                let at = one.table.table("tls").map_or(0, |t| item_at(t, "peer_names", index, one.at("tls")));
                let message = format!(
                    "certificate name `{name}` already identifies trunk `{owner}` on the same interface"
                );
                let path = format!("trunk.{}.tls.peer_names[{index}]", one.trunk.name);
                report.error(Finding::new(at, path, "conflict", message).expected("a name of its own"));
            }
        }
    }
}
