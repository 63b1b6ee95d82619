//! How many connections there may be, and from whom. Counts only; closes nothing.

use base::hash::Keyed;
use base::{Limit, ListenId};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// Connections of the whole node, at most.
const TOTAL_MAX: u64 = 16_384;
/// Connections that peers opened to one interface, at most.
const INTERFACE_MAX: u64 = 8_192;
/// Connections from one source (IPv6: one /64), at most.
const SOURCE_MAX: u64 = 2_048;
/// Connections of one interface that have not delivered a whole message yet, at most.
const UNPROVEN_INTERFACE_MAX: u64 = 1_024;
/// And of one source.
const UNPROVEN_SOURCE_MAX: u64 = 256;
/// Connections of peers that belong to no trunk, of the whole node, at most.
pub(super) const STRANGERS_MAX: u64 = 256;
/// And of one source.
pub(super) const STRANGERS_SOURCE_MAX: u64 = 16;

/// Which connections give way to a newer one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// Those that have not delivered a whole message.
    Unproven,
    /// Those that belong to no trunk.
    Stranger,
}

/// Why one more connection does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Obstacle {
    /// Only connections of the same source could give way.
    pub(super) source_only: bool,
    /// A connection of theirs may give way.
    pub(super) may_displace: bool,
    /// Whose.
    pub(super) among: Standing,
}

#[derive(Clone, Copy, Default)]
struct Count {
    all: u64,
    unproven: u64,
    strangers: u64,
}

/// Counts of connections against their limits.
pub(super) struct Admission {
    total: u64,
    strangers: u64,
    interfaces: Vec<Count>,
    sources: HashMap<(ListenId, IpAddr), Count, Keyed>,
    limit_total: Limit,
    limit_interface: Limit,
    limit_source: Limit,
    limit_unproven_interface: Limit,
    limit_unproven_source: Limit,
    limit_strangers: Limit,
    limit_strangers_source: Limit,
}

impl Admission {
    pub(super) fn new(interfaces: usize, key: Keyed) -> Admission {
        Admission {
            total: 0,
            strangers: 0,
            interfaces: vec![Count::default(); interfaces],
            sources: HashMap::with_hasher(key),
            limit_total: Limit::new("connections", TOTAL_MAX),
            limit_interface: Limit::new("connections_per_interface", INTERFACE_MAX),
            limit_source: Limit::new("connections_per_source", SOURCE_MAX),
            limit_unproven_interface: Limit::new(
                "unproven_connections_per_interface",
                UNPROVEN_INTERFACE_MAX,
            ),
            limit_unproven_source: Limit::new("unproven_connections_per_source", UNPROVEN_SOURCE_MAX),
            limit_strangers: Limit::new("stranger_connections", STRANGERS_MAX),
            limit_strangers_source: Limit::new("stranger_connections_per_source", STRANGERS_SOURCE_MAX),
        }
    }

    /// What stands against one more connection from `ip`, of a trunk's peer or a stranger; counts the hit.
    pub(super) fn obstacle(&mut self, listen: ListenId, ip: IpAddr, known: bool) -> Option<Obstacle> {
        let interface = self.interfaces.get(listen.index()).copied().unwrap_or_default();
        let source = self.sources.get(&(listen, group(ip))).copied().unwrap_or_default();
        let stranger =
            |source_only| Some(Obstacle { source_only, may_displace: true, among: Standing::Stranger });
        if !known && !self.limit_strangers_source.admit(source.strangers) {
            return stranger(true);
        }
        if !known && !self.limit_strangers.admit(self.strangers) {
            return stranger(false);
        }
        let obstacle = |source_only, may_displace| {
            Some(Obstacle { source_only, may_displace, among: Standing::Unproven })
        };
        if !self.limit_unproven_source.admit(source.unproven) {
            return obstacle(true, true);
        }
        if !self.limit_unproven_interface.admit(interface.unproven) {
            return obstacle(false, true);
        }
        if !self.limit_source.admit(source.all) {
            return obstacle(true, source.unproven > 0);
        }
        if !self.limit_interface.admit(interface.all) || !self.limit_total.admit(self.total) {
            return obstacle(false, interface.unproven > 0);
        }
        None
    }

    /// A peer's connection exists from now on.
    pub(super) fn enter(&mut self, listen: ListenId, ip: IpAddr, known: bool) {
        self.total += 1;
        self.strangers += u64::from(!known);
        if let Some(interface) = self.interfaces.get_mut(listen.index()) {
            interface.all += 1;
            interface.unproven += 1;
        }
        let source = self.sources.entry((listen, group(ip))).or_default();
        source.all += 1;
        source.unproven += 1;
        source.strangers += u64::from(!known);
    }

    /// It belongs to a trunk after all.
    pub(super) fn befriend(&mut self, listen: ListenId, ip: IpAddr) {
        self.strangers = self.strangers.saturating_sub(1);
        if let Some(source) = self.sources.get_mut(&(listen, group(ip))) {
            source.strangers = source.strangers.saturating_sub(1);
        }
    }

    /// It delivered its first whole message.
    pub(super) fn prove(&mut self, listen: ListenId, ip: IpAddr) {
        if let Some(interface) = self.interfaces.get_mut(listen.index()) {
            interface.unproven = interface.unproven.saturating_sub(1);
        }
        if let Some(source) = self.sources.get_mut(&(listen, group(ip))) {
            source.unproven = source.unproven.saturating_sub(1);
        }
    }

    /// It is gone.
    pub(super) fn leave(&mut self, listen: ListenId, ip: IpAddr, proven: bool, known: bool) {
        if !proven {
            self.prove(listen, ip);
        }
        if !known {
            self.befriend(listen, ip);
        }
        self.total = self.total.saturating_sub(1);
        if let Some(interface) = self.interfaces.get_mut(listen.index()) {
            interface.all = interface.all.saturating_sub(1);
        }
        let key = (listen, group(ip));
        if let Some(source) = self.sources.get_mut(&key) {
            source.all = source.all.saturating_sub(1);
            if source.all == 0 {
                self.sources.remove(&key);
            }
        }
    }

    /// Whether we may open one; counts the hit when not.
    pub(super) fn may_dial(&mut self) -> bool {
        self.limit_total.admit(self.total)
    }

    /// We opened one.
    pub(super) fn dialled(&mut self) {
        self.total += 1;
    }

    /// One that we opened is gone.
    pub(super) fn hung_up(&mut self) {
        self.total = self.total.saturating_sub(1);
    }

    /// The limits with their hits.
    pub(super) fn limits(&self) -> Vec<Limit> {
        [
            &self.limit_total,
            &self.limit_interface,
            &self.limit_source,
            &self.limit_unproven_interface,
            &self.limit_unproven_source,
            &self.limit_strangers,
            &self.limit_strangers_source,
        ]
        .map(Limit::clone)
        .into()
    }
}

/// Whether two addresses count as one source.
pub(super) fn same_source(a: IpAddr, b: IpAddr) -> bool {
    group(a) == group(b)
}

/// An IPv6 host has a whole /64 to itself.
fn group(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}
