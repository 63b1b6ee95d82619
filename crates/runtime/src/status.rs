//! What the transports show of themselves: plain values, made on demand by the shard.

use crate::stream::Close;
use crate::udp::DatagramCounters;
use base::Transport;
use std::net::SocketAddr;
use std::time::Duration;

/// The transports at a glance.
#[derive(Clone, Debug, Default)]
pub struct TransportStatus {
    /// Time since the node's birth.
    pub uptime: Duration,
    /// Interfaces, by [`base::ListenId`].
    pub listens: Vec<ListenStatus>,
    /// Connections since the node's birth.
    pub streams: StreamCounters,
    /// Named limits: the limit's name, its maximum, how often it was hit.
    pub limits: Vec<(&'static str, u64, u64)>,
    /// The signalling loop.
    pub shard: ShardCounters,
}

/// One interface.
#[derive(Clone, Debug, Default)]
pub struct ListenStatus {
    /// Its name.
    pub name: String,
    /// Its open ports.
    pub ports: Vec<(Transport, SocketAddr)>,
    /// Its connections now.
    pub connections: StreamCounts,
    /// Its datagrams since the node's birth, all UDP ports together.
    pub datagrams: DatagramCounters,
    /// When its TLS certificate ends, seconds since 1970; `None` without one.
    pub certificate_ends: Option<i64>,
}

/// Connections of one interface, now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamCounts {
    /// Open, and opened by peers.
    pub inbound: u64,
    /// Open, and opened by us.
    pub outbound: u64,
    /// Connecting, or in the TLS handshake.
    pub half_open: u64,
}

/// What happened to connections since the node's birth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamCounters {
    /// Opened by peers.
    pub accepted: u64,
    /// Opened by us.
    pub dialled: u64,
    /// Turned away at a limit.
    pub refused: u64,
    /// Could not be taken from the kernel (no descriptors left).
    pub accept_failed: u64,
    closed: [u64; Close::NAMES.len()],
}

impl StreamCounters {
    pub(crate) fn count(&mut self, why: Close) {
        if let Some(counter) = self.closed.get_mut(why.index()) {
            *counter += 1;
        }
    }

    /// Closed connections by cause: `ended` (by the peer), `reset`, `refused`, `unreachable`,
    /// `too_slow` (connect or handshake), `tls`, `framing`, `slow_reader`, `silent`, `idle`, `displaced`,
    /// `stopping`, `stranger` (of no trunk), `unfinished` (half a message).
    pub fn closed(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Close::NAMES.iter().copied().zip(self.closed)
    }

    /// Closed connections of one cause of [`StreamCounters::closed`].
    #[must_use]
    pub fn closed_by(&self, cause: &str) -> u64 {
        self.closed().find(|(name, _)| *name == cause).map_or(0, |(_, count)| count)
    }
}

/// The signalling loop since the node's birth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShardCounters {
    /// Turns of the loop.
    pub turns: u64,
    /// Messages from peers, all transports.
    pub messages_in: u64,
    /// Messages to peers, all transports, handed to a socket or connection.
    pub messages_out: u64,
    /// Messages that could not be sent.
    pub send_failures: u64,
    /// Batches that the journal did not take.
    pub journal_errors: u64,
    /// Panics caught; each is a bug.
    pub panics: u64,
    /// Turns that ended with work left because a budget was spent.
    pub budget_spent: u64,
    /// Names not asked for because too many waited.
    pub lookups_refused: u64,
}
