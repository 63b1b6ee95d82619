//! One sub-band's adaptive differential coder (ITU-T G.722 §6.2): quantiser, scale and predictor.
//!
//! Encoder and decoder run the same predictor on the same codewords, so one struct serves both.

use super::limit;
use super::tables::{
    ANTILOGARITHMS, DECISIONS, LEVELS_OF_FOUR_BITS, LEVELS_OF_SIX_BITS, LEVELS_OF_TWO_BITS, NEGATIVE,
    POSITIVE, STEPS_HIGH, STEPS_LOW,
};

/// Taps of the predictor that looks at past differences.
const ZEROS: usize = 6;
/// Half of the largest logarithmic scale, and how it is read, per band (LOGSCL, SCALEL; LOGSCH, SCALEH).
const LOW_MAX: i32 = 18_432;
const LOW_SHIFT: i32 = 8;
const HIGH_MAX: i32 = 22_528;
const HIGH_SHIFT: i32 = 10;

/// See the module text. Names follow the Recommendation: `s` the prediction, `sz` its share from past
/// differences `d` by `b`, `r` and `p` reconstructed signals, `a` the coefficients on them.
#[derive(Clone, Debug)]
pub(super) struct Band {
    scale: i32,
    logarithm: i32,
    s: i32,
    sz: i32,
    r: i32,
    p: [i32; 2],
    a: [i32; 2],
    d: [i32; ZEROS],
    b: [i32; ZEROS],
}

impl Band {
    pub(super) fn low() -> Band {
        Band::new(32)
    }

    pub(super) fn high() -> Band {
        Band::new(8)
    }

    fn new(scale: i32) -> Band {
        Band { scale, logarithm: 0, s: 0, sz: 0, r: 0, p: [0; 2], a: [0; 2], d: [0; ZEROS], b: [0; ZEROS] }
    }

    /// A codeword of six bits for a sample (QUANTL), and the band moved on by it.
    #[inline]
    pub(super) fn encode_low(&mut self, sample: i32) -> u8 {
        let difference = saturate(sample - self.s);
        let magnitude = if difference < 0 { -(difference + 1) } else { difference };
        // The levels rise, so those below are as many as the interval's number.
        let interval = DECISIONS.partition_point(|level| magnitude >= (level * self.scale) >> 12);
        let codeword = if difference < 0 { NEGATIVE[interval] } else { POSITIVE[interval] };
        self.follow_low(codeword);
        codeword
    }

    /// The sample of a codeword of six bits.
    #[inline]
    pub(super) fn decode_low(&mut self, codeword: u8) -> i32 {
        let level = LEVELS_OF_SIX_BITS[usize::from(codeword & 0x3f)];
        let sample = limit(self.s + ((self.scale * level) >> 15));
        self.follow_low(codeword);
        sample
    }

    /// A codeword of two bits for a sample (QUANTH), and the band moved on by it.
    #[inline]
    pub(super) fn encode_high(&mut self, sample: i32) -> u8 {
        let difference = saturate(sample - self.s);
        let magnitude = if difference < 0 { -(difference + 1) } else { difference };
        let outer = magnitude >= (564 * self.scale) >> 12;
        let codeword = match (difference < 0, outer) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.follow_high(codeword);
        codeword
    }

    /// The sample of a codeword of two bits.
    #[inline]
    pub(super) fn decode_high(&mut self, codeword: u8) -> i32 {
        let before = self.s;
        limit(before + self.follow_high(codeword))
    }

    #[inline]
    fn follow_low(&mut self, codeword: u8) {
        let upper = usize::from(codeword >> 2 & 0x0f);
        let difference = (self.scale * LEVELS_OF_FOUR_BITS[upper]) >> 15;
        self.rescale(STEPS_LOW[upper], LOW_MAX, LOW_SHIFT);
        self.predict(difference);
    }

    #[inline]
    fn follow_high(&mut self, codeword: u8) -> i32 {
        let codeword = usize::from(codeword & 3);
        let difference = (self.scale * LEVELS_OF_TWO_BITS[codeword]) >> 15;
        self.rescale(STEPS_HIGH[codeword], HIGH_MAX, HIGH_SHIFT);
        self.predict(difference);
        difference
    }

    /// The scale of the next difference (LOGSCL and SCALEL, LOGSCH and SCALEH).
    #[inline]
    fn rescale(&mut self, step: i32, max: i32, shift: i32) {
        self.logarithm = (((self.logarithm * 127) >> 7) + step).clamp(0, max);
        let mantissa = ANTILOGARITHMS[(self.logarithm >> 6 & 31) as usize];
        let shift = shift - (self.logarithm >> 11);
        let scale = if shift < 0 { mantissa << -shift } else { mantissa >> shift };
        self.scale = scale << 2;
    }

    /// Adapts the coefficients to a difference and predicts the next sample (block 4).
    #[inline]
    fn predict(&mut self, difference: i32) {
        let r = saturate(self.s + difference);
        let p = saturate(self.sz + difference);
        self.adapt_poles(p);
        self.p = [p, self.p[0]];
        self.adapt_zeros(difference);

        // FILTEP and FILTEZ.
        let sp =
            saturate(((self.a[0] * saturate(r + r)) >> 15) + ((self.a[1] * saturate(self.r + self.r)) >> 15));
        self.r = r;
        let mut sz = 0;
        for (d, b) in self.d.iter().zip(&self.b) {
            sz += (b * saturate(d + d)) >> 15;
        }
        self.sz = saturate(sz);
        self.s = saturate(sp + self.sz);
    }

    /// UPPOL2 and UPPOL1.
    #[inline]
    fn adapt_poles(&mut self, p: i32) {
        let [last, before] = self.p;
        let same = (p ^ last) >= 0;
        let quadrupled = saturate(self.a[0] << 2);
        let turned = if same { saturate(-quadrupled) } else { quadrupled };
        let pushed = if (p ^ before) >= 0 { 128 } else { -128 };
        let second = (pushed + (turned >> 7) + ((self.a[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let bound = 15_360 - second;
        let first = (if same { 192 } else { -192 }) + ((self.a[0] * 32_640) >> 15);
        self.a = [first.clamp(-bound, bound), second];
    }

    /// UPZERO and DELAYA.
    #[inline]
    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (d, b) in self.d.iter().zip(&mut self.b) {
            let push = if (d ^ difference) >= 0 { step } else { -step };
            *b = saturate(push + ((*b * 32_640) >> 15));
        }
        self.d.copy_within(..ZEROS - 1, 1);
        self.d[0] = difference;
    }
}

/// The range of the Recommendation's 16-bit additions.
#[inline]
fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}
