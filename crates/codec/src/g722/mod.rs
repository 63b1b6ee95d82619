//! G.722 at 64 kbit/s (ITU-T G.722 (09/2012)): 16 kHz samples to octets and back.
//!
//! Two sub-bands of 8,000 samples a second, each coded by its own adaptive differential coder
//! ([`band`]): six bits for the lower, two for the higher. The arithmetic is the Recommendation's, bit
//! for bit; Appendix II's digital sequences are in the tests. Enter through [`Encoder`] and [`Decoder`].

mod band;
mod tables;
#[cfg(test)]
mod tests;

use crate::lanes::{LANES, Lanes, Sums};
use band::Band;
use tables::QMF;

/// Samples that one octet stands for.
pub const SAMPLES_PER_OCTET: usize = 2;

/// Samples that a quadrature mirror filter looks at.
const LINE: usize = 24;
/// Those of them that were there before.
const BEFORE: usize = LINE - SAMPLES_PER_OCTET;
/// Octets that are worked on at once.
const BLOCK: usize = 80;

/// Taps beside the samples of a line.
type Taps = [[i16; LANES]; LINE / LANES];

/// Both halves of the mirror filter.
static EVEN: Taps = taps(0, 1);
static ODD: Taps = taps(1, 0);
/// Their sum and their difference.
static SUM: Taps = taps(1, 1);
static DIFFERENCE: Taps = taps(-1, 1);

/// Turns 16 kHz samples into octets.
#[derive(Clone, Debug)]
pub struct Encoder {
    low: Band,
    high: Band,
    line: [i16; BEFORE],
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl Encoder {
    /// A coder at rest (ITU-T G.722 §6.2.1, reset).
    #[must_use]
    pub fn new() -> Encoder {
        Encoder { low: Band::low(), high: Band::high(), line: [0; BEFORE] }
    }

    /// Encodes pairs of samples as far as both slices reach; returns how many octets were written.
    pub fn encode(&mut self, samples: &[i16], octets: &mut [u8]) -> usize {
        let count = (samples.len() / SAMPLES_PER_OCTET).min(octets.len());
        let blocks = samples[..count * SAMPLES_PER_OCTET].chunks(BLOCK * SAMPLES_PER_OCTET);
        for (block, octets) in blocks.zip(octets.chunks_mut(BLOCK)) {
            self.encode_block(block, octets);
        }
        count
    }

    fn encode_block(&mut self, samples: &[i16], octets: &mut [u8]) {
        let mut room = [0; BEFORE + BLOCK * SAMPLES_PER_OCTET];
        let line = &mut room[..BEFORE + samples.len()];
        line[..BEFORE].copy_from_slice(&self.line);
        line[BEFORE..].copy_from_slice(samples);
        let (mut low, mut high) = (self.low.clone(), self.high.clone());
        for (window, octet) in line.windows(LINE).step_by(SAMPLES_PER_OCTET).zip(octets) {
            // The transmit filter (§3.1): two samples become one of each sub-band.
            let (sum, difference) = correlate(window, &SUM, &DIFFERENCE);
            *octet = encode_bands((&mut low, limit(sum >> 14)), (&mut high, limit(difference >> 14)));
        }
        (self.low, self.high) = (low, high);
        self.line.copy_from_slice(&line[samples.len()..]);
    }
}

/// One octet: the higher band's two bits, then the lower band's six (§1.4.4).
#[inline(always)]
fn encode_bands((low, below): (&mut Band, i32), (high, above): (&mut Band, i32)) -> u8 {
    let below = low.encode_low(below);
    high.encode_high(above) << 6 | below
}

/// Turns octets into 16 kHz samples.
#[derive(Clone, Debug)]
pub struct Decoder {
    low: Band,
    high: Band,
    line: [i16; BEFORE],
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl Decoder {
    /// A decoder at rest.
    #[must_use]
    pub fn new() -> Decoder {
        Decoder { low: Band::low(), high: Band::high(), line: [0; BEFORE] }
    }

    /// Decodes octets as far as both slices reach; returns how many samples were written.
    pub fn decode(&mut self, octets: &[u8], samples: &mut [i16]) -> usize {
        let count = octets.len().min(samples.len() / SAMPLES_PER_OCTET);
        let blocks = octets[..count].chunks(BLOCK);
        for (block, samples) in blocks.zip(samples.chunks_mut(BLOCK * SAMPLES_PER_OCTET)) {
            self.decode_block(block, samples);
        }
        count * SAMPLES_PER_OCTET
    }

    fn decode_block(&mut self, octets: &[u8], samples: &mut [i16]) {
        let mut room = [0; BEFORE + BLOCK * SAMPLES_PER_OCTET];
        let line = &mut room[..BEFORE + octets.len() * SAMPLES_PER_OCTET];
        line[..BEFORE].copy_from_slice(&self.line);
        let (mut low, mut high) = (self.low.clone(), self.high.clone());
        for (octet, pair) in octets.iter().zip(line[BEFORE..].chunks_exact_mut(SAMPLES_PER_OCTET)) {
            let (low, high) = decode_bands(&mut low, &mut high, *octet);
            pair[0] = (low + high) as i16;
            pair[1] = (low - high) as i16;
        }
        (self.low, self.high) = (low, high);
        let windows = line.windows(LINE).step_by(SAMPLES_PER_OCTET);
        for (window, pair) in windows.zip(samples.chunks_exact_mut(SAMPLES_PER_OCTET)) {
            // The receive filter (§4.4).
            let (even, odd) = correlate(window, &EVEN, &ODD);
            pair[0] = clip(even >> 11);
            pair[1] = clip(odd >> 11);
        }
        self.line.copy_from_slice(&line[octets.len() * SAMPLES_PER_OCTET..]);
    }
}

/// Both sub-bands' reconstructed samples.
#[inline(always)]
fn decode_bands(low: &mut Band, high: &mut Band, octet: u8) -> (i32, i32) {
    (low.decode_low(octet & 0x3f), high.decode_high(octet >> 6))
}

/// A line under two filters.
#[inline(always)]
fn correlate(line: &[i16], one: &Taps, other: &Taps) -> (i32, i32) {
    let (pieces, _) = line.as_chunks::<LANES>();
    let (mut a, mut b) = (Sums::zero(), Sums::zero());
    for ((piece, one), other) in pieces.iter().zip(one).zip(other) {
        let piece = Lanes::of(piece);
        (a, b) = (a.plus(piece.products(Lanes::of(one))), b.plus(piece.products(Lanes::of(other))));
    }
    a.totals(b)
}

/// The mirror filter over its line: the taps at odd places (of the earlier samples of each pair) times one factor,
/// those at even places, which are the same backwards, times the other.
const fn taps(odd: i16, even: i16) -> Taps {
    let mut taps = [[0; LANES]; LINE / LANES];
    let mut at = 0;
    while at < LINE {
        let tap = at / 2;
        taps[at / LANES][at % LANES] =
            if at % 2 == 0 { odd * QMF[tap] } else { even * QMF[LINE / 2 - 1 - tap] };
        at += 1;
    }
    taps
}

/// The range of a sub-band's samples (§6.2.1.6).
#[inline]
fn limit(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}

/// The range of a sample.
#[inline]
fn clip(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
