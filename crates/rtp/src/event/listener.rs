//! Telling each named event once, whatever the network and the peer did to its packets (RFC 4733 §2.5.2).
//!
//! One listener hears the events of one peer's stream. What it tolerates beyond the RFC, because peers do
//! it: a timestamp that moves along with the duration, one timestamp for several events, a duration that
//! runs over instead of a new segment, a segment that is one unit off, a new SSRC in the middle of a key
//! press. It sends nothing and knows no codec. Enter through [`EventListener::hear`]; call
//! [`EventListener::on_time`] at [`EventListener::deadline`], for the end of an event may be lost.

use super::TelephoneEvent;
use crate::packet::Header;

/// How long the end of an event is waited for after its last packet: ten packets of 20 ms, so that a
/// burst of loss does not cut a held key.
pub const LOST_AFTER_NS: u64 = 200_000_000;
/// How long the packets of an event that is over are still known as such, and of one whose end never came: its
/// key may still be pressed. A recording that is played twice repeats the very same packets sooner than that of
/// the second, and later than that of the first.
const OVER_FOR_NS: u64 = 500_000_000;
const KNOWN_FOR_NS: u64 = 5_000_000_000;
/// Events remembered.
const KNOWN: usize = 8;
/// Events read from one packet (RFC 4733 §2.5.1.5).
const IN_ONE_PACKET: usize = 4;
/// A packet that is at most so many sequence numbers older than what was heard is late, not a new start.
const LATE_SPAN: u16 = 1_000;
/// The length of a full segment (RFC 4733 §2.5.1.3).
pub(super) const SEGMENT: u32 = 0xffff;
/// A duration beyond this that begins anew has run over.
const NEARLY_OVER: u16 = 0xe000;
/// How far a timestamp may move within an event that should have kept it, in units.
const MOVES_MAX: u32 = 0x2000;
/// Sequence numbers that may lie between two packets of such an event.
const MOVES_GAP: u16 = 8;

/// What is told of an event: each once, the beginning first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// It sounds from now on.
    Began {
        /// Its code.
        event: u8,
        /// Its level in dBm0 below zero.
        volume: u8,
    },
    /// It is over.
    Ended {
        /// Its code.
        event: u8,
        /// How long it was, in timestamp units, as far as it was heard.
        duration: u32,
    },
}

/// Figures for quality pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EventCounts {
    /// Events told.
    pub events: u64,
    /// Events whose end was never received.
    pub ends_lost: u64,
    /// Packets that came too late for an event of their own to be told.
    pub late: u64,
}

/// One event that was heard.
#[derive(Clone, Copy, Debug)]
struct Known {
    event: u8,
    ssrc: u32,
    /// Timestamp of the event, and of its segment that runs.
    timestamp: u32,
    segment: u32,
    /// Units of the segments before that one.
    before: u32,
    duration: u16,
    /// The newest packet's.
    sequence: u16,
    heard_ns: u64,
    ended: bool,
    /// Its timestamp moves, against the RFC.
    moves: bool,
}

/// One event as a packet says it.
#[derive(Clone, Copy)]
struct Said {
    now_ns: u64,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    event: TelephoneEvent,
}

/// What a packet is to an event that is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kin {
    None,
    /// An older or repeated packet of it.
    Old,
    /// Goes on.
    Next,
    /// Goes on in a further segment.
    Segment,
    /// Goes on, and the duration has run over.
    Overrun,
    /// Goes on under a timestamp that should not have moved.
    Moved,
    /// Goes on under another SSRC.
    Renamed,
}

impl Known {
    fn new(said: &Said) -> Known {
        Known {
            event: said.event.event,
            ssrc: said.ssrc,
            timestamp: said.timestamp,
            segment: said.timestamp,
            before: 0,
            duration: said.event.duration,
            sequence: said.sequence,
            heard_ns: said.now_ns,
            ended: false,
            moves: false,
        }
    }

    fn length(&self) -> u32 {
        self.before.saturating_add(u32::from(self.duration))
    }

    /// What a packet is to this event; `newest`: none has begun since.
    fn kin(&self, said: &Said, newest: bool) -> Kin {
        // Also of one whose end was waited for in vain: what follows late is no new event.
        let runs = newest && !self.ended;
        let known_for = if self.ended { OVER_FOR_NS } else { KNOWN_FOR_NS };
        if said.event.event != self.event || said.now_ns.saturating_sub(self.heard_ns) > known_for {
            return Kin::None;
        }
        if said.ssrc != self.ssrc {
            let goes_on = runs && !said.marker && said.event.duration > self.duration;
            return if goes_on { Kin::Renamed } else { Kin::None };
        }
        let newer = is_after(said.sequence, self.sequence);
        if said.timestamp.wrapping_sub(self.timestamp) <= self.segment.wrapping_sub(self.timestamp) {
            return if newer && said.timestamp == self.segment {
                self.kin_in_segment(said)
            } else {
                Kin::Old
            };
        }
        if !newer {
            return if self.moves { Kin::Old } else { Kin::None };
        }
        let step = said.timestamp.wrapping_sub(self.segment);
        if runs && (step == SEGMENT || step == SEGMENT + 1) {
            return Kin::Segment;
        }
        let longer = said.event.duration.checked_sub(self.duration);
        let lockstep = longer.is_some_and(|longer| longer > 0 && u32::from(longer) == step);
        let close = step <= MOVES_MAX && said.sequence.wrapping_sub(self.sequence) <= MOVES_GAP;
        let moved = (runs && lockstep) || (self.moves && longer.is_some());
        if moved && close && !said.marker { Kin::Moved } else { Kin::None }
    }

    /// What a newer packet with the timestamp of the running segment is: one of it, or the next event of a
    /// peer that uses one timestamp for several.
    fn kin_in_segment(&self, said: &Said) -> Kin {
        let shorter = said.event.duration < self.duration;
        match () {
            () if self.ended && (shorter || said.marker && !said.event.end) => Kin::None,
            () if !shorter => Kin::Next,
            () if self.duration >= NEARLY_OVER && !said.marker => Kin::Overrun,
            () => Kin::None,
        }
    }

    /// Takes what a packet adds.
    fn take(&mut self, said: &Said, kin: Kin) {
        match kin {
            Kin::Segment => {
                // What was lost of the segment before does not matter: its length is known.
                self.before = self.before.saturating_add(said.timestamp.wrapping_sub(self.segment));
                self.segment = said.timestamp;
                self.duration = said.event.duration;
            }
            Kin::Overrun => {
                self.before = self.before.saturating_add(SEGMENT + 1);
                self.duration = said.event.duration;
            }
            Kin::Moved => {
                self.segment = said.timestamp;
                self.moves = true;
            }
            Kin::Renamed => {
                self.ssrc = said.ssrc;
                (self.timestamp, self.segment) = (said.timestamp, said.timestamp);
            }
            Kin::Next | Kin::Old | Kin::None => {}
        }
        let same = kin != Kin::Old || said.timestamp == self.segment;
        if same {
            self.duration = self.duration.max(said.event.duration);
        }
        if kin != Kin::Old {
            self.sequence = said.sequence;
            self.heard_ns = said.now_ns;
        }
    }
}

/// See the module text.
#[derive(Clone, Debug, Default)]
pub struct EventListener {
    /// The newest first.
    known: [Option<Known>; KNOWN],
    /// The newest still sounds.
    runs: bool,
    counts: EventCounts,
}

impl EventListener {
    /// Takes a packet of the event payload type that came at `now_ns`.
    pub fn hear(&mut self, now_ns: u64, header: &Header, payload: &[u8], mut tell: impl FnMut(Heard)) {
        let mut timestamp = header.timestamp;
        for chunk in payload.as_chunks::<4>().0.iter().take(IN_ONE_PACKET) {
            let Ok(event) = TelephoneEvent::parse(chunk) else { return };
            let &Header { marker, sequence, ssrc, .. } = header;
            let first = timestamp == header.timestamp;
            // Zeros after an event are padding of a careless peer, not the digit 0.
            if !first && event.duration == 0 {
                return;
            }
            self.take(&Said { now_ns, marker, sequence, timestamp, ssrc, event }, &mut tell);
            // More events follow only one that is over and has a length (RFC 4733 §2.5.1.5).
            if !event.end || event.duration == 0 {
                return;
            }
            timestamp = timestamp.wrapping_add(u32::from(event.duration));
        }
    }

    fn take(&mut self, said: &Said, tell: &mut impl FnMut(Heard)) {
        let mut known = (0..).zip(self.known.iter().flatten());
        let kin = known.find_map(|(at, known)| {
            let kin = known.kin(said, at == 0);
            (kin != Kin::None).then_some((at, kin))
        });
        match kin {
            Some((at, kin)) => {
                if kin == Kin::Renamed {
                    self.keep_former_name();
                }
                let Some(Some(known)) = self.known.get_mut(at) else { return };
                known.take(said, kin);
                known.ended |= said.event.end;
                if said.event.end && at == 0 {
                    self.end(tell);
                }
            }
            None if self.is_late(said) => self.counts.late += 1,
            None => self.begin(said, tell),
        }
    }

    /// The newest event goes on under another SSRC; what still comes under the former is known as its.
    fn keep_former_name(&mut self) {
        if let Some(newest) = self.known[0] {
            self.known.rotate_right(1);
            self.known[0] = Some(newest);
            self.known[1] = Some(Known { ended: true, ..newest });
        }
    }

    /// Whether a packet of no known event is older than what was heard of its stream.
    fn is_late(&self, said: &Said) -> bool {
        let mut same = self.known.iter().flatten().filter(|known| known.ssrc == said.ssrc);
        same.next().is_some_and(|known| {
            let recent = said.now_ns.saturating_sub(known.heard_ns) <= OVER_FOR_NS;
            // Further events of one packet share its sequence number.
            let behind = known.sequence.wrapping_sub(said.sequence);
            recent && behind > 0 && behind <= LATE_SPAN
        })
    }

    fn begin(&mut self, said: &Said, tell: &mut impl FnMut(Heard)) {
        if self.runs {
            self.counts.ends_lost += 1;
            self.end(tell);
        }
        self.known.rotate_right(1);
        self.known[0] = Some(Known { ended: said.event.end, ..Known::new(said) });
        self.runs = true;
        self.counts.events += 1;
        tell(Heard::Began { event: said.event.event, volume: said.event.volume });
        if said.event.end {
            self.end(tell);
        }
    }

    /// The event that sounds is over.
    fn end(&mut self, tell: &mut impl FnMut(Heard)) {
        if let Some(known) = self.known[0].filter(|_| self.runs) {
            tell(Heard::Ended { event: known.event, duration: known.length() });
        }
        self.runs = false;
    }

    /// When [`EventListener::on_time`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.known[0].filter(|_| self.runs).map(|known| known.heard_ns.saturating_add(LOST_AFTER_NS))
    }

    /// Time goes on: an event of which nothing is heard any more is over. Its later packets are known.
    pub fn on_time(&mut self, now_ns: u64, mut tell: impl FnMut(Heard)) {
        if self.deadline().is_some_and(|due| due <= now_ns) {
            self.counts.ends_lost += 1;
            self.end(&mut tell);
        }
    }

    /// Whether an event sounds.
    #[must_use]
    pub fn is_sounding(&self) -> bool {
        self.runs
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> EventCounts {
        self.counts
    }
}

/// Whether a sequence number comes after another (RFC 3550 §A.1, half the circle).
fn is_after(sequence: u16, other: u16) -> bool {
    sequence != other && sequence.wrapping_sub(other) < 0x8000
}
