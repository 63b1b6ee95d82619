//! What is counted of one side's media: over all synchronisation sources that followed each other,
//! with runs of loss and lateness, which the quality estimate needs.
//!
//! Sequence and jitter of one source are counted by [`rtp::Reception`]; this adds what spans
//! sources. No allocation; meant to cost tens of nanoseconds a packet. Enter through
//! [`Reception::hear`].

use crate::reports::Voice;
use crate::sound::{COMFORT_NOISE, Sound};
use base::Time;
use rtp::{Bursts, Drift, Header, Heard, ReportBlock};

mod lent;

/// Bytes of a packet that are no payload (RFC 3550 §5.1): options are not negotiated.
const HEADER: u64 = 12;
/// What a typical jitter buffer can wait, milliseconds; a packet later than the quickest recent one by
/// more would not have been played.
const LATE_AFTER_MS: i64 = 60;
/// A change of the transit time beyond this is a new timestamp origin, milliseconds.
const LEAP_MS: i64 = 1000;

/// A pause of at least so many milliseconds is one between talkspurts, and of at most so many.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 200..=600_000;
/// Over such a pause the transit time changes by no more than this, milliseconds: the timestamp has gone on.
const STEADY_MS: u64 = 100;
/// Talkspurts behind pauses from which on a sender is known to suppress silence.
const SPURTS: u8 = 2;

/// Sums since the stream began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Totals {
    /// Packets, duplicates and all.
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) late: u64,
    /// Runs of missing packets.
    pub(crate) gaps: u64,
    pub(crate) ssrc_changes: u32,
    /// Of the packets those that are not RTP.
    pub(crate) opaque: u32,
}

/// What sources counted that have been replaced.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    expected: u64,
    received: u64,
    duplicates: u64,
    reordered: u64,
    jitter_max: u32,
}

/// State of one received stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reception {
    source: rtp::Reception,
    ssrc: u32,
    payload_type: u8,
    timestamp: u32,
    transit: Transit,
    pub(crate) totals: Totals,
    past: Past,
    /// Packets and bytes of all before the present source.
    before: (u64, u64),
    /// Spans of rating that have ended.
    spans: u32,
    /// Talkspurts that began after a pause.
    spurts: u8,
    pub(crate) bursts: Bursts,
    pub(crate) drift: Drift,
    pub(crate) sound: Sound,
}

impl Reception {
    /// The payload type of the last packet.
    pub(crate) fn payload_type(&self) -> u8 {
        self.payload_type
    }

    /// Takes note of a packet that came at `now`.
    #[inline]
    pub(crate) fn hear(&mut self, now: Time, header: &Header, packet: &[u8], clock: u32) {
        if header.ssrc != self.ssrc && self.totals.packets > 0 {
            self.replace();
        }
        self.ssrc = header.ssrc;
        // Another payload type may have another clock, and packets of one telephone-event repeat
        // their timestamp (RFC 4733 §2.5.1.2): neither says anything of pacing.
        let pacing = header.payload_type == self.payload_type && header.timestamp != self.timestamp;
        let advance = header.timestamp.wrapping_sub(self.timestamp);
        self.payload_type = header.payload_type;
        self.timestamp = header.timestamp;
        self.totals.packets += 1;
        self.totals.bytes += packet.len() as u64;
        self.sound.hear(header, packet);
        let paced = if pacing { clock } else { 0 };
        let heard = self.source.hear(header.sequence, header.timestamp, now.0, paced);
        match heard {
            Heard::InOrder => {}
            Heard::AfterGap(_) => self.totals.gaps += 1,
            Heard::First | Heard::Restarted => {
                self.transit = Transit::default();
                self.drift.restart();
            }
            Heard::Reordered | Heard::Duplicate | Heard::Stray => return,
        }
        if pacing && clock > 0 {
            self.drift.hear(now.0, header.timestamp, clock);
            let before = self.transit.origin;
            self.totals.late += u64::from(self.transit.is_late(now, header.timestamp, clock));
            if u64::from(advance) * 1_000 >= PAUSE_MS.start() * u64::from(clock) && heard == Heard::InOrder {
                self.note_spurt(before, advance, clock);
            }
        }
    }

    /// Takes note of a packet that is not RTP.
    pub(crate) fn hear_opaque(&mut self, bytes: usize) {
        self.totals.packets += 1;
        self.totals.opaque = self.totals.opaque.saturating_add(1);
        self.totals.bytes += bytes as u64;
    }

    /// The next packet is of a new synchronisation source.
    #[cold]
    fn replace(&mut self) {
        let old = std::mem::take(&mut self.source);
        self.before = (self.totals.packets, self.totals.bytes);
        self.bursts.finish(&old);
        self.drift.restart();
        self.past.expected += old.expected();
        self.past.received += old.received();
        self.past.duplicates += old.duplicates();
        self.past.reordered += old.reordered();
        self.past.jitter_max = self.past.jitter_max.max(old.jitter_max());
        self.totals.ssrc_changes += 1;
        self.transit = Transit::default();
    }

    /// Source and last sequence number, once something was heard.
    pub(crate) fn heard(&self) -> Option<(u32, u16)> {
        // The lower 16 bits are the number on the wire.
        self.source.highest_sequence().map(|highest| (self.ssrc, highest as u16))
    }

    /// The highest sequence number, and the timestamp of the packet that came last, which is of that number unless it came out
    /// of order.
    pub(crate) fn place(&self) -> Option<(u16, u32)> {
        self.heard().map(|(_, sequence)| (sequence, self.timestamp))
    }

    /// How the present source came since the last report about it; none before the first packet.
    pub(crate) fn block(&mut self, lsr: u32, dlsr: u32) -> Option<ReportBlock> {
        self.heard()?;
        Some(self.source.report(self.ssrc, lsr, dlsr))
    }

    /// The present source as one who hears it, `ticks` of its clock after its last packet.
    pub(crate) fn spoken(&self, ticks: u32) -> Option<Voice> {
        let (ssrc, _) = self.heard()?;
        let packets = self.totals.packets - self.before.0;
        let octets = (self.totals.bytes - self.before.1).saturating_sub(packets * HEADER);
        let timestamp = self.timestamp.wrapping_add(ticks);
        Some(Voice { ssrc, timestamp, packets: packets as u32, octets: octets as u32 })
    }

    /// Packets that should have come (RFC 3550 §A.3).
    pub(crate) fn expected(&self) -> u64 {
        self.past.expected + self.source.expected()
    }

    /// Packets that came, each once.
    pub(crate) fn received(&self) -> u64 {
        self.past.received + self.source.received()
    }

    pub(crate) fn duplicates(&self) -> u64 {
        self.past.duplicates + self.source.duplicates()
    }

    pub(crate) fn reordered(&self) -> u64 {
        self.past.reordered + self.source.reordered()
    }

    /// Jitter and its maximum, milliseconds.
    pub(crate) fn jitter_ms(&self, clock: u32) -> (f32, f32) {
        let per_ms = clock.max(1) as f32 / 1000.0;
        let max = self.source.jitter_max().max(self.past.jitter_max);
        (self.source.jitter() as f32 / per_ms, max as f32 / per_ms)
    }

    /// A talkspurt seems to begin (RFC 3551 §4.1): nothing was lost, and the timestamp has gone on over a pause. It counts when
    /// the packet came in its time, so that the pause was the sender's. The marker, which should be set, says no more: some
    /// set it always, some never, and another engine does not tell it.
    #[cold]
    fn note_spurt(&mut self, before: Option<(u32, u32)>, advance: u32, clock: u32) {
        let ms = |ticks: u32| u64::from(ticks) * 1_000 / u64::from(clock.max(1));
        let (Some((_, before)), Some((_, after))) = (before, self.transit.origin) else { return };
        let change = (after.wrapping_sub(before) as i32).unsigned_abs();
        if PAUSE_MS.contains(&ms(advance)) && ms(change) <= STEADY_MS {
            self.spurts = self.spurts.saturating_add(1);
        }
    }

    /// It sends nothing while it says nothing: so it said with its last packet, comfort noise (RFC 3389) or the
    /// frame of G.729 annex B that stands for it; or so its talkspurts have shown.
    pub(crate) fn suppresses_silence(&self) -> bool {
        self.payload_type == COMFORT_NOISE || self.sound.pausing || self.spurts >= SPURTS
    }

    /// What is done a few times a second instead of per packet.
    pub(crate) fn on_tick(&mut self, now: Time) {
        self.bursts.follow(&self.source);
        self.drift.end_window(now.0);
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self) {
        self.bursts.finish(&self.source);
    }

    /// A span of rating is over: lateness is judged by the quickest packet of this and the last span, so
    /// that drifting clocks do not make every packet late.
    pub(crate) fn end_span(&mut self) {
        self.transit.end_span();
        self.spans = self.spans.wrapping_add(1);
    }
}

/// How long packets are on their way, relative to each other.
#[derive(Clone, Copy, Debug)]
struct Transit {
    /// Arrival less timestamp of the first packet and of the last, modulo 2^32; `None` before one.
    origin: Option<(u32, u32)>,
    quickest: i32,
    quickest_before: i32,
}

impl Default for Transit {
    fn default() -> Transit {
        Transit { origin: None, quickest: i32::MAX, quickest_before: i32::MAX }
    }
}

impl Transit {
    fn end_span(&mut self) {
        self.quickest_before = self.quickest;
        self.quickest = i32::MAX;
    }

    /// Whether a packet came too late to be played.
    #[inline]
    fn is_late(&mut self, now: Time, timestamp: u32, clock: u32) -> bool {
        // Modulo 2^32, as timestamps are.
        let arrival = ((now.0 / 1000).wrapping_mul(u64::from(clock)) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        let beyond = |units: i64, ms: i64| units * 1000 > ms * i64::from(clock);
        let Some((origin, last)) = self.origin else {
            *self = Transit { origin: Some((transit, transit)), quickest: 0, ..Transit::default() };
            return false;
        };
        let change = transit.wrapping_sub(last) as i32;
        if beyond(i64::from(change).abs(), LEAP_MS) {
            *self = Transit { origin: Some((transit, transit)), quickest: 0, ..Transit::default() };
            return false;
        }
        self.origin = Some((origin, transit));
        let relative = transit.wrapping_sub(origin) as i32;
        self.quickest = self.quickest.min(relative);
        let quickest = self.quickest.min(self.quickest_before);
        beyond(i64::from(relative) - i64::from(quickest), LATE_AFTER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16) -> Header {
        let timestamp = u32::from(sequence) * 160;
        Header { payload_type: 0, marker: false, sequence, timestamp, ssrc: 1 }
    }

    fn hear(r: &mut Reception, ms: u64, sequence: u16) {
        r.hear(Time::from_millis(ms), &header(sequence), &[0x80; 172], 8000);
    }

    #[test]
    fn loss_order_and_duplicates_are_told_apart() {
        let mut r = Reception::default();
        for s in [10, 11, 13, 12, 12, 14, 17] {
            hear(&mut r, u64::from(s) * 20, s);
        }
        assert_eq!((r.expected(), r.received()), (8, 6));
        assert_eq!((r.duplicates(), r.reordered(), r.totals.gaps), (1, 1, 2));
    }

    #[test]
    fn a_new_source_is_not_loss_and_old_sums_stay() {
        let mut r = Reception::default();
        for s in [10, 11, 11, 13] {
            hear(&mut r, u64::from(s) * 20, s);
        }
        let other = Header { ssrc: 2, ..header(500) };
        r.hear(Time::from_millis(300), &other, &[0x80; 172], 8000);
        assert_eq!((r.expected(), r.received(), r.duplicates()), (5, 4, 1));
        assert_eq!((r.totals.packets, r.totals.ssrc_changes), (5, 1));
        assert_eq!(r.heard(), Some((2, 500)));
    }

    #[test]
    fn lateness_follows_the_quickest_packet() {
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
    fn drifting_clocks_make_nothing_late() {
        let mut r = Reception::default();
        for s in 0..30_000u64 {
            // The sender's clock is 200 ppm slow: after ten minutes packets are 120 ms behind.
            let header = Header { sequence: s as u16, timestamp: (s * 160) as u32, ..header(0) };
            r.hear(Time(s * 20_004_000), &header, &[0x80; 172], 8000);
            if s % 10 == 9 {
                r.on_tick(Time(s * 20_004_000));
            }
            if s % 250 == 249 {
                r.end_span();
            }
        }
        assert_eq!((r.totals.late, r.expected(), r.received()), (0, 30_000, 30_000));
        let drift = r.drift.ppm().unwrap_or_default();
        assert!((drift + 200.0).abs() < 1.0, "{drift}");
    }

    #[test]
    fn telephone_events_are_no_jitter() {
        let mut r = Reception::default();
        for s in 0..50u16 {
            hear(&mut r, u64::from(s) * 20, s);
        }
        for s in 50..70u16 {
            let event = Header { payload_type: 101, timestamp: 50 * 160, ..header(s) };
            r.hear(Time::from_millis(u64::from(s) * 20), &event, &[0x80; 16], 8000);
        }
        for s in 70..120u16 {
            hear(&mut r, u64::from(s) * 20, s);
        }
        assert_eq!((r.jitter_ms(8000), r.totals.late), ((0.0, 0.0), 0));
    }
}
