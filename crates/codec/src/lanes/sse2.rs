//! Eight samples in one register of SSE2.
#![allow(unsafe_code)]
// SAFETY of all below: SSE2 belongs to x86-64; these intrinsics have no other condition, and what is loaded or
// stored is a whole row.

use super::LANES;
use std::arch::x86_64::{
    __m128i, _mm_add_epi16, _mm_add_epi32, _mm_adds_epi16, _mm_and_si128, _mm_bslli_si128, _mm_cmpgt_epi16,
    _mm_cvtsi128_si32, _mm_cvtsi128_si64, _mm_insert_epi16, _mm_loadu_si128, _mm_madd_epi16,
    _mm_movemask_epi8, _mm_mulhi_epi16, _mm_mulhi_epu16, _mm_mullo_epi16, _mm_packs_epi16, _mm_set1_epi16,
    _mm_setr_epi16, _mm_setzero_si128, _mm_shuffle_epi32, _mm_srai_epi16, _mm_srai_epi32, _mm_sub_epi16,
    _mm_unpackhi_epi16, _mm_unpackhi_epi32, _mm_unpacklo_epi16, _mm_unpacklo_epi32, _mm_xor_si128,
};

/// Eight samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes(__m128i);

/// Sums of products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums(__m128i);

impl Lanes {
    #[inline]
    pub(crate) fn of(row: &[i16; LANES]) -> Lanes {
        // SAFETY: as above; the row has 16 bytes, and no alignment is asked for.
        Lanes(unsafe { _mm_loadu_si128(row.as_ptr().cast()) })
    }

    /// The same value everywhere.
    #[inline]
    pub(crate) fn all(value: i16) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_set1_epi16(value) })
    }

    #[cfg(test)]
    pub(crate) fn row(self) -> [i16; LANES] {
        let mut row = [0; LANES];
        // SAFETY: as above; the row has 16 bytes, and no alignment is asked for.
        unsafe { std::arch::x86_64::_mm_storeu_si128(row.as_mut_ptr().cast(), self.0) };
        row
    }

    /// Sums that wrap.
    #[inline]
    pub(crate) fn plus(self, other: Lanes) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_add_epi16(self.0, other.0) })
    }

    /// Differences that wrap.
    #[inline]
    pub(crate) fn minus(self, other: Lanes) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_sub_epi16(self.0, other.0) })
    }

    /// Sums that are clipped.
    #[inline]
    pub(crate) fn plus_saturating(self, other: Lanes) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_adds_epi16(self.0, other.0) })
    }

    #[inline]
    pub(crate) fn xor(self, other: Lanes) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_xor_si128(self.0, other.0) })
    }

    /// −1 where negative, else 0.
    #[inline]
    pub(crate) fn signs(self) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_srai_epi16::<15>(self.0) })
    }

    /// The products' upper halves: their shares of 65,536.
    #[inline]
    pub(crate) fn upper_product(self, other: Lanes) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_mulhi_epi16(self.0, other.0) })
    }

    /// The same, of values without sign.
    #[inline]
    pub(crate) fn upper_product_unsigned(self, other: Lanes) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe { _mm_mulhi_epu16(self.0, other.0) })
    }

    /// A value put before all; of those that move up six remain in all, and zeros behind them.
    #[inline]
    pub(crate) fn after(self, value: i16) -> Lanes {
        // SAFETY: as above.
        Lanes(unsafe {
            let moved = _mm_insert_epi16::<0>(_mm_bslli_si128::<2>(self.0), i32::from(value));
            _mm_and_si128(moved, _mm_setr_epi16(-1, -1, -1, -1, -1, -1, 0, 0))
        })
    }

    /// The sum of products, each divided by 32,768 (rounded down) before.
    #[inline]
    pub(crate) fn scaled_products(self, other: Lanes) -> i32 {
        // SAFETY: as above.
        let sums = unsafe {
            let (low, high) = (_mm_mullo_epi16(self.0, other.0), _mm_mulhi_epi16(self.0, other.0));
            let first = _mm_srai_epi32::<15>(_mm_unpacklo_epi16(low, high));
            let last = _mm_srai_epi32::<15>(_mm_unpackhi_epi16(low, high));
            _mm_add_epi32(first, last)
        };
        Sums(sums).total()
    }

    /// Products, partly summed.
    #[inline]
    pub(crate) fn products(self, other: Lanes) -> Sums {
        // SAFETY: as above.
        Sums(unsafe { _mm_madd_epi16(self.0, other.0) })
    }

    /// The place of the first of rising levels that is above a value; 32 when none is.
    #[inline]
    pub(crate) fn first_above(levels: &[Lanes; 4], value: i16) -> u32 {
        let value = Lanes::all(value).0;
        // SAFETY: as above.
        let [low, high] = [[levels[0], levels[1]], [levels[2], levels[3]]].map(|[a, b]| unsafe {
            let (a, b) = (_mm_cmpgt_epi16(a.0, value), _mm_cmpgt_epi16(b.0, value));
            _mm_movemask_epi8(_mm_packs_epi16(a, b)) as u32
        });
        (low | high << 16).trailing_zeros()
    }
}

impl Sums {
    #[inline]
    pub(crate) fn zero() -> Sums {
        // SAFETY: as above.
        Sums(unsafe { _mm_setzero_si128() })
    }

    #[inline]
    pub(crate) fn plus(self, other: Sums) -> Sums {
        // SAFETY: as above.
        Sums(unsafe { _mm_add_epi32(self.0, other.0) })
    }

    #[inline]
    pub(crate) fn total(self) -> i32 {
        // SAFETY: as above.
        unsafe {
            let halves = _mm_add_epi32(self.0, _mm_shuffle_epi32::<0b01_00_11_10>(self.0));
            _mm_cvtsi128_si32(_mm_add_epi32(halves, _mm_shuffle_epi32::<0b10_11_00_01>(halves)))
        }
    }

    /// The totals of two.
    #[inline]
    pub(crate) fn totals(self, other: Sums) -> (i32, i32) {
        // SAFETY: as above.
        let both = unsafe {
            let halves =
                _mm_add_epi32(_mm_unpacklo_epi32(self.0, other.0), _mm_unpackhi_epi32(self.0, other.0));
            _mm_cvtsi128_si64(_mm_add_epi32(halves, _mm_shuffle_epi32::<0b01_00_11_10>(halves)))
        };
        (both as i32, (both >> 32) as i32)
    }
}
