//! Digits as packets of named events (RFC 4733 §2.5.1): one at the beginning with the marker, one every
//! packet time, the last three times; long ones in segments.
//!
//! It owns neither sequence numbers nor addresses: whoever sends puts the packets into a stream and says
//! which timestamp that stream has now. Enter through [`EventSender::queue`] and [`EventSender::poll`].

use super::listener::SEGMENT;
use super::queue::{EventQueue, Play};
use super::{EVENT_LENGTH, TelephoneEvent};

/// How often the end of an event is said (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;

/// One packet to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventPacket {
    /// The RTP marker: this is the first of an event (RFC 4733 §2.2.1).
    pub marker: bool,
    /// The RTP timestamp: the beginning of the event or of its segment.
    pub timestamp: u32,
    /// The payload.
    pub payload: [u8; EVENT_LENGTH],
}

/// An event on its way out.
#[derive(Clone, Copy, Debug)]
struct Sending {
    event: u8,
    volume: u8,
    /// Of the running segment.
    timestamp: u32,
    /// Units of the segments before.
    before: u32,
    /// What was said of the running segment last.
    duration: u16,
    since_ns: u64,
    next_ns: u64,
    marker: bool,
    /// Ends still to be said; `None` while it sounds.
    ends: Option<u8>,
    /// The whole length, once it is over, in units.
    length: u32,
}

/// See the module text.
#[derive(Clone, Debug)]
pub struct EventSender {
    queue: EventQueue,
    sending: Option<Sending>,
    clock: u32,
    packet_ns: u64,
}

impl EventSender {
    /// A sender for a payload type with this clock (Hz, at least 1), with a packet every `packet_ms`
    /// (at least 10).
    #[must_use]
    pub fn new(clock: u32, packet_ms: u8) -> EventSender {
        let packet_ns = u64::from(packet_ms.max(10)) * 1_000_000;
        EventSender { queue: EventQueue::default(), sending: None, clock: clock.max(1), packet_ns }
    }

    /// What is to be sent.
    pub fn queue(&mut self) -> &mut EventQueue {
        &mut self.queue
    }

    /// Whether an event sounds now; audio of the same moment is left out.
    #[must_use]
    pub fn is_sounding(&self) -> bool {
        self.queue.is_sounding()
    }

    /// Whether anything is to be sent now or later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.sending.is_some() || self.queue.is_busy()
    }

    /// When [`EventSender::poll`] has something.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let next = self.sending.map(|sending| sending.next_ns);
        let ending = self.sending.is_some_and(|sending| sending.ends.is_some());
        [next, self.queue.deadline().filter(|_| !ending)].into_iter().flatten().min()
    }

    /// The next packet that is due; call until `None`. `timestamp`: that of the stream at `now_ns`, in the
    /// clock of the events.
    pub fn poll(&mut self, now_ns: u64, timestamp: u32) -> Option<EventPacket> {
        // A new event begins only when the ends of the one before have been said.
        let ending = self.sending.filter(|sending| sending.ends.is_some());
        if ending.is_none() {
            match self.queue.step(now_ns) {
                Play::Begin { event, volume } => self.begin(now_ns, timestamp, event, volume),
                Play::End { length_ns } => self.finish(now_ns, length_ns),
                Play::Sound | Play::Rest => {}
            }
        }
        let sending = self.sending.as_mut().filter(|sending| sending.next_ns <= now_ns)?;
        let packet = sending.say(now_ns, self.clock, self.packet_ns);
        if sending.ends == Some(0) {
            self.sending = None;
        }
        Some(packet)
    }

    fn begin(&mut self, now_ns: u64, timestamp: u32, event: u8, volume: u8) {
        self.sending = Some(Sending {
            event,
            volume,
            timestamp,
            before: 0,
            duration: 0,
            since_ns: now_ns,
            next_ns: now_ns,
            marker: true,
            ends: None,
            length: 0,
        });
    }

    fn finish(&mut self, now_ns: u64, length_ns: u64) {
        let clock = self.clock;
        if let Some(sending) = &mut self.sending {
            sending.length = units(length_ns, clock);
            sending.ends = Some(ENDS);
            sending.next_ns = now_ns;
        }
    }
}

impl Sending {
    /// The packet that is due now; sets when the next is.
    fn say(&mut self, now_ns: u64, clock: u32, packet_ns: u64) -> EventPacket {
        // The first packet speaks of the packet time that it opens.
        let run = units(now_ns.saturating_sub(self.since_ns).saturating_add(packet_ns), clock);
        let whole = if self.ends.is_some() { self.length } else { run };
        let mut rest = whole.saturating_sub(self.before).max(1);
        let mut end = self.ends.is_some();
        let repeated = self.ends.is_some_and(|left| left < ENDS);
        if repeated {
            rest = u32::from(self.duration);
        } else if rest > SEGMENT {
            // A full segment is said once, without an end; what is left goes on at once.
            end = false;
            rest = SEGMENT;
        }
        // What was said is not taken back.
        self.duration = u16::try_from(rest).unwrap_or(u16::MAX).max(self.duration);
        let event = TelephoneEvent { event: self.event, end, volume: self.volume, duration: self.duration };
        let (marker, timestamp) = (std::mem::take(&mut self.marker), self.timestamp);
        if end {
            self.ends = self.ends.map(|left| left.saturating_sub(1));
        }
        if !end && u32::from(self.duration) == SEGMENT {
            self.before = self.before.saturating_add(SEGMENT);
            self.timestamp = self.timestamp.wrapping_add(SEGMENT);
            self.duration = 0;
        } else {
            self.next_ns = self.next_ns.saturating_add(packet_ns).max(now_ns.saturating_add(packet_ns / 2));
        }
        EventPacket { marker, timestamp, payload: event.to_bytes() }
    }
}

/// Time in units of a clock.
fn units(ns: u64, clock: u32) -> u32 {
    let units = u128::from(ns) * u128::from(clock) / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}
