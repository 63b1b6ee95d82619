//! One sub-band's adaptive differential coder (ITU-T G.722 §6.2): quantiser, scale and predictor.
//!
//! Encoder and decoder run the same predictor on the same codewords, so one struct serves both.

use super::limit;
use super::tables::{
    ANTILOGARITHMS, DECISIONS, LEVELS_OF_FOUR_BITS, LEVELS_OF_SIX_BITS, LEVELS_OF_TWO_BITS, NEGATIVE,
    POSITIVE, STEPS_HIGH, STEPS_LOW,
};
use crate::lanes::{LANES, Lanes};

/// Half of the largest logarithmic scale, and how it is read, per band (LOGSCL, SCALEL; LOGSCH, SCALEH).
const LOW_MAX: i32 = 18_432;
const LOW_SHIFT: i32 = 8;
const HIGH_MAX: i32 = 22_528;
const HIGH_SHIFT: i32 = 10;
/// Bits of a logarithmic scale that do not count where it is read.
const FRACTION: i32 = 6;

/// Scales by logarithm.
static SCALES_LOW: [i16; (LOW_MAX >> FRACTION) as usize + 1] = scales(LOW_SHIFT);
static SCALES_HIGH: [i16; (HIGH_MAX >> FRACTION) as usize + 1] = scales(HIGH_SHIFT);
/// What follows in the lower band from the interval of a difference, that of the negative ones 32 further.
static BY_INTERVAL: [Coded; 64] = by_interval();
/// What follows from a codeword.
static LOW: [Coded; 64] = low();
static HIGH: [Coded; 4] = high();
/// The lower band's decision levels, 16 times, then none: an interval has its number at most.
static LEVELS: [[i16; LANES]; 4] = levels();
/// The last of the lower band's intervals.
const LAST: u32 = DECISIONS.len() as u32;

/// What was coded.
#[derive(Clone, Copy)]
struct Coded {
    codeword: u8,
    /// What drives the predictor, in scales.
    level: i16,
    /// How the scale moves.
    step: i16,
}

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
    /// Six, doubled.
    d: Lanes,
    /// Six; what stands behind them meets zeros.
    b: Lanes,
}

impl Band {
    pub(super) fn low() -> Band {
        Band::new(32)
    }

    pub(super) fn high() -> Band {
        Band::new(8)
    }

    fn new(scale: i32) -> Band {
        let zeros = Lanes::all(0);
        Band { scale, logarithm: 0, s: 0, sz: 0, r: 0, p: [0; 2], a: [0; 2], d: zeros, b: zeros }
    }

    /// A codeword of six bits for a sample (QUANTL), and the band moved on by it.
    #[inline(always)]
    pub(super) fn encode_low(&mut self, sample: i32) -> u8 {
        // A level times the scale, by 4,096.
        let scale = Lanes::all(self.scale as i16);
        let levels = LEVELS.each_ref().map(|levels| Lanes::of(levels).upper_product_unsigned(scale));
        let difference = saturate(sample - self.s);
        let sign = difference >> 31;
        let interval = Lanes::first_above(&levels, (difference ^ sign) as i16).min(LAST);
        let coded = BY_INTERVAL[(interval as i32 | sign & 32) as usize & 63];
        self.follow_low(coded);
        coded.codeword
    }

    /// The sample of a codeword of six bits.
    #[inline(always)]
    pub(super) fn decode_low(&mut self, codeword: u8) -> i32 {
        let codeword = usize::from(codeword & 0x3f);
        let sample = limit(self.s + ((self.scale * LEVELS_OF_SIX_BITS[codeword]) >> 15));
        self.follow_low(LOW[codeword]);
        sample
    }

    /// A codeword of two bits for a sample (QUANTH), and the band moved on by it.
    #[inline(always)]
    pub(super) fn encode_high(&mut self, sample: i32) -> u8 {
        let difference = saturate(sample - self.s);
        let sign = difference >> 31;
        let outer = (difference ^ sign) >= (564 * self.scale) >> 12;
        let codeword = 3 + 2 * sign - i32::from(outer);
        self.follow_high(codeword as u8);
        codeword as u8
    }

    /// The sample of a codeword of two bits.
    #[inline(always)]
    pub(super) fn decode_high(&mut self, codeword: u8) -> i32 {
        let before = self.s;
        limit(before + self.follow_high(codeword))
    }

    #[inline(always)]
    fn follow_low(&mut self, coded: Coded) {
        let difference = (self.scale * i32::from(coded.level)) >> 15;
        self.logarithm = (((self.logarithm * 127) >> 7) + i32::from(coded.step)).clamp(0, LOW_MAX);
        self.scale = i32::from(SCALES_LOW[(self.logarithm >> FRACTION) as usize]);
        self.predict(difference);
    }

    #[inline(always)]
    fn follow_high(&mut self, codeword: u8) -> i32 {
        let coded = HIGH[usize::from(codeword & 3)];
        let difference = (self.scale * i32::from(coded.level)) >> 15;
        self.logarithm = (((self.logarithm * 127) >> 7) + i32::from(coded.step)).clamp(0, HIGH_MAX);
        self.scale = i32::from(SCALES_HIGH[(self.logarithm >> FRACTION) as usize]);
        self.predict(difference);
        difference
    }

    /// Adapts the coefficients to a difference and predicts the next sample (block 4).
    #[inline(always)]
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
        self.sz = saturate(self.d.scaled_products(self.b));
        self.s = saturate(sp + self.sz);
    }

    /// UPPOL2 and UPPOL1.
    #[inline(always)]
    fn adapt_poles(&mut self, p: i32) {
        let [last, before] = self.p;
        let same = (p ^ last) >= 0;
        let quadrupled = saturate(self.a[0] << 2);
        let turned = if same { saturate(-quadrupled) } else { quadrupled };
        let pushed = if (p ^ before) >= 0 { 128 } else { -128 };
        let second = (pushed + (turned >> 7) + ((self.a[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let bound = 15_360 - second;
        let first = (if same { 192 } else { -192 }) + ((self.a[0] * 32_640) >> 15);
        self.a = [first.max(-bound).min(bound), second];
    }

    /// UPZERO and DELAYA. A coefficient keeps 255 parts of 256, and is pushed by 128 the way in which the signs of
    /// the two differences tell.
    #[inline(always)]
    fn adapt_zeros(&mut self, difference: i32) {
        let doubled = saturate(difference + difference) as i16;
        let step = Lanes::all(if difference == 0 { 0 } else { 128 });
        let turned = self.d.xor(Lanes::all(doubled)).signs();
        let push = step.xor(turned).minus(turned);
        let lost = self.b.upper_product(Lanes::all(-256));
        self.b = self.b.plus(lost).plus_saturating(push);
        self.d = self.d.after(doubled);
    }
}

/// The range of the Recommendation's 16-bit additions.
#[inline(always)]
fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// SCALEL and SCALEH of every logarithm that can be told apart.
const fn scales<const COUNT: usize>(shift: i32) -> [i16; COUNT] {
    let mut scales = [0; COUNT];
    let mut at = 0;
    while at < COUNT {
        let mantissa = ANTILOGARITHMS[at & 31];
        let shift = shift - (at >> 5) as i32;
        let scale = if shift < 0 { mantissa << -shift } else { mantissa >> shift };
        scales[at] = (scale << 2) as i16;
        at += 1;
    }
    scales
}

const fn low() -> [Coded; 64] {
    let mut all = [Coded { codeword: 0, level: 0, step: 0 }; 64];
    let mut codeword = 0;
    while codeword < 64 {
        let upper = codeword >> 2;
        let (level, step) = (LEVELS_OF_FOUR_BITS[upper] as i16, STEPS_LOW[upper] as i16);
        all[codeword] = Coded { codeword: codeword as u8, level, step };
        codeword += 1;
    }
    all
}

const fn by_interval() -> [Coded; 64] {
    let known = low();
    let mut all = known;
    let mut interval = 0;
    while interval < POSITIVE.len() {
        all[interval] = known[POSITIVE[interval] as usize];
        all[interval + 32] = known[NEGATIVE[interval] as usize];
        interval += 1;
    }
    all
}

const fn high() -> [Coded; 4] {
    let mut all = [Coded { codeword: 0, level: 0, step: 0 }; 4];
    let mut codeword = 0;
    while codeword < 4 {
        let (level, step) = (LEVELS_OF_TWO_BITS[codeword] as i16, STEPS_HIGH[codeword] as i16);
        all[codeword] = Coded { codeword: codeword as u8, level, step };
        codeword += 1;
    }
    all
}

const fn levels() -> [[i16; LANES]; 4] {
    let mut all = [[-1; LANES]; 4];
    let mut at = 0;
    while at < DECISIONS.len() {
        // Read without sign.
        all[at / LANES][at % LANES] = (DECISIONS[at] << 4) as i16;
        at += 1;
    }
    all
}
