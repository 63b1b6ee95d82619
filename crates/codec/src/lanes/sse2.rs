//! Eight samples in one register of SSE2; what each is for stands in `plain`.
#![allow(unsafe_code)]

use super::LANES;
use std::arch::x86_64::*;

/// Eight samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes(__m128i);

/// Four sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums(__m128i);

/// One expression of intrinsics.
macro_rules! sse2 {
    ($work:expr) => {
        // SAFETY: SSE2 belongs to x86-64, and the intrinsics of this room that take no pointer have no other condition.
        unsafe { $work }
    };
}

impl Lanes {
    #[inline]
    pub(crate) fn of(row: &[i16; LANES]) -> Lanes {
        // SAFETY: SSE2 belongs to x86-64; the row has 16 bytes, and no alignment is asked for.
        Lanes(unsafe { _mm_loadu_si128(row.as_ptr().cast()) })
    }

    #[inline]
    pub(crate) fn all(value: i16) -> Lanes {
        Lanes(sse2!(_mm_set1_epi16(value)))
    }

    #[inline]
    pub(crate) fn pair(first: i16, second: i16) -> Lanes {
        let both = i32::from(first as u16) | i32::from(second) << 16;
        Lanes(sse2!(_mm_cvtsi32_si128(both)))
    }

    #[inline]
    pub(crate) fn first_two(self) -> (i16, i16) {
        let both = sse2!(_mm_cvtsi128_si32(self.0));
        (both as i16, (both >> 16) as i16)
    }

    #[cfg(test)]
    pub(crate) fn row(self) -> [i16; LANES] {
        let mut row = [0; LANES];
        // SAFETY: SSE2 belongs to x86-64; the row has 16 bytes, and no alignment is asked for.
        unsafe { _mm_storeu_si128(row.as_mut_ptr().cast(), self.0) };
        row
    }

    #[inline]
    pub(crate) fn plus(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_add_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn minus(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_sub_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn plus_saturating(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_adds_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn minus_saturating(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_subs_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn smaller(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_min_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn larger(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_max_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn xor(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_xor_si128(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn where_not_zero(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_andnot_si128(_mm_cmpeq_epi16(other.0, _mm_setzero_si128()), self.0)))
    }

    #[inline]
    pub(crate) fn signs(self) -> Lanes {
        Lanes(sse2!(_mm_srai_epi16::<15>(self.0)))
    }

    #[inline]
    pub(crate) fn by_128(self) -> Lanes {
        Lanes(sse2!(_mm_srai_epi16::<7>(self.0)))
    }

    #[inline]
    pub(crate) fn upper_product(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_mulhi_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn upper_product_unsigned(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_mulhi_epu16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn scaled_product(self, other: Lanes) -> Lanes {
        let upper = sse2!(_mm_slli_epi16::<1>(_mm_mulhi_epi16(self.0, other.0)));
        Lanes(sse2!(_mm_or_si128(upper, _mm_srli_epi16::<15>(_mm_mullo_epi16(self.0, other.0)))))
    }

    #[inline]
    pub(crate) fn scaled_products(self, other: Lanes) -> Sums {
        let (low, high) = sse2!((_mm_mullo_epi16(self.0, other.0), _mm_mulhi_epi16(self.0, other.0)));
        let first = sse2!(_mm_srai_epi32::<15>(_mm_unpacklo_epi16(low, high)));
        let last = sse2!(_mm_srai_epi32::<15>(_mm_unpackhi_epi16(low, high)));
        Sums(sse2!(_mm_add_epi32(first, last)))
    }

    #[inline]
    pub(crate) fn products(self, other: Lanes) -> Sums {
        Sums(sse2!(_mm_madd_epi16(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn after(self, other: Lanes) -> Lanes {
        let kept = sse2!(_mm_setr_epi16(0, -1, -1, -1, -1, -1, 0, 0));
        let first = sse2!(_mm_and_si128(other.0, _mm_setr_epi16(-1, 0, 0, 0, 0, 0, 0, 0)));
        Lanes(sse2!(_mm_or_si128(_mm_and_si128(_mm_bslli_si128::<2>(self.0), kept), first)))
    }

    #[inline]
    pub(crate) fn first_everywhere(self) -> Lanes {
        Lanes(sse2!(_mm_shuffle_epi32::<0>(_mm_shufflelo_epi16::<0>(self.0))))
    }

    #[inline]
    pub(crate) fn second_everywhere(self) -> Lanes {
        Lanes(sse2!(_mm_shuffle_epi32::<0>(_mm_shufflelo_epi16::<0b01_01_01_01>(self.0))))
    }

    #[inline]
    pub(crate) fn beside(self, other: Lanes) -> Lanes {
        Lanes(sse2!(_mm_unpacklo_epi32(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn second_pair(self) -> Lanes {
        Lanes(sse2!(_mm_bsrli_si128::<4>(self.0)))
    }

    #[inline]
    pub(crate) fn first_above(levels: &[Lanes; 4], value: Lanes) -> u32 {
        let above = |level: Lanes| sse2!(_mm_cmpgt_epi16(level.0, value.0));
        let [a, b, c, d] = levels.map(above);
        let low = sse2!(_mm_movemask_epi8(_mm_packs_epi16(a, b)));
        let high = sse2!(_mm_movemask_epi8(_mm_packs_epi16(c, d)));
        (low | high << 16 | 1 << 31).trailing_zeros()
    }
}

impl Sums {
    #[inline]
    pub(crate) fn zero() -> Sums {
        Sums(sse2!(_mm_setzero_si128()))
    }

    #[inline]
    pub(crate) fn plus(self, other: Sums) -> Sums {
        Sums(sse2!(_mm_add_epi32(self.0, other.0)))
    }

    #[inline]
    pub(crate) fn total(self) -> i32 {
        let halves = sse2!(_mm_add_epi32(self.0, _mm_shuffle_epi32::<0b01_00_11_10>(self.0)));
        sse2!(_mm_cvtsi128_si32(_mm_add_epi32(halves, _mm_shuffle_epi32::<0b10_11_00_01>(halves))))
    }

    #[inline]
    pub(crate) fn totals<const SHIFT: i32>(self, other: Sums) -> Lanes {
        let (low, high) = sse2!((_mm_unpacklo_epi32(self.0, other.0), _mm_unpackhi_epi32(self.0, other.0)));
        let halves = sse2!(_mm_add_epi32(low, high));
        let both = sse2!(_mm_add_epi32(halves, _mm_shuffle_epi32::<0b01_00_11_10>(halves)));
        let both = sse2!(_mm_srai_epi32::<SHIFT>(both));
        Lanes(sse2!(_mm_packs_epi32(both, both)))
    }
}
