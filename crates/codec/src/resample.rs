//! Linear resampling between 8, 16 and 48 kHz: one fixed linear-phase filter per pair of rates.
//!
//! A polyphase filter in 16-bit fixed point. The pass-band reaches 0.85 of the lower rate's half (3.4 and
//! 6.8 kHz); from its end on everything is taken away, so nothing folds back. What that means in decibels
//! is measured in the tests. Enter through [`Resampler`].

use crate::lanes::{LANES, correlated};
use std::f64::consts::{PI, TAU};
use std::sync::LazyLock;

/// Where the pass-band ends and the stop-band begins, as shares of the lower rate.
const PASS: f64 = 0.425;
const STOP: f64 = 0.5;
/// What the stop-band must take away, in dB; the window is made for a little more.
const ATTENUATION_DB: f64 = 64.0;
/// Coefficients are in units of 2^-14.
const UNIT: f64 = 16_384.0;

/// One pair of rates.
#[derive(Debug)]
struct Filter {
    from: u32,
    to: u32,
    up: usize,
    down: usize,
    /// Its length in samples of the higher rate.
    length: usize,
    /// The phases, each backwards and filled up to whole lanes before its oldest tap.
    phases: Vec<Vec<[i16; LANES]>>,
}

static FILTERS: LazyLock<[Filter; 6]> = LazyLock::new(|| {
    [(8_000, 16_000), (16_000, 8_000), (8_000, 48_000), (48_000, 8_000), (16_000, 48_000), (48_000, 16_000)]
        .map(|(from, to)| Filter::new(from, to))
});

impl Filter {
    fn new(from: u32, to: u32) -> Filter {
        let (low, high) = (from.min(to), from.max(to));
        let (up, down) = if to > from { (high / low, 1) } else { (1, high / low) };
        let (up, down) = (up as usize, down as usize);
        let response = lowpass(f64::from(low) / f64::from(high), up);
        let taps = response.len() / up;
        let tap = |phase: usize, at: usize| (response[at * up + phase] * up as f64 * UNIT).round() as i16;
        let phases = (0..up).map(|phase| {
            let before = std::iter::repeat_n(0, taps.next_multiple_of(LANES) - taps);
            let row: Vec<i16> = before.chain((0..taps).rev().map(|at| tap(phase, at))).collect();
            row.as_chunks().0.to_vec()
        });
        Filter { from, to, up, down, length: response.len(), phases: phases.collect() }
    }

    /// Input samples that one output is made of.
    fn reach(&self) -> usize {
        self.phases.first().map_or(1, |phase| phase.len() * LANES)
    }
}

/// See the module text. The signal is delayed by [`Resampler::delay_seconds`].
#[derive(Clone, Debug)]
pub struct Resampler {
    filter: &'static Filter,
    /// The last samples that the next output needs, then those that just came.
    line: Vec<i16>,
    /// How many input samples of the next block are passed over before the next output.
    next: usize,
}

impl Resampler {
    /// From one of 8,000, 16,000 and 48,000 samples a second to another of them; none for other rates
    /// and between equal ones.
    #[must_use]
    pub fn new(from: u32, to: u32) -> Option<Resampler> {
        let filter = FILTERS.iter().find(|filter| (filter.from, filter.to) == (from, to))?;
        Some(Resampler { filter, line: vec![0; filter.reach() - 1], next: 0 })
    }

    /// How much later a sound leaves than it came.
    #[must_use]
    pub fn delay_seconds(&self) -> f64 {
        (self.filter.length - 1) as f64 / 2.0 / f64::from(self.filter.from.max(self.filter.to))
    }

    /// How many samples `count` more will make at most.
    #[must_use]
    pub fn output_max(&self, count: usize) -> usize {
        (count * self.filter.up).div_ceil(self.filter.down)
    }

    /// Takes samples and adds what they make to `out`.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let (reach, down) = (self.filter.reach(), self.filter.down);
        self.line.extend_from_slice(samples);
        out.reserve(self.output_max(samples.len()));
        let windows = self.line.windows(reach).skip(self.next).step_by(down);
        match self.filter.phases.as_slice() {
            [phase] => out.extend(windows.map(|line| weighted(line, phase))),
            [one, other] => out.extend(windows.flat_map(|line| [weighted(line, one), weighted(line, other)])),
            phases => windows.for_each(|line| out.extend(phases.iter().map(|phase| weighted(line, phase)))),
        }
        // The first place at or behind the end.
        let passed = samples.len().saturating_sub(self.next).next_multiple_of(down);
        self.next = (self.next + passed) - samples.len();
        self.line.drain(..samples.len());
    }
}

/// The sum of products, rounded and clipped.
#[inline]
fn weighted(line: &[i16], phase: &[[i16; LANES]]) -> i16 {
    // A filter's magnitudes add up to less than four, so nothing wraps; see the tests.
    let sum = correlated(line, phase).wrapping_add(1 << 13);
    (sum >> 14).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// A low-pass of unit gain for the higher rate, cut in the middle of the transition: a sinc under a
/// Kaiser window. Its length is a multiple of `multiple`.
fn lowpass(low_share: f64, multiple: usize) -> Vec<f64> {
    let (pass, stop) = (PASS * low_share, STOP * low_share);
    let wanted = (ATTENUATION_DB - 8.0) / (2.285 * TAU * (stop - pass));
    let length = (wanted.ceil() as usize + 1).next_multiple_of(multiple.max(2));
    let beta = 0.1102 * (ATTENUATION_DB - 8.7);
    let middle = (length - 1) as f64 / 2.0;
    let cut = pass + stop;
    let mut taps: Vec<f64> = (0..length)
        .map(|at| {
            let off = at as f64 - middle;
            let sinc = if off == 0.0 { cut } else { (PI * cut * off).sin() / (PI * off) };
            sinc * bessel(beta * (1.0 - (off / middle).powi(2)).max(0.0).sqrt()) / bessel(beta)
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

/// The modified Bessel function of order zero, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{level_dbm0, tone_level_dbm0};
    use crate::tone::Tone;

    const PAIRS: [(u32, u32); 6] = [
        (8_000, 16_000),
        (16_000, 8_000),
        (8_000, 48_000),
        (48_000, 8_000),
        (16_000, 48_000),
        (48_000, 16_000),
    ];

    /// A second of a tone through a resampler in blocks of 20 ms; the first tenth is left out.
    fn resampled(from: u32, to: u32, hz: f64, dbm0: f64) -> Vec<i16> {
        let mut samples = vec![0i16; from as usize];
        Tone::sine(hz, dbm0, from).fill(&mut samples);
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut out = Vec::new();
        for block in samples.chunks(from as usize / 50) {
            resampler.process(block, &mut out);
        }
        assert_eq!(out.len(), to as usize);
        out.split_off(to as usize / 10)
    }

    #[test]
    fn the_pass_band_is_flat() {
        for (from, to) in PAIRS {
            let top = f64::from(from.min(to)) * PASS;
            for step in 1..=20 {
                let hz = (top * f64::from(step) / 20.0).round();
                let level = tone_level_dbm0(&resampled(from, to, hz, -10.0), hz, to);
                assert!((level + 10.0).abs() < 0.05, "{from} to {to}: {hz} Hz at {level} dBm0");
            }
        }
    }

    #[test]
    fn what_would_fold_back_is_taken_away() {
        for (from, to) in PAIRS.into_iter().filter(|(from, to)| from > to) {
            let (low, high) = (f64::from(to) * STOP, f64::from(from) / 2.0);
            for step in 0..20 {
                let hz = (low + (high - low) * f64::from(step) / 20.0).round() + 1.0;
                let level = level_dbm0(&resampled(from, to, hz, 0.0));
                assert!(level < -60.0, "{from} to {to}: {hz} Hz leaves {level} dBm0");
            }
        }
    }

    #[test]
    fn images_are_taken_away() {
        for (from, to) in PAIRS.into_iter().filter(|(from, to)| from < to) {
            for hz in [300.0, 1_000.0, f64::from(from) * PASS] {
                let heard = resampled(from, to, hz, 0.0);
                for image in (1..=to / from / 2).flat_map(|k| {
                    let carrier = f64::from(k * from);
                    [carrier - hz, carrier + hz]
                }) {
                    if image < f64::from(to) / 2.0 {
                        let level = tone_level_dbm0(&heard, image, to);
                        assert!(level < -60.0, "{from} to {to}: {hz} Hz has {level} dBm0 at {image} Hz");
                    }
                }
            }
        }
    }

    #[test]
    fn the_delay_is_as_said_and_short() {
        for (from, to) in PAIRS {
            let mut resampler = Resampler::new(from, to).unwrap();
            assert!(resampler.delay_seconds() < 0.004, "{from} to {to}: {}", resampler.delay_seconds());
            let mut click = vec![0i16; from as usize / 50];
            click[0] = 30_000;
            let mut out = Vec::new();
            resampler.process(&click, &mut out);
            let loudest = (0..out.len()).max_by_key(|at| out[*at].unsigned_abs()).unwrap();
            let delay = loudest as f64 / f64::from(to);
            assert!(
                (delay - resampler.delay_seconds()).abs() <= 1.0 / f64::from(to.min(from)),
                "{from} to {to}"
            );
        }
    }

    #[test]
    fn blocks_of_any_size_make_the_same_and_nothing_wraps() {
        for (from, to) in PAIRS {
            let samples: Vec<i16> = (0..960i32).map(|at| (at * 7_919 % 65_536 - 32_768) as i16).collect();
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            Resampler::new(from, to).unwrap().process(&samples, &mut whole);
            let mut resampler = Resampler::new(from, to).unwrap();
            samples.chunks(7).for_each(|part| resampler.process(part, &mut parts));
            assert_eq!(whole, parts);
            assert!(whole.len() <= resampler.output_max(samples.len()));
            for phase in &resampler.filter.phases {
                let sum: i32 = phase.as_flattened().iter().map(|tap| i32::from(*tap).abs()).sum();
                assert!(sum < 65_535, "{from} to {to}: {sum}");
            }
        }
        assert!(Resampler::new(8_000, 8_000).is_none() && Resampler::new(8_000, 44_100).is_none());
    }
}
