//! The digital test sequences of ITU-T G.722 Appendix II, and whole signals.
//!
//! Inputs are made here by the rules that the appendix gives, and the sums of the distribution tell that they are the same.
//! For the third, T1C1.XMT (tones and noise), it gives no such rule, and the file itself is the ITU's to distribute: no Debian
//! package has it, and it is not in here.

use super::{Decoder, Encoder};
use crate::detect::{level_dbm0, tone_level_dbm0};
use crate::lanes::Lanes;
use crate::tone::Tone;

/// A word with only its lowest bit set resets the coder; sixteen of them open and close a sequence.
const RESET: u16 = 1;
const RESETS: usize = 16;

/// CRC-32 (IEEE 802.3) of words in little-endian order, as the distribution's list of files gives it.
fn crc32(words: &[u16]) -> u32 {
    let mut crc = u32::MAX;
    for byte in words.iter().flat_map(|word| word.to_le_bytes()) {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    !crc
}

fn framed(data: impl Iterator<Item = u16>) -> Vec<u16> {
    let resets = || std::iter::repeat_n(RESET, RESETS);
    resets().chain(data).chain(resets()).collect()
}

/// File T1C2.XMT: extremes that drive the coder into its overflow controls (table II-3).
fn overflow_input() -> Vec<u16> {
    let low = [-16_384i16, 16_383].into_iter().cycle().take(639);
    let middle = [0, -10_000, -8_192];
    let high = [-16_384i16, 16_383, -16_384].into_iter().cycle().take(126);
    framed(low.chain(middle).chain(high).map(|sample| (sample << 1) as u16))
}

/// File T1D3.COD: every codeword, in sequences made by rule (§II.3.2, table II-4).
fn artificial_codewords() -> Vec<u16> {
    framed((0..16_384usize).map(|at| {
        let (part, place) = (at / 2_048, at % 2_048);
        let msb = match part {
            0 => place % 3 == 2,
            1 => place % 8 < 4,
            2 => true,
            3 => place % 4 < 2,
            4 => place.is_multiple_of(2),
            5 => place % 8 == 5,
            6 => matches!(place % 5, 2 | 4),
            _ => place % 5 < 2,
        };
        let lsb_high = match part {
            0 | 6 => true,
            1 => place % 32 < 16,
            3 => place % 16 < 8,
            5 => place % 8 < 4,
            7 => place % 4 < 2,
            _ => false,
        };
        let (part, place) = (at / 256, at % 256);
        let value = 31 - (part / 2) as u16;
        let first_half = part.is_multiple_of(2) || place % 32 < 16;
        let five = match (part, first_half) {
            (63, false) => 3,
            (_, true) => value,
            (_, false) => value - 1,
        };
        let low = u16::from(msb) << 5 | five;
        let high = u16::from(msb) << 1 | u16::from(lsb_high);
        (high << 6 | low) << 8
    }))
}

/// The encoder without its filter: the same sample into both bands (configuration 1).
fn encoded(input: &[u16]) -> Vec<u16> {
    let mut encoder = Encoder::new();
    let mut code = |word: &u16| {
        if word & 1 == 1 {
            encoder = Encoder::new();
            return RESET;
        }
        let sample = *word as i16 >> 1;
        u16::from(encoder.bands.encode(Lanes::pair(sample, sample))) << 8
    };
    input.iter().map(&mut code).collect()
}

/// The decoder without its filter: both bands' samples (configuration 2).
fn decoded(input: &[u16]) -> (Vec<u16>, Vec<u16>) {
    let mut decoder = Decoder::new();
    let mut decode = |word: &u16| {
        if word & 1 == 1 {
            decoder = Decoder::new();
            return (RESET, RESET);
        }
        let (low, high) = decoder.bands.decode((word >> 8) as u8).first_two();
        ((low << 1) as u16, (high << 1) as u16)
    };
    input.iter().map(&mut decode).unzip()
}

#[test]
fn the_overflow_sequence_is_coded_and_decoded_bit_by_bit() {
    let input = overflow_input();
    assert_eq!(crc32(&input), 0x2d60_4685, "T1C2.XMT");
    let code = encoded(&input);
    assert_eq!(crc32(&code), 0x344e_a5d0, "T2R2.COD");
    let (low, high) = decoded(&code);
    assert_eq!(crc32(&low), 0xaf00_f31f, "T3L2.RC1");
    assert_eq!(crc32(&high), 0x5330_ae2e, "T3H2.RC0");
}

#[test]
fn the_artificial_sequence_is_decoded_bit_by_bit() {
    let code = artificial_codewords();
    assert_eq!(crc32(&code), 0x7398_964f, "T1D3.COD");
    let (low, high) = decoded(&code);
    assert_eq!(crc32(&low), 0xa537_4659, "T3L3.RC1");
    assert_eq!(crc32(&high), 0x3731_ad7f, "T3H3.RC0");
}

/// 22 samples, what both filters hold.
const DELAY: usize = 22;

fn through(samples: &[i16]) -> Vec<i16> {
    let mut octets = vec![0; samples.len() / 2];
    assert_eq!(Encoder::new().encode(samples, &mut octets), octets.len());
    let mut heard = vec![0; samples.len()];
    assert_eq!(Decoder::new().decode(&octets, &mut heard), heard.len());
    heard
}

#[test]
fn a_tone_comes_back_at_its_level_and_delay() {
    for (hz, noise) in [(300.0, -40.0), (1_000.0, -40.0), (3_000.0, -40.0), (6_000.0, -25.0)] {
        for dbm0 in [-3.0, -10.0, -30.0] {
            let mut samples = vec![0i16; 16_000];
            Tone::sine(hz, dbm0, 16_000).fill(&mut samples);
            let heard = through(&samples);
            let level = tone_level_dbm0(&heard[1_600..], hz, 16_000);
            assert!((level - dbm0).abs() < 0.5, "{hz} Hz at {dbm0}: {level}");
            let error: Vec<i16> =
                samples[1_600..].iter().zip(&heard[1_600 + DELAY..]).map(|(a, b)| a - b).collect();
            let relative = level_dbm0(&error) - dbm0;
            assert!(relative < noise + 20.0, "{hz} Hz at {dbm0}: error {relative} dB");
        }
    }
}

#[test]
fn anything_decodes_and_the_loudest_is_clipped() {
    let octets: Vec<u8> = (0..=255u8).cycle().take(4_096).collect();
    let mut heard = vec![0; 8_192];
    assert_eq!(Decoder::new().decode(&octets, &mut heard), 8_192);
    let loud: Vec<i16> = [i16::MIN, i16::MIN, i16::MAX, i16::MAX].repeat(400);
    assert_eq!(through(&loud).len(), loud.len());
    assert_eq!(Encoder::new().encode(&[1], &mut [0; 4]), 0);
    assert_eq!(Decoder::new().decode(&[1, 2], &mut [0; 3]), 2);
}
