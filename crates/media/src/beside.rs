//! Several peers on one side before the answer, as when a call forks: who speaks first is heard.
//!
//! One peer is the one that was set; those beside it are kept until the answer, each with its own keys. Of them one
//! takes its place when it speaks while the other has not spoken yet, or has fallen silent; then the two have changed
//! places. So nobody who is heard is cut off by another, and nobody is believed who was not named by signalling: by its
//! address, by its keys where it has some, or by its checks (ICE).

use crate::control::{Latch, Remote};
use crate::flow::Component;
use crate::guard::{Datagram, Guard, Kind, Spent};
use crate::half::{Half, Outcome, rtcp_address};
use crate::secured::{Dtls, Keys, Srtp};
use crate::wire;
use base::Time;
use std::net::SocketAddr;
use std::time::Duration;

/// Peers kept beside the one that was set: limit `media_beside`.
const BESIDE_MAX: usize = 8;
/// A peer that was heard keeps its place until it has been silent for this long.
const TURN_SILENCE: Duration = Duration::from_millis(500);

/// One that may speak, and its keys.
#[derive(Debug)]
pub(crate) struct Beside {
    remote: Remote,
    guard: Option<Guard>,
}

/// All of them, and keys that are laid aside: those that protected for whoever had the place before.
#[derive(Debug, Default)]
pub(crate) struct Others {
    all: Vec<Beside>,
    spent: Spent,
    /// Keys of a stream that is plain for now: those that return go on where they were.
    pub(crate) resting: Option<Guard>,
}

impl Others {
    /// What they have described.
    pub(crate) fn remotes(&self) -> impl Iterator<Item = &Remote> {
        self.all.iter().map(|one| &one.remote)
    }
}

impl Remote {
    /// It wants RTCP where RTP goes (RFC 5761).
    pub(crate) fn is_muxed(&self) -> bool {
        self.rtcp.is_some() && self.rtcp == self.rtp
    }

    fn ufrag(&self) -> Option<&str> {
        self.ice.as_ref().map(|ice| &*ice.ufrag)
    }

    /// Whether both describe one peer, though perhaps not the same of it.
    fn is_same_peer(&self, other: &Remote) -> bool {
        let place = self.rtp == other.rtp && self.ufrag() == other.ufrag();
        place && (self.srtp == other.srtp || self.is_keyed_as(other))
    }

    /// Whether both have the same keys, or would agree on them with the same certificate.
    fn is_keyed_as(&self, other: &Remote) -> bool {
        match (&self.srtp, &other.srtp) {
            (Srtp::On(one), Srtp::On(two)) => one.receive == two.receive,
            (Srtp::Dtls(one), Srtp::Dtls(two)) => one.goes_on(two) || two.goes_on(one),
            _ => false,
        }
    }
}

impl Beside {
    fn new(now: Time, remote: Remote) -> Beside {
        let (guard, _) = Guard::follow(None, now, &remote.srtp, remote.is_muxed());
        Beside { remote, guard }
    }

    /// It has described itself again.
    fn describe(&mut self, now: Time, remote: Remote) {
        (self.guard, _) = Guard::follow(self.guard.take(), now, &remote.srtp, remote.is_muxed());
        self.remote = remote;
    }

    /// With whom it is to agree on keys, and whether for RTCP by itself.
    fn terms(&self) -> Option<(&Dtls, bool)> {
        self.guard.as_ref()?.terms()
    }

    /// Takes a packet of media for its own, if its keys open it; where it has none, if it is one.
    fn opens(&mut self, now: Time, packet: &mut Datagram<'_>) -> bool {
        match &mut self.guard {
            Some(guard) => guard.open(now, packet, (Kind::Media, false)).is_ok(),
            None => wire::rtp_header(packet.bytes()).is_ok(),
        }
    }
}

impl Half {
    /// A description of a peer; one that is not beside another is the only one.
    pub(crate) fn set_peer(&mut self, now: Time, remote: Remote) {
        if remote.beside {
            return self.set_beside(now, remote);
        }
        let stays = self.remote.as_ref().is_some_and(|one| one.is_same_peer(&remote));
        let exact = || self.beside.all.iter().position(|one| one.remote.is_same_peer(&remote));
        // It may answer from another place than it spoke from.
        let keyed = || self.beside.all.iter().position(|one| one.remote.is_keyed_as(&remote));
        let known = if stays { None } else { exact().or_else(keyed) };
        if let Some(at) = known {
            let next = self.beside.all.remove(at);
            self.change_guard(next.guard);
        }
        self.forget_others();
        let other = remote.other || known.is_some();
        let gone = self.remote.as_ref().and_then(|remote| remote.rtp);
        let keyed = self.remote.as_ref().is_some_and(|one| one.is_keyed_as(&remote));
        if other && known.is_none() && !stays && !keyed {
            // What was agreed with the party before opens and protects nothing of this one (RFC 5763 §5).
            drop(self.change_guard(None));
        }
        if other && !stays {
            self.part_checks();
        }
        self.set(now, Remote { other: false, ..remote });
        if let Some(guard) = &mut self.guard {
            guard.take_up(&mut self.beside.spent);
        }
        match &mut self.guard {
            Some(guard) if other => {
                guard.forget_former();
                self.lock.forget_previous();
            }
            None if other => self.lock.part(now, gone),
            _ => {}
        }
    }

    /// Nobody else may speak.
    pub(crate) fn forget_others(&mut self) {
        self.beside.all.clear();
        self.contested = false;
    }

    /// A further peer that may speak; one that may not (`receive` is off) is forgotten.
    fn set_beside(&mut self, now: Time, remote: Remote) {
        let heard = self.remote.as_ref().is_some_and(|one| one.is_same_peer(&remote));
        let known = self.beside.all.iter().position(|one| one.remote.is_same_peer(&remote));
        // Who has no keys yet and will get none by a handshake is known by the answer.
        let may_speak = remote.receive && remote.rtp.is_some() && remote.srtp != Srtp::Awaited;
        match (may_speak, known) {
            (true, Some(at)) => self.beside.all[at].describe(now, remote),
            (true, None) if !heard && self.beside.all.len() < BESIDE_MAX => {
                if let Some(description) = &remote.ice {
                    self.introduce(now, description);
                }
                self.beside.all.push(Beside::new(now, remote));
            }
            (true, None) => {}
            (false, Some(at)) => drop(self.beside.all.remove(at)),
            (false, None) if heard && self.beside.all.is_empty() => {
                self.set(now, Remote { beside: false, ..remote });
                self.lock.forget_previous();
            }
            (false, None) if heard => drop(self.give_place(now, 0)),
            (false, None) => {}
        }
        self.contested = !self.beside.all.is_empty();
    }

    /// The keys of another peer take the place of those in use, which are given back.
    fn change_guard(&mut self, next: Option<Guard>) -> Option<Guard> {
        let mut before = std::mem::replace(&mut self.guard, next);
        for one in [&mut before, &mut self.beside.resting].into_iter().flatten() {
            one.lay_aside(&mut self.beside.spent);
        }
        self.beside.resting = None;
        if let Some(next) = &mut self.guard {
            next.take_up(&mut self.beside.spent);
        }
        before
    }

    /// Gives the place to one of those beside; what is left of the one that had it.
    fn give_place(&mut self, now: Time, at: usize) -> Option<Beside> {
        let next = self.beside.all.remove(at);
        let (remote, guard) = (self.remote.clone(), self.change_guard(next.guard));
        self.part_checks();
        self.set(now, Remote { beside: false, ..next.remote });
        self.lock.forget_previous();
        Some(Beside { remote: Remote { beside: true, ..remote? }, guard })
    }

    /// A datagram while several may speak.
    #[cold]
    pub(crate) fn on_contested(
        &mut self,
        now: Time,
        component: Component,
        source: SocketAddr,
        packet: &mut Datagram<'_>,
    ) -> Outcome {
        let outcome = match component {
            Component::Rtp => self.on_rtp(now, source, packet),
            Component::Rtcp => self.on_rtcp(now, source, packet),
        };
        if !matches!(outcome, Outcome::Drop(_)) {
            return outcome;
        }
        if wire::is_dtls(packet.bytes()) {
            let shakes = |one: &Beside| one.terms().is_some() && self.might_be(one, component, source);
            return if self.beside.all.iter().any(shakes) { Outcome::Handshake } else { outcome };
        }
        if component == Component::Rtcp || !self.turn(now, source, packet) {
            return outcome;
        }
        match self.on_clear_rtp(now, source, packet.bytes()) {
            Outcome::Media { .. } => Outcome::Media { moved: true },
            other => other,
        }
    }

    /// Lets the peer that a packet is from have the place, if it may; then the packet is in clear.
    fn turn(&mut self, now: Time, source: SocketAddr, packet: &mut Datagram<'_>) -> bool {
        let spoke = self.last_rtp.filter(|_| self.heard_since_change > 0);
        let speaks = spoke.is_some_and(|then| now.since(then) < TURN_SILENCE);
        if speaks || wire::is_rtcp(packet.bytes()) {
            return false;
        }
        let near: Vec<bool> =
            self.beside.all.iter().map(|one| self.might_be(one, Component::Rtp, source)).collect();
        let exact = self.beside.remotes().any(|remote| remote.rtp == Some(source));
        if !near.contains(&true) || !(exact || self.may_try(now)) {
            return false;
        }
        let opens = |(one, near): (&mut Beside, bool)| near && one.opens(now, packet);
        let Some(at) = self.beside.all.iter_mut().zip(near).position(opens) else { return false };
        let before = self.give_place(now, at);
        self.beside.all.extend(before.filter(|before| before.remote.receive));
        self.contested = !self.beside.all.is_empty();
        true
    }

    /// Whether one of those beside could be at `source`, as far as addresses and checks tell.
    fn might_be(&self, one: &Beside, component: Component, source: SocketAddr) -> bool {
        let remote = &one.remote;
        if let Some(ufrag) = remote.ufrag() {
            return self.agent().is_some_and(|agent| agent.is_proved_by(ufrag, component.index(), source));
        }
        let place = match component {
            Component::Rtp => remote.rtp,
            Component::Rtcp => rtcp_address(remote),
        };
        let near = remote.latch != Latch::Off && place.is_some_and(|place| place.ip() == source.ip());
        near || place == Some(source) || (remote.latch == Latch::Nat && one.guard.is_some())
    }

    /// The handshakes that the peer and those beside it need: the port, the terms, and where they are met.
    pub(crate) fn handshakes(&self) -> Vec<(Component, &Dtls, Option<SocketAddr>)> {
        let own = self.guard.as_ref().and_then(Guard::terms);
        let all = own.into_iter().chain(self.beside.all.iter().filter_map(Beside::terms));
        let both = all.flat_map(|(terms, apart)| {
            let components = if apart { &Component::BOTH[..] } else { &[Component::Rtp] };
            components.iter().map(move |component| (*component, terms))
        });
        both.map(|(component, terms)| (component, terms, self.met(component, terms))).collect()
    }

    /// Where one is met that agrees on keys by these terms, as far as that is known.
    pub(crate) fn met(&self, component: Component, terms: &Dtls) -> Option<SocketAddr> {
        let is = |held: Option<(&Dtls, bool)>| held.is_some_and(|(held, _)| terms.goes_on(held));
        if is(self.guard.as_ref().and_then(Guard::terms)) {
            return self.whereabouts(component);
        }
        let remote = &self.beside.all.iter().find(|one| is(one.terms()))?.remote;
        match (remote.ufrag(), component) {
            (Some(ufrag), _) => self.agent()?.selected_by(ufrag, component.index()),
            (None, Component::Rtp) => remote.rtp,
            (None, Component::Rtcp) => rtcp_address(remote),
        }
    }

    /// Whether one that agrees on keys by these terms has proved by a check that it may speak from a source, before it
    /// nominates one (RFC 8445 §12.2).
    pub(crate) fn is_proved_by(&self, component: Component, terms: &Dtls, source: SocketAddr) -> bool {
        let is = |held: Option<(&Dtls, bool)>| held.is_some_and(|(held, _)| terms.goes_on(held));
        let own = self.remote.as_ref().filter(|_| is(self.guard.as_ref().and_then(Guard::terms)));
        let other = || self.beside.all.iter().find(|one| is(one.terms())).map(|one| &one.remote);
        let ufrag = own.or_else(other).and_then(Remote::ufrag);
        ufrag
            .zip(self.agent())
            .is_some_and(|(ufrag, agent)| agent.is_proved_by(ufrag, component.index(), source))
    }

    /// Where a handshake by these terms has agreed on keys that are in use: whether the peer, as it describes itself now,
    /// has been heard under them.
    pub(crate) fn lasts(&self, component: Component, terms: &Dtls) -> Option<bool> {
        let control = component == Component::Rtcp;
        let is = |guard: &&Guard| {
            guard.terms().is_some_and(|(held, _)| terms.goes_on(held)) && guard.lasts(control)
        };
        if self.guard.as_ref().filter(is).is_some() {
            let reported = self.last_rtcp.is_some_and(|last| last > self.changed_at);
            return Some(reported || (!control && self.heard_since_change > 0));
        }
        let mut others = self.beside.all.iter().filter_map(|one| one.guard.as_ref());
        others.find(is).map(|_| true)
    }

    /// A handshake by these terms has agreed on keys; whether it was the peer's own.
    pub(crate) fn keyed(&mut self, now: Time, (component, terms): (Component, &Dtls), keys: &Keys) -> bool {
        let control = component == Component::Rtcp;
        let is = |guard: &Guard| guard.terms().is_some_and(|(held, _)| terms.goes_on(held));
        if let Some(own) = self.guard.as_mut().filter(|own| is(own)) {
            own.keyed(now, control, keys);
            return true;
        }
        let mut others = self.beside.all.iter_mut().filter_map(|one| one.guard.as_mut());
        if let Some(other) = others.find(|other| is(other)) {
            other.keyed(now, control, keys);
        }
        false
    }

    /// The only source from which the socket of `component` need hear, when that is certain.
    pub(crate) fn filter(&self, component: Component) -> Option<SocketAddr> {
        let off = self.lock.mode() == Latch::Off;
        match component {
            // A check may come from anywhere.
            _ if self.checks.is_some() || self.contested => None,
            Component::Rtp if self.lock.is_moving() || self.unfiltered => None,
            // The exact source must be heard whenever it speaks, whoever was there first; a latched one with keys
            // has proved that it is the peer.
            Component::Rtp => {
                self.lock.locked().filter(|_| self.lock.is_exact() || (self.guard.is_some() && !off))
            }
            Component::Rtcp => {
                let exact = off && !self.lock.is_elsewhere() && self.rtcp_lock.is_exact();
                self.rtcp_lock.locked().filter(|_| exact)
            }
        }
    }
}
