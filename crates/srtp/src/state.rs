//! What goes along with a key that another takes over: nothing of it may be forgotten, or a key stream is used twice
//! and recorded packets are taken again (RFC 3711 §3.3.2, §9.1).

use crate::replay::Window;

/// How far one stream has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamState {
    /// Whose it is.
    pub ssrc: u32,
    /// Media: rollover counter and sequence number are one index.
    pub rtp: Window,
    /// Reports; of a direction out they are counted for all streams together.
    pub rtcp: Window,
    /// What is added to the numbers of a source that is relayed; none before its first packet.
    pub moved_by: Option<u32>,
    /// The number with which such a source would begin anew.
    pub anew: Option<u16>,
}

/// How far a direction has come under its key. It holds no key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Every stream, those that spoke last first.
    pub streams: Vec<StreamState>,
    /// Of a direction out: the next index of its reports.
    pub rtcp_next: u32,
    /// Of a direction in: streams under the key before, and their newest indices.
    pub former: Vec<(u32, u64)>,
}
