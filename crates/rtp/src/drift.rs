//! How much faster or slower a sender's clock runs than ours, from the quickest packets of each second.
//!
//! Packets are held up on their way, never hurried, so the quickest of a second lie close to the true course of the two
//! clocks. Of these the lower convex hull is kept, a few points; its edge over the middle of the time measured is the
//! line under all points that lies closest to them (Moon, Skelly, Towsley, 1999), and its slope the skew. Per packet
//! there is a multiplication and a comparison; the rest is done once a second by [`Drift::end_window`].

const NANOS: u64 = 1_000_000_000;
/// How long one window lasts, of which the quickest packet counts.
const WINDOW_NANOS: i64 = 1_000_000_000;
/// Corners of the hull that are kept; a hull of `n` points has about `log n`.
const CORNERS: usize = 12;
/// The quickest packet of a window this far off the one before took another way, or the clock was set.
const STEP_NANOS: i64 = 10_000_000;
/// So many such windows in a row begin anew; fewer are passed over.
const STEPS: u8 = 3;
/// Less time than this says nothing.
const MEASURED_MIN_NANOS: i64 = 15_000_000_000;
/// An estimate that may be wrong by more than this is none, ppm.
const DOUBT_MAX_PPM: f64 = 25.0;
/// Beyond this no clock runs (RFC 3550 has none in mind; crystals keep 100 ppm), ppm.
const SKEW_MAX_PPM: f64 = 2_000.0;

/// Our time since the origin and how long a packet was on its way beyond the first one, both in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Point {
    at: i64,
    transit: i64,
}

impl Point {
    /// Whether it lies on or above the line from `a` to `b`, which lie on both sides of it.
    fn is_above(self, a: Point, b: Point) -> bool {
        let wide = |later: i64, earlier: i64| i128::from(later) - i128::from(earlier);
        wide(self.transit, a.transit) * wide(b.at, a.at) >= wide(b.transit, a.transit) * wide(self.at, a.at)
    }
}

/// The lower hull of the windows' quickest packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Hull {
    corners: [Point; CORNERS],
    count: usize,
    last: Point,
    windows: u32,
    /// Sum of how far each window lay from the one before, nanoseconds.
    wander: i64,
}

impl Hull {
    fn add(&mut self, point: Point) {
        if self.windows > 0 {
            self.wander += (point.transit - self.last.transit).abs();
        }
        (self.last, self.windows) = (point, self.windows + 1);
        while let [.., a, b] = *self.corners()
            && b.is_above(a, point)
        {
            self.count -= 1;
        }
        if self.count == CORNERS {
            // The first edge is the farthest from the middle.
            self.corners.copy_within(1.., 0);
            self.count -= 1;
        }
        if let Some(place) = self.corners.get_mut(self.count) {
            *place = point;
            self.count += 1;
        }
    }

    fn corners(&self) -> &[Point] {
        self.corners.get(..self.count).unwrap_or_default()
    }

    fn measured(&self) -> i64 {
        self.corners().first().map_or(0, |first| self.last.at - first.at)
    }

    /// By how much the sender's clock is ahead, ppm; none when that cannot be told well.
    fn skew_ppm(&self) -> Option<f64> {
        let measured = self.measured();
        if measured < MEASURED_MIN_NANOS {
            return None;
        }
        let middle = self.corners().first()?.at + measured / 2;
        let edge = self.corners().windows(2).find(|edge| edge.last().is_some_and(|end| end.at >= middle));
        let [a, b] = edge? else { return None };
        let ppm = -((b.transit - a.transit) as f64 / (b.at - a.at) as f64) * 1e6;
        // What the windows wander beyond the skew itself is the noise of their quickest packets.
        let steps = f64::from(self.windows.saturating_sub(1).max(1));
        let mean = self.wander as f64 / steps - ppm.abs() / 1e6 * (measured as f64 / steps);
        let doubt = 2.0 * mean.max(0.0) / measured as f64 * 1e6;
        (doubt <= DOUBT_MAX_PPM && ppm.abs() <= SKEW_MAX_PPM).then_some(ppm)
    }
}

/// Where times are counted from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Origin {
    nanos: u64,
    timestamp: u32,
    clock: u32,
    /// Nanoseconds of a tick, times 2^16.
    tick: u64,
}

/// See the module text.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    origin: Option<Origin>,
    /// The quickest packet of the running window.
    quickest: Option<Point>,
    /// When the running window began.
    begun: i64,
    hull: Hull,
    steps: u8,
    /// What the longest time measured before the present one gave.
    before: Option<(i64, f64)>,
}

impl Drift {
    /// A packet of a stream that is paced by its timestamps.
    #[inline]
    pub fn hear(&mut self, arrival_nanos: u64, timestamp: u32, clock: u32) {
        let Some(origin) = self.origin.filter(|origin| origin.clock == clock) else {
            return self.begin(arrival_nanos, timestamp, clock);
        };
        let at = arrival_nanos.wrapping_sub(origin.nanos) as i64;
        // From before the origin counts backwards; half of 2^32 ticks is half a day at 48 kHz.
        let ticks = i128::from(timestamp.wrapping_sub(origin.timestamp) as i32);
        let transit = at - ((ticks * i128::from(origin.tick)) >> 16) as i64;
        if self.quickest.is_none_or(|quickest| transit < quickest.transit) {
            self.quickest = Some(Point { at, transit });
        }
    }

    /// Another source, another origin of timestamps, or another clock.
    #[cold]
    fn begin(&mut self, nanos: u64, timestamp: u32, clock: u32) {
        self.restart();
        let Some(tick) = (NANOS << 16).checked_div(u64::from(clock)) else { return };
        self.origin = Some(Origin { nanos, timestamp, clock, tick });
        self.quickest = Some(Point::default());
    }

    /// What follows has nothing to do with what was before; that is kept.
    #[cold]
    pub fn restart(&mut self) {
        self.keep();
        *self = Drift { before: self.before, ..Drift::default() };
    }

    fn keep(&mut self) {
        let measured = self.hull.measured();
        if self.before.is_none_or(|(longest, _)| measured > longest)
            && let Some(ppm) = self.hull.skew_ppm()
        {
            self.before = Some((measured, ppm));
        }
    }

    /// Time has gone on to `nanos`: call a few times a second.
    pub fn end_window(&mut self, nanos: u64) {
        let Some(origin) = self.origin else { return };
        let now = nanos.wrapping_sub(origin.nanos) as i64;
        if now - self.begun < WINDOW_NANOS {
            return;
        }
        self.begun = now;
        let Some(quickest) = self.quickest.take() else { return };
        if self.hull.windows > 0 && (quickest.transit - self.hull.last.transit).abs() > STEP_NANOS {
            self.steps += 1;
            if self.steps < STEPS {
                return;
            }
            self.keep();
            self.hull = Hull::default();
        }
        self.steps = 0;
        self.hull.add(quickest);
        // Timestamps are compared modulo 2^32: long before they wrap there is another origin.
        if now > i64::from(i32::MAX) * (NANOS / u64::from(origin.clock)) as i64 / 2 {
            self.restart();
        }
    }

    /// By how much the sender's clock runs faster than ours, parts in a million; none when it cannot be told yet.
    #[must_use]
    pub fn ppm(&self) -> Option<f32> {
        let measured = self.hull.measured();
        let now = self.hull.skew_ppm().map(|ppm| (measured, ppm));
        let longest = now.into_iter().chain(self.before).max_by_key(|(measured, _)| *measured);
        longest.map(|(_, ppm)| ppm as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of packets of 20 ms whose sender's clock runs `ppm` fast, each held up by what `delay` says of its
    /// number, microseconds.
    fn play(drift: &mut Drift, clock: u32, ppm: f64, seconds: u32, mut delay: impl FnMut(u32) -> u64) {
        let ticks = clock / 50;
        let mut looked = 0;
        for number in 0..seconds * 50 {
            let sent = f64::from(number) * 0.02 / (1.0 + ppm / 1e6) * 1e9;
            let arrival = 5_000_000_000 + sent as u64 + delay(number) * 1_000;
            drift.hear(arrival, 4_294_900_000u32.wrapping_add(number * ticks), clock);
            if arrival.saturating_sub(looked) > 200_000_000 {
                looked = arrival;
                drift.end_window(arrival);
            }
        }
    }

    /// Numbers that look random, below `most`.
    fn noise(seed: u64, most: u64) -> impl FnMut(u32) -> u64 {
        let mut state = seed;
        move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % most
        }
    }

    fn found(clock: u32, ppm: f64, seconds: u32, delay: impl FnMut(u32) -> u64) -> Option<f32> {
        let mut drift = Drift::default();
        play(&mut drift, clock, ppm, seconds, delay);
        drift.ppm()
    }

    #[test]
    fn a_known_drift_under_jitter_is_found_within_five_ppm_after_thirty_seconds() {
        for seed in 0..40 {
            for (clock, ppm) in [(8_000, 50.0), (8_000, -50.0), (48_000, 50.0), (8_000, 0.0), (16_000, 300.0)]
            {
                let told = found(clock, ppm, 31, noise(seed, 10_000));
                let told = f64::from(told.unwrap_or(f32::MAX));
                assert!((told - ppm).abs() < 5.0, "seed {seed}, {clock} Hz, {ppm} ppm: {told}");
            }
        }
    }

    #[test]
    fn a_minute_of_a_quiet_path_is_exact_and_a_few_seconds_say_nothing() {
        let told = found(8_000, -20.0, 60, |_| 0);
        assert!((told.unwrap_or(f32::MAX) + 20.0).abs() < 0.1, "{told:?}");
        assert_eq!(found(8_000, -20.0, 12, |_| 0), None);
    }

    #[test]
    fn a_path_that_changes_its_length_is_no_drift() {
        for (before, behind) in [(0, 30_000), (30_000, 0)] {
            let told = found(8_000, 10.0, 90, |number| if number < 40 * 50 { before } else { behind });
            assert!((told.unwrap_or(f32::MAX) - 10.0).abs() < 1.0, "{told:?}");
        }
        // Two seconds of congestion.
        let told = found(8_000, 10.0, 60, |number| if (1_000..1_100).contains(&number) { 80_000 } else { 0 });
        assert!((told.unwrap_or(f32::MAX) - 10.0).abs() < 1.0, "{told:?}");
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        // No packet of a second is nearly as quick as any other.
        let mut slow = noise(3, 400);
        let mut second = 0;
        let told = found(8_000, 50.0, 40, |number| {
            if number % 50 == 0 {
                second = slow(0) * 20;
            }
            second
        });
        assert_eq!(told, None);
    }

    #[test]
    fn another_source_keeps_what_the_longer_one_gave() {
        let mut drift = Drift::default();
        play(&mut drift, 8_000, 70.0, 40, |_| 0);
        drift.restart();
        play(&mut drift, 8_000, -10.0, 20, |_| 0);
        assert!((drift.ppm().unwrap_or(0.0) - 70.0).abs() < 1.0);
    }

    #[test]
    fn hours_and_wraps_of_the_timestamp_are_no_matter() {
        let mut drift = Drift::default();
        let mut arrival = 0.0f64;
        let mut timestamp = u32::MAX - 1_000;
        // 30 hours at 48 kHz, one packet a second.
        for _ in 0..108_000 {
            arrival += 1e9 * (1.0 - 25e-6);
            timestamp = timestamp.wrapping_add(48_000);
            drift.hear(arrival as u64, timestamp, 48_000);
            drift.end_window(arrival as u64);
        }
        assert!((drift.ppm().unwrap_or(0.0) - 25.0).abs() < 0.5, "{:?}", drift.ppm());
    }
}
