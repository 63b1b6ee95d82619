//! Copies for a recorder: what a side says is kept aside as it was heard, opened and not yet changed, and goes out of
//! another session as a stream with an identity of its own, whatever becomes of the source (RFC 7866 §9.2.1.3).
//!
//! The engine carries the copy over: [`Session::take_copy`] of the call's session, [`Session::copy`] of the recorder's.

use super::Session;
use crate::control::{Reply, Side};
use crate::flow::Component;
use crate::guard::{Datagram, Kind};
use crate::half::Half;
use crate::report::DropReason;
use crate::wire;
use base::{Rng, Time};
use rtp::rtcp::build::Builder;
use rtp::{Ntp, Packet, SenderInfo};
use std::net::SocketAddr;
use std::time::Duration;

/// How often the recorder hears a sender report of each stream (RFC 3550 §6.2).
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// A recorder is not reached when its host has refused packets for this long,
pub const UNREACHED_AFTER: Duration = Duration::from_secs(2);
/// with no longer pause than this: hosts say it seldom (RFC 1812 §4.3.2.8).
const REFUSED_EVERY: Duration = Duration::from_secs(5);
/// A packet this far behind is late; one further behind may be the first of a source that begins its numbers anew
/// (RFC 3550 §A.1).
const LATE_MAX: u16 = 100;

/// What copies have to do with a session.
#[derive(Debug, Default)]
pub(super) enum Copying {
    #[default]
    Nothing,
    /// What is relayed is copied: the last one, while nobody has taken it.
    From(Vec<u8>),
    /// Its ports lead to a recorder.
    To(Box<Copies>),
}

/// The streams to a recorder.
#[derive(Debug)]
pub(super) struct Copies {
    rng: Rng,
    name: [u8; 16],
    voices: Vec<[Voice; 2]>,
    report_at: Time,
    /// Since when packets are refused, and when the last one was.
    refused: Option<(Time, Time)>,
    told: bool,
    /// Packets that the recorder wanted and that are lost on our side of it; as many were told.
    lost: u64,
    told_lost: u64,
    /// Further ones, which its host has refused since then.
    unreached: u64,
}

impl Copies {
    fn new(seed: u64, streams: usize) -> Copies {
        let mut rng = Rng::new((seed, !seed));
        let mut name = [0; 16];
        base::rng::hex(rng.next_u64(), &mut name);
        let voices = (0..streams).map(|_| [Voice::new(&mut rng), Voice::new(&mut rng)]).collect();
        let (report_at, refused, told) = (Time::ZERO, None, false);
        Copies { rng, name, voices, report_at, refused, told, lost: 0, told_lost: 0, unreached: 0 }
    }

    /// How many are lost. What a host refused that is given up is missing since then, as is told.
    fn lost(&self) -> u64 {
        self.lost + if self.told { 0 } else { self.unreached }
    }
}

/// One of them.
#[derive(Clone, Copy, Debug)]
struct Voice {
    ssrc: u32,
    /// The source that is copied now, and how its numbers become ours.
    source: Option<(u32, u16, u32)>,
    /// The newest of its packets that was left out, where none behind it was sent yet.
    skipped: Option<u16>,
    /// One far behind, which may be the first of a source that begins anew.
    stray: Option<u16>,
    sequence: u16,
    /// How many of our numbers up to that one are of this source and this place of its numbers.
    given: u16,
    timestamp: u32,
    at: Time,
    packets: u32,
    octets: u32,
}

impl Voice {
    fn new(rng: &mut Rng) -> Voice {
        let (ssrc, numbers) = (rng.next_u64() as u32, rng.next_u64());
        let (sequence, timestamp) = (numbers as u16, (numbers >> 16) as u32);
        let (source, skipped, stray, given, at) = (None, None, None, 0, Time::ZERO);
        Voice { ssrc, source, skipped, stray, sequence, given, timestamp, at, packets: 0, octets: 0 }
    }

    /// Our RTP time at a moment.
    fn timestamp_at(&self, now: Time, clock: u32) -> u32 {
        let ticks = now.since(self.at).as_nanos() * u128::from(clock) / 1_000_000_000;
        self.timestamp.wrapping_add(ticks as u32)
    }

    /// A packet is left out on purpose.
    fn skip(&mut self, bytes: &[u8]) {
        let (Ok(head), Some((ssrc, ..))) = (wire::rtp_header(bytes), self.source) else { return };
        let late = |newest: u16| newest.wrapping_sub(head.sequence) < LATE_MAX;
        if head.ssrc == ssrc && !self.skipped.is_some_and(late) {
            self.skipped = Some(head.sequence);
        }
    }

    /// What leads from the numbers of the known source to ours: what was left out has none, which would be losses
    /// (RFC 3550 §5.1). Nothing: it is as if another one spoke.
    fn placed(&mut self, ahead: u16, sequence: u16) -> Result<Option<u16>, DropReason> {
        let follows = self.sequence.wrapping_add(1).wrapping_sub(sequence);
        let behind = self.sequence.wrapping_sub(sequence.wrapping_add(ahead));
        // Of two that follow each other far behind the second is believed.
        let stray = self.stray.take().is_some_and(|stray| stray.wrapping_add(1) == sequence);
        match self.skipped.map(|newest| newest.wrapping_sub(sequence)) {
            Some(0x8000..) => {
                self.skipped = None;
                Ok(Some(follows))
            }
            // Late, but newer than what was sent.
            Some(0..LATE_MAX) if behind >= 0x8000 => Ok(Some(follows)),
            None | Some(0..LATE_MAX) if behind >= 0x8000 || behind < self.given => Ok(Some(ahead)),
            // Its number is that of another packet.
            None | Some(0..LATE_MAX) if behind < LATE_MAX => Err(DropReason::Late),
            _ if stray => Ok(None),
            _ => {
                self.stray = Some(sequence);
                Err(DropReason::Late)
            }
        }
    }

    /// Gives a valid packet our identity; another source goes on where the one before ended.
    fn rename(&mut self, now: Time, clock: u32, bytes: &mut [u8]) -> Result<(), DropReason> {
        let Ok(mut packet) = Packet::parse(bytes) else { return Ok(()) };
        let (ssrc, sequence, timestamp) = (packet.ssrc(), packet.sequence(), packet.timestamp());
        let known = self.source.filter(|(source, ..)| *source == ssrc);
        let placed = match known {
            Some((_, ahead, later)) => self.placed(ahead, sequence)?.map(|ahead| (ahead, later)),
            None => None,
        };
        let first = self.packets == 0;
        let (ahead, later) = placed.unwrap_or_else(|| {
            self.skipped = None;
            let here = if first { self.timestamp } else { self.timestamp_at(now, clock) };
            (self.sequence.wrapping_add(1).wrapping_sub(sequence), here.wrapping_sub(timestamp))
        });
        if known.is_none_or(|(_, before, _)| before != ahead) {
            // Before the first packet of all nobody has any.
            self.given = if first { LATE_MAX } else { 0 };
        }
        self.source = Some((ssrc, ahead, later));
        let (sequence, timestamp) = (sequence.wrapping_add(ahead), timestamp.wrapping_add(later));
        packet.set_ssrc(self.ssrc);
        packet.set_sequence(sequence);
        packet.set_timestamp(timestamp);
        let octets = packet.payload().len() as u32;
        let further = sequence.wrapping_sub(self.sequence);
        if further < 0x8000 {
            (self.sequence, self.timestamp, self.at) = (sequence, timestamp, now);
            self.given = self.given.saturating_add(further);
        }
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets);
        Ok(())
    }

    /// A sender report with a description; the middle of its NTP time.
    fn report(&self, now: Time, clock: u32, name: &[u8; 16], out: &mut [u8]) -> Option<(usize, u32)> {
        // Any clock will do that all our streams share (RFC 3550 §6.4.1).
        let ntp = Ntp((u128::from(now.0) << 32).wrapping_div(1_000_000_000) as u64);
        let (rtp_timestamp, packets, octets) = (self.timestamp_at(now, clock), self.packets, self.octets);
        let info = SenderInfo { ntp, rtp_timestamp, packets, octets };
        let length = Builder::new(out).sender_report(self.ssrc, &info, &[]).cname(self.ssrc, name).finish();
        Some((length.ok()?, ntp.middle()))
    }
}

/// Whether the recorder does not want a packet, or does not take part yet.
fn is_unwanted(reason: DropReason) -> bool {
    use DropReason::{Direction, IceUnproven, NoRemote, PayloadType, SrtpKey};
    matches!(reason, Direction | IceUnproven | NoRemote | PayloadType | SrtpKey)
}

/// Where the recorder wants a packet, and the clock of its sound.
fn wanted(half: &Half, bytes: &[u8]) -> Result<(SocketAddr, u32), DropReason> {
    let to = half.media_target()?;
    let remote = half.remote.as_ref().ok_or(DropReason::NoRemote)?;
    let header = wire::rtp_header(bytes)?;
    if !remote.allows(header.payload_type) {
        return Err(DropReason::PayloadType);
    }
    Ok((to, rtp::static_clock(header.payload_type).unwrap_or(remote.clock_rate.max(1))))
}

impl Session {
    /// Copies of what is relayed are wanted from here on, or no more.
    pub fn give_copies(&mut self, wanted: bool) {
        // An engine that relays by itself leaves it to whoever copies.
        self.changed = true;
        self.copying = if wanted { Copying::From(Vec::with_capacity(256)) } else { Copying::Nothing };
    }

    /// The ports lead to a recorder, who hears each side of another session; nothing is relayed between them.
    pub fn serve_recorder(&mut self, seed: u64) {
        self.copying = Copying::To(Box::new(Copies::new(seed, self.streams.len())));
    }

    /// Further streams lead to the recorder.
    pub(super) fn grow_copies(&mut self) {
        if let Copying::To(copies) = &mut self.copying {
            while copies.voices.len() < self.streams.len() {
                let voices = [Voice::new(&mut copies.rng), Voice::new(&mut copies.rng)];
                copies.voices.push(voices);
            }
        }
    }

    /// The only peer of a port that leads to a recorder: what leaves is told apart by it from what others refuse.
    pub(crate) fn recorder(&self, side: Side, stream: u8) -> Option<SocketAddr> {
        let stream = self.streams.get(usize::from(stream)).filter(|_| self.serves_recorder())?;
        stream.halves[side.index()].media_target().ok()
    }

    /// The host of the recorder has refused a packet.
    #[cold]
    pub fn copy_refused(&mut self, now: Time) {
        let id = self.id;
        let Copying::To(copies) = &mut self.copying else { return };
        let before = copies.refused.filter(|(_, last)| now.since(*last) <= REFUSED_EVERY);
        if before.is_none() {
            copies.lost += std::mem::take(&mut copies.unreached);
        }
        let since = before.map_or(now, |(since, _)| since);
        copies.refused = Some((since, now));
        if now.since(since) >= UNREACHED_AFTER && !std::mem::replace(&mut copies.told, true) {
            self.tell(Reply::Unreached { session: id });
        }
    }

    /// A copy did not leave; `refused`: for the host of the recorder cannot be reached.
    #[cold]
    pub fn copy_failed(&mut self, side: Side, stream: u8, refused: bool) {
        self.count_drop(side, stream, DropReason::SendFailed);
        if let Copying::To(copies) = &mut self.copying {
            *if refused { &mut copies.unreached } else { &mut copies.lost } += 1;
        }
    }

    /// How many packets the recorder wanted that were lost on our side of it.
    pub(super) fn lost_copies(&self) -> u64 {
        if let Copying::To(copies) = &self.copying { copies.lost() } else { 0 }
    }

    /// Whether its ports lead to a recorder.
    #[must_use]
    pub fn serves_recorder(&self) -> bool {
        matches!(self.copying, Copying::To(_))
    }

    /// Whether packets must be looked at, whatever else becomes of them.
    pub(super) fn is_copied(&self) -> bool {
        !matches!(self.copying, Copying::Nothing)
    }

    /// Keeps a copy of a packet that is to be relayed, where one is wanted; whether it goes nowhere else, for it came
    /// from a recorder.
    #[inline]
    pub(super) fn keeps(&mut self, kind: Kind, bytes: &[u8]) -> bool {
        match (&mut self.copying, kind) {
            (Copying::From(spare), Kind::Media) => {
                spare.clear();
                spare.extend_from_slice(bytes);
                false
            }
            (Copying::To(_), _) => true,
            _ => false,
        }
    }

    /// The copy of the packet that was just judged, at the start of the buffer; its length.
    pub fn take_copy(&mut self, into: &mut [u8]) -> Option<usize> {
        let Copying::From(spare) = &mut self.copying else { return None };
        let length = spare.len();
        into.get_mut(..length).filter(|_| length > 0)?.copy_from_slice(spare);
        spare.clear();
        Some(length)
    }

    /// Makes a copy of what a side says a packet for the recorder; where it goes, out of that side's RTP port.
    pub fn copy(
        &mut self,
        now: Time,
        side: Side,
        stream: u8,
        packet: &mut Datagram<'_>,
    ) -> Option<SocketAddr> {
        match self.renamed(now, side, stream, packet) {
            Ok(to) => Some(to),
            Err(reason) => {
                let (Copying::To(copies), false) = (&mut self.copying, is_unwanted(reason)) else {
                    // Nobody misses it.
                    self.note_drop(side, stream, reason);
                    return None;
                };
                copies.lost += 1;
                self.count_drop(side, stream, reason);
                None
            }
        }
    }

    fn renamed(
        &mut self,
        now: Time,
        side: Side,
        stream: u8,
        packet: &mut Datagram<'_>,
    ) -> Result<SocketAddr, DropReason> {
        let Copying::To(copies) = &mut self.copying else { return Err(DropReason::NoRemote) };
        let at = usize::from(stream);
        let (s, voices) = (self.streams.get_mut(at), copies.voices.get_mut(at));
        let (s, voices) = s.zip(voices).ok_or(DropReason::NoRemote)?;
        let (half, voice) = (&mut s.halves[side.index()], &mut voices[side.index()]);
        let wanted = wanted(half, packet.bytes());
        if wanted.is_err() {
            voice.skip(packet.bytes());
        }
        let (to, clock) = wanted?;
        voice.rename(now, clock, packet.bytes_mut())?;
        match &mut half.guard {
            Some(guard) => guard.protect(packet, Kind::Media).map(|()| to),
            None => Ok(to),
        }
    }

    /// Time goes on: what was lost is told, and sender reports are due, each at the start of the buffer while it is
    /// handed over.
    pub fn report_copies(
        &mut self,
        now: Time,
        packet: &mut Datagram<'_>,
        mut send: impl FnMut(Side, u8, Component, SocketAddr, &[u8]),
    ) {
        let Copying::To(copies) = &mut self.copying else { return };
        if now < copies.report_at {
            return;
        }
        // Never all at the same moment (RFC 3550 §6.3.1).
        copies.report_at = now + REPORT_EVERY + Duration::from_millis(copies.rng.below(1_000));
        let lost = (copies.told_lost != copies.lost).then_some(copies.lost);
        copies.told_lost = copies.lost;
        for (stream, (s, voices)) in (0u8..).zip(self.streams.iter_mut().zip(&copies.voices)) {
            for side in Side::BOTH {
                let (voice, half) = (&voices[side.index()], &mut s.halves[side.index()]);
                let (Ok((component, to)), true) = (half.control_target(), voice.packets > 0) else {
                    continue;
                };
                let clock = half.remote.as_ref().map_or(8_000, |remote| remote.clock_rate.max(1));
                let made = voice.report(now, clock, &copies.name, packet.buffer);
                let Some((length, ntp)) = made else { continue };
                packet.length = length;
                let protected = half.guard.as_mut().is_none_or(|g| g.protect(packet, Kind::Control).is_ok());
                if protected {
                    send(side, stream, component, to, packet.bytes());
                    // Its receiver report comes from the same side.
                    s.halves[side.other().index()].note_sender_report(now, ntp);
                }
            }
        }
        if let Some(packets) = lost {
            self.tell(Reply::Uncopied { session: self.id, packets });
        }
    }
}
