//! Recognising sound: the level of everything, of one frequency, and DTMF digits.

use crate::tone::{DTMF_COLUMNS, DTMF_DIGITS, DTMF_ROWS, dbm0_of_peak};
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

/// Below this each frequency of a pair counts as silence, in dBm0 (ITU-T Q.24: -29 and better).
const DTMF_FLOOR_DBM0: f64 = -35.0;
/// How much louder one frequency of a pair may be than the other, in dB.
const DTMF_TWIST_DB: f64 = 8.0;
/// The share of all power that the pair must have; speech has less.
const DTMF_PURITY: f64 = 0.7;
/// Length of a block in seconds: 205 samples at 8 kHz, where the eight bins fall well apart.
const DTMF_BLOCK_SECONDS: f64 = 0.025_625;

/// Finds DTMF digits in a stream of samples (ITU-T Q.23, Q.24).
///
/// A digit is told once, by the first block full of it; tones from about 50 ms on always fill one.
#[derive(Clone, Debug)]
pub struct DtmfDetector {
    rows: [Goertzel; 4],
    columns: [Goertzel; 4],
    energy: f64,
    count: u32,
    block: u32,
    current: Option<char>,
}

impl DtmfDetector {
    /// Listens among `rate` samples per second (at least 4,000 to hear all columns).
    #[must_use]
    pub fn new(rate: u32) -> DtmfDetector {
        DtmfDetector {
            rows: DTMF_ROWS.map(|hz| Goertzel::new(hz, rate)),
            columns: DTMF_COLUMNS.map(|hz| Goertzel::new(hz, rate)),
            energy: 0.0,
            count: 0,
            block: ((f64::from(rate) * DTMF_BLOCK_SECONDS).round() as u32).max(1),
            current: None,
        }
    }

    /// Takes samples and tells each digit that begins among them.
    pub fn hear(&mut self, samples: &[i16], mut tell: impl FnMut(char)) {
        for sample in samples {
            let sample = f64::from(*sample);
            self.energy += sample * sample;
            self.rows.iter_mut().chain(&mut self.columns).for_each(|bin| bin.push(sample));
            self.count += 1;
            if self.count >= self.block {
                let digit = self.judge();
                if let Some(digit) = digit.filter(|digit| self.current != Some(*digit)) {
                    tell(digit);
                }
                self.current = digit;
                self.begin_block();
            }
        }
    }

    /// What the full block holds.
    fn judge(&self) -> Option<char> {
        let (row, row_bin) = loudest(&self.rows)?;
        let (column, column_bin) = loudest(&self.columns)?;
        let (low, high) = (row_bin.level_dbm0(), column_bin.level_dbm0());
        let mean = self.energy / f64::from(self.count.max(1));
        let pure = row_bin.power() + column_bin.power() >= DTMF_PURITY * mean;
        let loud = low >= DTMF_FLOOR_DBM0 && high >= DTMF_FLOOR_DBM0;
        if !loud || !pure || (low - high).abs() > DTMF_TWIST_DB {
            return None;
        }
        DTMF_DIGITS.get(row)?.get(column).copied()
    }

    fn begin_block(&mut self) {
        self.rows.iter_mut().chain(&mut self.columns).for_each(Goertzel::reset);
        self.energy = 0.0;
        self.count = 0;
    }
}

fn loudest(bins: &[Goertzel; 4]) -> Option<(usize, &Goertzel)> {
    bins.iter().enumerate().max_by(|(_, a), (_, b)| a.power().total_cmp(&b.power()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::Law;
    use crate::tone::Tone;

    fn digits_heard(samples: &[i16]) -> String {
        let mut heard = String::new();
        let mut detector = DtmfDetector::new(8_000);
        samples.chunks(160).for_each(|block| detector.hear(block, |digit| heard.push(digit)));
        heard
    }

    fn check_dialled(dialled: &str, dbm0: f64, law: Law) {
        let mut stream = Vec::new();
        for digit in dialled.chars() {
            let mut sound = [0i16; 480];
            Tone::dtmf(digit, dbm0, 8_000).unwrap().fill(&mut sound);
            stream.extend(sound.map(|sample| law.decode(law.encode(sample))));
            stream.extend([0i16; 480]);
        }
        assert_eq!(digits_heard(&stream), dialled, "{dbm0} dBm0 through {law:?}");
    }

    #[test]
    fn every_digit_is_heard_once_through_both_laws() {
        for dbm0 in [-4.0, -10.0, -25.0, -32.0] {
            check_dialled("1234567890*#ABCD1122", dbm0, Law::A);
            check_dialled("1234567890*#ABCD1122", dbm0, Law::Mu);
        }
    }

    #[test]
    fn other_sounds_are_no_digits() {
        let mut samples = [0i16; 8_000];
        assert_eq!(digits_heard(&samples), "");
        for hz in [425.0, 697.0, 1_004.0, 1_209.0] {
            Tone::sine(hz, -10.0, 8_000).fill(&mut samples);
            assert_eq!(digits_heard(&samples), "", "{hz} Hz");
        }
        Tone::pair(350.0, 440.0, -10.0, 8_000).fill(&mut samples);
        assert_eq!(digits_heard(&samples), "", "dial tone");
        Tone::dtmf('5', -45.0, 8_000).unwrap().fill(&mut samples);
        assert_eq!(digits_heard(&samples), "", "too soft");
        // Noise from a plain congruential generator.
        let mut state = 1u32;
        for sample in &mut samples {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = (state >> 18) as i16;
        }
        assert_eq!(digits_heard(&samples), "", "noise");
    }

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
