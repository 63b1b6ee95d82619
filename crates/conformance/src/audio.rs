//! Sound: tones written as WAV files, and how much of a frequency a recording holds.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

/// Samples a second of everything here.
pub const RATE: u32 = 8000;

/// Writes a tone as a 16-bit mono WAV file.
///
/// # Panics
/// The file cannot be written.
pub fn write_tone(path: &Path, hertz: f64, seconds: u32) {
    let count = RATE * seconds;
    let mut bytes = Vec::new();
    let length = count * 2;
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + length).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&[1, 0, 1, 0]);
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&(RATE * 2).to_le_bytes());
    bytes.extend_from_slice(&[2, 0, 16, 0]);
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&length.to_le_bytes());
    for n in 0..count {
        let sample = (TAU * hertz * f64::from(n) / f64::from(RATE)).sin() * 8000.0;
        bytes.extend_from_slice(&(sample as i16).to_le_bytes());
    }
    fs::write(path, bytes).expect("the tone's file");
}

/// Samples of a 16-bit mono WAV file, also one that is still being written (its head may count 0).
#[must_use]
pub fn read(path: &Path) -> Vec<i16> {
    let bytes = fs::read(path).unwrap_or_default();
    let data = bytes.windows(4).position(|w| w == b"data").map_or(bytes.len(), |at| at + 8);
    let samples = bytes.get(data..).unwrap_or_default();
    samples.chunks_exact(2).filter_map(|c| c.try_into().ok()).map(i16::from_le_bytes).collect()
}

/// The share of the sound's power that lies at one frequency, from 0 to 1 (Goertzel).
#[must_use]
pub fn share(samples: &[i16], hertz: f64) -> f64 {
    let turn = TAU * hertz / f64::from(RATE);
    let factor = 2.0 * turn.cos();
    let (mut one, mut two, mut power) = (0.0_f64, 0.0_f64, 0.0_f64);
    for sample in samples {
        let value = f64::from(*sample);
        let next = value + factor * one - two;
        (two, one) = (one, next);
        power += value * value;
    }
    let count = samples.len() as f64;
    let at = one * one + two * two - factor * one * two;
    if power == 0.0 { 0.0 } else { 2.0 * at / (count * power) }
}

/// Root mean square.
#[must_use]
pub fn level(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    if samples.is_empty() { 0.0 } else { (power / samples.len() as f64).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_all_at_its_own_frequency() {
        let place = crate::Place::new("tone");
        let path = place.path("a.wav");
        write_tone(&path, 440.0, 1);
        let samples = read(&path);
        assert_eq!(samples.len(), 8000);
        assert!(share(&samples, 440.0) > 0.99);
        assert!(share(&samples, 880.0) < 0.01);
        assert!((5600.0..5700.0).contains(&level(&samples)));
    }
}
