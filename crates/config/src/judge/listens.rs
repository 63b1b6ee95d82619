//! Interfaces against each other and in themselves.

use super::{item_at, value_at};
use crate::build::Draft;
use crate::model::{Host, Listen, SipPort};
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};
use base::Transport;
use std::net::IpAddr;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let entries = root.entries_of("listen");
    let listens: Vec<(&Entry, &Table, &Listen)> = entries
        .iter()
        .zip(&draft.listens)
        .filter_map(|(entry, listen)| Some((entry, entry.value.table()?, listen.as_ref()?)))
        .collect();
    for (entry, table, listen) in &listens {
        addresses(entry, table, listen, report);
        closed_tls(table, listen, report);
    }
    sip_ports(&listens, report);
    media_ports(&listens, report);
}

/// Peers must be told an address that they can send to, of the family that the sockets speak.
fn addresses(entry: &Entry, table: &Table, listen: &Listen, report: &mut Report<'_>) {
    let path = format!("listen.{}", listen.name);
    let at = entry.key_span.start;
    if listen.address.is_unspecified() && listen.advertise.is_none() {
        let message =
            format!("`{}` is every address of the machine, and no peer can be told that", listen.address);
        let finding =
            Finding::new(value_at(table, "address", at), format!("{path}.address"), "conflict", message);
        report.error(finding.expected("one address, or `advertise` beside it"));
    } else if listen.rtp.is_some() && listen.sdp_address().is_unspecified() {
        let message = format!("[{path}] has no address to write into SDP");
        let key = if listen.media_address.is_some() { "media_address" } else { "address" };
        let finding = Finding::new(value_at(table, key, at), path.clone(), "conflict", message);
        report.error(finding.expected("`media_advertise`"));
    }
    let advertised = match listen.advertise {
        Some(Host::Ip(address)) => Some(address),
        _ => None,
    };
    let pairs = [
        ("advertise", advertised, listen.address),
        ("media_advertise", listen.media_advertise, listen.media_bind()),
    ];
    for (key, told, bound) in pairs {
        if told.is_some_and(|told| told.is_ipv4() != bound.is_ipv4()) {
            let message = format!("`{key}` and the address behind it are of different IP versions");
            let finding =
                Finding::new(value_at(table, key, at), format!("{path}.{key}"), "conflict", message);
            report.error(finding.expected(if bound.is_ipv4() {
                "an IPv4 address"
            } else {
                "an IPv6 address"
            }));
        }
    }
}

/// A TLS port without a certificate can only dial out.
fn closed_tls(table: &Table, listen: &Listen, report: &mut Report<'_>) {
    if listen.tls.is_some() {
        return;
    }
    if let Some(index) = listen.sip.iter().position(|p| p.transport == Transport::Tls) {
        let at = item_at(table, "sip", index, 0);
        let message =
            format!("[listen.{}] has no certificate, so its TLS port stays closed to callers", listen.name);
        let finding =
            Finding::new(at, format!("listen.{}.sip[{index}]", listen.name), "closed-port", message);
        report.warning(finding.expected("`tls = { cert = …, key = … }` to accept TLS"));
    }
}

/// Whether two bindings reach the same address.
fn meet(a: IpAddr, b: IpAddr) -> bool {
    a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified()))
}

/// TCP and TLS share one port space.
fn same_socket(a: SipPort, b: SipPort) -> bool {
    a.port == b.port && (a.transport == Transport::Udp) == (b.transport == Transport::Udp)
}

fn sip_ports(listens: &[(&Entry, &Table, &Listen)], report: &mut Report<'_>) {
    let mut taken: Vec<(IpAddr, SipPort, &str, usize)> = Vec::new();
    for (entry, table, listen) in listens {
        for (index, port) in listen.sip.iter().enumerate() {
            let at = item_at(table, "sip", index, entry.key_span.start);
            let other = taken
                .iter()
                .find(|(address, p, ..)| meet(*address, listen.address) && same_socket(*p, *port));
            if let Some((_, other_port, name, other_at)) = other {
                // The list's own check reports items that are written alike.
                if *name == listen.name && *other_port == *port {
                    continue;
                }
                let line = report.source.line(*other_at);
                let message = format!(
                    "{port} at {} is already taken by {other_port} of [listen.{name}] in line {line}",
                    listen.address
                );
                let path = format!("listen.{}.sip[{index}]", listen.name);
                report.error(Finding::new(at, path, "conflict", message).expected("another port or address"));
            } else {
                taken.push((listen.address, *port, &listen.name, at));
            }
        }
    }
}

/// Media ranges meet neither each other nor a SIP port over UDP.
fn media_ports(listens: &[(&Entry, &Table, &Listen)], report: &mut Report<'_>) {
    for (index, (entry, table, listen)) in listens.iter().enumerate() {
        let Some(range) = listen.rtp else { continue };
        let at = value_at(table, "rtp", entry.key_span.start);
        let path = format!("listen.{}.rtp", listen.name);
        for (other_entry, other_table, other) in listens.iter().take(index) {
            let Some(taken) = other.rtp else { continue };
            let apart = range.last < taken.first || taken.last < range.first;
            if apart || !meet(listen.media_bind(), other.media_bind()) {
                continue;
            }
            let line = report.source.line(value_at(other_table, "rtp", other_entry.key_span.start));
            let message = format!("ports {range} overlap {taken} of [listen.{}] in line {line}", other.name);
            let finding = Finding::new(at, path.clone(), "conflict", message);
            report.error(finding.expected("ranges apart from each other on one address"));
        }
        for (_, _, other) in listens {
            let inside =
                |p: &&SipPort| p.transport == Transport::Udp && (range.first..=range.last).contains(&p.port);
            let Some(port) = other.sip.iter().find(inside) else { continue };
            if meet(listen.media_bind(), other.address) {
                let message = format!("ports {range} hold the SIP port {port} of [listen.{}]", other.name);
                let finding = Finding::new(at, path.clone(), "conflict", message);
                report.error(finding.expected("a range without SIP ports"));
            }
        }
    }
}
