//! How calls sounded that have ended: bursts of loss, what was made up, silence, clocks, and sides that were not heard.

use super::page::{Histogram, Page};
use super::tally::{MOS, Table, count};
use store::DirectionRow;

const SIDES: [&str; 2] = ["caller", "callee"];
/// Parts, not parts in a million: 1 ppm to 500 ppm.
const DRIFT: &[f64] = &[0.000_001, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5];
/// Parts of the packets.
const LOSS: &[f64] = &[0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const BURST_S: &[f64] = &[0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12];
/// A side of which so much of the sound was silent has said nothing.
const SILENT: f64 = 0.98;

/// See the module text.
pub(super) struct SoundTally {
    bursts: [u64; 2],
    late: [u64; 2],
    noise: [u64; 2],
    concealed_ms: [u64; 2],
    silent: [u64; 2],
    /// from, cause.
    one_way: Table<2>,
    burst: Histogram,
    drift: Histogram,
    peer_mos: Histogram,
    peer_loss: Histogram,
}

impl Default for SoundTally {
    fn default() -> SoundTally {
        SoundTally {
            bursts: [0; 2],
            late: [0; 2],
            noise: [0; 2],
            concealed_ms: [0; 2],
            silent: [0; 2],
            one_way: Table::new(),
            burst: Histogram::new(BURST_S),
            drift: Histogram::new(DRIFT),
            peer_mos: Histogram::new(MOS),
            peer_loss: Histogram::new(LOSS),
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
        if let Some(ms) = figure("burst_ms") {
            self.burst.add(ms / 1_000.0);
        }
        if let Some(ppm) = figure("drift_ppm") {
            self.drift.add(ppm.abs() / 1e6);
        }
        for (told, figure) in
            [(&mut self.peer_mos, figure("peer_mos")), (&mut self.peer_loss, figure("peer_loss_mean"))]
        {
            figure.into_iter().for_each(|figure| told.add(figure));
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
        let help = "Calls in which a side sent nothing but silence.";
        by_side("tronco_silent_directions_total", help, whole(self.silent));
        let name = "tronco_one_way_directions_total";
        page.family(name, "counter", "Sides that were not heard while the other was, by cause.");
        for ([from, cause], count) in &self.one_way {
            page.sample(name, &[("from", from), ("cause", cause)], *count);
        }
        let help = "Mean length of bursts of loss, by direction.";
        page.histogram("tronco_rtp_loss_burst_seconds", help, &self.burst);
        let help = "How far the senders' clocks are off ours, either way.";
        page.histogram("tronco_rtp_clock_drift_ratio", help, &self.drift);
        let help = "MOS that peers report of what they hear (RFC 3611), by direction.";
        page.histogram("tronco_peer_mos", help, &self.peer_mos);
        let help = "Loss that peers report of what they get (RFC 3611), by direction.";
        page.histogram("tronco_peer_loss_ratio", help, &self.peer_loss);
    }
}
