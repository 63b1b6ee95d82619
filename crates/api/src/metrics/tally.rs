//! Sums over the records of ended calls, carried forward from one scrape to the next.
//!
//! Nothing is read before the first scrape, so that a node that nobody watches pays nothing. Each table
//! has at most [`SERIES_MAX`] rows; what would be one more is counted under `other`. Enter through
//! [`Tally::advance`].

use super::page::Histogram;
use super::sound::SoundTally;
use std::collections::BTreeMap;
use store::{DirectionRow, LIMIT_MAX, Query, Store, StoredCall};

/// Pages of records read in one scrape, at most: limit `metric_pages`. The rest is read by the next.
const PAGES_MAX: usize = 20;
/// Records of a page.
const PAGE: usize = 5_000;
const _: () = assert!(PAGE <= LIMIT_MAX);
/// Rows of one table: limit `metric_rows`.
const SERIES_MAX: usize = 2_000;

const SETUP_S: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 20.0, 30.0, 60.0, 120.0];
const DURATION_S: &[f64] = &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0];
pub(super) const JITTER_S: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2];
pub(super) const ROUND_TRIP_S: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0];
pub(super) const MOS: &[f64] = &[1.5, 2.0, 2.5, 3.0, 3.25, 3.5, 3.75, 4.0, 4.1, 4.2, 4.3, 4.4];

/// A table: label values to a count.
pub(super) type Table<const N: usize> = BTreeMap<[String; N], u64>;

/// What records told so far.
pub(crate) struct Tally {
    /// The last record counted; `None` before the first scrape.
    last: Option<i64>,
    /// Why the records could not be read, the last time.
    pub(super) failed: bool,
    /// Whether more records wait than one scrape reads.
    pub(super) behind: bool,
    /// trunk, direction, code, origin, class.
    pub(super) ended: Table<5>,
    /// reason.
    pub(super) rejected: Table<1>,
    /// from, to, reason.
    pub(super) failovers: Table<3>,
    /// route.
    pub(super) routes: Table<1>,
    pub(super) post_dial_delay: Histogram,
    pub(super) setup: Histogram,
    pub(super) duration: Histogram,
    pub(super) jitter: [Histogram; 2],
    pub(super) round_trip: [Histogram; 2],
    pub(super) mos: [Histogram; 2],
    /// By the side that sent: caller, callee.
    pub(super) lost: [u64; 2],
    pub(super) expected: [u64; 2],
    pub(super) one_way: u64,
    pub(super) sound: SoundTally,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            last: None,
            failed: false,
            behind: false,
            ended: Table::new(),
            rejected: Table::new(),
            failovers: Table::new(),
            routes: Table::new(),
            post_dial_delay: Histogram::new(SETUP_S),
            setup: Histogram::new(SETUP_S),
            duration: Histogram::new(DURATION_S),
            jitter: by_side(JITTER_S),
            round_trip: by_side(ROUND_TRIP_S),
            mos: by_side(MOS),
            lost: [0; 2],
            expected: [0; 2],
            one_way: 0,
            sound: SoundTally::default(),
        }
    }
}

impl Tally {
    /// Counts the records stored since the last time.
    pub(crate) fn advance(&mut self, store: &Store) {
        match self.read(store) {
            Ok(()) => self.failed = false,
            Err(error) => {
                tracing::warn!(%error, "metrics: records cannot be read");
                self.failed = true;
            }
        }
    }

    fn read(&mut self, store: &Store) -> Result<(), store::StoreError> {
        let Some(mut last) = self.last else {
            self.last = Some(store.last_id()?);
            return Ok(());
        };
        for _ in 0..PAGES_MAX {
            let query = Query { after: Some(last), limit: PAGE, ..Query::default() };
            let calls = store.query(&query)?;
            for call in &calls {
                self.add(call);
                last = call.id;
            }
            self.last = Some(last);
            self.behind = calls.len() == PAGE;
            if !self.behind {
                return Ok(());
            }
        }
        Ok(())
    }

    fn add(&mut self, call: &StoredCall) {
        let code = call.status.to_string();
        let class = class(&call.blame);
        let mut ended = |trunk: &str, direction: &str| {
            let row = [trunk, direction, &code, &call.released_by, class];
            count(&mut self.ended, row);
        };
        ended(&call.trunk_in, "in");
        if !call.trunk_out.is_empty() {
            ended(&call.trunk_out, "out");
        }
        if call.answer.is_none() && call.attempts.is_empty() {
            count(&mut self.rejected, [&call.reason]);
        }
        if !call.route.is_empty() {
            count(&mut self.routes, [&call.route]);
        }
        for pair in call.attempts.windows(2) {
            // Attempts that ran side by side are no failover.
            if let [from, to] = pair
                && from.end.is_some_and(|end| end <= to.start)
            {
                count(&mut self.failovers, [&from.trunk, &to.trunk, &from.reason]);
            }
        }
        if let Some(delay) = call.post_dial_delay_ms {
            self.post_dial_delay.add(seconds(delay));
        }
        if let Some(answer) = call.answer {
            self.setup.add(seconds(answer.millis_since(call.start)));
            self.duration.add(seconds(call.duration_ms));
        }
        if let Some(media) = &call.media {
            self.add_direction(0, &media.from_caller);
            self.add_direction(1, &media.from_callee);
            self.one_way += u64::from(media.from_caller.one_way || media.from_callee.one_way);
        }
    }

    fn add_direction(&mut self, side: usize, row: &DirectionRow<'_>) {
        if let (Some(lost), Some(expected)) = (self.lost.get_mut(side), self.expected.get_mut(side)) {
            *lost += row.lost;
            *expected += row.expected;
        }
        self.sound.add(side, row);
        let measured = [
            (&mut self.jitter, (row.packets > 0).then(|| f64::from(row.jitter_us) / 1e6)),
            (&mut self.round_trip, row.rtt_us.map(|rtt| f64::from(rtt) / 1e6)),
            (&mut self.mos, row.mos_avg.map(|mos| f64::from(mos) / 100.0)),
        ];
        for (histograms, figure) in measured {
            if let (Some(histogram), Some(figure)) = (histograms.get_mut(side), figure) {
                histogram.add(figure);
            }
        }
    }
}

/// A histogram for each side.
pub(super) fn by_side(bounds: &'static [f64]) -> [Histogram; 2] {
    [Histogram::new(bounds), Histogram::new(bounds)]
}

/// Who has to act, as dashboards divide it: the people, the far network, or this node.
fn class(blame: &str) -> &'static str {
    match blame {
        "caller" | "callee" => "user",
        "peer" => "network",
        _ => "local",
    }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds of calls are far below 2^53")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

pub(super) fn count<const N: usize>(table: &mut Table<N>, row: [&str; N]) {
    let mut key = row.map(str::to_owned);
    if table.len() >= SERIES_MAX && !table.contains_key(&key) {
        key = row.map(|_| "other".to_owned());
    }
    *table.entry(key).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stay_bounded() {
        let mut table = Table::<1>::new();
        for number in 0..SERIES_MAX + 10 {
            count(&mut table, [&number.to_string()]);
        }
        assert_eq!(table.len(), SERIES_MAX + 1);
        assert_eq!(table.get(&["other".to_owned()]), Some(&10));
    }
}
