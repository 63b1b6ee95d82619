//! Our ports of a session, stream by stream. Values only.

use crate::control::{MAX_STREAMS, Side};

/// Our ports of one stream; RTCP is always one above.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamPorts {
    /// Even port on side A's interface.
    pub a_rtp: u16,
    /// Even port on side B's interface.
    pub b_rtp: u16,
}

impl StreamPorts {
    /// The RTP port that the peer of `side` sends to.
    #[must_use]
    pub fn rtp(&self, side: Side) -> u16 {
        match side {
            Side::A => self.a_rtp,
            Side::B => self.b_rtp,
        }
    }
}

/// Our ports, stream by stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ports {
    streams: [StreamPorts; MAX_STREAMS],
    count: u8,
}

impl Ports {
    /// Adds a stream; one beyond [`MAX_STREAMS`] is ignored.
    pub fn push(&mut self, ports: StreamPorts) {
        if let Some(slot) = self.streams.get_mut(usize::from(self.count)) {
            *slot = ports;
            self.count += 1;
        }
    }

    /// The streams, in the order of the m-lines.
    #[must_use]
    pub fn streams(&self) -> &[StreamPorts] {
        self.streams.get(..usize::from(self.count)).unwrap_or(&[])
    }

    /// The RTP port that the peer of `side` sends stream `stream` to.
    #[must_use]
    pub fn rtp(&self, side: Side, stream: u8) -> Option<u16> {
        self.streams().get(usize::from(stream)).map(|s| s.rtp(side))
    }
}
