//! One side of one stream: what its peer said, who it proved to be, and what was heard of it.
//!
//! Knows nothing of the other side; [`crate::session`] joins two halves. Enter through
//! [`Half::set`], [`Half::on_rtp`] and [`Half::on_rtcp`].

mod extended;
mod lent;
mod rating;
mod reported;
mod strangers;
mod types;

use crate::beside::Others;
use crate::checks::{Checked, Checks};
use crate::control::{Latch, Remote};
use crate::flow::{Action, Check, Component, Flow, Judgement};
use crate::guard::{Datagram, Guard, Kind};
use crate::latch::{Admission, Lock, Proof, RtcpLock, Tried};
use crate::one_way::Spells;
use crate::quality::Scores;
use crate::reception::Reception;
use crate::report::{DropReason, Drops};
use crate::reports::Tending;
use crate::secured::{Security, Srtp};
use crate::wire::{self, Control};
use base::Time;
use rtp::Header;
use std::net::SocketAddr;
use std::time::Duration;

/// A latched source that is silent for this long is no longer filtered for by the operating system,
/// so that a rebind can be seen.
const UNFILTER_AFTER: Duration = Duration::from_millis(300);
/// Sender reports remembered, so that a late receiver report still finds its one.
const SENDER_REPORTS: usize = 2;

/// What became of a packet.
pub(crate) enum Outcome {
    /// Good; the flow's action applies. True when the flows must be settled anew.
    Media { moved: bool },
    /// RTCP, good.
    Control { control: Control, moved: bool },
    /// A check of the peer's, or what looks like one.
    Check(Checked),
    /// A datagram of a handshake, from somebody who may be the peer.
    Handshake,
    /// Not relayed.
    Drop(DropReason),
}

/// Counters at the start of the running span of rating.
#[derive(Clone, Copy, Debug, Default)]
struct SpanStart {
    at: Time,
    expected: u64,
    received: u64,
    late: u64,
    gaps: u64,
}

/// See the module text. In this order in memory, for what a packet touches is fetched ahead ([`crate::session`]).
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Half {
    pub(crate) rtp: Flow,
    pub(crate) changed_at: Time,
    pub(crate) last_rtp: Option<Time>,
    pub(crate) silence_max: Duration,
    /// Packets since the description last changed.
    pub(crate) heard_since_change: u64,
    /// The clock of what is heard, Hz, and that of payload types which the description assigns.
    pub(crate) clock_rate: u32,
    said_clock: u32,
    /// What leaves for the other side is protected there.
    pub(crate) guarded_beyond: bool,
    pub(crate) unfiltered: bool,
    /// There are some in `beside`.
    pub(crate) contested: bool,
    /// Keys between us and this peer; `None`: plain.
    pub(crate) guard: Option<Guard>,
    reception: Reception,
    // From here on: not touched by a packet of a settled flow.
    pub(crate) rtcp: Flow,
    pub(crate) remote: Option<Remote>,
    /// Others that may speak before the answer.
    pub(crate) beside: Others,
    pub(crate) lock: Lock,
    /// ICE with this peer; `None`: not offered, and what looks like STUN is no better than noise.
    pub(crate) checks: Option<Box<Checks>>,
    pub(crate) rtcp_lock: RtcpLock,
    /// When the description was last set.
    pub(crate) set_at: Time,
    pub(crate) last_rtcp: Option<Time>,
    pub(crate) drops: Drops,
    pub(crate) one_way: Spells,
    pub(crate) tending: Tending,
    former: types::Former,
    first_rtp: Option<Time>,
    rtcp_packets: u64,
    rebinds: u32,
    sent_reports: [Option<(u32, Time)>; SENDER_REPORTS],
    rtt_ms: Option<f32>,
    rtt_max_ms: Option<f32>,
    peer_loss_fraction: Option<f32>,
    peer_lost: Option<i32>,
    peer_jitter: Option<u32>,
    told: Option<Box<extended::Told>>,
    span: SpanStart,
    scores: Scores,
}

impl Half {
    pub(crate) fn new(now: Time) -> Half {
        Half {
            rtp: Flow::CLOSED,
            rtcp: Flow::CLOSED,
            guard: None,
            guarded_beyond: false,
            clock_rate: 8000,
            said_clock: 8000,
            unfiltered: false,
            last_rtp: None,
            silence_max: Duration::ZERO,
            heard_since_change: 0,
            reception: Reception::default(),
            remote: None,
            contested: false,
            beside: Others::default(),
            lock: Lock::default(),
            checks: None,
            rtcp_lock: RtcpLock::default(),
            set_at: now,
            changed_at: now,
            last_rtcp: None,
            drops: Drops::default(),
            one_way: Spells::default(),
            tending: Tending::default(),
            former: types::Former::default(),
            first_rtp: None,
            rtcp_packets: 0,
            rebinds: 0,
            sent_reports: [None; SENDER_REPORTS],
            rtt_ms: None,
            rtt_max_ms: None,
            peer_loss_fraction: None,
            peer_lost: None,
            peer_jitter: None,
            told: None,
            span: SpanStart { at: now, ..SpanStart::default() },
            scores: Scores::default(),
        }
    }

    /// A description of the peer.
    pub(crate) fn set(&mut self, now: Time, remote: Remote) {
        self.set_at = now;
        if self.remote.as_ref() == Some(&remote) {
            return;
        }
        self.note_former(now, &remote);
        (self.changed_at, self.heard_since_change) = (now, 0);
        self.one_way.describe(&self.drops);
        self.said_clock = if remote.clock_rate == 0 { 8000 } else { remote.clock_rate };
        self.clock_rate = self.clock_of(self.reception.payload_type());
        if !self.describe_checks(now, &remote) {
            self.lock.set(now, remote.latch, remote.rtp);
            self.rtcp_lock.set(rtcp_address(&remote));
        }
        let srtp = if remote.udptl { &Srtp::Off } else { &remote.srtp };
        let held = self.guard.take().or_else(|| self.beside.resting.take());
        (self.guard, self.beside.resting) = Guard::follow(held, now, srtp, remote.is_muxed());
        self.tending.begin(now, &remote);
        self.remote = Some(remote);
    }

    /// How what the peer sends is protected.
    pub(crate) fn security(&self) -> Option<Security> {
        // Nothing protects UDPTL, whatever keys are held for the sound that comes after it.
        let guard = |remote: &Remote| self.guard.as_ref().filter(|_| !remote.udptl);
        self.remote.as_ref().map(|remote| guard(remote).map_or(Security::Plain, Guard::security))
    }

    /// Where media for this peer goes; the reason when it goes nowhere.
    pub(crate) fn media_target(&self) -> Result<SocketAddr, DropReason> {
        let remote = self.remote.as_ref().ok_or(DropReason::NoRemote)?;
        if !remote.send {
            return Err(DropReason::Direction);
        }
        self.address(remote)
    }

    /// Where RTCP for this peer goes, and from which of our ports.
    pub(crate) fn control_target(&self) -> Result<(Component, SocketAddr), DropReason> {
        let remote = self.remote.as_ref().filter(|r| !r.udptl).ok_or(DropReason::NoRemote)?;
        let media = self.address(remote)?;
        if remote.is_muxed() {
            return Ok((Component::Rtp, media));
        }
        if self.is_checked() {
            let proven = self.rtcp_lock.locked().ok_or(DropReason::IceUnproven);
            return proven.map(|to| (Component::Rtcp, to));
        }
        let moved = remote.latch != Latch::Off || self.lock.is_elsewhere();
        let learnt = self.rtcp_lock.locked().filter(|_| moved);
        learnt.or_else(|| rtcp_address(remote)).map(|to| (Component::Rtcp, to)).ok_or(DropReason::NoRemote)
    }

    /// Where the peer is met on one of its ports, as far as is known.
    pub(crate) fn whereabouts(&self, component: Component) -> Option<SocketAddr> {
        let remote = self.remote.as_ref()?;
        match component {
            Component::Rtp => self.address(remote).ok(),
            Component::Rtcp => self.control_target().ok().map(|(_, to)| to),
        }
    }

    /// The signalled address, or the one it was found to be.
    fn address(&self, remote: &Remote) -> Result<SocketAddr, DropReason> {
        if self.is_checked() && remote.rtp.is_some() {
            return self.lock.locked().ok_or(DropReason::IceUnproven);
        }
        remote.rtp.map(|signalled| self.lock.locked().unwrap_or(signalled)).ok_or(DropReason::NoRemote)
    }

    /// Settles this side's flows, given where the other side's packets go.
    pub(crate) fn settle(
        &mut self,
        media: Result<SocketAddr, DropReason>,
        control: Result<(Component, SocketAddr), DropReason>,
    ) {
        let Some(remote) = &self.remote else {
            self.rtp = Flow::CLOSED;
            self.rtcp = Flow::CLOSED;
            return;
        };
        let check = if remote.udptl { Check::Udptl } else { Check::Rtp(self.types()) };
        let action = match media {
            _ if !remote.receive => Action::Drop(DropReason::Direction),
            Ok(to) => Action::Relay { component: Component::Rtp, to },
            Err(reason) => Action::Drop(reason),
        };
        self.rtp = Flow { expect: self.lock.locked(), check, action };
        let action = match control {
            Ok((component, to)) => Action::Relay { component, to },
            Err(reason) => Action::Drop(reason),
        };
        self.rtcp = Flow { expect: self.rtcp_lock.locked(), check: Check::Rtcp, action };
    }

    /// A packet on the RTP port.
    #[inline]
    pub(crate) fn on_rtp(&mut self, now: Time, source: SocketAddr, packet: &mut Datagram<'_>) -> Outcome {
        if self.guard.is_some()
            && !self.lock.admits_rtcp(now, source)
            && let Some(outcome) = self.turn_away(now, source, packet)
        {
            return outcome;
        }
        if let Some(guard) = &mut self.guard {
            if wire::is_dtls(packet.bytes()) && guard.terms().is_some() {
                return Outcome::Handshake;
            }
            let kind = if wire::is_rtcp(packet.bytes()) { Kind::Control } else { Kind::Media };
            if let Err(reason) = guard.open(now, packet, (kind, false)) {
                return Outcome::Drop(reason);
            }
        }
        self.on_clear_rtp(now, source, packet.bytes())
    }

    /// A packet on the RTP port, in clear.
    #[inline]
    pub(crate) fn on_clear_rtp(&mut self, now: Time, source: SocketAddr, bytes: &[u8]) -> Outcome {
        if self.rtp.expect == Some(source) {
            match self.rtp.inspect(bytes) {
                Judgement::Rtp(head) => {
                    let moved = self.hear(now, Some(&head), bytes);
                    return Outcome::Media { moved };
                }
                Judgement::Drop(reason) => return Outcome::Drop(reason),
                Judgement::Opaque | Judgement::Up => {}
            }
        }
        self.on_unsettled(now, source, bytes)
    }

    /// A packet on the RTP port that the flow could not judge.
    #[cold]
    fn on_unsettled(&mut self, now: Time, source: SocketAddr, bytes: &[u8]) -> Outcome {
        let head = match self.rtp.inspect(bytes) {
            Judgement::Rtp(head) => Some(head),
            Judgement::Opaque => None,
            Judgement::Up if self.lock.admits_rtcp(now, source) => {
                return self.take_control(now, wire::control(bytes), false);
            }
            Judgement::Up => return Outcome::Drop(DropReason::ForeignSource),
            // Of a foreign packet it does not matter what else is wrong with it.
            Judgement::Drop(reason) if self.lock.admits_rtcp(now, source) => return Outcome::Drop(reason),
            Judgement::Drop(_) => return Outcome::Drop(DropReason::ForeignSource),
        };
        let (heard, keyed, alone) = (self.heard(), self.guard.is_some(), !self.contested);
        let proof = Proof { head: head.as_ref(), heard, keyed, alone };
        let mut admission = self.lock.admit(now, source, proof);
        if matches!(admission, Admission::No(_)) && self.proves(Component::Rtp, source) {
            admission = Admission::Known;
        }
        match admission {
            Admission::No(reason) => Outcome::Drop(reason),
            Admission::Known => Outcome::Media { moved: self.hear(now, head.as_ref(), bytes) },
            Admission::Moved { rebind } => {
                self.rebinds += u32::from(rebind);
                self.hear(now, head.as_ref(), bytes);
                Outcome::Media { moved: true }
            }
        }
    }

    /// A packet on the RTCP port.
    pub(crate) fn on_rtcp(&mut self, now: Time, source: SocketAddr, packet: &mut Datagram<'_>) -> Outcome {
        if self.remote.is_none() {
            return Outcome::Drop(DropReason::ForeignSource);
        }
        if let Some(guard) = &mut self.guard {
            if !self.rtcp_lock.might_admit(source, &self.lock) {
                return self.foreign(packet);
            }
            if !self.rtcp_lock.knows(source, &self.lock) && !self.lock.tries.take(now, Tried::Control) {
                return Outcome::Drop(DropReason::SrtpUntried);
            }
            if wire::is_dtls(packet.bytes()) && guard.terms().is_some() {
                return Outcome::Handshake;
            }
            if let Err(reason) = guard.open(now, packet, (Kind::Control, true)) {
                return Outcome::Drop(reason);
            }
        }
        let known = self.rtcp.expect == Some(source);
        let control = match wire::control(packet.bytes()) {
            Ok(control) => control,
            Err(reason) => return Outcome::Drop(if known { reason } else { DropReason::ForeignSource }),
        };
        let heard = self.reception.heard().map(|(ssrc, _)| ssrc);
        match self.rtcp_lock.admit(source, &self.lock, control.ssrc, heard) {
            Admission::No(reason) => Outcome::Drop(reason),
            Admission::Known => self.take_control(now, Ok(control), false),
            Admission::Moved { .. } => self.take_control(now, Ok(control), true),
        }
    }

    /// RTCP from the peer, on either port.
    fn take_control(&mut self, now: Time, control: Result<Control, DropReason>, moved: bool) -> Outcome {
        let control = match control {
            Ok(control) => control,
            Err(reason) => return Outcome::Drop(reason),
        };
        (self.rtcp_packets, self.last_rtcp) = (self.rtcp_packets + 1, Some(now));
        Outcome::Control { control, moved }
    }

    /// Counts a good packet; true when the operating system may filter for this source again.
    #[inline]
    fn hear(&mut self, now: Time, head: Option<&Header>, bytes: &[u8]) -> bool {
        match self.last_rtp {
            Some(last) => {
                // While the peer was told not to send, silence is not its fault.
                let pause = now.since(last.max(self.changed_at));
                self.silence_max = self.silence_max.max(pause);
            }
            None => self.first_rtp = Some(now),
        }
        self.last_rtp = Some(now);
        self.heard_since_change += 1;
        match head {
            Some(head) => {
                self.tell_clock(head.payload_type);
                self.reception.hear(now, head, bytes, self.clock_rate);
            }
            None => self.reception.hear_opaque(bytes.len()),
        }
        std::mem::take(&mut self.unfiltered)
    }

    /// Time goes on; true when [`Half::filter`] has changed.
    pub(crate) fn on_tick(&mut self, now: Time) -> bool {
        let expired = self.lock.expire(now);
        let silent = self.last_rtp.is_some_and(|t| now.since(t) >= UNFILTER_AFTER);
        let lift = silent && !self.unfiltered && self.may_have_moved();
        self.unfiltered |= lift;
        expired || lift
    }
}

/// Where a peer expects RTCP: as said, else one port above RTP (RFC 3550 §11).
pub(crate) fn rtcp_address(remote: &Remote) -> Option<SocketAddr> {
    let above = |rtp: SocketAddr| rtp.port().checked_add(1).map(|port| SocketAddr::new(rtp.ip(), port));
    remote.rtp?;
    remote.rtcp.or_else(|| remote.rtp.and_then(above))
}
