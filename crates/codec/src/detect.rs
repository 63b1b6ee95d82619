//! Measuring sound: the level of everything, and of one frequency.

use crate::tone::dbm0_of_peak;
use std::f64::consts::{SQRT_2, TAU};

/// The level of all that sounds, in dBm0; minus infinity for silence.
#[must_use]
pub fn level_dbm0(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    dbm0_of_peak((energy / samples.len().max(1) as f64).sqrt() * SQRT_2)
}

/// The level of one frequency in a block, in dBm0; sharp to about `rate / samples.len()` Hz.
#[must_use]
pub fn tone_level_dbm0(samples: &[i16], hz: f64, rate: u32) -> f64 {
    let mut goertzel = Goertzel::new(hz, rate);
    samples.iter().for_each(|sample| goertzel.push(f64::from(*sample)));
    goertzel.level_dbm0()
}

/// The Goertzel recurrence: one bin of a Fourier transform, sample by sample.
#[derive(Clone, Copy, Debug)]
pub struct Goertzel {
    coefficient: f64,
    last: f64,
    before: f64,
    count: u32,
}

impl Goertzel {
    /// Listens for `hz` among `rate` samples per second (at least 1).
    #[must_use]
    pub fn new(hz: f64, rate: u32) -> Goertzel {
        let coefficient = 2.0 * (TAU * hz / f64::from(rate.max(1))).cos();
        Goertzel { coefficient, last: 0.0, before: 0.0, count: 0 }
    }

    /// The next sample.
    pub fn push(&mut self, sample: f64) {
        let next = sample + self.coefficient * self.last - self.before;
        self.before = self.last;
        self.last = next;
        self.count = self.count.saturating_add(1);
    }

    /// Mean power of the frequency since the last reset: half the squared peak of a sine there.
    #[must_use]
    pub fn power(&self) -> f64 {
        let squared =
            self.last * self.last + self.before * self.before - self.coefficient * self.last * self.before;
        2.0 * squared.max(0.0) / f64::from(self.count.max(1)).powi(2)
    }

    /// The same in dBm0.
    #[must_use]
    pub fn level_dbm0(&self) -> f64 {
        dbm0_of_peak((2.0 * self.power()).sqrt())
    }

    /// Begins a new block.
    pub fn reset(&mut self) {
        (self.last, self.before, self.count) = (0.0, 0.0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Tone;

    #[test]
    fn a_tone_is_found_where_it_is_and_nowhere_else() {
        let mut samples = [0i16; 1_600];
        Tone::sine(1_000.0, -10.0, 8_000).fill(&mut samples);
        assert!((tone_level_dbm0(&samples, 1_000.0, 8_000) + 10.0).abs() < 0.05);
        for hz in [300.0, 900.0, 1_100.0, 3_300.0] {
            assert!(tone_level_dbm0(&samples, hz, 8_000) < -60.0, "{hz} Hz");
        }
        assert_eq!(level_dbm0(&[0; 10]), f64::NEG_INFINITY);
        assert_eq!(level_dbm0(&[]), f64::NEG_INFINITY);
    }
}
