//! The flow: one direction of one component of one stream, settled so far that a packet can be
//! judged without asking anybody.
//!
//! A flow is what every engine executes: the portable one does it here, packet by packet; one in
//! the kernel takes the same fields into its map. A packet that a flow cannot judge (its source is
//! not the expected one, or it is RTCP on the RTP port) goes **up** to the session, which may
//! settle the flow anew.

use crate::report::DropReason;
use crate::wire;
use rtp::Header;
use std::net::SocketAddr;

/// Which of a stream's two ports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Component {
    /// The even port.
    Rtp,
    /// The port above.
    Rtcp,
}

impl Component {
    /// Both, in order.
    pub const BOTH: [Component; 2] = [Component::Rtp, Component::Rtcp];

    /// 0 for RTP, 1 for RTCP: what is added to the stream's port.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Component::Rtp => 0,
            Component::Rtcp => 1,
        }
    }
}

/// What is done with a packet of the flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Out of the other side's port of `component`, to `to`, unchanged.
    Relay {
        /// Which of the other side's ports it leaves from.
        component: Component,
        /// Where to.
        to: SocketAddr,
    },
    /// Not relayed.
    Drop(DropReason),
}

/// What a packet of the flow must look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// RTP version 2 that fits, with a payload type of this bitmap (as in
    /// [`crate::Remote::payload_types`]).
    Rtp([u64; 2]),
    /// An RTCP compound.
    Rtcp,
    /// Anything that is not empty.
    Udptl,
}

/// One settled flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// The only source whose packets the flow judges; `None`: every packet goes up.
    pub expect: Option<SocketAddr>,
    /// What they must look like.
    pub check: Check,
    /// What is done with them.
    pub action: Action,
}

/// What a flow says of a packet from its expected source.
pub(crate) enum Judgement {
    /// Good RTP: count it, then act.
    Rtp(Header),
    /// Good, without anything to count but itself.
    Opaque,
    /// Not good.
    Drop(DropReason),
    /// The session must look at it.
    Up,
}

impl Flow {
    /// A flow that knows nothing yet.
    pub(crate) const CLOSED: Flow =
        Flow { expect: None, check: Check::Rtp([0; 2]), action: Action::Drop(DropReason::NoRemote) };

    /// Looks at a packet, whatever its source.
    #[inline]
    pub(crate) fn inspect(&self, bytes: &[u8]) -> Judgement {
        match self.check {
            Check::Rtp(allowed) => match wire::rtp_header(bytes) {
                Ok(_) if wire::is_rtcp(bytes) => Judgement::Up,
                Ok(header)
                    if allowed[usize::from(header.payload_type >> 6)] >> (header.payload_type & 63) & 1
                        == 1 =>
                {
                    Judgement::Rtp(header)
                }
                Ok(_) => Judgement::Drop(DropReason::PayloadType),
                Err(_) if wire::is_rtcp(bytes) => Judgement::Up,
                Err(reason) => Judgement::Drop(reason),
            },
            Check::Rtcp => Judgement::Up,
            Check::Udptl if bytes.is_empty() => Judgement::Drop(DropReason::BadLength),
            Check::Udptl => Judgement::Opaque,
        }
    }
}
