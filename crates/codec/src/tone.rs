//! Making sound: one sine or two at a given level.

use std::f64::consts::TAU;

/// The level of a sine whose peak is the largest sample, in dBm0 (ITU-T G.711 §5: A-law).
#[expect(clippy::approx_constant, reason = "decibels, not a circle")]
pub const FULL_SCALE_DBM0: f64 = 3.14;
/// The largest sample's magnitude.
const PEAK: f64 = 32_768.0;

/// The peak of a sine at this level, in samples.
#[must_use]
pub fn peak_of_dbm0(dbm0: f64) -> f64 {
    PEAK * 10f64.powf((dbm0 - FULL_SCALE_DBM0) / 20.0)
}

/// The level of a sine with this peak, in dBm0; minus infinity for silence.
#[must_use]
pub fn dbm0_of_peak(peak: f64) -> f64 {
    FULL_SCALE_DBM0 + 20.0 * (peak / PEAK).log10()
}

/// The row and column frequencies of DTMF in Hz (ITU-T Q.23).
pub const DTMF_ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// See [`DTMF_ROWS`].
pub const DTMF_COLUMNS: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The digits by row and column.
pub const DTMF_DIGITS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// One sine of a sum.
#[derive(Clone, Copy, Debug)]
struct Oscillator {
    /// In turns, 0 to 1.
    phase: f64,
    /// Turns per sample.
    step: f64,
    /// In samples.
    peak: f64,
}

impl Oscillator {
    fn new(hz: f64, dbm0: f64, rate: u32) -> Oscillator {
        Oscillator { phase: 0.0, step: hz / f64::from(rate), peak: peak_of_dbm0(dbm0) }
    }

    fn next(&mut self) -> f64 {
        let value = self.peak * (TAU * self.phase).sin();
        self.phase = (self.phase + self.step).fract();
        value
    }
}

/// An endless tone of one sine or two, continuous from block to block.
#[derive(Clone, Copy, Debug)]
pub struct Tone {
    first: Oscillator,
    second: Option<Oscillator>,
}

impl Tone {
    /// A sine of `hz` at `dbm0`, for `rate` samples per second (at least 1).
    #[must_use]
    pub fn sine(hz: f64, dbm0: f64, rate: u32) -> Tone {
        Tone { first: Oscillator::new(hz, dbm0, rate.max(1)), second: None }
    }

    /// Two sines, each at `dbm0`.
    #[must_use]
    pub fn pair(first_hz: f64, second_hz: f64, dbm0: f64, rate: u32) -> Tone {
        let second = Some(Oscillator::new(second_hz, dbm0, rate.max(1)));
        Tone { second, ..Tone::sine(first_hz, dbm0, rate) }
    }

    /// The pair of a DTMF digit, each frequency at `dbm0`; letters in either case.
    #[must_use]
    pub fn dtmf(digit: char, dbm0: f64, rate: u32) -> Option<Tone> {
        let digit = digit.to_ascii_uppercase();
        let rows = DTMF_DIGITS.iter().zip(DTMF_ROWS);
        rows.flat_map(|(digits, row)| {
            digits.iter().zip(DTMF_COLUMNS).map(move |(known, column)| (known, row, column))
        })
        .find(|(known, _, _)| **known == digit)
        .map(|(_, row, column)| Tone::pair(row, column, dbm0, rate))
    }

    /// The next samples; what would be louder than full scale is clipped.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            let value = self.first.next() + self.second.as_mut().map_or(0.0, Oscillator::next);
            // `as` saturates.
            *sample = value.round() as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{level_dbm0, tone_level_dbm0};

    #[test]
    fn a_tone_has_the_level_asked_for() {
        for dbm0 in [0.0, -10.0, -25.0, -40.0] {
            for hz in [400.0, 1_004.0, 3_000.0] {
                let mut samples = [0i16; 8_000];
                Tone::sine(hz, dbm0, 8_000).fill(&mut samples);
                assert!((level_dbm0(&samples) - dbm0).abs() < 0.1, "{hz} Hz at {dbm0}");
                assert!((tone_level_dbm0(&samples, hz, 8_000) - dbm0).abs() < 0.1);
            }
        }
    }

    #[test]
    fn blocks_join_without_a_step() {
        let mut whole = [0i16; 480];
        Tone::sine(440.0, -10.0, 8_000).fill(&mut whole);
        let mut parts = [0i16; 480];
        let mut tone = Tone::sine(440.0, -10.0, 8_000);
        parts.chunks_mut(160).for_each(|part| tone.fill(part));
        assert_eq!(whole, parts);
    }

    #[test]
    fn loud_is_clipped_and_levels_read_back() {
        let mut samples = [0i16; 800];
        Tone::sine(1_000.0, 20.0, 8_000).fill(&mut samples);
        assert!(samples.contains(&i16::MAX) && samples.contains(&i16::MIN));
        assert!((dbm0_of_peak(peak_of_dbm0(-13.0)) + 13.0).abs() < 1e-9);
        assert!(Tone::dtmf('x', -10.0, 8_000).is_none());
    }
}
