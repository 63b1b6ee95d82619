//! How one side of a stream sounds, span by span, and what is reported of it.

use super::{Half, SpanStart};
use crate::one_way::{NotHeard, OneWay};
use crate::quality::{self, Span};
use crate::report::StreamReport;
use base::Time;

impl Half {
    /// The clock of a payload type, Hz: as the standard fixes it, else as the description does.
    pub(super) fn clock_of(&self, payload_type: u8) -> u32 {
        rtp::static_clock(payload_type).unwrap_or(self.said_clock)
    }

    /// What is heard counts by this payload type's clock.
    #[inline]
    pub(super) fn tell_clock(&mut self, payload_type: u8) {
        if payload_type != self.reception.payload_type() {
            self.clock_rate = self.clock_of(payload_type);
        }
    }

    /// Rates the running span when it is over, or in any case when `force` (at the end).
    pub(crate) fn rate(&mut self, now: Time, other_rtt_ms: Option<f32>, force: bool) {
        self.reception.on_tick(now);
        if now.since(self.span.at) < quality::SPAN && !force {
            return;
        }
        let r = &self.reception;
        let start = self.span;
        let (expected, received) = (r.expected(), r.received());
        let due = expected.saturating_sub(start.expected);
        let lost = due.saturating_sub(received.saturating_sub(start.received));
        let late = r.totals.late - start.late;
        let gaps = r.totals.gaps - start.gaps;
        self.span = SpanStart { at: now, expected, received, late: r.totals.late, gaps: r.totals.gaps };
        if due >= quality::RATED_MIN {
            let codec = self.remote.as_ref().map(|m| m.codec).unwrap_or_default();
            let span = Span {
                loss: ((lost + late) as f32 / due as f32).min(1.0),
                run: if gaps == 0 { 1.0 } else { lost as f32 / gaps as f32 }.max(1.0),
                delay_ms: self.delay_ms(other_rtt_ms),
            };
            let (rated, heard) =
                (quality::rating(codec, span), quality::rating(codec, Span { delay_ms: 0.0, ..span }));
            self.scores.add(quality::mos_x100(rated));
            // `as` saturates; a rating lies between 0 and 100.
            (self.scores.r_factor, self.scores.listening) = (rated.round() as u8, quality::mos_x100(heard));
        }
        self.reception.end_span();
    }

    /// Mouth to ear, as far as it can be known: half of both round trips, one packet, and a jitter
    /// buffer of twice the jitter between 20 and 60 ms.
    fn delay_ms(&self, other_rtt_ms: Option<f32>) -> f32 {
        let network = (self.rtt_ms.unwrap_or(0.0) + other_rtt_ms.unwrap_or(0.0)) / 2.0;
        let (jitter, _) = self.reception.jitter_ms(self.clock_rate);
        network + f32::from(self.packet_ms()) + (2.0 * jitter).clamp(20.0, 60.0)
    }

    pub(crate) fn rtt_ms(&self) -> Option<f32> {
        self.rtt_ms
    }

    /// Packets and bytes that have come.
    pub(crate) fn counted(&self) -> (u64, u64) {
        (self.reception.totals.packets, self.reception.totals.bytes)
    }

    /// How a packet began that has come since the last time, with its payload type.
    pub(crate) fn take_head(&mut self) -> Option<(u8, [u8; 2])> {
        self.reception.sound.take_head()
    }

    /// Sequence number and timestamp of the last packet.
    pub(crate) fn place(&self) -> Option<(u16, u32)> {
        self.reception.place()
    }

    /// How much sound a packet holds, as far as was said.
    pub(super) fn packet_ms(&self) -> u8 {
        self.remote.as_ref().map(|m| m.ptime_ms).filter(|&ms| ms > 0).unwrap_or(20)
    }

    /// It sends no packets while it says nothing, but for now and then one of comfort noise, as far as is known.
    pub(crate) fn suppresses_silence(&self) -> bool {
        self.reception.suppresses_silence()
    }

    /// That it is not heard, and of whom packets came instead.
    pub(crate) fn not_heard(&self, why: OneWay) -> NotHeard {
        let sources = self.one_way.foreign.zip(self.lock.peer());
        NotHeard { why, sources: sources.filter(|_| why == OneWay::ForeignSource) }
    }

    /// The last packets are judged too: nothing more will come.
    pub(crate) fn finish(&mut self) {
        self.reception.finish();
    }

    /// What is known at `now`; `opened` is when the session began.
    pub(crate) fn report(&self, now: Time, opened: Time) -> StreamReport {
        let r = &self.reception;
        let expected = r.expected();
        let lost = expected.saturating_sub(r.received());
        let (jitter_ms, jitter_max_ms) = r.jitter_ms(self.clock_rate);
        let sending = self.remote.as_ref().is_some_and(|m| m.receive);
        let tail = self.last_rtp.filter(|_| sending).map(|t| now.since(t.max(self.changed_at)));
        StreamReport {
            packets: r.totals.packets,
            fax_packets: r.totals.opaque.into(),
            bytes: r.totals.bytes,
            expected,
            lost,
            loss_fraction: if expected == 0 { 0.0 } else { lost as f32 / expected as f32 },
            out_of_order: r.reordered(),
            duplicates: r.duplicates(),
            late: r.totals.late,
            jitter_ms,
            jitter_max_ms,
            rtt_ms: self.rtt_ms,
            rtt_max_ms: self.rtt_max_ms,
            mos_min: self.scores.min,
            mos_avg: self.scores.mean(),
            mos_last: self.scores.last,
            dropped: self.drops,
            rtcp_packets: self.rtcp_packets,
            peer_loss_fraction: self.peer_loss_fraction,
            peer_lost: self.peer_lost,
            peer_voip: self.told.as_ref().and_then(|told| told.voip),
            peer_jitter_ms: self.peer_jitter.map(|j| j as f32 * 1000.0 / self.clock_rate as f32),
            first_packet_after: self.first_rtp.map(|t| t.since(opened)),
            last_packet_after: self.last_rtp.map(|t| t.since(opened)),
            silence_max: self.silence_max.max(tail.unwrap_or_default()),
            ssrc_changes: r.totals.ssrc_changes,
            source: self.lock.locked(),
            rebinds: self.rebinds,
            security: self.security(),
            ..self.sounded(now)
        }
    }

    /// The part of the report that is not counted packet by packet.
    fn sounded(&self, now: Time) -> StreamReport {
        let r = &self.reception;
        StreamReport {
            one_way: self.one_way.is_one_way(),
            one_way_why: self.one_way.cause(),
            one_way_for: self.one_way.total(now),
            foreign: self.one_way.cause().and_then(|why| self.not_heard(why).sources),
            bursts: r.bursts.report(),
            packet_ms: self.packet_ms(),
            payload_type: self.payload_type(),
            drift_ppm: r.drift.ppm(),
            noise_packets: r.sound.noise,
            silent: (r.sound.looked > 0).then(|| r.sound.silent as f32 / r.sound.looked as f32),
            ..StreamReport::default()
        }
    }
}
