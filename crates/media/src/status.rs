//! What an engine shows of itself. Values only.

use crate::fast::FastStatus;
use crate::report::DropReason;
use base::ListenId;
use std::net::IpAddr;

/// The engine at a glance. Counters of packets are up to a quarter of a second old.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Which engine relays.
    pub engine: &'static str,
    /// Worker threads.
    pub workers: usize,
    /// Open sessions.
    pub sessions: u64,
    /// Ports, by interface.
    pub ports: Vec<PortStatus>,
    /// Packets relayed since the start: those that left, as they came or as what was made of them, or in their place.
    pub packets: u64,
    /// Their UDP payload bytes.
    pub bytes: u64,
    /// Of these packets, those that the fast path relayed.
    pub fast_packets: u64,
    /// The fast path.
    pub fast: FastStatus,
    /// Packets not relayed, by [`DropReason`] in the order of [`DropReason::ALL`]. Packets from foreign
    /// sources that the operating system refuses, because the socket is associated with its
    /// peer, are not seen here.
    pub drops: [u64; DropReason::COUNT],
    /// Errors that the operating system reported on receiving.
    pub socket_errors: u64,
    /// Commands for sessions that are not open.
    pub unknown_sessions: u64,
    /// Sessions refused because the workers were behind.
    pub busy: u64,
    /// News lost because signalling did not fetch them.
    pub replies_lost: u64,
    /// Sessions lost to a fault of ours.
    pub panics: u64,
}

impl Status {
    /// Packets not relayed for `reason`.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }
}

/// The port range of one interface; interfaces that name the same range show the same figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortStatus {
    /// The interface.
    pub listen: ListenId,
    /// Its address for media.
    pub address: IpAddr,
    /// Pairs of ports in use.
    pub used: u64,
    /// Pairs of ports in the range.
    pub limit: u64,
    /// Pairs that other programs hold.
    pub foreign: u64,
    /// How often no pair was free.
    pub exhausted: u64,
}
