//! How one side's media sounded, as it is stored: a number for each entry of [`FIGURES`], none where nothing was measured.
//!
//! One table says what is kept: journal, SQLite, JSON and CSV follow from it. Figures may be added at its end; SQLite
//! then needs a step of its schema. Of several streams counts are sums and the rest is that of the worst.

use crate::journal::bytes::{Malformed, Put, Take};
use media::{StreamReport, Tally, VoipMetrics};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// A figure: its name, how many of its stored units make one that is shown, and where it comes from.
type Figure = (&'static str, f64, fn(&StreamReport) -> Option<f64>, Worst);

/// How figures of several streams become one.
#[derive(Clone, Copy)]
enum Worst {
    Sum,
    Highest,
    Lowest,
    First,
}

/// What is kept.
const FIGURES: [Figure; 35] = [
    ("late", 1.0, |s| heard(s, s.late), Worst::Sum),
    ("duplicates", 1.0, |s| heard(s, s.duplicates), Worst::Sum),
    ("out_of_order", 1.0, |s| heard(s, s.out_of_order), Worst::Sum),
    ("bursts", 1.0, |s| judged(s, s.bursts.bursts as f64), Worst::Sum),
    ("burst_density", 10_000.0, |s| in_bursts(s, s.bursts.burst_density), Worst::Highest),
    ("burst_ms", 1.0, |s| in_bursts(s, s.bursts.burst_packets * f32::from(s.packet_ms)), Worst::Highest),
    ("gap_density", 10_000.0, |s| judged(s, s.bursts.gap_density.into()), Worst::Highest),
    ("gap_ms", 1.0, |s| judged(s, (s.bursts.gap_packets * f32::from(s.packet_ms)).into()), Worst::Lowest),
    ("rtt_max_ms", 1_000.0, |s| s.rtt_max_ms.map(f64::from), Worst::Highest),
    ("peer_lost", 1.0, |s| s.peer_lost.map(f64::from), Worst::Sum),
    ("peer_loss", 10_000.0, |s| s.peer_loss_fraction.map(f64::from), Worst::Highest),
    ("peer_jitter_ms", 1_000.0, |s| s.peer_jitter_ms.map(f64::from), Worst::Highest),
    ("concealed_ms", 1.0, |s| s.bridged.map(|tally| tally.concealed_ms as f64), Worst::Sum),
    ("silent", 1_000.0, |s| s.silent.map(f64::from), Worst::Highest),
    ("noise_packets", 1.0, |s| heard(s, s.noise_packets), Worst::Sum),
    ("drift_ppm", 10.0, |s| s.drift_ppm.map(f64::from), Worst::First),
    ("one_way_ms", 1.0, |s| s.one_way_for.map(|time| time.as_millis() as f64), Worst::Highest),
    ("peer_mos", 10.0, |s| peer(s, |voip| tenths(voip.mos_conversing.or(voip.mos_listening))), Worst::Lowest),
    ("peer_r_factor", 1.0, |s| peer(s, |voip| voip.r_factor.map(f64::from)), Worst::Lowest),
    ("peer_loss_mean", 10_000.0, |s| peer(s, |voip| of_256(voip.loss_rate)), Worst::Highest),
    ("peer_discard", 10_000.0, |s| peer(s, |voip| of_256(voip.discard_rate)), Worst::Highest),
    ("peer_burst_density", 10_000.0, |s| peer(s, |voip| of_256(voip.burst_density)), Worst::Highest),
    ("peer_burst_ms", 1.0, |s| peer(s, |voip| Some(voip.burst_ms.into())), Worst::Highest),
    ("peer_gap_density", 10_000.0, |s| peer(s, |voip| of_256(voip.gap_density)), Worst::Highest),
    ("peer_gap_ms", 1.0, |s| peer(s, |voip| Some(voip.gap_ms.into())), Worst::Lowest),
    ("peer_rtt_ms", 1.0, |s| peer(s, |voip| taken(voip.round_trip_ms)), Worst::Highest),
    ("peer_end_system_ms", 1.0, |s| peer(s, |voip| taken(voip.end_system_ms)), Worst::Highest),
    ("peer_mos_listening", 10.0, |s| peer(s, |voip| tenths(voip.mos_listening)), Worst::Lowest),
    ("buffer_ms", 10.0, |s| s.bridged.and_then(|tally| tally.held_mean_ms()), Worst::Highest),
    ("buffer_max_ms", 1.0, |s| buffered(s, |tally| tally.held_max_ms.into()), Worst::Highest),
    ("buffer_late", 1.0, |s| buffered(s, |tally| tally.late as f64), Worst::Sum),
    ("buffer_early", 1.0, |s| buffered(s, |tally| tally.early as f64), Worst::Sum),
    ("buffer_changes", 1.0, |s| buffered(s, |tally| tally.adapted.into()), Worst::Sum),
    ("stretched_ms", 1.0, |s| buffered(s, |tally| tally.put_in_ms as f64), Worst::Sum),
    ("cut_ms", 1.0, |s| buffered(s, |tally| tally.left_out_ms as f64), Worst::Sum),
];

/// How many there are.
pub(crate) const FIELDS: usize = FIGURES.len();

/// How many of them SQLite has beside each other for each side; the columns of later ones follow those of both sides.
pub(crate) const FIRST: usize = 19;

/// Where those begin that were added next: their columns follow what was added to the table between.
pub(crate) const LATER: usize = 28;

fn heard(stream: &StreamReport, count: u64) -> Option<f64> {
    (stream.packets > 0).then_some(count as f64)
}

fn judged(stream: &StreamReport, figure: f64) -> Option<f64> {
    (stream.bursts.packets > 0).then_some(figure)
}

/// Of what the peer's last extended report said.
fn peer(stream: &StreamReport, figure: fn(&VoipMetrics) -> Option<f64>) -> Option<f64> {
    stream.peer_voip.as_ref().and_then(figure)
}

/// Of the jitter buffer, where its sound is decoded.
fn buffered(stream: &StreamReport, figure: fn(&Tally) -> f64) -> Option<f64> {
    stream.bridged.as_ref().filter(|tally| tally.heard_ms > 0).map(figure)
}

fn of_256(part: u8) -> Option<f64> {
    Some(f64::from(part) / 256.0)
}

fn tenths(score: Option<u8>) -> Option<f64> {
    score.map(|score| f64::from(score) / 10.0)
}

/// Milliseconds that were measured.
fn taken(ms: u16) -> Option<f64> {
    (ms > 0).then_some(ms.into())
}

fn in_bursts(stream: &StreamReport, figure: f32) -> Option<f64> {
    (stream.bursts.bursts > 0).then_some(figure.into())
}

/// See the module text. In JSON an object of what was measured: `{"late": 0, "bursts": 2, "burst_ms": 240}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityRow(pub(crate) [Option<i64>; FIELDS]);

impl Default for QualityRow {
    /// Nothing was measured.
    fn default() -> QualityRow {
        QualityRow([None; FIELDS])
    }
}

impl QualityRow {
    /// The figures of a side's streams.
    pub(crate) fn of(streams: &[StreamReport]) -> QualityRow {
        QualityRow(FIGURES.map(|(_, units, of, worst)| {
            let mut all = streams.iter().filter_map(of);
            let one = match worst {
                Worst::Sum => all.reduce(|a, b| a + b),
                Worst::Highest => all.reduce(f64::max),
                Worst::Lowest => all.reduce(f64::min),
                Worst::First => all.next(),
            };
            // `as` saturates and turns what is not a number into 0, which suits a measurement.
            one.map(|figure| (figure * units).round() as i64)
        }))
    }

    /// The names, in order.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        FIGURES.iter().map(|(name, ..)| *name)
    }

    /// What was measured, as it is shown.
    pub fn measured(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let all = FIGURES.iter().zip(self.0);
        all.filter_map(|((name, units, ..), stored)| Some((*name, stored? as f64 / units)))
    }

    /// One figure by its name (`burst_ms`), as it is shown.
    #[must_use]
    pub fn value(&self, wanted: &str) -> Option<f64> {
        self.measured().find(|(name, _)| *name == wanted).map(|(_, figure)| figure)
    }

    /// All places, as shown, empty where nothing was measured.
    pub(crate) fn shown(&self) -> impl Iterator<Item = Option<f64>> {
        FIGURES.iter().zip(self.0).map(|((_, units, ..), stored)| stored.map(|stored| stored as f64 / units))
    }

    pub(crate) fn put(&self, put: &mut Put<'_>) {
        put.number(FIELDS as u64);
        self.0.iter().for_each(|figure| put.near_option(figure.map(|f| f as u64), 0));
    }

    /// A newer program may have written more figures than are known here, an older one none.
    pub(crate) fn take(take: &mut Take<'_>) -> Result<QualityRow, Malformed> {
        let mut row = QualityRow::default();
        if take.0.is_empty() {
            return Ok(row);
        }
        for place in 0..take.number::<usize>()? {
            let figure = take.near_option(0)?.map(|figure| figure as i64);
            if let Some(known) = row.0.get_mut(place) {
                *known = figure;
            }
        }
        Ok(row)
    }
}

impl Serialize for QualityRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for ((name, units, ..), stored) in FIGURES.iter().zip(self.0) {
            match stored {
                None => {}
                Some(count) if *units == 1.0 => map.serialize_entry(name, &count)?,
                Some(stored) => map.serialize_entry(name, &(stored as f64 / units))?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for QualityRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = BTreeMap::<String, f64>::deserialize(deserializer)?;
        let stored = |name: &str, units: f64| found.get(name).map(|shown| (shown * units).round() as i64);
        Ok(QualityRow(FIGURES.map(|(name, units, ..)| stored(name, units))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use media::BurstReport;

    fn stream(lost: u64, drift: Option<f32>) -> StreamReport {
        let bursts = BurstReport {
            bursts: lost,
            packets: 100,
            burst_density: lost as f32 / 16.0,
            burst_packets: 12.0,
            gap_density: 0.0,
            gap_packets: 50.0,
        };
        StreamReport {
            packets: 100,
            late: 3,
            bursts,
            packet_ms: 20,
            drift_ppm: drift,
            ..StreamReport::default()
        }
    }

    #[test]
    fn counts_are_sums_and_the_rest_is_of_the_worst() {
        let row = QualityRow::of(&[stream(1, None), stream(4, Some(-12.34)), StreamReport::default()]);
        let of = |name| row.value(name);
        assert_eq!((of("late"), of("bursts"), of("burst_density")), (Some(6.0), Some(5.0), Some(0.25)));
        assert_eq!(
            (of("burst_ms"), of("gap_ms"), of("drift_ppm")),
            (Some(240.0), Some(1_000.0), Some(-12.3))
        );
        assert_eq!((of("concealed_ms"), of("silent"), of("rtt_max_ms")), (None, None, None));
        assert_eq!(QualityRow::of(&[StreamReport::default()]), QualityRow::default());
    }

    #[test]
    fn json_and_journal_give_back_what_they_took() {
        let row = QualityRow::of(&[stream(2, Some(-12.34))]);
        let text = serde_json::to_string(&row).unwrap();
        assert!(
            text.starts_with(r#"{"late":3,"duplicates":0,"#) && text.contains(r#""drift_ppm":-12.3"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<QualityRow>(&text).unwrap(), row);
        let mut bytes = Vec::new();
        row.put(&mut Put { out: &mut bytes, cut: 0 });
        assert_eq!(QualityRow::take(&mut Take(&bytes)).ok(), Some(row));
        assert_eq!(QualityRow::take(&mut Take(&[])).ok(), Some(QualityRow::default()));
        // A newer program knows a figure more.
        bytes[0] += 1;
        bytes.extend_from_slice(&[1, 2]);
        let mut take = Take(&bytes);
        assert_eq!(QualityRow::take(&mut take).ok(), Some(row));
        assert!(take.0.is_empty());
    }
}
