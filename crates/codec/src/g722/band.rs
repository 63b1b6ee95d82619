//! Both sub-bands' adaptive differential coders (ITU-T G.722 §6.2): quantisers, scales and predictors.
//!
//! Encoder and decoder run the same predictors on the same codewords, so one struct serves both. The bands know nothing
//! of each other but do the same at the same time: the lower is the first of two lanes, the higher the second.

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
/// The decision level of the higher band's quantiser (§6.2.1.1).
const OUTER: i32 = 564;

/// Scales by logarithm.
static SCALES_LOW: [i16; (LOW_MAX >> FRACTION) as usize + 1] = scales(LOW_SHIFT);
static SCALES_HIGH: [i16; (HIGH_MAX >> FRACTION) as usize + 1] = scales(HIGH_SHIFT);
/// What follows in the lower band from the interval of a difference, that of the negative ones 32 further.
static BY_INTERVAL: [Coded; 64] = by_interval();
/// What follows from a codeword.
static LOW: [Coded; 64] = low();
static HIGH: [Coded; 4] = high();
/// The lower band's decision levels, 16 times, to be read without sign.
static LEVELS: [[i16; LANES]; 4] = levels();

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
pub(super) struct Bands {
    scale: [i32; 2],
    logarithm: [i32; 2],
    s: Lanes,
    sz: Lanes,
    /// Doubled.
    r: Lanes,
    /// The last, and the one before.
    p: [Lanes; 2],
    /// The first of both bands, then the second of both.
    a: Lanes,
    /// By band: six, doubled.
    d: [Lanes; 2],
    /// By band: six; what stands behind them meets zeros.
    b: [Lanes; 2],
}

impl Bands {
    pub(super) fn new() -> Bands {
        let zeros = Lanes::all(0);
        Bands {
            scale: [32, 8],
            logarithm: [0; 2],
            s: zeros,
            sz: zeros,
            r: zeros,
            p: [zeros; 2],
            a: zeros,
            d: [zeros; 2],
            b: [zeros; 2],
        }
    }

    /// An octet for a sample of each band (QUANTL, QUANTH): the higher one's two bits, then the lower one's six
    /// (§1.4.4). The bands are moved on by it.
    #[inline(always)]
    pub(super) fn encode(&mut self, samples: Lanes) -> u8 {
        // A level times the scale, by 4,096.
        let scale = Lanes::all(self.scale[0] as i16);
        let levels = LEVELS.each_ref().map(|levels| Lanes::of(levels).upper_product_unsigned(scale));
        let difference = samples.minus_saturating(self.s);
        let magnitude = difference.xor(difference.signs());
        let interval = Lanes::first_above(&levels, magnitude.first_everywhere());
        let (low, high) = difference.first_two();
        let low = BY_INTERVAL[(interval as usize | usize::from(low < 0) << 5) & 63];

        let sign = i32::from(high) >> 31;
        let outer = (i32::from(high) ^ sign) >= (OUTER * self.scale[1]) >> 12;
        let high = HIGH[(3 + 2 * sign - i32::from(outer)) as usize & 3];
        self.follow(low, high);
        high.codeword << 6 | low.codeword
    }

    /// The sample of each band that an octet stands for.
    #[inline(always)]
    pub(super) fn decode(&mut self, octet: u8) -> Lanes {
        let (low, high) = (LOW[usize::from(octet & 63)], HIGH[usize::from(octet >> 6)]);
        let finer = (self.scale[0] * LEVELS_OF_SIX_BITS[usize::from(octet & 63)]) >> 15;
        let before = self.s;
        let (_, difference) = self.follow(low, high);
        super::limit(before.plus_saturating(Lanes::pair(finer as i16, difference)))
    }

    /// Moves the bands on by what was coded; gives both differences.
    #[inline(always)]
    fn follow(&mut self, low: Coded, high: Coded) -> (i16, i16) {
        let difference = |scale: i32, coded: Coded| ((scale * i32::from(coded.level)) >> 15) as i16;
        let differences = (difference(self.scale[0], low), difference(self.scale[1], high));
        let moved = |logarithm: i32, coded: Coded| ((logarithm * 127) >> 7) + i32::from(coded.step);
        self.logarithm[0] = moved(self.logarithm[0], low).clamp(0, LOW_MAX);
        self.logarithm[1] = moved(self.logarithm[1], high).clamp(0, HIGH_MAX);
        self.scale[0] = i32::from(SCALES_LOW[(self.logarithm[0] >> FRACTION) as usize]);
        self.scale[1] = i32::from(SCALES_HIGH[(self.logarithm[1] >> FRACTION) as usize]);
        self.predict(Lanes::pair(differences.0, differences.1));
        differences
    }

    /// Adapts the coefficients to the differences and predicts the next samples (block 4).
    #[inline(always)]
    fn predict(&mut self, difference: Lanes) {
        let r = self.s.plus_saturating(difference);
        let p = self.sz.plus_saturating(difference);
        self.adapt_poles(p);
        self.p = [p, self.p[0]];
        let doubled = difference.plus_saturating(difference);
        self.adapt_zeros(0, doubled.first_everywhere());
        self.adapt_zeros(1, doubled.second_everywhere());

        // FILTEP and FILTEZ.
        let r = r.plus_saturating(r);
        let both = self.a.scaled_product(r.beside(self.r));
        self.r = r;
        let [low, high] = [0, 1].map(|band| self.d[band].scaled_products(self.b[band]));
        self.sz = low.totals::<0>(high);
        self.s = both.plus_saturating(both.second_pair()).plus_saturating(self.sz);
    }

    /// UPPOL2 and UPPOL1. The coefficients keep 127 parts of 128, and 255 of 256.
    #[inline(always)]
    fn adapt_poles(&mut self, p: Lanes) {
        let (first, second) = (self.a, self.a.second_pair());
        let [turned, turned_before] = self.p.map(|before| p.xor(before).signs());
        let doubled = first.plus_saturating(first);
        let quadrupled = doubled.plus_saturating(doubled);
        let same = turned.xor(Lanes::all(-1));
        let quadrupled = quadrupled.xor(same).minus_saturating(same);
        let pushed = Lanes::all(128).xor(turned_before).minus(turned_before);
        let kept = second.plus(second.upper_product(Lanes::all(-512)));
        let second = pushed.plus(quadrupled.by_128()).plus(kept);
        let second = second.larger(Lanes::all(-12_288)).smaller(Lanes::all(12_288));
        let bound = Lanes::all(15_360).minus(second);
        let pushed = Lanes::all(192).xor(turned).minus(turned);
        let first = pushed.plus(first).plus(first.upper_product(Lanes::all(-256)));
        let first = first.larger(Lanes::all(0).minus(bound)).smaller(bound);
        self.a = first.beside(second);
    }

    /// UPZERO and DELAYA of one band. A coefficient keeps 255 parts of 256, and is pushed the way in which the signs of
    /// the two differences tell.
    #[inline(always)]
    fn adapt_zeros(&mut self, band: usize, doubled: Lanes) {
        let (d, b) = (self.d[band], self.b[band]);
        let turned = d.xor(doubled).signs();
        let push = Lanes::all(128).where_not_zero(doubled).xor(turned).minus(turned);
        self.b[band] = b.plus(b.upper_product(Lanes::all(-256))).plus_saturating(push);
        self.d[band] = d.after(doubled);
    }
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
    while interval < 32 {
        // Levels that are none end the table: what they are taken for is the last interval.
        let at = if interval < POSITIVE.len() { interval } else { POSITIVE.len() - 1 };
        all[interval] = known[POSITIVE[at] as usize];
        all[interval + 32] = known[NEGATIVE[at] as usize];
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
        all[at / LANES][at % LANES] = (DECISIONS[at] << 4) as i16;
        at += 1;
    }
    all
}
