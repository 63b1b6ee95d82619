//! ICE on one side of a stream: the peer's checks are answered, and the address that they nominate takes the place
//! of latching (RFC 8445 §7.3, §12.1.2).
//!
//! Nobody is believed here for having sent media first: media come from where a check with the right credentials came
//! from, and media for the peer go to the address alone that it nominated. Enter through
//! [`Session::set_ice`] and [`Half::on_datagram`].

use crate::control::{Latch, Remote, Reply, Side};
use crate::flow::{Check, Component};
use crate::guard::Datagram;
use crate::half::{Half, Outcome};
use crate::report::DropReason;
use crate::session::{Session, Verdict};
use base::Time;
use ice::{Agent, Credentials, Event, Message, PeerDescription, Refusal};
use rtp::demux;
use std::net::SocketAddr;

/// The agent of a half, and whether its peer makes checks.
#[derive(Debug)]
pub(crate) struct Checks {
    agent: Agent,
    /// The peer's description says so; otherwise media are where it says, as without ICE.
    pub(crate) binding: bool,
}

/// What became of a datagram that looks like STUN.
pub(crate) enum Checked {
    /// The first bytes of the buffer go back to the source. True: the peer has nominated another address.
    Answer { length: usize, moved: bool },
    /// The same, but it was no good check.
    Refuse { length: usize, reason: DropReason },
    /// Nothing is said.
    Drop(DropReason),
}

impl Half {
    /// What we are known by in the peer's checks, from now on.
    fn take_credentials(&mut self, now: Time, credentials: Credentials) {
        match &mut self.checks {
            Some(checks) => checks.agent.restart(credentials, now),
            None => {
                let agent = Agent::new(credentials, now);
                self.checks = Some(Box::new(Checks { agent, binding: false }));
            }
        }
        // The peer may have described itself before.
        if let Some(remote) = self.remote.take_if(|remote| remote.ice.is_some()) {
            self.describe_checks(now, &remote);
            self.remote = Some(remote);
        }
    }

    /// Whether checks alone say where the peer is.
    pub(crate) fn is_checked(&self) -> bool {
        self.checks.as_ref().is_some_and(|checks| checks.binding)
    }

    /// Whether the peer has proved by a check that it may speak from an address, nominated or not (RFC 8445 §12.2).
    pub(crate) fn proves(&self, component: Component, source: SocketAddr) -> bool {
        let checks = self.checks.as_ref().filter(|checks| checks.binding);
        checks.is_some_and(|checks| checks.agent.is_proved(component.index(), source))
    }

    /// One that may take the peer's place has described itself.
    pub(crate) fn introduce(&mut self, now: Time, description: &PeerDescription) {
        if let Some(checks) = &mut self.checks {
            checks.agent.introduce(description, now);
        }
    }

    /// Another party comes.
    pub(crate) fn part_checks(&mut self) {
        if let Some(checks) = &mut self.checks {
            checks.agent.part();
        }
    }

    /// What is known of one that may take the peer's place, once we are known to it.
    pub(crate) fn agent(&self) -> Option<&Agent> {
        self.checks.as_ref().map(|checks| &checks.agent)
    }

    /// The peer has described itself; false when it makes no checks.
    pub(crate) fn describe_checks(&mut self, now: Time, remote: &Remote) -> bool {
        let Some(checks) = &mut self.checks else { return false };
        checks.binding = remote.ice.is_some();
        let Some(description) = &remote.ice else { return false };
        checks.agent.describe(description, now);
        self.lock.set(now, Latch::Off, None);
        self.follow_checks(now);
        true
    }

    /// Makes the locks say what the checks have proved.
    fn follow_checks(&mut self, now: Time) {
        let Some(checks) = self.checks.as_ref().filter(|checks| checks.binding) else { return };
        self.lock.prove(now, checks.agent.selected(Component::Rtp.index()));
        self.rtcp_lock.prove(checks.agent.selected(Component::Rtcp.index()));
    }

    /// A datagram, on either port.
    #[inline]
    pub(crate) fn on_datagram(
        &mut self,
        now: Time,
        component: Component,
        source: SocketAddr,
        packet: &mut Datagram<'_>,
    ) -> Outcome {
        if self.checks.is_some() && self.may_be_check(component, packet.bytes()) {
            return Outcome::Check(self.on_check(now, component, source, packet));
        }
        match component {
            _ if self.contested => self.on_contested(now, component, source, packet),
            Component::Rtp => self.on_rtp(now, source, packet),
            Component::Rtcp => self.on_rtcp(now, source, packet),
        }
    }

    /// Whether a datagram is for the agent. RFC 7983 §7 does not know UDPTL, whose first byte is free: it is that of a
    /// sequence number (ITU-T T.38 §9.1). Beside it a check is what is a STUN message from end to end.
    #[inline]
    fn may_be_check(&self, component: Component, bytes: &[u8]) -> bool {
        let stun = demux::classify(bytes) == demux::Datagram::Stun;
        let fax = component == Component::Rtp && self.rtp.check == Check::Udptl;
        stun && (!fax || Message::parse(bytes).is_ok())
    }

    /// A datagram that looks like STUN.
    #[cold]
    fn on_check(
        &mut self,
        now: Time,
        component: Component,
        source: SocketAddr,
        packet: &mut Datagram<'_>,
    ) -> Checked {
        let Some(checks) = &mut self.checks else { return Checked::Drop(DropReason::BadVersion) };
        match checks.agent.receive(now, component.index(), source, packet.buffer, packet.length) {
            Event::Answer { length, moved } => Checked::Answer { length, moved },
            Event::Refuse { length, reason } => Checked::Refuse { length, reason: reason_of(reason) },
            Event::Drop(reason) => Checked::Drop(reason_of(reason)),
        }
    }

    /// When the peer was last heard: media, RTCP, or a good check, which is its consent to go on (RFC 7675 §5.1).
    pub(crate) fn heard_at(&self) -> Option<Time> {
        self.last_rtp.into_iter().chain(self.last_rtcp).chain(self.checked_at()).max()
    }

    /// When the last good check came.
    pub(crate) fn checked_at(&self) -> Option<Time> {
        self.checks.as_ref().filter(|checks| checks.binding).and_then(|c| c.agent.heard())
    }
}

impl Session {
    /// Takes what we are known by in the checks of a side's peer, of any stream.
    pub fn set_ice(&mut self, now: Time, side: Side, local: &Credentials) {
        for s in self.streams.iter_mut().filter(|s| !s.rejected) {
            s.halves[side.index()].take_credentials(now, local.clone());
            s.settle();
        }
        self.changed = true;
    }

    /// What to do with a datagram that looked like STUN.
    #[cold]
    pub(crate) fn checked(
        &mut self,
        now: Time,
        (side, stream, component): (Side, u8, Component),
        source: SocketAddr,
        checked: Checked,
    ) -> Verdict {
        let (answer, reason) = match checked {
            Checked::Answer { length, moved } => {
                if moved {
                    self.nominated(now, (side, stream, component), source);
                }
                return Verdict::Answer { length };
            }
            Checked::Refuse { length, reason } => (Verdict::Answer { length }, reason),
            Checked::Drop(reason) => (Verdict::Drop(reason), reason),
        };
        self.count_drop(side, stream, reason);
        answer
    }

    /// The peer of a side has nominated another address.
    fn nominated(&mut self, now: Time, (side, stream, component): (Side, u8, Component), source: SocketAddr) {
        let Some(s) = self.streams.get_mut(usize::from(stream)).filter(|s| !s.rejected) else { return };
        let half = &mut s.halves[side.index()];
        half.follow_checks(now);
        let signalled = half.remote.as_ref().and_then(|remote| remote.rtp);
        s.settle();
        self.changed = true;
        if component == Component::Rtp && signalled != Some(source) {
            self.tell(Reply::Latched { session: self.id, side, stream, source });
        }
    }
}

fn reason_of(refusal: Refusal) -> DropReason {
    match refusal {
        Refusal::Flood => DropReason::IceFlood,
        _ => DropReason::IceCheck,
    }
}
