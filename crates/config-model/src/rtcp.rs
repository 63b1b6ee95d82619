//! How a trunk's peer is kept alive by reports and packets of ours, and judged by its silence.

use super::words::words;

words! {
    /// Where RTCP for a trunk's peer comes from.
    pub enum RtcpSource {
        /// From the other side of the call; from us where packets are made here.
        Pass = "pass",
        /// From us also where the other side sends none.
        Make = "make",
    }
}

words! {
    /// What becomes of extended reports (RFC 3611) toward a trunk's peer.
    pub enum RtcpXr {
        /// It hears none, and is not shown who wants some.
        Off = "off",
        /// Those of the other side, and ours where it wants some and RTCP is ours.
        Pass = "pass",
        /// It is asked for them besides.
        Make = "make",
    }
}

words! {
    /// What a peer gets when nothing was sent to it for a while (RFC 6263).
    pub enum RtpKeepalive {
        /// Nothing.
        Off = "off",
        /// RTP without a payload.
        Empty = "empty",
        /// Comfort noise.
        Noise = "noise",
    }
}

/// Reports and keepalives, for one trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rtcp {
    /// Where it comes from.
    pub source: RtcpSource,
    /// The peer's silence counts in calls in which media may flow.
    pub active: bool,
    /// And in those in which none may.
    pub held: bool,
    /// Extended reports.
    pub extended: RtcpXr,
    /// What it gets besides.
    pub keepalive: RtpKeepalive,
}
