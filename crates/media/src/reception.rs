//! What is counted of a received RTP stream: sequence, loss, order, jitter, lateness.
//!
//! Pure arithmetic (RFC 3550 §A.1, §A.3, §A.8), no allocation, meant to cost tens of nanoseconds
//! a packet. Enter through [`Reception::hear`].

use crate::wire::RtpHead;
use base::Time;

/// A forward jump of the sequence beyond this is a restart, not loss (RFC 3550 §A.1).
pub(crate) const DROPOUT_MAX: u16 = 3000;
/// A packet older than this is a restart, not disorder (RFC 3550 §A.1).
const MISORDER_MAX: u16 = 100;
/// What a typical jitter buffer can wait, milliseconds; a packet later than the quickest recent one
/// by more would not have been played.
const LATE_AFTER_MS: i64 = 60;
/// A change of the transit time beyond this is a new timestamp origin, not jitter, milliseconds.
const LEAP_MS: i64 = 1000;

/// Sums since the stream began, over all synchronisation sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) out_of_order: u64,
    pub(crate) duplicates: u64,
    pub(crate) late: u64,
    /// Runs of missing packets.
    pub(crate) gaps: u64,
    pub(crate) ssrc_changes: u32,
    pub(crate) restarts: u32,
}

/// State of one received stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reception {
    started: bool,
    ssrc: u32,
    payload_type: u8,
    timestamp: u32,
    /// Extended sequence numbers of the current run.
    base: u64,
    highest: u64,
    /// Which of the 64 numbers up to `highest` came (bit 0 is `highest`).
    seen: u64,
    /// The number that proves a restart when it comes next.
    restart_at: Option<u16>,
    /// Packets expected in runs that are over.
    expected_before: u64,
    /// Arrival less timestamp, in timestamp units, modulo 2^32.
    transit: u32,
    transit_known: bool,
    /// Transit from which `quickest` counts.
    origin: u32,
    quickest: i32,
    quickest_before: i32,
    /// Times 16 (RFC 3550 §A.8).
    jitter16: u32,
    jitter16_max: u32,
    pub(crate) totals: Totals,
}

impl Reception {
    /// Takes note of a packet that came at `now`.
    #[inline]
    pub(crate) fn hear(&mut self, now: Time, head: &RtpHead, bytes: usize, clock_rate: u32) {
        self.totals.packets += 1;
        self.totals.bytes += bytes as u64;
        let fresh = if !self.started || head.ssrc != self.ssrc {
            self.begin(head);
            true
        } else {
            self.count_sequence(head.sequence)
        };
        if fresh {
            self.time(now, head, clock_rate);
        }
        self.payload_type = head.payload_type;
    }

    /// Source and last sequence number, once something was heard.
    pub(crate) fn heard(&self) -> Option<(u32, u16)> {
        self.started.then_some((self.ssrc, self.highest as u16))
    }

    /// Packets that should have come (RFC 3550 §A.3).
    pub(crate) fn expected(&self) -> u64 {
        self.expected_before + if self.started { self.highest - self.base + 1 } else { 0 }
    }

    /// Packets that came, each once.
    pub(crate) fn received(&self) -> u64 {
        self.totals.packets - self.totals.duplicates
    }

    /// Jitter and its maximum, milliseconds.
    pub(crate) fn jitter_ms(&self, clock_rate: u32) -> (f32, f32) {
        let per_ms = clock_rate.max(1) as f32 * 16.0 / 1000.0;
        (self.jitter16 as f32 / per_ms, self.jitter16_max as f32 / per_ms)
    }

    /// A span of rating is over: lateness is judged by the quickest packet of this and the last
    /// span, so that drifting clocks do not make every packet late.
    pub(crate) fn end_span(&mut self) {
        self.quickest_before = self.quickest;
        self.quickest = i32::MAX;
    }

    /// A first packet, or a new synchronisation source.
    #[cold]
    fn begin(&mut self, head: &RtpHead) {
        if self.started {
            self.totals.ssrc_changes += 1;
            self.expected_before = self.expected();
        }
        self.started = true;
        self.ssrc = head.ssrc;
        self.start_run(head.sequence);
    }

    fn start_run(&mut self, sequence: u16) {
        // One cycle up, so that packets from before the first one do not underflow.
        self.highest = 0x1_0000 + u64::from(sequence);
        self.base = self.highest;
        self.seen = 1;
        self.restart_at = None;
        self.transit_known = false;
        self.quickest = i32::MAX;
        self.quickest_before = i32::MAX;
    }

    /// Whether the packet is newer than all before (RFC 3550 §A.1 without probation).
    #[inline]
    fn count_sequence(&mut self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        match ahead {
            1 => {
                self.seen = self.seen << 1 | 1;
                self.highest += 1;
                true
            }
            2..DROPOUT_MAX => {
                self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
                self.highest += u64::from(ahead);
                self.totals.gaps += 1;
                true
            }
            _ => self.count_odd(sequence, ahead),
        }
    }

    /// Not ahead: a duplicate, a straggler, or a restart.
    #[cold]
    fn count_odd(&mut self, sequence: u16, ahead: u16) -> bool {
        let behind = ahead.wrapping_neg();
        if behind <= MISORDER_MAX {
            let bit = 1u64.checked_shl(u32::from(behind)).unwrap_or(0);
            if self.seen & bit != 0 {
                self.totals.duplicates += 1;
            } else {
                self.seen |= bit;
                self.totals.out_of_order += 1;
                self.base = self.base.min(self.highest - u64::from(behind));
            }
            return false;
        }
        if self.restart_at == Some(sequence) {
            self.expected_before = self.expected() + 1;
            self.totals.restarts += 1;
            self.start_run(sequence);
            return true;
        }
        self.restart_at = Some(sequence.wrapping_add(1));
        false
    }

    /// Jitter (RFC 3550 §A.8) and lateness. Packets of a telephone-event share a timestamp
    /// (RFC 4733 §2.5.1.2) and other payload types may have another clock: neither is jitter.
    #[inline]
    fn time(&mut self, now: Time, head: &RtpHead, clock_rate: u32) {
        let arrival = ((now.0 / 1000).wrapping_mul(u64::from(clock_rate)) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(head.timestamp);
        let change = transit.wrapping_sub(self.transit) as i32;
        let same_time = head.timestamp == self.timestamp;
        let leap = i64::from(change).abs() * 1000 > LEAP_MS * i64::from(clock_rate);
        let comparable = self.transit_known && head.payload_type == self.payload_type;
        if comparable && same_time {
            return;
        }
        self.timestamp = head.timestamp;
        self.transit = transit;
        if !comparable || leap {
            self.transit_known = true;
            self.origin = transit;
            self.quickest = 0;
            self.quickest_before = i32::MAX;
            return;
        }
        self.jitter16 = self.jitter16 + change.unsigned_abs() - ((self.jitter16 + 8) >> 4);
        self.jitter16_max = self.jitter16_max.max(self.jitter16);
        let relative = transit.wrapping_sub(self.origin) as i32;
        self.quickest = self.quickest.min(relative);
        let quickest = self.quickest.min(self.quickest_before);
        let later = i64::from(relative) - i64::from(quickest);
        if later * 1000 > LATE_AFTER_MS * i64::from(clock_rate) {
            self.totals.late += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(sequence: u16) -> RtpHead {
        RtpHead { payload_type: 0, sequence, timestamp: u32::from(sequence) * 160, ssrc: 1 }
    }

    fn hear(r: &mut Reception, ms: u64, sequence: u16) {
        r.hear(Time::from_millis(ms), &head(sequence), 172, 8000);
    }

    #[test]
    fn loss_order_and_duplicates_are_told_apart() {
        let mut r = Reception::default();
        for s in [10, 11, 13, 12, 12, 14, 17] {
            hear(&mut r, u64::from(s) * 20, s);
        }
        assert_eq!((r.expected(), r.received()), (8, 6));
        assert_eq!((r.totals.duplicates, r.totals.out_of_order, r.totals.gaps), (1, 1, 2));
    }

    #[test]
    fn the_sequence_wraps_without_loss() {
        let mut r = Reception::default();
        for n in 0..200_000u64 {
            let h = RtpHead {
                payload_type: 0,
                sequence: (65_000 + n) as u16,
                timestamp: (n * 160) as u32,
                ssrc: 1,
            };
            r.hear(Time::from_millis(n * 20), &h, 172, 8000);
        }
        assert_eq!((r.expected(), r.received()), (200_000, 200_000));
        assert_eq!(r.jitter_ms(8000).1, 0.0);
        assert_eq!(r.totals.late, 0);
    }

    #[test]
    fn a_restarted_sequence_is_not_loss() {
        let mut r = Reception::default();
        for s in [10, 11, 12, 40_000, 40_001, 40_002] {
            hear(&mut r, 20, s);
        }
        assert_eq!((r.expected(), r.received(), r.totals.restarts), (6, 6, 1));
    }

    #[test]
    fn a_new_source_is_not_loss() {
        let mut r = Reception::default();
        hear(&mut r, 0, 10);
        let other = RtpHead { ssrc: 2, ..head(500) };
        r.hear(Time::from_millis(20), &other, 172, 8000);
        assert_eq!((r.expected(), r.received(), r.totals.ssrc_changes), (2, 2, 1));
    }

    #[test]
    fn jitter_and_lateness_follow_arrival() {
        let mut r = Reception::default();
        for s in 0..400u16 {
            let delay = if s % 2 == 0 { 0 } else { 10 };
            hear(&mut r, u64::from(s) * 20 + delay, s);
        }
        let (jitter, _) = r.jitter_ms(8000);
        assert!((9.0..=10.5).contains(&jitter), "{jitter}");
        assert_eq!(r.totals.late, 0);
        hear(&mut r, 400 * 20 + 100, 400);
        assert_eq!(r.totals.late, 1);
    }

    #[test]
    fn telephone_events_are_no_jitter() {
        let mut r = Reception::default();
        for s in 0..50u16 {
            hear(&mut r, u64::from(s) * 20, s);
        }
        for s in 50..70u16 {
            let event = RtpHead { payload_type: 101, timestamp: 50 * 160, ..head(s) };
            r.hear(Time::from_millis(u64::from(s) * 20), &event, 16, 8000);
        }
        for s in 70..120u16 {
            hear(&mut r, u64::from(s) * 20, s);
        }
        assert_eq!(r.jitter_ms(8000), (0.0, 0.0));
    }
}
