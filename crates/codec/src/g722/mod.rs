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
use band::Bands;
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
    bands: Bands,
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
        Encoder { bands: Bands::new(), line: [0; BEFORE] }
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
        let mut bands = self.bands.clone();
        for (window, octet) in line.array_windows::<LINE>().step_by(SAMPLES_PER_OCTET).zip(octets) {
            // The transmit filter (§3.1): two samples become one of each sub-band.
            *octet = bands.encode(limit(correlate::<14>(window, &SUM, &DIFFERENCE)));
        }
        self.bands = bands;
        self.line.copy_from_slice(&line[samples.len()..]);
    }
}

/// Turns octets into 16 kHz samples.
#[derive(Clone, Debug)]
pub struct Decoder {
    bands: Bands,
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
        Decoder { bands: Bands::new(), line: [0; BEFORE] }
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
        let mut bands = self.bands.clone();
        for (octet, pair) in octets.iter().zip(line[BEFORE..].chunks_exact_mut(SAMPLES_PER_OCTET)) {
            let (low, high) = bands.decode(*octet).first_two();
            pair[0] = low + high;
            pair[1] = low - high;
        }
        self.bands = bands;
        let windows = line.array_windows::<LINE>().step_by(SAMPLES_PER_OCTET);
        for (window, pair) in windows.zip(samples.chunks_exact_mut(SAMPLES_PER_OCTET)) {
            // The receive filter (§4.4).
            (pair[0], pair[1]) = correlate::<11>(window, &EVEN, &ODD).first_two();
        }
        self.line.copy_from_slice(&line[octets.len() * SAMPLES_PER_OCTET..]);
    }
}

/// A line under two filters, by 2^`SHIFT` and clipped.
#[inline(always)]
fn correlate<const SHIFT: i32>(line: &[i16; LINE], one: &Taps, other: &Taps) -> Lanes {
    let (pieces, _) = line.as_chunks::<LANES>();
    let (mut a, mut b) = (Sums::zero(), Sums::zero());
    for ((piece, one), other) in pieces.iter().zip(one).zip(other) {
        let piece = Lanes::of(piece);
        (a, b) = (a.plus(piece.products(Lanes::of(one))), b.plus(piece.products(Lanes::of(other))));
    }
    a.totals::<SHIFT>(b)
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
#[inline(always)]
fn limit(samples: Lanes) -> Lanes {
    samples.larger(Lanes::all(-16_384)).smaller(Lanes::all(16_383))
}
