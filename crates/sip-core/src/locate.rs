//! RFC 3263 as judgement: which questions to ask of the DNS for the name of a SIP server, and in which order its answers
//! are tried. The questions are asked by whoever drives.

use base::Transport;
use std::net::IpAddr;

/// The address family that a socket of ours can reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// The first question for a name (RFC 3263 §4.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Port and transport are settled: only addresses are asked for.
    Addresses(Transport, u16),
    /// The transport is settled: SRV, and without it the default port.
    Services(Transport),
    /// Nothing is settled: NAPTR, without it SRV for each transport, without it UDP.
    Everything,
}

/// Where to begin, by what the configuration settles. A port settles UDP when no transport is
/// named (RFC 3263 §4.1), as far as the interface has it.
#[must_use]
pub fn first_step(port: Option<u16>, transport: Option<Transport>, ours: &[Transport]) -> Step {
    match (port, transport) {
        (Some(port), Some(transport)) => Step::Addresses(transport, port),
        (Some(port), None) => Step::Addresses(plain(ours), port),
        (None, Some(transport)) => Step::Services(transport),
        (None, None) => Step::Everything,
    }
}

/// The transport without any other hint: UDP, or the first of ours when we lack it (RFC 3263 §4.1).
#[must_use]
pub fn plain(ours: &[Transport]) -> Transport {
    if ours.contains(&Transport::Udp) {
        Transport::Udp
    } else {
        ours.first().copied().unwrap_or(Transport::Udp)
    }
}

/// The name of the SRV records of a transport (RFC 3263 §4.1: `_sip._udp`, `_sip._tcp`, `_sips._tcp`).
#[must_use]
pub fn service_name(host: &str, transport: Transport) -> String {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    };
    format!("{prefix}.{host}")
}

/// The transport that a NAPTR service field stands for (RFC 3263 §4.1).
#[must_use]
pub fn service_transport(service: &[u8]) -> Option<Transport> {
    let service = std::str::from_utf8(service).ok()?;
    [("SIP+D2U", Transport::Udp), ("SIP+D2T", Transport::Tcp), ("SIPS+D2T", Transport::Tls)]
        .into_iter()
        .find_map(|(name, transport)| name.eq_ignore_ascii_case(service).then_some(transport))
}

/// A NAPTR record that leads to SRV records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pointer {
    /// The lowest counts first.
    pub order: u16,
    /// Within an order.
    pub preference: u16,
    /// Of its service.
    pub transport: Transport,
    /// Name of the SRV records.
    pub replacement: String,
}

/// NAPTR records to follow: those of transports that we speak, of the lowest order that has any,
/// by preference (RFC 3263 §4.1, RFC 3403 §4.1).
#[must_use]
pub fn sort_pointers(mut pointers: Vec<Pointer>, ours: &[Transport]) -> Vec<Pointer> {
    pointers.retain(|p| ours.contains(&p.transport));
    pointers.sort_by_key(|p| (p.order, p.preference));
    let lowest = pointers.first().map(|p| p.order);
    pointers.retain(|p| Some(p.order) == lowest);
    pointers
}

/// An SRV record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// The lowest counts first.
    pub priority: u16,
    /// Within a priority.
    pub weight: u16,
    /// Where the server listens.
    pub port: u16,
    /// Its host.
    pub target: String,
}

/// SRV records by priority; the order inside a priority is drawn for each call (RFC 2782, usage rules;
/// RFC 3263 §4.2), by whoever makes it.
#[must_use]
pub fn sort_services(mut services: Vec<Service>) -> Vec<Service> {
    // The heavier first, so that a bound on their number leaves out the least.
    services.sort_by_key(|s| (s.priority, std::cmp::Reverse(s.weight)));
    services
}
