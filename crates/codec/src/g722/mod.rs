//! G.722 at 64 kbit/s (ITU-T G.722 (09/2012)): 16 kHz samples to octets and back.
//!
//! Two sub-bands of 8,000 samples a second, each coded by its own adaptive differential coder
//! ([`band`]): six bits for the lower, two for the higher. The arithmetic is the Recommendation's, bit
//! for bit; Appendix II's digital sequences are in the tests. Enter through [`Encoder`] and [`Decoder`].

mod band;
mod tables;
#[cfg(test)]
mod tests;

use band::Band;
use tables::QMF;

/// Samples that one octet stands for.
pub const SAMPLES_PER_OCTET: usize = 2;

/// The delay line of a quadrature mirror filter.
const LINE: usize = 24;

/// Turns 16 kHz samples into octets.
#[derive(Clone, Debug)]
pub struct Encoder {
    low: Band,
    high: Band,
    line: [i32; LINE],
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
        Encoder { low: Band::low(), high: Band::high(), line: [0; LINE] }
    }

    /// Encodes pairs of samples as far as both slices reach; returns how many octets were written.
    pub fn encode(&mut self, samples: &[i16], octets: &mut [u8]) -> usize {
        let mut written = 0;
        for (pair, octet) in samples.chunks_exact(SAMPLES_PER_OCTET).zip(octets) {
            let (low, high) = self.split(i32::from(pair[0]), i32::from(pair[1]));
            *octet = self.encode_bands(low, high);
            written += 1;
        }
        written
    }

    /// The transmit filter (§3.1): two samples become one of each sub-band.
    #[inline]
    fn split(&mut self, first: i32, second: i32) -> (i32, i32) {
        self.line.copy_within(2.., 0);
        self.line[LINE - 2] = first;
        self.line[LINE - 1] = second;
        let (odd, even) = correlate(&self.line);
        (limit((even + odd) >> 14), limit((even - odd) >> 14))
    }

    /// One octet: the higher band's two bits, then the lower band's six (§1.4.4).
    #[inline]
    fn encode_bands(&mut self, low: i32, high: i32) -> u8 {
        let low = self.low.encode_low(low);
        let high = self.high.encode_high(high);
        high << 6 | low
    }
}

/// Turns octets into 16 kHz samples.
#[derive(Clone, Debug)]
pub struct Decoder {
    low: Band,
    high: Band,
    line: [i32; LINE],
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
        Decoder { low: Band::low(), high: Band::high(), line: [0; LINE] }
    }

    /// Decodes octets as far as both slices reach; returns how many samples were written.
    pub fn decode(&mut self, octets: &[u8], samples: &mut [i16]) -> usize {
        let mut written = 0;
        for (pair, octet) in samples.chunks_exact_mut(SAMPLES_PER_OCTET).zip(octets) {
            let (low, high) = self.decode_bands(*octet);
            let (first, second) = self.join(low, high);
            pair[0] = first;
            pair[1] = second;
            written += SAMPLES_PER_OCTET;
        }
        written
    }

    /// Both sub-bands' reconstructed samples.
    #[inline]
    fn decode_bands(&mut self, octet: u8) -> (i32, i32) {
        (self.low.decode_low(octet & 0x3f), self.high.decode_high(octet >> 6))
    }

    /// The receive filter (§4.4).
    #[inline]
    fn join(&mut self, low: i32, high: i32) -> (i16, i16) {
        self.line.copy_within(2.., 0);
        self.line[LINE - 2] = low + high;
        self.line[LINE - 1] = low - high;
        let (odd, even) = correlate(&self.line);
        (clip(even >> 11), clip(odd >> 11))
    }
}

/// Both halves of the mirror filter over its delay line: the taps at even places, and those at odd
/// places, which are the same backwards.
#[inline]
fn correlate(line: &[i32; LINE]) -> (i32, i32) {
    let (mut odd, mut even) = (0, 0);
    for tap in 0..LINE / 2 {
        odd += line[2 * tap] * QMF[tap];
        even += line[2 * tap + 1] * QMF[LINE / 2 - 1 - tap];
    }
    (odd, even)
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
