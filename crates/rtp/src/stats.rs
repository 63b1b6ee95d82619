//! Counting a received stream: sequence and loss (RFC 3550 §A.1, §A.3), jitter (§A.8), order.
//!
//! One [`Reception`] per synchronisation source; feed it with [`Reception::hear`]. It trusts its
//! caller to have told the source genuine, so it counts from the first packet instead of holding
//! new sources on probation as §A.1 does for sources that anyone may claim.

use crate::rtcp::ReportBlock;

/// A forward jump of the sequence from here on is a restart, not loss (RFC 3550 §A.1).
pub const DROPOUT_MAX: u16 = 3_000;
/// A packet this late or later is a restart, not disorder (RFC 3550 §A.1).
pub const MISORDER_MAX: u16 = 100;
/// A change of transit time beyond this many seconds is a new timestamp origin, not jitter.
pub const TRANSIT_LEAP_SECONDS: u32 = 10;
/// How far back duplicates are recognised, in packets.
const WINDOW: u64 = 128;
const NANOS: u128 = 1_000_000_000;

/// What a packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// The first of the stream.
    First,
    /// The one expected next.
    InOrder,
    /// Ahead of the one expected; this many are missing between.
    AfterGap(u16),
    /// Later than others with higher numbers, and not heard before.
    Reordered,
    /// Heard before.
    Duplicate,
    /// Far from where the stream is; not counted unless the next one follows it.
    Stray,
    /// The second in a row at a new place: the sender began anew.
    Restarted,
}

/// Counters of one received source. All counts are over the source's whole life, restarts
/// included.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    started: bool,
    /// Extended sequence numbers of the current run.
    base: u64,
    highest: u64,
    /// Which of the [`WINDOW`] numbers up to `highest` were heard; bit 0 is `highest`.
    window: u128,
    /// The number that proves a restart when it comes next.
    restart_at: Option<u16>,
    /// Packets expected in runs that are over.
    expected_before: u64,
    received: u64,
    duplicates: u64,
    reordered: u64,
    strays: u64,
    restarts: u64,
    /// Expected and received at the last report (RFC 3550 §A.3).
    reported: (u64, u64),
    clock: u32,
    /// Arrival less timestamp in timestamp units, modulo 2^32; none before the first packet.
    transit: Option<u32>,
    timestamp: u32,
    /// Jitter in 1/16 timestamp units (RFC 3550 §A.8).
    jitter_16: u64,
    jitter_max: u32,
}

impl Reception {
    /// Takes note of a packet with this sequence number and timestamp, that arrived at
    /// `arrival_nanos` on any steady clock, in a payload of `clock` Hz (0 leaves jitter alone).
    pub fn hear(&mut self, sequence: u16, timestamp: u32, arrival_nanos: u64, clock: u32) -> Heard {
        let heard = self.count(sequence);
        match heard {
            Heard::Duplicate | Heard::Stray => return heard,
            Heard::First | Heard::Restarted => self.transit = None,
            _ => {}
        }
        self.received += 1;
        if clock != 0 {
            self.time(timestamp, arrival_nanos, clock);
        }
        heard
    }

    /// Sequence bookkeeping (RFC 3550 §A.1).
    fn count(&mut self, sequence: u16) -> Heard {
        if !self.started {
            self.begin(sequence);
            return Heard::First;
        }
        // Truncation to 16 bits is what is meant: numbers are compared modulo 2^16.
        let ahead = sequence.wrapping_sub(self.highest as u16);
        let behind = 0u16.wrapping_sub(ahead);
        if ahead == 0 {
            self.duplicates += 1;
            return Heard::Duplicate;
        }
        if ahead < DROPOUT_MAX {
            return self.advance(ahead);
        }
        if behind < MISORDER_MAX {
            return self.place_behind(behind);
        }
        if self.restart_at == Some(sequence) {
            self.expected_before = self.expected();
            self.restarts += 1;
            self.begin(sequence);
            // The stray before this one was the first of the new run after all.
            self.base -= 1;
            self.window = 0b11;
            self.strays -= 1;
            self.received += 1;
            return Heard::Restarted;
        }
        self.restart_at = Some(sequence.wrapping_add(1));
        self.strays += 1;
        Heard::Stray
    }

    fn begin(&mut self, sequence: u16) {
        self.started = true;
        // One cycle up, so that packets from before the first one have numbers too.
        self.base = (1 << 16) | u64::from(sequence);
        self.highest = self.base;
        self.window = 1;
        self.restart_at = None;
    }

    fn advance(&mut self, ahead: u16) -> Heard {
        self.highest += u64::from(ahead);
        self.window = self.window.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
        self.restart_at = None;
        match ahead - 1 {
            0 => Heard::InOrder,
            missing => Heard::AfterGap(missing),
        }
    }

    fn place_behind(&mut self, behind: u16) -> Heard {
        let bit = 1u128 << (u64::from(behind) % WINDOW);
        if self.window & bit != 0 {
            self.duplicates += 1;
            return Heard::Duplicate;
        }
        self.window |= bit;
        self.reordered += 1;
        // Older than the first one heard: the stream began there.
        self.base = self.base.min(self.highest - u64::from(behind));
        Heard::Reordered
    }

    /// Interarrival jitter (RFC 3550 §A.8).
    ///
    /// Packets that repeat the timestamp before them say nothing of pacing (events of RFC 4733,
    /// pieces of a picture) and are left out.
    fn time(&mut self, timestamp: u32, arrival_nanos: u64, clock: u32) {
        let arrival = (u128::from(arrival_nanos) * u128::from(clock) / NANOS) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        let before = if self.clock == clock { self.transit } else { None };
        if before.is_some() && timestamp == self.timestamp {
            return;
        }
        self.clock = clock;
        self.timestamp = timestamp;
        self.transit = Some(transit);
        let Some(before) = before else { return };
        let change = (transit.wrapping_sub(before) as i32).unsigned_abs();
        if u64::from(change) > u64::from(clock) * u64::from(TRANSIT_LEAP_SECONDS) {
            return;
        }
        self.jitter_16 = self.jitter_16 + u64::from(change) - ((self.jitter_16 + 8) >> 4);
        self.jitter_max = self.jitter_max.max(self.jitter());
    }

    /// Packets counted, duplicates and strays apart.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Packets that ought to have come by now.
    #[must_use]
    pub fn expected(&self) -> u64 {
        let run = if self.started { self.highest - self.base + 1 } else { 0 };
        self.expected_before + run
    }

    /// Packets that are missing; duplicates do not hide them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Packets heard more than once.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Packets that came after later ones.
    #[must_use]
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Packets far from where the stream is.
    #[must_use]
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// How often the sender began anew.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The extended highest sequence number; cycles count from 1. None before the first packet.
    #[must_use]
    pub fn highest_sequence(&self) -> Option<u64> {
        self.started.then_some(self.highest)
    }

    /// Jitter in timestamp units.
    #[must_use]
    pub fn jitter(&self) -> u32 {
        u32::try_from(self.jitter_16 >> 4).unwrap_or(u32::MAX)
    }

    /// The highest jitter so far, in timestamp units.
    #[must_use]
    pub fn jitter_max(&self) -> u32 {
        self.jitter_max
    }

    /// Jitter in nanoseconds; 0 before a clock rate is known.
    #[must_use]
    pub fn jitter_nanos(&self) -> u64 {
        match u128::from(self.clock) {
            0 => 0,
            clock => (u128::from(self.jitter()) * NANOS / clock) as u64,
        }
    }

    /// The report on this source since the last one (RFC 3550 §6.4.1, §A.3); begins a new
    /// interval.
    pub fn report(&mut self, ssrc: u32, lsr: u32, dlsr: u32) -> ReportBlock {
        let (expected, received) = (self.expected(), self.received);
        let interval = expected.saturating_sub(self.reported.0);
        let arrived = received.saturating_sub(self.reported.1);
        self.reported = (expected, received);
        let missing = interval.saturating_sub(arrived);
        // 255 of 256 is as much as the field can say.
        let fraction = (missing.min(interval) << 8).checked_div(interval).unwrap_or(0).min(255);
        let lost = i64::try_from(expected).unwrap_or(i64::MAX) - i64::try_from(received).unwrap_or(i64::MAX);
        ReportBlock {
            ssrc,
            fraction_lost: fraction as u8,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            // The first cycle counts as 0 on the wire.
            highest_sequence: self.highest.wrapping_sub(1 << 16) as u32,
            jitter: self.jitter(),
            lsr,
            dlsr,
        }
    }
}
