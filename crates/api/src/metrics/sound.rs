//! How calls sounded that have ended: bursts of loss, what was made up, silence, clocks, and sides that were not heard.

use super::page::{Histogram, Page, SIDES};
use super::tally::{JITTER_S, MOS, ROUND_TRIP_S, Table, by_side, count};
use store::DirectionRow;

/// Parts, not parts in a million: 1 ppm to 500 ppm.
const DRIFT: &[f64] = &[0.000_001, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5];
/// Parts of the packets.
const LOSS: &[f64] = &[0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const R: &[f64] = &[20.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 85.0, 90.0, 93.0];
const BURST_S: &[f64] = &[0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12];
const BUFFER_S: &[f64] = &[0.0, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2];
/// A side of which so much of the sound was silent has said nothing.
const SILENT: f64 = 0.98;

/// A histogram: its name, what it tells, the figure of the record that it is of, how many of its units make one, bounds.
type Spread = (&'static str, &'static str, &'static str, f64, &'static [f64]);

const SPREADS: [Spread; 11] = [
    (
        "tronco_rtp_loss_burst_seconds",
        "Mean length of bursts of loss, by direction.",
        "burst_ms",
        1e3,
        BURST_S,
    ),
    (
        "tronco_rtp_clock_drift_ratio",
        "How far the senders' clocks are off ours, either way.",
        "drift_ppm",
        1e6,
        DRIFT,
    ),
    (
        "tronco_rtp_buffer_seconds",
        "Longest time that sound was held in the jitter buffers of transcoding, by direction.",
        "buffer_max_ms",
        1e3,
        BUFFER_S,
    ),
    ("tronco_peer_mos", "MOS that peers report of what they hear (RFC 3611).", "peer_mos", 1.0, MOS),
    ("tronco_peer_r_factor", "R factors that peers report (RFC 3611).", "peer_r_factor", 1.0, R),
    (
        "tronco_peer_loss_ratio",
        "Loss that peers report of what they get (RFC 3611).",
        "peer_loss_mean",
        1.0,
        LOSS,
    ),
    (
        "tronco_peer_discard_ratio",
        "What the jitter buffers of peers have thrown away (RFC 3611).",
        "peer_discard",
        1.0,
        LOSS,
    ),
    (
        "tronco_peer_burst_seconds",
        "Mean length of bursts that peers report (RFC 3611).",
        "peer_burst_ms",
        1e3,
        BURST_S,
    ),
    (
        "tronco_peer_round_trip_seconds",
        "Round trips that peers report (RFC 3611).",
        "peer_rtt_ms",
        1e3,
        ROUND_TRIP_S,
    ),
    (
        "tronco_peer_end_system_seconds",
        "Delay within peers, as they report it (RFC 3611).",
        "peer_end_system_ms",
        1e3,
        ROUND_TRIP_S,
    ),
    (
        "tronco_peer_jitter_seconds",
        "Jitter that peers report of what they get (RFC 3550).",
        "peer_jitter_ms",
        1e3,
        JITTER_S,
    ),
];

/// What jitter buffers did: the name of a counter, what it tells, the figure of the record that it sums up, and how many of
/// that make one.
const BUFFERS: [(&str, &str, &str, f64); 5] = [
    (
        "tronco_rtp_buffer_late_total",
        "Packets too late for a jitter buffer here, or repeated.",
        "buffer_late",
        1.0,
    ),
    (
        "tronco_rtp_buffer_early_total",
        "Packets that left a full jitter buffer before their time.",
        "buffer_early",
        1.0,
    ),
    (
        "tronco_rtp_buffer_changes_total",
        "Times that a jitter buffer here grew or shrank.",
        "buffer_changes",
        1.0,
    ),
    (
        "tronco_rtp_stretched_seconds_total",
        "Sound put in because nothing had come by its time.",
        "stretched_ms",
        1e3,
    ),
    (
        "tronco_rtp_cut_seconds_total",
        "Sound left out because it was held longer than it had to.",
        "cut_ms",
        1e3,
    ),
];

/// See the module text.
pub(super) struct SoundTally {
    bursts: [u64; 2],
    late: [u64; 2],
    noise: [u64; 2],
    concealed_ms: [u64; 2],
    silent: [u64; 2],
    buffers: [[u64; 2]; BUFFERS.len()],
    /// from, cause.
    one_way: Table<2>,
    spreads: [[Histogram; 2]; SPREADS.len()],
}

impl Default for SoundTally {
    fn default() -> SoundTally {
        SoundTally {
            bursts: [0; 2],
            late: [0; 2],
            noise: [0; 2],
            concealed_ms: [0; 2],
            silent: [0; 2],
            buffers: [[0; 2]; BUFFERS.len()],
            one_way: Table::new(),
            spreads: SPREADS.map(|(.., bounds)| by_side(bounds)),
        }
    }
}

impl SoundTally {
    /// What one side of a call sent.
    pub(super) fn add(&mut self, side: usize, row: &DirectionRow<'_>) {
        let figure = |name| row.quality.value(name);
        let counted = [
            (&mut self.bursts, figure("bursts")),
            (&mut self.late, figure("late")),
            (&mut self.noise, figure("noise_packets")),
            (&mut self.concealed_ms, figure("concealed_ms")),
            (&mut self.silent, figure("silent").map(|part| f64::from(u8::from(part >= SILENT)))),
        ];
        for (sums, figure) in counted {
            if let (Some(sum), Some(figure)) = (sums.get_mut(side), figure) {
                // `as` saturates; counts are not negative.
                *sum += figure as u64;
            }
        }
        for ((_, _, name, _), sums) in BUFFERS.iter().zip(&mut self.buffers) {
            if let (Some(sum), Some(figure)) = (sums.get_mut(side), figure(name)) {
                *sum += figure as u64;
            }
        }
        for ((_, _, name, units, _), spread) in SPREADS.iter().zip(&mut self.spreads) {
            if let (Some(spread), Some(figure)) = (spread.get_mut(side), figure(name)) {
                spread.add(figure.abs() / units);
            }
        }
        if let Some(from) = SIDES.get(side).filter(|_| !row.one_way_why.is_empty()) {
            count(&mut self.one_way, [from, &row.one_way_why]);
        }
    }

    /// The families.
    pub(super) fn print(&self, page: &mut Page) {
        let mut by_side = |name: &str, help: &str, sums: [f64; 2]| {
            page.family(name, "counter", help);
            for (side, sum) in SIDES.iter().zip(sums) {
                page.sample(name, &[("from", side)], sum);
            }
        };
        let whole = |sums: [u64; 2]| sums.map(|sum| sum as f64);
        by_side(
            "tronco_rtp_loss_bursts_total",
            "Bursts of loss (RFC 3611) in ended calls.",
            whole(self.bursts),
        );
        by_side("tronco_rtp_packets_late_total", "Packets too late for a buffer of 60 ms.", whole(self.late));
        by_side("tronco_rtp_noise_packets_total", "Packets of comfort noise (RFC 3389).", whole(self.noise));
        let concealed = self.concealed_ms.map(|ms| ms as f64 / 1_000.0);
        by_side("tronco_rtp_concealed_seconds_total", "Sound made up here for lost packets.", concealed);
        for ((name, help, _, units), sums) in BUFFERS.iter().zip(&self.buffers) {
            by_side(name, help, sums.map(|sum| sum as f64 / units));
        }
        let help = "Calls in which a side sent nothing but silence.";
        by_side("tronco_silent_directions_total", help, whole(self.silent));
        let name = "tronco_one_way_directions_total";
        page.family(name, "counter", "Sides that were not heard while the other was, by cause.");
        for ([from, cause], count) in &self.one_way {
            page.sample(name, &[("from", from), ("cause", cause)], *count);
        }
        for ((name, help, ..), spread) in SPREADS.iter().zip(&self.spreads) {
            page.by_side(name, help, spread);
        }
    }
}
