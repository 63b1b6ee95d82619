//! Sound: tones written as WAV files, how much of a frequency a recording holds, and which digits.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Samples a second of everything here.
pub const RATE: u32 = 8000;

/// A tone.
#[must_use]
pub fn tone(hertz: f64, seconds: u32) -> Vec<i16> {
    sines(&[hertz], 8000.0, seconds * 1_000)
}

/// Something like speech, different at every moment: syllables five times a second whose pitch wanders, each
/// voice with a way of its own.
#[must_use]
pub fn speech(voice: u32, seconds: u32) -> Vec<i16> {
    let (mut phase, mut state) = (0.0_f64, voice.wrapping_mul(2_654_435_761));
    let (mut pitch, mut aim) = (150.0, 150.0);
    let mut sample = |n: u32| {
        if n.is_multiple_of(RATE / 5) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            aim = 100.0 + f64::from(state >> 24);
        }
        pitch += (aim - pitch) / 400.0;
        phase = (phase + pitch / f64::from(RATE)).fract();
        let syllable = (TAU * 2.5 * f64::from(n) / f64::from(RATE)).sin().abs();
        let harmonics: f64 = (1..=12).map(|k| (TAU * phase * f64::from(k)).sin() / f64::from(k).sqrt()).sum();
        (harmonics * (0.2 + 0.8 * syllable) * 2_500.0) as i16
    };
    (0..RATE * seconds).map(&mut sample).collect()
}

/// Sound of several frequencies at once.
#[must_use]
pub fn sines(hertz: &[f64], peak: f64, ms: u32) -> Vec<i16> {
    let value = |n: u32| -> f64 {
        hertz.iter().map(|hertz| (TAU * hertz * f64::from(n) / f64::from(RATE)).sin() * peak).sum()
    };
    (0..RATE * ms / 1_000).map(|n| value(n) as i16).collect()
}

/// Digits as tones (ITU-T Q.23), `on` and `off` milliseconds each.
#[must_use]
pub fn dtmf(digits: &str, on: u32, off: u32) -> Vec<i16> {
    const KEYS: &str = "123A456B789C*0#D";
    const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
    const HIGH: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let mut sound = Vec::new();
    for digit in digits.chars() {
        let key = KEYS.find(digit).unwrap_or_default();
        sound.extend(sines(&[LOW[key / 4], HIGH[key % 4]], 4000.0, on));
        sound.extend(sines(&[], 0.0, off));
    }
    sound
}

/// The digits that `multimon-ng` hears in a sound.
///
/// # Panics
/// It does not run.
#[must_use]
pub fn digits_heard(samples: &[i16], file: &Path) -> String {
    // It takes no other rate.
    const ITS_RATE: usize = 22_050;
    let count = samples.len() * ITS_RATE / RATE as usize;
    let at = |n: usize| f64::from(samples.get(n).copied().unwrap_or_default());
    let raw: Vec<u8> = (0..count)
        .flat_map(|n| {
            let place = n as f64 * f64::from(RATE) / ITS_RATE as f64;
            let (whole, part) = (place as usize, place.fract());
            ((at(whole) * (1.0 - part) + at(whole + 1) * part) as i16).to_le_bytes()
        })
        .collect();
    fs::write(file, raw).expect("the file of a sound");
    let mut command = Command::new("multimon-ng");
    let output = command.args(["-q", "-t", "raw", "-a", "DTMF"]).arg(file).output().expect("multimon-ng");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("DTMF: ")?.chars().next()).collect()
}

/// Writes a 16-bit mono WAV file at [`RATE`].
///
/// # Panics
/// The file cannot be written.
pub fn write(path: &Path, samples: &[i16]) {
    let mut bytes = Vec::new();
    let length = samples.len() as u32 * 2;
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
    samples.iter().for_each(|sample| bytes.extend_from_slice(&sample.to_le_bytes()));
    fs::write(path, bytes).expect("the sound's file");
}

/// A sample of A-law (ITU-T G.711 table 1a).
#[must_use]
pub fn of_a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = (u32::from(code >> 4 & 7), i16::from(code & 15));
    let size = match segment {
        0 => (step * 2 + 1) << 3,
        segment => (step * 2 + 33) << (segment + 2),
    };
    if code & 0x80 == 0 { -size } else { size }
}

/// Samples as A-law: of all codes the nearest.
#[must_use]
pub fn a_law(samples: &[i16]) -> Vec<u8> {
    let mut codes: Vec<(i16, u8)> = (0..=255).map(|code| (of_a_law(code), code)).collect();
    codes.sort_unstable();
    let nearest = |sample: &i16| {
        let above = codes.partition_point(|(value, _)| value < sample).clamp(1, codes.len() - 1);
        let near = |(value, _): &&(i16, u8)| i32::from(*value).abs_diff(i32::from(*sample));
        codes[above - 1..=above].iter().min_by_key(near).map_or(0xd5, |(_, code)| *code)
    };
    samples.iter().map(nearest).collect()
}

/// Samples of a 16-bit WAV file at [`RATE`], its first channel, also of one that is still being written (its head
/// may count 0).
#[must_use]
pub fn read(path: &Path) -> Vec<i16> {
    let bytes = fs::read(path).unwrap_or_default();
    let number =
        |at: usize| bytes.get(at..at + 2).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let (channels, rate) = (number(22).max(1), number(24));
    // Each sample at our rate is the mean of those at theirs: enough of a filter for what is said here.
    let step = channels * (rate / RATE as usize).max(1);
    let data = bytes.windows(4).position(|w| w == b"data").map_or(bytes.len(), |at| at + 8);
    let samples = bytes.get(data..).unwrap_or_default();
    let all: Vec<i16> =
        samples.chunks_exact(2).filter_map(|c| c.try_into().ok()).map(i16::from_le_bytes).collect();
    let mean = |chunk: &[i16]| {
        let sum: i32 = chunk.iter().step_by(channels).map(|sample| i32::from(*sample)).sum();
        (sum / (step / channels) as i32) as i16
    };
    all.chunks_exact(step).map(mean).collect()
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

/// Where `part` lies in `whole`, and how alike they are there, -1 to 1: the best normalised correlation.
#[must_use]
pub fn find(part: &[i16], whole: &[i16]) -> (usize, f64) {
    let likeness = |at: usize, step: usize| {
        let there = &whole[at..at + part.len()];
        let (mut product, mut own, mut power) = (0_i64, 0_i64, 1_i64);
        for (a, b) in part.iter().zip(there).step_by(step) {
            let (a, b) = (i64::from(*a), i64::from(*b));
            (product, own, power) = (product + a * b, own + a * a, power + b * b);
        }
        product as f64 / (own as f64 * power as f64).sqrt().max(1.0)
    };
    let places = 0..whole.len().saturating_sub(part.len());
    let best = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
    // Every eighth sample says about where.
    let mut rough: Vec<(usize, f64)> = places.map(|at| (at, likeness(at, 8))).collect();
    rough.sort_by(|a, b| best(b, a));
    rough.truncate(20);
    rough.into_iter().map(|(at, _)| (at, likeness(at, 1))).max_by(best).unwrap_or((0, 0.0))
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
        write(&path, &tone(440.0, 1));
        let samples = read(&path);
        assert_eq!(samples.len(), 8000);
        assert!(share(&samples, 440.0) > 0.99);
        assert!(share(&samples, 880.0) < 0.01);
        assert!((5600.0..5700.0).contains(&level(&samples)));
    }

    #[test]
    fn every_code_of_a_law_is_the_nearest_of_its_own_sample() {
        let codes: Vec<u8> = (0..=255).collect();
        let samples: Vec<i16> = codes.iter().map(|code| of_a_law(*code)).collect();
        assert_eq!(a_law(&samples), codes);
        assert_eq!(a_law(&[i16::MAX, i16::MIN, 11]), [0xaa, 0x2a, 0xd5]);
    }

    #[test]
    fn a_part_of_a_voice_is_found_and_another_voice_is_not() {
        let (own, other) = (speech(1, 4), speech(2, 4));
        let (at, likeness) = find(&own[12_000..16_000], &own);
        assert_eq!(at, 12_000);
        assert!(likeness > 0.999);
        assert!(find(&other[12_000..16_000], &own).1 < 0.5);
    }
}
