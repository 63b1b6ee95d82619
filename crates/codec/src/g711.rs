//! G.711: A-law and µ-law to linear and back, and straight into each other.
//!
//! Decoding and the A↔µ conversion are tables made at compile time; encoding is arithmetic on the
//! leading bit. All are total: every byte and every sample has a value.

/// The two companding laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law: PCMU, payload type 0.
    Mu,
    /// A-law: PCMA, payload type 8.
    A,
}

impl Law {
    /// The law of a static payload type (RFC 3551 §6).
    #[must_use]
    pub const fn from_payload_type(payload_type: u8) -> Option<Law> {
        match payload_type {
            0 => Some(Law::Mu),
            8 => Some(Law::A),
            _ => None,
        }
    }

    /// The code for silence, positive zero.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xff,
            Law::A => 0xd5,
        }
    }

    /// One sample.
    #[inline]
    #[must_use]
    pub const fn decode(self, code: u8) -> i16 {
        match self {
            Law::Mu => mu_decode(code),
            Law::A => a_decode(code),
        }
    }

    /// One code.
    #[inline]
    #[must_use]
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => mu_encode(sample),
            Law::A => a_encode(sample),
        }
    }

    /// Decodes as many codes as fit; returns how many.
    pub fn decode_slice(self, codes: &[u8], samples: &mut [i16]) -> usize {
        for (sample, code) in samples.iter_mut().zip(codes) {
            *sample = self.decode(*code);
        }
        samples.len().min(codes.len())
    }

    /// Encodes as many samples as fit; returns how many.
    pub fn encode_slice(self, samples: &[i16], codes: &mut [u8]) -> usize {
        for (code, sample) in codes.iter_mut().zip(samples) {
            *code = self.encode(*sample);
        }
        samples.len().min(codes.len())
    }

    /// Turns codes of this law into codes of the other, in place (ITU-T G.711 §3.5).
    pub fn convert_in_place(self, codes: &mut [u8]) {
        let table = match self {
            Law::Mu => &MU_TO_A,
            Law::A => &A_TO_MU,
        };
        for code in codes {
            *code = table[*code as usize];
        }
    }
}

/// Samples of all µ-law codes (ITU-T G.711 table 2), scaled from 14 to 16 bits.
pub static MU_SAMPLES: [i16; 256] = mu_samples();
/// Samples of all A-law codes (ITU-T G.711 table 1), scaled from 13 to 16 bits.
pub static A_SAMPLES: [i16; 256] = a_samples();
/// A-law codes of all µ-law codes (ITU-T G.711 table 3).
pub static MU_TO_A: [u8; 256] = mu_to_a();
/// µ-law codes of all A-law codes (ITU-T G.711 table 4).
pub static A_TO_MU: [u8; 256] = a_to_mu();

/// The µ-law sample of a code.
#[inline]
#[must_use]
pub const fn mu_decode(code: u8) -> i16 {
    MU_SAMPLES[code as usize]
}

/// The A-law sample of a code.
#[inline]
#[must_use]
pub const fn a_decode(code: u8) -> i16 {
    A_SAMPLES[code as usize]
}

/// What µ-law adds to a magnitude to make segments powers of two, at 14 bits.
const MU_BIAS: u16 = 33;
/// The largest biased magnitude, at 14 bits.
const MU_CLIP: u16 = 0x1fff;

/// The µ-law code of a sample (ITU-T G.711 table 2).
///
/// Negative samples are complemented, so that samples on a decision value go where the ITU-T
/// Software Tool Library (G.191) sends them.
#[inline]
#[must_use]
pub const fn mu_encode(sample: i16) -> u8 {
    let biased = (magnitude(sample) >> 2) + MU_BIAS;
    let biased = if biased > MU_CLIP { MU_CLIP } else { biased };
    // The bias makes bit 5 the lowest leading bit there can be: segment 0.
    let segment = 10 - biased.leading_zeros() as u16;
    let step = (biased >> (segment + 1)) & 0x0f;
    let positive = if sample < 0 { 0 } else { 0x80 };
    // All bits but the sign travel inverted.
    (((segment << 4 | step) as u8) ^ 0x7f) | positive
}

/// The A-law code of a sample (ITU-T G.711 table 1); negative samples as in [`mu_encode`].
#[inline]
#[must_use]
pub const fn a_encode(sample: i16) -> u8 {
    let magnitude = magnitude(sample) >> 4;
    let code = if magnitude < 32 {
        // The two lowest segments have the same step.
        magnitude
    } else {
        let segment = 12 - magnitude.leading_zeros() as u16;
        segment << 4 | (magnitude >> (segment - 1)) & 0x0f
    };
    let positive = if sample < 0 { 0 } else { 0x80 };
    // Even bits travel inverted.
    (code as u8 | positive) ^ 0x55
}

const fn magnitude(sample: i16) -> u16 {
    (if sample < 0 { !sample } else { sample }) as u16
}

const fn mu_samples() -> [i16; 256] {
    let mut samples = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = !(code as u8);
        let step = ((bits & 0x0f) as i16) << 3;
        let segment = (bits >> 4) & 0x07;
        let magnitude = ((step + 0x84) << segment) - 0x84;
        samples[code] = if bits & 0x80 != 0 { -magnitude } else { magnitude };
        code += 1;
    }
    samples
}

const fn a_samples() -> [i16; 256] {
    let mut samples = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = code as u8 ^ 0x55;
        let step = ((bits & 0x0f) as i16) << 4;
        let segment = (bits >> 4) & 0x07;
        let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
        samples[code] = if bits & 0x80 != 0 { magnitude } else { -magnitude };
        code += 1;
    }
    samples
}

/// A-law decoder output numbers (from 1) for the µ-law ones (from 0): ITU-T G.711 table 3, with
/// µ-80 going to A-81 for the transparency that its note 3 asks for.
#[rustfmt::skip]
const MU_NUMBERS_IN_A: [u8; 128] = [
      1,   1,   2,   2,   3,   3,   4,   4,   5,   5,   6,   6,   7,   7,   8,   8,
      9,  10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,
     25,  27,  29,  31,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,  43,  44,
     46,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,
     64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,
     81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,  95,  96,
     97,  98,  99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
    113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
];

/// µ-law decoder output numbers (from 0) for the A-law ones (from 1): ITU-T G.711 table 4, with
/// A-80 going to µ-79 for the transparency that its note 3 asks for.
#[rustfmt::skip]
const A_NUMBERS_IN_MU: [u8; 128] = [
      1,   3,   5,   7,   9,  11,  13,  15,  16,  17,  18,  19,  20,  21,  22,  23,
     24,  25,  26,  27,  28,  29,  30,  31,  32,  32,  33,  33,  34,  34,  35,  35,
     36,  37,  38,  39,  40,  41,  42,  43,  44,  45,  46,  47,  48,  48,  49,  49,
     50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  63,  64,  64,
     65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  79,
     80,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,  95,
     96,  97,  98,  99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];

const fn mu_to_a() -> [u8; 256] {
    let mut codes = [0; 256];
    let mut code = 0;
    while code < 256 {
        let sign = code as u8 & 0x80;
        let number = !(code as u8) & 0x7f;
        codes[code] = ((MU_NUMBERS_IN_A[number as usize] - 1) | sign) ^ 0x55;
        code += 1;
    }
    codes
}

const fn a_to_mu() -> [u8; 256] {
    let mut codes = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = code as u8 ^ 0x55;
        let number = A_NUMBERS_IN_MU[(bits & 0x7f) as usize];
        codes[code] = (number ^ 0x7f) | bits & 0x80;
        code += 1;
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The law by its definition: a value no further away than half the step of its segment.
    fn check_nearest(law: Law) {
        for sample in i16::MIN..=i16::MAX {
            let code = law.encode(sample);
            let (found, sample) = (i32::from(law.decode(code)), i32::from(sample));
            let half_step = match law {
                Law::Mu => 4 << (!code >> 4 & 7),
                Law::A => 8 << ((code ^ 0x55) >> 4 & 7).saturating_sub(1),
            };
            let clipped = found.abs() >= 32_124 && sample.abs() > found.abs();
            assert!(clipped || (found - sample).abs() <= half_step, "{law:?} {sample} -> {found}");
        }
    }

    #[test]
    fn every_sample_goes_to_a_value_within_half_a_step() {
        check_nearest(Law::Mu);
        check_nearest(Law::A);
    }

    #[test]
    fn every_code_comes_back() {
        for code in 0..=255u8 {
            assert_eq!(Law::A.encode(Law::A.decode(code)), code);
            // µ-law has two zeros; the negative one is read as the positive.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(Law::Mu.encode(Law::Mu.decode(code)), expected);
        }
    }

    #[test]
    fn known_values() {
        // ITU-T G.711 tables 1 and 2: the ends, zero, and the first steps.
        for (code, sample) in
            [(0x00, -32124), (0x80, 32124), (0xff, 0), (0x7f, 0), (0xfe, 8), (0xef, 132), (0x8f, 16764)]
        {
            assert_eq!(mu_decode(code), sample, "µ {code:#x}");
        }
        for (code, sample) in
            [(0x2a, -32256), (0xaa, 32256), (0xd5, 8), (0x55, -8), (0xd4, 24), (0xc5, 264), (0xa5, 16896)]
        {
            assert_eq!(a_decode(code), sample, "A {code:#x}");
        }
        assert_eq!((mu_encode(i16::MIN), mu_encode(i16::MAX)), (0x00, 0x80));
        assert_eq!((a_encode(i16::MIN), a_encode(i16::MAX)), (0x2a, 0xaa));
        assert_eq!((mu_encode(0), mu_encode(-1), a_encode(0), a_encode(-1)), (0xff, 0x7f, 0xd5, 0x55));
        assert_eq!((Law::Mu.silence(), Law::A.silence()), (mu_encode(0), a_encode(0)));
    }

    #[test]
    fn louder_never_becomes_softer() {
        for law in [Law::Mu, Law::A] {
            let values: Vec<i16> =
                (i16::MIN..=i16::MAX).map(|sample| law.decode(law.encode(sample))).collect();
            assert!(values.is_sorted());
        }
    }

    /// A digital milliwatt: 1 kHz at 0 dBm0 (ITU-T G.711 tables 5 and 6), bit 1 first.
    #[test]
    fn the_digital_milliwatt_converts_into_itself() {
        let mut a = [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4];
        let mu = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];
        Law::A.convert_in_place(&mut a);
        assert_eq!(a, mu);
    }

    #[test]
    fn conversion_moves_no_further_than_a_step() {
        for code in 0..=255u8 {
            let (from, to) = (i32::from(mu_decode(code)), i32::from(a_decode(MU_TO_A[code as usize])));
            assert!((from - to).abs() <= 8 + from.abs() / 24, "µ {code:#x}: {from} -> {to}");
            let (from, to) = (i32::from(a_decode(code)), i32::from(mu_decode(A_TO_MU[code as usize])));
            assert!((from - to).abs() <= 8 + from.abs() / 24, "A {code:#x}: {from} -> {to}");
            assert_eq!(MU_TO_A[code as usize] & 0x80, code & 0x80);
            assert_eq!(A_TO_MU[code as usize] & 0x80, code & 0x80);
        }
    }

    #[test]
    fn a_law_through_mu_law_keeps_its_upper_seven_bits() {
        // ITU-T G.711, note 3 to tables 3 and 4; and a second pass changes nothing more.
        for code in 0..=255u8 {
            let once = MU_TO_A[A_TO_MU[code as usize] as usize];
            assert_eq!(once & 0xfe, code & 0xfe, "{code:#x}");
            assert_eq!(MU_TO_A[A_TO_MU[once as usize] as usize], once);
        }
    }

    #[test]
    fn slices_go_as_far_as_both_reach() {
        let mut samples = [1i16; 4];
        assert_eq!(Law::A.decode_slice(&[0xd5, 0x55], &mut samples), 2);
        assert_eq!(samples, [8, -8, 1, 1]);
        let mut codes = [0; 3];
        assert_eq!(Law::A.encode_slice(&samples, &mut codes), 3);
        assert_eq!(&codes[..2], [0xd5, 0x55]);
        assert_eq!(Law::from_payload_type(8), Some(Law::A));
        assert_eq!(Law::from_payload_type(9), None);
    }
}
