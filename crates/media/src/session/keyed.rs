//! Streams whose keys are agreed by handshakes on their own ports: what a session asks for, and what it is given.

use super::Session;
use crate::control::{Reply, Side};
use crate::flow::Component;
use crate::guard::{Datagram, Guard};
use crate::half::{Half, Outcome};
use crate::report::DropReason;
use crate::secured::{Dtls, Keys, Spot};
use crate::wire;
use base::Time;
use std::net::SocketAddr;

impl Half {
    /// A packet of somebody who is not the peer; while nobody has said who that is, it may be.
    pub(crate) fn foreign(&self, packet: &Datagram<'_>) -> Outcome {
        let terms = self.guard.as_ref().and_then(Guard::terms);
        let early = terms.is_some_and(|(terms, _)| terms.is_unknown()) && wire::is_dtls(packet.bytes());
        if early { Outcome::Handshake } else { Outcome::Drop(DropReason::ForeignSource) }
    }
}

impl Session {
    /// Whether who is heard on a port could be its peer, as far as addresses tell.
    #[must_use]
    pub fn may_shake(&self, now: Time, spot: Spot, source: SocketAddr) -> bool {
        let Some(s) = self.streams.get(usize::from(spot.stream)).filter(|s| !s.rejected) else {
            return false;
        };
        let half = &s.halves[spot.side.index()];
        match spot.component {
            Component::Rtp => half.lock.might_admit(now, source) || half.proves(Component::Rtp, source),
            Component::Rtcp => half.rtcp_lock.might_admit(source, &half.lock),
        }
    }

    /// Which ports need a handshake, on which terms, and where its peer is, as far as that is known.
    pub fn handshakes(&self) -> impl Iterator<Item = (Spot, &Dtls, Option<SocketAddr>)> + '_ {
        let places = (0u8..).zip(&self.streams).filter(|(_, stream)| !stream.rejected);
        places
            .flat_map(|(stream, s)| Side::BOTH.map(|side| (side, stream, &s.halves[side.index()])))
            .flat_map(|(side, stream, half)| {
                let (terms, apart) = half.guard.as_ref().and_then(|guard| guard.terms()).unzip();
                let components = if apart == Some(true) { &Component::BOTH[..] } else { &[Component::Rtp] };
                let spot = move |component| Spot { side, stream, component };
                let wanted =
                    |component: &Component| Some((spot(*component), terms?, half.whereabouts(*component)));
                components.iter().filter_map(wanted).collect::<Vec<_>>()
            })
    }

    /// Where the peer is met on a port, as far as that is known.
    #[must_use]
    pub fn whereabouts(&self, spot: Spot) -> Option<SocketAddr> {
        let s = self.streams.get(usize::from(spot.stream))?;
        s.halves[spot.side.index()].whereabouts(spot.component)
    }

    /// A handshake has ended well with `source`: media of that port are protected with these keys from now on.
    pub fn keyed(&mut self, now: Time, spot: Spot, source: SocketAddr, keys: &Keys) {
        let Some(s) = self.streams.get_mut(usize::from(spot.stream)).filter(|s| !s.rejected) else { return };
        let half = &mut s.halves[spot.side.index()];
        let Some(guard) = half.guard.as_mut().filter(|guard| guard.terms().is_some()) else { return };
        guard.keyed(now, spot.component == Component::Rtcp, keys);
        let security = guard.security();
        let media = spot.component == Component::Rtp;
        let moves = media && half.lock.certify(source);
        if media && spot.stream == 0 {
            self.tell(Reply::Keyed(self.id, spot.side, security));
        }
        if moves {
            self.moved(spot.side, spot.stream);
        }
    }

    /// No handshake of a side's has ended well in time.
    pub fn unkeyed(&mut self, side: Side, why: String) {
        self.tell(Reply::Unkeyed { session: self.id, side, why: why.into() });
    }
}
