//! Streams whose keys are agreed by handshakes on their own ports: what a session asks for, and what it is given.

use super::Session;
use crate::control::{Reply, Side};
use crate::flow::Component;
use crate::guard::{Datagram, Guard};
use crate::half::{Half, Outcome};
use crate::report::DropReason;
use crate::secured::{Dtls, Keys, Security, Spot};
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
                let wanted = half.handshakes().into_iter();
                wanted.map(move |(component, terms, to)| (Spot { side, stream, component }, terms, to))
            })
    }

    /// Where the peer of these terms is met on a port, as far as that is known.
    #[must_use]
    pub fn whereabouts(&self, spot: Spot, terms: &Dtls) -> Option<SocketAddr> {
        let s = self.streams.get(usize::from(spot.stream))?;
        s.halves[spot.side.index()].met(spot.component, terms)
    }

    /// Whether the peer of these terms has proved by a check that a source is its own.
    #[must_use]
    pub fn is_proved_by(&self, spot: Spot, terms: &Dtls, source: SocketAddr) -> bool {
        let s = self.streams.get(usize::from(spot.stream));
        s.is_some_and(|s| s.halves[spot.side.index()].is_proved_by(spot.component, terms, source))
    }

    /// Where keys of a handshake by these terms are in use on a port: whether its peer was heard under them since it last
    /// described itself.
    #[must_use]
    pub fn lasts(&self, spot: Spot, terms: &Dtls) -> Option<bool> {
        let s = self.streams.get(usize::from(spot.stream)).filter(|s| !s.rejected)?;
        s.halves[spot.side.index()].lasts(spot.component, terms)
    }

    /// A handshake by these terms has ended well with `source`: media of that peer on that port are protected with
    /// these keys from now on.
    pub fn keyed(&mut self, now: Time, (spot, terms): (Spot, &Dtls), source: SocketAddr, keys: &Keys) {
        let Some(s) = self.streams.get_mut(usize::from(spot.stream)).filter(|s| !s.rejected) else { return };
        let half = &mut s.halves[spot.side.index()];
        if !half.keyed(now, (spot.component, terms), keys) || spot.component == Component::Rtcp {
            return;
        }
        let moves = half.lock.certify(source);
        self.tell_keyed(spot.side, spot.stream, None);
        if moves {
            self.moved(spot.side, spot.stream);
        }
    }

    /// Tells by which handshake the first stream of a side is protected, when that is news.
    pub(super) fn tell_keyed(&mut self, side: Side, stream: u8, before: Option<Security>) {
        let first = self.streams.first().filter(|_| stream == 0);
        let now = first.and_then(|s| s.halves[side.index()].security());
        if let Some(security @ Security::Dtls(Some(_))) = now
            && now != before
        {
            self.tell(Reply::Keyed(self.id, side, security));
        }
    }

    /// No handshake of a side's has ended well in time.
    pub fn unkeyed(&mut self, side: Side, why: String) {
        self.tell(Reply::Unkeyed { session: self.id, side, why: why.into() });
    }
}
