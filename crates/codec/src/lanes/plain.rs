//! Eight samples in plain arithmetic: what the instructions of other rooms are measured by.

use super::LANES;

/// Eight samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes([i16; LANES]);

/// Sums of products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums(i32);

impl Lanes {
    #[inline]
    pub(crate) fn of(row: &[i16; LANES]) -> Lanes {
        Lanes(*row)
    }

    /// The same value everywhere.
    #[inline]
    pub(crate) fn all(value: i16) -> Lanes {
        Lanes([value; LANES])
    }

    #[cfg(test)]
    pub(crate) fn row(self) -> [i16; LANES] {
        self.0
    }

    #[inline]
    fn with(self, other: Lanes, mut work: impl FnMut(i16, i16) -> i16) -> Lanes {
        Lanes(std::array::from_fn(|at| work(self.0[at], other.0[at])))
    }

    /// Sums that wrap.
    #[inline]
    pub(crate) fn plus(self, other: Lanes) -> Lanes {
        self.with(other, i16::wrapping_add)
    }

    /// Differences that wrap.
    #[inline]
    pub(crate) fn minus(self, other: Lanes) -> Lanes {
        self.with(other, i16::wrapping_sub)
    }

    /// Sums that are clipped.
    #[inline]
    pub(crate) fn plus_saturating(self, other: Lanes) -> Lanes {
        self.with(other, i16::saturating_add)
    }

    #[inline]
    pub(crate) fn xor(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| a ^ b)
    }

    /// −1 where negative, else 0.
    #[inline]
    pub(crate) fn signs(self) -> Lanes {
        Lanes(self.0.map(|value| value >> 15))
    }

    /// The products' upper halves: their shares of 65,536.
    #[inline]
    pub(crate) fn upper_product(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| ((i32::from(a) * i32::from(b)) >> 16) as i16)
    }

    /// The same, of values without sign.
    #[inline]
    pub(crate) fn upper_product_unsigned(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| ((u32::from(a as u16) * u32::from(b as u16)) >> 16) as i16)
    }

    /// A value put before all; of those that move up six remain in all, and zeros behind them.
    #[inline]
    pub(crate) fn after(self, value: i16) -> Lanes {
        let [a, b, c, d, e, ..] = self.0;
        Lanes([value, a, b, c, d, e, 0, 0])
    }

    /// The sum of products, each divided by 32,768 (rounded down) before.
    #[inline]
    pub(crate) fn scaled_products(self, other: Lanes) -> i32 {
        self.0.iter().zip(other.0).map(|(a, b)| (i32::from(*a) * i32::from(b)) >> 15).sum()
    }

    /// Products, partly summed.
    #[inline]
    pub(crate) fn products(self, other: Lanes) -> Sums {
        Sums(self.0.iter().zip(other.0).map(|(a, b)| i32::from(*a) * i32::from(b)).fold(0, i32::wrapping_add))
    }

    /// The place of the first of rising levels that is above a value; 32 when none is.
    #[inline]
    pub(crate) fn first_above(levels: &[Lanes; 4], value: i16) -> u32 {
        levels.iter().flat_map(|lanes| lanes.0).take_while(|level| *level <= value).count() as u32
    }
}

impl Sums {
    #[inline]
    pub(crate) fn zero() -> Sums {
        Sums(0)
    }

    #[inline]
    pub(crate) fn plus(self, other: Sums) -> Sums {
        Sums(self.0.wrapping_add(other.0))
    }

    #[inline]
    pub(crate) fn total(self) -> i32 {
        self.0
    }

    /// The totals of two.
    #[inline]
    pub(crate) fn totals(self, other: Sums) -> (i32, i32) {
        (self.0, other.0)
    }
}
