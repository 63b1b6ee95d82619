//! Sources that nobody has described: when they are listened for, and where the side is SRTP which of their packets are
//! opened at all.
//!
//! A right tag lets a peer be followed that has moved, so tags of strangers are tried; but only while the peer is silent,
//! and so many in a span that a flood of wrong ones costs no more than receiving it. Those that go on with the stream that
//! is heard have a share of their own, for who does not hear the call does not know its source and number.

use super::{Half, Outcome};
use crate::control::Latch;
use crate::flow::Component;
use crate::guard::Datagram;
use crate::latch::{Heard, Tried};
use crate::report::DropReason;
use crate::wire;
use base::Time;
use std::net::SocketAddr;

impl Half {
    /// What was heard of the stream before.
    pub(super) fn heard(&self) -> Option<Heard> {
        let heard = self.reception.heard().zip(self.last_rtp);
        heard.map(|((ssrc, sequence), last)| Heard { ssrc, sequence, last })
    }

    /// Whether a source that has fallen silent may speak again from elsewhere, and be known.
    pub(super) fn may_have_moved(&self) -> bool {
        // A fax has nothing by which one who moves were known.
        let fax = self.remote.as_ref().is_some_and(|remote| remote.udptl);
        let follows = self.lock.mode() != Latch::Off || (self.lock.may_move() && !fax);
        follows && self.lock.locked().is_some()
    }

    /// What becomes of a packet on the RTP port, which must be opened, of a source that is not known; none: it is opened.
    #[cold]
    pub(super) fn turn_away(
        &mut self,
        now: Time,
        source: SocketAddr,
        packet: &Datagram<'_>,
    ) -> Option<Outcome> {
        if self.proves(Component::Rtp, source) {
            return None;
        }
        let latches = self.lock.might_admit(now, source);
        let shakes = self.guard.as_ref().is_some_and(|guard| guard.terms().is_some());
        if wire::is_dtls(packet.bytes()) && shakes {
            return if latches { None } else { Some(self.foreign(packet)) };
        }
        let foreign = Some(Outcome::Drop(DropReason::ForeignSource));
        // RTCP follows its media; while several may speak nobody is followed, for he may be where another is.
        let Ok(head) = wire::rtp_header(packet.bytes()) else { return foreign };
        let follows = latches || (self.lock.may_move() && !self.contested);
        if wire::is_rtcp(packet.bytes()) || !follows {
            return foreign;
        }
        let heard = self.heard();
        let first = latches && self.lock.locked().is_none();
        if !first && heard.is_some_and(|heard| !heard.is_silent(now)) {
            let reason = if latches { DropReason::Ssrc } else { DropReason::ForeignSource };
            return Some(Outcome::Drop(reason));
        }
        let next = heard.is_some_and(|heard| heard.goes_on(&head));
        let kind = if next { Tried::Next } else { Tried::Other };
        let may = self.lock.tries.take(now, kind);
        (!may).then_some(Outcome::Drop(DropReason::SrtpUntried))
    }

    /// Whether one more packet may be tried of a source that none of several peers described.
    pub(crate) fn may_try(&mut self, now: Time) -> bool {
        self.lock.tries.take(now, Tried::Other)
    }
}
