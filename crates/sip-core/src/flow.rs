//! Where a message came from and where one goes.
//!
//! Values only; sockets and connections belong to the runtime.

use base::{ListenId, Transport, TrunkId};
use std::net::SocketAddr;

/// A stream connection of the runtime; never reused while something may still name it.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct ConnId(pub u32);

/// One way between us and a peer.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct Flow {
    /// The interface of ours.
    pub listen: ListenId,
    /// The SIP transport.
    pub transport: Transport,
    /// The peer's address. Beside a `conn`: where a new connection goes when that one is gone
    /// (RFC 3261 §18.2.2).
    pub remote: SocketAddr,
    /// The connection it came on, or that it must use while it lives.
    pub conn: Option<ConnId>,
    /// The trunk whose TLS rules a new connection obeys.
    pub trunk: Option<TrunkId>,
}
