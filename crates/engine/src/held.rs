//! What an engine holds: its interfaces and its open sessions.

use base::ListenId;
use media::MAX_STREAMS;
use media::token::Place;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// An interface that carries media.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaListen {
    /// Which one.
    pub id: ListenId,
    /// Local address of its sockets.
    pub address: IpAddr,
    /// Ports to use; only whole pairs (even and next) count.
    pub range: RangeInclusive<u16>,
    /// Code point of outgoing packets, 0 to 63; 46 is expedited forwarding (RFC 3246, RFC 4594 §4.1).
    pub dscp: u8,
}

/// An interface and which range of ports it uses; interfaces that name the same range share it.
pub(crate) struct Interface {
    pub(crate) listen: MediaListen,
    pub(crate) range: usize,
}

/// What an open session holds.
pub(crate) struct Held {
    pub(crate) worker: usize,
    pub(crate) place: Place,
    /// Address and even port, by stream and side; `None` once freed.
    pub(crate) pairs: Vec<Option<[(IpAddr, u16); 2]>>,
    /// Where each stream's media go, by side, as was last said.
    pub(crate) told: [[Option<SocketAddr>; 2]; MAX_STREAMS],
    pub(crate) closing: bool,
}
