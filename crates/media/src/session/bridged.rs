//! Streams whose packets are changed on their way: a bridge for each direction between judging and protecting.

use super::watched::Watch;
use super::{Session, Stream, Verdict};
use crate::control::{MAX_STREAMS, Reply, Side};
use crate::flow::{Action, Component};
use crate::guard::{Datagram, Kind};
use crate::renumbered::retell;
use crate::report::{DropReason, StreamReport};
use base::Time;
use bridge::{Bridge, Digit, Passage, Plan, Recoded, Tally};
use std::net::SocketAddr;

/// The bridges of a stream, by the side that speaks.
#[derive(Debug)]
pub(super) struct Bridges(pub(super) [Bridge; 2]);

impl Bridges {
    /// Bridges for other plans; what was there goes on where it can.
    fn follow(held: Option<Box<Bridges>>, plans: [Plan; 2], seed: u64) -> Box<Bridges> {
        let [forth, back] = plans;
        Box::new(match held.map(|bridges| *bridges) {
            Some(Bridges([a, b])) => Bridges([a.follow(forth), b.follow(back)]),
            None => Bridges([Bridge::new(forth, seed), Bridge::new(back, seed.rotate_left(32) ^ 1)]),
        })
    }

    /// Whether one of them speaks under a name of its own.
    pub(super) fn is_source(&self) -> bool {
        self.0.iter().any(Bridge::is_source)
    }

    /// The clock of one that speaks under a name of its own.
    pub(super) fn clock(&self, from: Side) -> Option<u32> {
        let bridge = self.0.get(from.index()).filter(|bridge| bridge.is_source())?;
        Some(bridge.plan().speaks.codec.clock())
    }
}

/// Packets of sound that pass as they are, after which it is no more told how they were changed before: more than were
/// under way.
const PASSED: u64 = 25;

/// How the sound of a side was changed before its plans changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Former {
    how: Recoded,
    /// Packets of sound that the side had sent by then.
    heard: u64,
}

/// What was counted of the words of one side that were changed on their way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    tally: Option<Tally>,
    /// Digits that were read; none where none were to be.
    digits: Option<u64>,
}

impl Counted {
    /// With what was counted before; nothing is counted twice.
    fn after(self, earlier: Counted) -> Counted {
        let tally = self.tally.map(|tally| tally.after(earlier.tally.unwrap_or_default())).or(earlier.tally);
        let digits = self.digits.map(|digits| digits + earlier.digits.unwrap_or_default());
        Counted { tally, digits: digits.or(earlier.digits) }
    }
}

impl Stream {
    /// Adds what is known of a side's words where its stream is bridged, or was.
    pub(super) fn add_bridge(&self, side: Side, report: StreamReport) -> StreamReport {
        let bridge = self.bridges.as_ref().map(|bridges| &bridges.0[side.index()]);
        let counted = self.counted(side);
        let report = report.with_bridge(counted.tally, bridge.is_some());
        let now = bridge.and_then(|bridge| bridge.plan().recoded(report.payload_type));
        let sound = report.packets.saturating_sub(report.fax_packets);
        let former = self.recoded[side.index()]
            .filter(|former| bridge.is_some() || sound < former.heard + PASSED)
            .map(|former| former.how);
        StreamReport { recoded: now.or(former), digits: counted.digits, ..report }
    }

    /// What all bridges of a side have counted.
    fn counted(&self, side: Side) -> Counted {
        let past = self.past.as_ref().map(|past| past[side.index()]).unwrap_or_default();
        let now = self.bridges.as_ref().map(|bridges| &bridges.0[side.index()]).map(|bridge| {
            let reads = bridge.plan().digits.is_some();
            Counted { tally: Some(bridge.tally()), digits: reads.then(|| bridge.digit_tally().digits) }
        });
        now.unwrap_or_default().after(past)
    }

    /// Takes bridges down; what they have counted stays in the report.
    pub(super) fn unbridge(&mut self) {
        if self.bridges.is_some() {
            self.past = Some(Box::new(Side::BOTH.map(|side| self.counted(side))));
            self.bridges = None;
        }
    }

    /// The jitter buffer of what a side says; none where its sound is not decoded.
    pub(super) fn buffer(&self, side: Side) -> Option<Tally> {
        let bridge = self.bridges.as_ref().map(|bridges| &bridges.0[side.index()]);
        bridge.map(Bridge::tally).filter(|tally| tally.heard_ms > 0)
    }

    /// Remembers how sound was changed, before that changes.
    fn note_recoded(&mut self) {
        for side in Side::BOTH {
            let half = &self.halves[side.index()];
            let (said, heard) = (half.payload_type(), half.sound());
            let bridge = self.bridges.as_ref().map(|bridges| &bridges.0[side.index()]);
            let was = said.and_then(|_| bridge?.plan().recoded(said)).map(|how| Former { how, heard });
            self.recoded[side.index()] = was.or(self.recoded[side.index()]);
        }
    }

    /// Sets bridges to work; what was there goes on where it can.
    pub(super) fn build(&mut self, plans: [Plan; 2], seed: u64) {
        let before = Side::BOTH.map(|side| self.counted(side).digits);
        self.bridges = Some(Bridges::follow(self.bridges.take(), plans, seed));
        for (side, before) in Side::BOTH.into_iter().zip(before) {
            // Where digits are read in another way they are counted anew.
            let now = self.counted(side).digits.unwrap_or_default();
            if let Some(more) = before.map(|before| before.saturating_sub(now)).filter(|more| *more > 0) {
                let past = &mut self.past.get_or_insert_default()[side.index()];
                past.digits = Some(past.digits.unwrap_or_default() + more);
            }
        }
    }
}

impl Session {
    /// Says how a stream's packets are to be changed; none: not any more. False when there is no such stream.
    pub fn bridge(&mut self, stream: u8, plans: Option<Box<[Plan; 2]>>, seed: u64) -> bool {
        let Some(s) = self.streams.get_mut(usize::from(stream)).filter(|s| !s.rejected) else { return false };
        s.note_recoded();
        s.watch = plans.as_ref().and_then(|plans| Watch::follow(s.watch.take(), plans, seed));
        match (plans, &s.watch) {
            (_, Some(watch)) if watch.works() => {}
            (Some(plans), None) => s.build(*plans, seed),
            _ => s.unbridge(),
        }
        true
    }

    /// Counts what is not sent, and remembers who was not believed.
    #[cold]
    pub(super) fn dropped(
        &mut self,
        (side, stream, component): (Side, u8, Component),
        source: SocketAddr,
        reason: DropReason,
    ) -> Verdict {
        self.count_drop(side, stream, reason);
        let strange = reason == DropReason::ForeignSource && component == Component::Rtp;
        if let Some(s) = self.streams.get_mut(usize::from(stream)).filter(|_| strange) {
            s.halves[side.index()].one_way.foreign = Some(source);
        }
        Verdict::Drop(reason)
    }

    /// Changes and protects a packet that goes to the other side. False: a bridge has taken it.
    pub(super) fn touch(
        &mut self,
        now: Time,
        side: Side,
        stream: u8,
        packet: &mut Datagram<'_>,
        kind: Kind,
    ) -> Result<bool, DropReason> {
        let s = self.streams.get_mut(usize::from(stream)).ok_or(DropReason::NoRemote)?;
        if kind == Kind::Media {
            s.said[side.index()].serve(now);
            if !s.is_heard(now, side) {
                return Ok(false);
            }
        }
        // Each side hears reports of ours.
        if kind == Kind::Control && s.terminates() {
            return Ok(false);
        }
        if let Some(bridges) = s.bridges.as_mut().filter(|_| kind == Kind::Control) {
            let (own, of) = (&bridges.0[side.index()], &bridges.0[side.other().index()]);
            retell(packet.bytes_mut(), |ssrc| of.moved(ssrc), |ssrc| own.moved(ssrc));
        }
        if let Some(bridges) = s.bridges.as_mut().filter(|_| kind == Kind::Media) {
            let bridge = &mut bridges.0[side.index()];
            let passage = bridge.on_packet(now, packet.bytes_mut());
            let digit = bridge.pop_digit();
            self.tell_digits(side, stream, digit);
            match passage {
                Passage::InPlace => {}
                Passage::Cut(bytes) => packet.length -= bytes.min(packet.length),
                Passage::Taken => return Ok(false),
                Passage::Silence => return Err(DropReason::AnnexB),
                Passage::Refused => return Err(DropReason::PayloadType),
            }
        }
        if let Some(s) = self.streams.get_mut(usize::from(stream)).filter(|_| kind == Kind::Media) {
            s.said[side.index()].leave();
        }
        self.protect(side, stream, packet, kind).map(|()| true)
    }

    /// Tells signalling of digits that a side has sent, of which the first has been fetched.
    fn tell_digits(&mut self, from: Side, stream: u8, first: Option<Digit>) {
        let mut next = first;
        while let Some(digit) = next {
            self.tell(Reply::Digit { session: self.id, from, digit });
            self.changed = true;
            let s = self.streams.get_mut(usize::from(stream));
            next = s.and_then(|s| s.bridges.as_mut()?.0[from.index()].pop_digit());
        }
    }

    /// A digit that the peer of one side has signalled, for the other's ear: the stream in which it is said. Fetch
    /// then with [`Session::take_made`] what the other side says there.
    pub fn say(&mut self, now: Time, toward: Side, digit: Digit) -> Option<(Side, u8)> {
        let from = toward.other();
        let mut streams = (0u8..).zip(&mut self.streams);
        streams.find_map(|(stream, s)| {
            let said = s.bridges.as_mut()?.0[from.index()].say(now, digit);
            s.said[from.index()].serve(now);
            said.then_some((from, stream))
        })
    }

    /// The next packet that a bridge has made of what a side says, or a player in its place, at the start of the
    /// buffer; where it goes. Fetch until none after [`super::Verdict::Taken`], [`Session::say`], [`Session::play`] and
    /// [`Session::on_bridge_tick`].
    pub fn take_made(
        &mut self,
        side: Side,
        stream: u8,
        packet: &mut Datagram<'_>,
    ) -> Option<(Component, SocketAddr)> {
        loop {
            let s = self.streams.get_mut(usize::from(stream))?;
            let bridged = s.bridges.as_mut().and_then(|b| b.0[side.index()].pop(packet.buffer));
            let to = match (bridged, s.halves[side.index()].rtp.action) {
                (Some(_), Action::Relay { component, to }) => Ok((component, to)),
                (Some(_), Action::Drop(reason)) => Err(reason),
                // What is ours goes out also where the other peer is silent, or not there.
                (None, _) => {
                    packet.length = s.pop_played(side, packet.buffer)?;
                    s.halves[side.other().index()].media_target().map(|to| (Component::Rtp, to))
                }
            };
            packet.length = bridged.unwrap_or(packet.length);
            if to.is_ok() {
                let clock = s.speaking_clock(side);
                s.said[side.index()].note(packet.bytes(), clock);
            }
            match to.and_then(|to| self.protect(side, stream, packet, Kind::Media).map(|()| to)) {
                Ok(sent) => return Some(sent),
                Err(reason) => self.count_drop(side, stream, reason),
            }
        }
    }

    /// Lets bridges do what is due; tells each stream and side of which packets may have been made.
    pub fn on_bridge_tick(&mut self, now: Time, mut made: impl FnMut(Side, u8)) {
        for stream in 0..MAX_STREAMS as u8 {
            for side in Side::BOTH {
                let Some(s) = self.streams.get_mut(usize::from(stream)) else { return };
                let plays = s.plays(side, Some(now));
                let bridge = s.bridges.as_mut().map(|bridges| &mut bridges.0[side.index()]);
                let bridge = bridge.filter(|bridge| bridge.wakes().is_some_and(|due| due <= now));
                if !plays && bridge.is_none() {
                    continue;
                }
                s.said[side.index()].serve(now);
                if let Some(bridge) = bridge {
                    bridge.on_tick(now);
                    let digit = bridge.pop_digit();
                    self.tell_digits(side, stream, digit);
                }
                self.tick_player(now, side, stream);
                made(side, stream);
            }
        }
    }

    /// Whether a bridge or a player has something to do by time.
    #[must_use]
    pub fn wakes(&self) -> bool {
        let bridges = self.streams.iter().filter_map(|s| s.bridges.as_ref());
        bridges.flat_map(|bridges| &bridges.0).any(|bridge| bridge.wakes().is_some())
            || self.streams.iter().any(|s| Side::BOTH.iter().any(|side| s.plays(*side, None)))
    }
}
