//! Extended reports of a half (RFC 3611): what its peer's have said, and what ours say to it.

use super::Half;
use crate::care::RoundTrip;
use crate::quality::mos_tenths;
use crate::reports::Extras;
use crate::wire::Extended;
use base::Time;
use bridge::{JITTER_MAX, Tally};
use rtp::ReportBlock;
use rtp::xr::{Concealment, GMIN, JitterBuffer, LastReceived, VoipMetrics, rate};

/// What a peer's extended reports have said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// Its last reference time: whose, the middle of it, and when it came.
    reference: Option<(u32, u32, Time)>,
    /// How it hears what it gets.
    pub(crate) voip: Option<VoipMetrics>,
}

impl Half {
    /// The peer has sent an extended report. `passed`: when the reference time went by that it answers.
    pub(crate) fn note_extended(&mut self, now: Time, extended: &Extended, passed: Option<Time>) {
        if let (Some(answer), Some(passed)) = (extended.answer, passed) {
            self.note_round_trip(now, passed, answer.dlrr);
        }
        if extended.reference.is_some() || extended.voip.is_some() {
            let told = self.told.get_or_insert_default();
            told.reference = extended.reference.map(|(ssrc, ntp)| (ssrc, ntp, now)).or(told.reference);
            told.voip = extended.voip.or(told.voip);
        }
    }

    /// When the peer's reference time passed that somebody answers.
    pub(crate) fn reference_passed(&self, middle: u32) -> Option<Time> {
        let (_, last, at) = self.told.as_ref()?.reference?;
        (last == middle).then_some(at)
    }

    /// What a report of ours to the peer says besides, as far as it wants to hear it. `block`: what it says of the
    /// peer's stream; `beyond_ms`: the round trip to the other peer, whose ear and mouth lie behind us; `buffer`: the
    /// jitter buffer that the stream goes through here, if any.
    pub(crate) fn extras(
        &self,
        now: Time,
        block: Option<&ReportBlock>,
        (beyond_ms, buffer): (Option<f32>, Option<Tally>),
    ) -> Extras {
        let Some(wanted) = self.remote.as_ref().map(|remote| remote.care.extended) else {
            return Extras::default();
        };
        let reference = self.told.as_ref().and_then(|told| told.reference);
        let received = reference.filter(|_| wanted.round_trip != RoundTrip::Off).map(|(ssrc, lrr, at)| {
            let held = u64::try_from(now.since(at).as_nanos()).unwrap_or(u64::MAX);
            LastReceived { ssrc, lrr, dlrr: rtp::ntp::short_from_nanos(held) }
        });
        let voip = block.filter(|_| wanted.voip_metrics).map(|block| {
            let voip = self.metrics(block.ssrc, beyond_ms);
            buffer.map_or(voip, |tally| with_buffer(voip, &tally))
        });
        Extras { voip, received, round_trip: wanted.round_trip }
    }

    /// How the peer's stream sounds, as far as it is measured here.
    fn metrics(&self, ssrc: u32, beyond_ms: Option<f32>) -> VoipMetrics {
        let r = &self.reception;
        let (expected, late) = (r.expected(), r.totals.late);
        let lost = expected.saturating_sub(r.received());
        let bursts = r.bursts.report();
        let long = |packets: f32| whole(Some(packets * f32::from(self.packet_ms())));
        let rated = self.scores.is_rated().then_some(&self.scores);
        VoipMetrics {
            ssrc,
            loss_rate: rate(lost, expected),
            discard_rate: rate(late, expected),
            burst_density: of_256(bursts.burst_density),
            gap_density: of_256(bursts.gap_density),
            burst_ms: long(bursts.burst_packets),
            gap_ms: long(bursts.gap_packets),
            gmin: GMIN,
            round_trip_ms: whole(self.rtt_ms),
            end_system_ms: whole(beyond_ms),
            r_factor: rated.map(|scores| scores.r_factor),
            mos_listening: rated.map(|scores| mos_tenths(scores.listening)),
            mos_conversing: rated.map(|scores| mos_tenths(scores.last)),
            ..VoipMetrics::default()
        }
    }
}

/// With what is known of the jitter buffer that the stream goes through here, which conceals losses as G.711 appendix I does
/// (RFC 3611 §4.7.6, §4.7.7).
fn with_buffer(voip: VoipMetrics, tally: &Tally) -> VoipMetrics {
    let ms = |ms: u32| u16::try_from(ms).unwrap_or(u16::MAX);
    let (nominal_ms, limit_ms) = (ms(tally.held_ms), ms(JITTER_MAX.as_millis() as u32));
    // Nothing that comes sooner than it has room for is thrown away: what it can hold now is what it can ever hold.
    let maximum_ms = limit_ms;
    let jitter_buffer = JitterBuffer { adaptive: Some(true), rate: 0, nominal_ms, maximum_ms, limit_ms };
    // The end system is this node and what lies behind it (RFC 3611 §4.7.3).
    let end_system_ms = voip.end_system_ms.saturating_add(nominal_ms);
    VoipMetrics { end_system_ms, concealment: Concealment::Standard, jitter_buffer, ..voip }
}

/// A part of a whole in 1/256, as far as eight bits hold it.
fn of_256(part: f32) -> u8 {
    (part * 256.0) as u8
}

/// Whole milliseconds, at most what 16 bits hold; 0 where none are known.
fn whole(ms: Option<f32>) -> u16 {
    // `as` saturates, which suits a measurement.
    ms.map_or(0, |ms| ms.round() as u16)
}
