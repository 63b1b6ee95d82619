//! What is said to peers on our own account: RTCP where theirs ends here or none comes, and keepalives.
//!
//! Where a bridge speaks to a peer under a name of its own, RTCP of both sides ends here, and each side gets reports of
//! ours. Elsewhere RTCP passes, and a peer whose trunk wants it gets reports of ours while the other side sends none.
//! Enter through [`Session::take_due`] and [`Session::take_farewell`].

use super::{Session, Stream};
use crate::care::Keepalive;
use crate::control::Side;
use crate::flow::Component;
use crate::guard::{Datagram, Kind};
use crate::report::DropReason;
use crate::reports::{FILL_AFTER, QUIET_AFTER, Reporter};
use base::{Rng, Time};
use std::net::SocketAddr;

/// A packet of ours that lies in the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sending {
    /// The side that it goes to, and whose port it leaves from.
    pub side: Side,
    /// Of which stream.
    pub stream: u8,
    /// Which of the two ports.
    pub component: Component,
    /// Where to.
    pub to: SocketAddr,
}

/// Where the names of a session's reports come from.
#[derive(Debug)]
pub(crate) struct Names(pub(crate) [(u64, u64); 2]);

impl Names {
    pub(crate) fn new(seed: (u64, u64)) -> Names {
        let mut rng = Rng::new(seed);
        Names([rng.next_pair(), rng.next_pair()])
    }
}

impl Stream {
    /// Whether RTCP ends here: what one of the peers hears bears a name of ours.
    pub(super) fn terminates(&self) -> bool {
        self.players.is_some() || self.bridges.as_ref().is_some_and(|bridges| bridges.is_source())
    }

    /// Whether a peer is owed reports because RTCP ends here. Before the answer only whoever hears us is.
    fn owes_reports(&self, side: Side) -> bool {
        let bridged = self.bridges.as_ref().is_some_and(|bridges| bridges.is_source());
        let live = self.halves[side.index()].tending.live_since.is_some();
        bridged || self.is_played_to(side) || live && self.players.is_some()
    }

    /// When the peer of a side was last sent media.
    fn spoken_at(&self, toward: Side) -> Option<Time> {
        let from = toward.other();
        // What comes may stay in a bridge, but what is nobody's but the peer's leaves.
        let came = if self.bridges.is_some() { None } else { self.halves[from.index()].spoken_at() };
        self.said[from.index()].at().max(came)
    }

    /// Decides what is due toward a side, and when to look again.
    fn look(&mut self, now: Time, side: Side, names: &Names, stream: u8) {
        let silent_since = {
            let [half, other] = self.seen_from(side);
            half.tending.live_since.map(|since| other.last_rtcp.map_or(since, |last| last.max(since)))
        };
        let (owed, spoken_at) = (self.owes_reports(side), self.spoken_at(side));
        let own = self.said[side.other().index()].name();
        let half = &mut self.halves[side.index()];
        let Some(care) = half.remote.as_ref().filter(|r| !r.udptl).map(|remote| remote.care) else {
            half.tending.due = Time::NEVER;
            return;
        };
        let tending = &mut half.tending;
        let seed = names.0[side.index()];
        let reporter = tending.reporter.get_or_insert_with(|| Box::new(Reporter::new(seed, stream)));
        tending.due = now + reporter.wait();
        let fills = care.reports && silent_since.is_some_and(|since| now.since(since) >= FILL_AFTER);
        tending.owes_report = !care.forbidden && (owed || fills);
        tending.owes_farewell = !tending.owes_report && own.is_some() && reporter.said() == own;
        let quiet_since = tending.live_since.map(|since| spoken_at.unwrap_or(since).max(since));
        let quiet = quiet_since.map(|since| now.since(since.max(reporter.kept_alive)));
        let wants = care.live && care.keepalive != Keepalive::Off;
        tending.owes_keepalive = wants && quiet.is_some_and(|quiet| quiet >= QUIET_AFTER);
    }
}

impl Session {
    /// Where the names that it uses on its own account come from; before its first packet.
    #[must_use]
    pub fn with_seed(self, seed: (u64, u64)) -> Session {
        Session { names: Names::new(seed), ..self }
    }

    /// The next packet that is due on our own account, protected, at the start of the buffer. Fetch until none, a few
    /// times a second.
    pub fn take_due(&mut self, now: Time, packet: &mut Datagram<'_>) -> Option<Sending> {
        for at in 0..self.streams.len() {
            for side in Side::BOTH {
                let (stream, s) = (u8::try_from(at).ok()?, self.streams.get_mut(at)?);
                if s.halves[side.index()].tending.due <= now {
                    s.look(now, side, &self.names, stream);
                }
                let tending = &mut s.halves[side.index()].tending;
                let owed = if std::mem::take(&mut tending.owes_report) {
                    self.say_report(now, (side, stream), false, packet)
                } else if std::mem::take(&mut tending.owes_farewell) {
                    self.say_report(now, (side, stream), true, packet)
                } else if std::mem::take(&mut tending.owes_keepalive) {
                    self.keep_alive(now, (side, stream), packet)
                } else {
                    continue;
                };
                if owed.is_some() {
                    return owed;
                }
            }
        }
        None
    }

    /// The next farewell of ours to peers that had reports of us: the session is about to end, or one stream of it
    /// is. Fetch until none.
    pub fn take_farewell(
        &mut self,
        now: Time,
        only: Option<u8>,
        packet: &mut Datagram<'_>,
    ) -> Option<Sending> {
        for at in (0u8..).take(self.streams.len()).filter(|at| only.is_none_or(|only| only == *at)) {
            for side in Side::BOTH {
                let half = &self.streams.get(usize::from(at))?.halves[side.index()];
                let spoke = half.tending.reporter.as_ref().is_some_and(|reporter| reporter.has_spoken());
                let sending = if spoke { self.say_report(now, (side, at), true, packet) } else { None };
                if sending.is_some() {
                    return sending;
                }
            }
        }
        None
    }

    fn say_report(
        &mut self,
        now: Time,
        (side, stream): (Side, u8),
        last: bool,
        packet: &mut Datagram<'_>,
    ) -> Option<Sending> {
        let s = self.streams.get_mut(usize::from(stream)).filter(|s| !s.rejected)?;
        let beyond_ms = s.halves[side.other().index()].rtt_ms();
        let said = &s.said[side.other().index()];
        let reported = s.halves[side.index()].tending.reporter.as_ref().and_then(|reporter| reporter.said());
        // Whoever is taken leave of is the one that was reported, who may have fallen silent since.
        let own = said.voice(now).filter(|voice| last && Some(voice.ssrc) == reported);
        let voice = own.or_else(|| s.voice(side, now));
        let buffer = s.buffer(side);
        let half = &mut s.halves[side.index()];
        let mut reporter = half.tending.reporter.take()?;
        let target = half.control_target();
        let made = target.is_ok().then(|| {
            let block = half.block(now);
            let extras = half.extras(now, block.as_ref(), (beyond_ms, buffer));
            reporter.report(now, voice, (block, extras), last, packet.buffer)
        });
        if last {
            reporter.end();
        }
        half.tending.reporter = Some(reporter);
        packet.length = made.flatten()?;
        self.leaves((side, stream), Kind::Control, target.ok()?, packet)
    }

    fn keep_alive(
        &mut self,
        now: Time,
        (side, stream): (Side, u8),
        packet: &mut Datagram<'_>,
    ) -> Option<Sending> {
        let s = self.streams.get_mut(usize::from(stream)).filter(|s| !s.rejected)?;
        let half = &mut s.halves[side.index()];
        let (to, kind) = (half.keepalive_target()?, half.remote.as_ref()?.care.keepalive);
        packet.length = half.tending.reporter.as_mut()?.keepalive(now, kind, packet.buffer)?;
        self.leaves((side, stream), Kind::Media, (Component::Rtp, to), packet)
    }

    /// Protects a packet of ours that goes to the peer of a side.
    fn leaves(
        &mut self,
        (side, stream): (Side, u8),
        kind: Kind,
        (component, to): (Component, SocketAddr),
        packet: &mut Datagram<'_>,
    ) -> Option<Sending> {
        match self.protect(side.other(), stream, packet, kind) {
            Ok(()) => Some(Sending { side, stream, component, to }),
            Err(DropReason::SrtpKey) => None,
            Err(reason) => {
                self.count_drop(side.other(), stream, reason);
                None
            }
        }
    }
}
