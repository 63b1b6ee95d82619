//! One relayed call: two sides, up to four streams, and the verdict on every packet.
//!
//! Pure: the engine brings packets, sources and time, and does what [`Verdict`] says. After any call
//! that may have changed who is expected, [`Session::take_changed`] tells the engine to look at
//! [`Session::filter`] again; news for signalling comes out of [`Session::poll_reply`].

use crate::control::{MAX_STREAMS, Remote, Reply, SessionId, Side};
use crate::flow::{Action, Component, Flow};
use crate::guard::{Datagram, Kind};
use crate::half::{Half, Outcome};
use crate::report::{DropReason, Drops, Report, StreamReport};
use crate::wire::Control;
use base::Time;
use bridged::{Bridges, Counted};
use copied::Copying;
pub use copied::UNREACHED_AFTER;
use played::Players;
use reporting::Names;
use said::Said;
use std::collections::VecDeque;
use std::net::SocketAddr;
use watched::Watch;

mod bridged;
mod copied;
mod dropped;
mod hot;
mod keyed;
mod reporting;
mod said;
mod silence;

pub use reporting::Sending;
pub use silence::Silence;
mod lent;
mod played;
mod streams;
mod told;
mod unheard;
mod watched;

pub use hot::lines_of;

/// News that wait to be fetched; further ones are counted and lost: limit `media_replies`.
pub const REPLIES_MAX: usize = 32;

/// What to do with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Send it, as it now is, out of the other side's port of `component` to `to`.
    Relay {
        /// Which of the other side's two sockets of the stream.
        component: Component,
        /// Where to.
        to: SocketAddr,
        /// How many bytes of the buffer it has now.
        length: usize,
    },
    /// It was taken by a bridge. What leaves for it comes out of [`Session::take_made`].
    Taken,
    /// Send what lies in the buffer now back to the source, out of the port that it came to.
    Answer {
        /// How many bytes of the buffer.
        length: usize,
    },
    /// It belongs to a handshake, whose it is to say whether it came of the peer.
    Handshake,
    /// Do not send it. It has been counted.
    Drop(DropReason),
}

/// One m-line: its halves by [`Side::index`].
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) halves: [Half; 2],
    /// Packets are changed on their way.
    bridges: Option<Box<Bridges>>,
    /// Bridges stand by.
    watch: Option<Box<Watch>>,
    /// Sound of ours is heard.
    players: Option<Box<Players>>,
    said: [Said; 2],
    pub(crate) rejected: bool,
    /// How the sound of each side was changed before its plans changed.
    recoded: [Option<bridged::Former>; 2],
    /// What bridges have counted that are no more.
    past: Option<Box<[Counted; 2]>>,
}

impl Stream {
    fn new(now: Time) -> Stream {
        let (halves, said) = ([Half::new(now), Half::new(now)], <[Said; 2]>::default());
        Stream {
            halves,
            bridges: None,
            watch: None,
            players: None,
            said,
            rejected: false,
            recoded: [None; 2],
            past: None,
        }
    }

    /// Its halves, that of a side first.
    fn seen_from(&self, side: Side) -> [&Half; 2] {
        [&self.halves[side.index()], &self.halves[side.other().index()]]
    }

    /// Makes both sides' flows follow from what is known now.
    pub(crate) fn settle(&mut self) {
        for side in Side::BOTH {
            let other = &self.halves[side.other().index()];
            let (media, control) = (other.media_target(), other.control_target());
            let guarded = other.guard.is_some();
            let half = &mut self.halves[side.index()];
            half.settle(media, control);
            half.guarded_beyond = guarded;
        }
    }

    /// Time goes on; whether fewer payload types pass than before.
    fn forget_former(&mut self, now: Time) -> bool {
        let [a, b] = &mut self.halves;
        a.forget_former(now) | b.forget_former(now)
    }

    /// Reads RTCP that passes: sender reports one way, reports about them the other way.
    fn read_control(&mut self, now: Time, side: Side, control: &Control) {
        if let Some(ntp) = control.sender_report {
            self.halves[side.index()].note_sender_report(now, ntp);
        }
        if let Some(block) = &control.block {
            let passed = self.halves[side.other().index()].sender_report_passed(block.lsr);
            let passed = passed.or(self.halves[side.index()].tending.sent_at(block.lsr));
            self.halves[side.index()].note_block(now, block, passed.filter(|_| block.lsr != 0));
        }
        if let Some(extended) = &control.extended {
            let passed = extended.answer.filter(|answer| answer.lrr != 0).and_then(|answer| {
                let passed = self.halves[side.other().index()].reference_passed(answer.lrr);
                passed.or(self.halves[side.index()].tending.sent_at(answer.lrr))
            });
            self.halves[side.index()].note_extended(now, extended, passed);
        }
    }
}

/// See the module text.
#[derive(Debug)]
pub struct Session {
    pub(crate) id: SessionId,
    opened: Time,
    pub(crate) streams: Vec<Stream>,
    pub(crate) changed: bool,
    names: Names,
    timed_out: [bool; 2],
    replies: VecDeque<Reply>,
    replies_lost: u64,
    /// What was counted since the engine has last asked.
    drops: Option<Box<Drops>>,
    copying: Copying,
}

impl Session {
    /// A session of `streams` m-lines (clamped to 1 to [`MAX_STREAMS`]) that knows no peer yet.
    #[must_use]
    pub fn new(id: SessionId, now: Time, streams: u8) -> Session {
        let count = usize::from(streams).clamp(1, MAX_STREAMS);
        Session {
            id,
            opened: now,
            streams: (0..count).map(|_| Stream::new(now)).collect(),
            changed: false,
            names: Names::new((id.0, 0)),
            timed_out: [false; 2],
            replies: VecDeque::new(),
            replies_lost: 0,
            drops: None,
            copying: Copying::Nothing,
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Takes what a peer has said of a stream. False when there is no such stream.
    pub fn set(&mut self, now: Time, side: Side, stream: u8, remote: Remote) -> bool {
        let Some(s) = self.streams.get_mut(usize::from(stream)).filter(|s| !s.rejected) else { return false };
        // Whoever has described itself before is known better.
        if remote.is_unknown() && s.halves[side.index()].remote.is_some() {
            return true;
        }
        let before = s.halves[side.index()].security();
        s.halves[side.index()].set_peer(now, remote);
        s.settle();
        self.tell_keyed(side, stream, before);
        self.timed_out[side.index()] = false;
        self.changed = true;
        true
    }

    /// Judges a packet that came at `now` from `source` to our port of `component`. What is relayed lies in the
    /// same buffer, as long as the verdict says.
    #[inline]
    pub fn on_packet(
        &mut self,
        now: Time,
        side: Side,
        stream: u8,
        component: Component,
        source: SocketAddr,
        mut packet: Datagram<'_>,
    ) -> Verdict {
        let Some(s) = self.streams.get_mut(usize::from(stream)) else {
            return self.dropped((side, stream, component), source, DropReason::NoRemote);
        };
        let half = &mut s.halves[side.index()];
        let outcome = half.on_datagram(now, component, source, &mut packet);
        let touched = half.guarded_beyond || s.bridges.is_some() || s.players.is_some();
        let kind = if matches!(outcome, Outcome::Control { .. }) { Kind::Control } else { Kind::Media };
        let action = match outcome {
            Outcome::Media { moved: false } => half.rtp.action,
            Outcome::Media { moved: true } => self.moved(side, stream),
            Outcome::Control { control, moved } => {
                self.controlled(now, (side, stream), (&control, moved), &mut packet)
            }
            Outcome::Check(checked) => return self.checked(now, (side, stream, component), source, checked),
            Outcome::Drop(reason) => Action::Drop(reason),
            Outcome::Handshake => return Verdict::Handshake,
        };
        let done = match action {
            Action::Relay { .. } if packet.length == 0 || self.keeps(kind, packet.bytes()) => Ok(None),
            Action::Relay { component, to } if touched => {
                self.touch(now, side, stream, &mut packet, kind).map(|there| there.then_some((component, to)))
            }
            Action::Relay { component, to } => Ok(Some((component, to))),
            Action::Drop(reason) => Err(reason),
        };
        match done {
            Ok(Some((component, to))) => Verdict::Relay { component, to, length: packet.length },
            Ok(None) => Verdict::Taken,
            Err(reason) => self.dropped((side, stream, component), source, reason),
        }
    }

    /// Protects what goes to the other side.
    #[inline]
    fn protect(
        &mut self,
        side: Side,
        stream: u8,
        packet: &mut Datagram<'_>,
        kind: Kind,
    ) -> Result<(), DropReason> {
        let s = self.streams.get_mut(usize::from(stream)).ok_or(DropReason::NoRemote)?;
        match &mut s.halves[side.other().index()].guard {
            Some(guard) => guard.protect(packet, kind),
            None => Ok(()),
        }
    }

    /// The source of a side's media has moved, or may be filtered for again.
    #[cold]
    fn moved(&mut self, side: Side, stream: u8) -> Action {
        self.changed = true;
        let Some(s) = self.streams.get_mut(usize::from(stream)) else {
            return Action::Drop(DropReason::NoRemote);
        };
        let before = s.halves[side.index()].rtp.expect;
        s.settle();
        let half = &s.halves[side.index()];
        let action = half.rtp.action;
        let source = half.lock.locked();
        let surprising = source.is_some() && source != half.lock.peer() && source != before;
        if let Some(source) = source.filter(|_| surprising) {
            self.tell(Reply::Latched { session: self.id, side, stream, source });
        }
        action
    }

    /// RTCP of a side has come; what the other side does not want of it is taken out.
    fn controlled(
        &mut self,
        now: Time,
        (side, stream): (Side, u8),
        (control, moved): (&Control, bool),
        packet: &mut Datagram<'_>,
    ) -> Action {
        self.changed |= moved;
        let Some(s) = self.streams.get_mut(usize::from(stream)) else {
            return Action::Drop(DropReason::NoRemote);
        };
        s.read_control(now, side, control);
        let unwanted = s.halves[side.other().index()].remote.as_ref().is_some_and(|r| r.care.extended.strip);
        if unwanted && control.extended.is_some() {
            packet.length = rtp::rtcp::without(packet.bytes_mut(), rtp::rtcp::packet_type::XR);
        }
        if moved {
            s.settle();
        }
        s.halves[side.index()].rtcp.action
    }

    /// Whether [`Session::filter`] may answer differently than before.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The only source that can be believed on a port now, when there is just one: the engine may
    /// connect the socket to it and let the operating system refuse others. `None`: it must
    /// listen to all.
    #[must_use]
    pub fn filter(&self, side: Side, stream: u8, component: Component) -> Option<SocketAddr> {
        let s = self.streams.get(usize::from(stream)).filter(|s| !s.rejected)?;
        let recorder = || self.recorder(side, stream).filter(|_| component == Component::Rtp);
        s.halves[side.index()].filter(component).or_else(recorder)
    }

    /// The flow of packets that arrive on a port, for engines that execute it themselves; none where packets must
    /// be opened, changed or protected.
    #[must_use]
    pub fn flow(&self, side: Side, stream: u8, component: Component) -> Option<&Flow> {
        let s = self.streams.get(usize::from(stream))?;
        let half = &s.halves[side.index()];
        if half.guard.is_some() || half.guarded_beyond || s.is_touched() || self.is_copied() {
            return None;
        }
        Some(match component {
            Component::Rtp => &half.rtp,
            Component::Rtcp => &half.rtcp,
        })
    }

    /// Time goes on: call a few times a second. Rates spans, sees silence, lifts filters.
    pub fn on_tick(&mut self, now: Time) {
        for s in self.streams.iter_mut().filter(|s| !s.rejected) {
            for side in Side::BOTH {
                let other_rtt = s.halves[side.other().index()].rtt_ms();
                let half = &mut s.halves[side.index()];
                self.changed |= half.on_tick(now);
                half.rate(now, other_rtt, false);
            }
            if s.forget_former(now) {
                s.settle();
                self.changed = true;
            }
        }
        self.watch_lengths();
        for side in Side::BOTH {
            self.judge_silence(now, side);
            self.judge_one_way(now, side);
        }
    }

    pub(crate) fn tell(&mut self, reply: Reply) {
        if self.replies.len() < REPLIES_MAX {
            self.replies.push_back(reply);
        } else {
            self.replies_lost += 1;
        }
    }

    /// What was heard until `now`, without ending anything.
    #[must_use]
    pub fn report(&self, now: Time) -> Report {
        let side = |side: Side| -> Vec<StreamReport> {
            let of = |s: &Stream| s.add_bridge(side, s.halves[side.index()].report(now, self.opened));
            self.streams.iter().map(of).collect()
        };
        let (duration, uncopied) = (now.since(self.opened), self.lost_copies());
        Report { duration, a: side(Side::A), b: side(Side::B), uncopied }
    }

    /// The end: rates the last, unfinished spans and reports.
    #[must_use]
    pub fn close(mut self, now: Time) -> Report {
        for s in self.streams.iter_mut().filter(|s| !s.rejected) {
            for side in Side::BOTH {
                let other_rtt = s.halves[side.other().index()].rtt_ms();
                s.halves[side.index()].rate(now, other_rtt, true);
                s.halves[side.index()].finish();
            }
        }
        self.report(now)
    }
}
