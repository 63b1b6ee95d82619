//! Eight samples in plain arithmetic: what the instructions of other rooms are measured by.

use super::LANES;
use std::array::from_fn;

/// Eight samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes([i16; LANES]);

/// Four sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums([i32; LANES / 2]);

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

    /// Two values, and zeros.
    #[inline]
    pub(crate) fn pair(first: i16, second: i16) -> Lanes {
        Lanes([first, second, 0, 0, 0, 0, 0, 0])
    }

    /// The first two.
    #[inline]
    pub(crate) fn first_two(self) -> (i16, i16) {
        (self.0[0], self.0[1])
    }

    #[cfg(test)]
    pub(crate) fn row(self) -> [i16; LANES] {
        self.0
    }

    #[inline]
    fn with(self, other: Lanes, mut work: impl FnMut(i16, i16) -> i16) -> Lanes {
        Lanes(from_fn(|at| work(self.0[at], other.0[at])))
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

    /// Differences that are clipped.
    #[inline]
    pub(crate) fn minus_saturating(self, other: Lanes) -> Lanes {
        self.with(other, i16::saturating_sub)
    }

    #[inline]
    pub(crate) fn smaller(self, other: Lanes) -> Lanes {
        self.with(other, i16::min)
    }

    #[inline]
    pub(crate) fn larger(self, other: Lanes) -> Lanes {
        self.with(other, i16::max)
    }

    #[inline]
    pub(crate) fn xor(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| a ^ b)
    }

    /// 0 where the other one is 0.
    #[inline]
    pub(crate) fn where_not_zero(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| if b == 0 { 0 } else { a })
    }

    /// −1 where negative, else 0.
    #[inline]
    pub(crate) fn signs(self) -> Lanes {
        Lanes(self.0.map(|value| value >> 15))
    }

    /// Shares of 128, rounded down.
    #[inline]
    pub(crate) fn by_128(self) -> Lanes {
        Lanes(self.0.map(|value| value >> 7))
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

    /// The products' shares of 32,768.
    #[inline]
    pub(crate) fn scaled_product(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| ((i32::from(a) * i32::from(b)) >> 15) as i16)
    }

    /// The products' shares of 32,768, two and two summed.
    #[inline]
    pub(crate) fn scaled_products(self, other: Lanes) -> Sums {
        let product = |at: usize| (i32::from(self.0[at]) * i32::from(other.0[at])) >> 15;
        Sums(from_fn(|at| product(at) + product(at + 4)))
    }

    /// Products, two and two summed.
    #[inline]
    pub(crate) fn products(self, other: Lanes) -> Sums {
        let product = |at: usize| i32::from(self.0[at]) * i32::from(other.0[at]);
        Sums(from_fn(|at| product(2 * at).wrapping_add(product(2 * at + 1))))
    }

    /// The first of another put before all; of those that move up six remain in all, and zeros behind them.
    #[inline]
    pub(crate) fn after(self, other: Lanes) -> Lanes {
        let [a, b, c, d, e, ..] = self.0;
        Lanes([other.0[0], a, b, c, d, e, 0, 0])
    }

    #[inline]
    pub(crate) fn first_everywhere(self) -> Lanes {
        Lanes::all(self.0[0])
    }

    #[inline]
    pub(crate) fn second_everywhere(self) -> Lanes {
        Lanes::all(self.0[1])
    }

    /// The first two, then the first two of another; no matter what behind them.
    #[inline]
    pub(crate) fn beside(self, other: Lanes) -> Lanes {
        Lanes([self.0[0], self.0[1], other.0[0], other.0[1], 0, 0, 0, 0])
    }

    /// The third and the fourth as first and second; no matter what behind them.
    #[inline]
    pub(crate) fn second_pair(self) -> Lanes {
        Lanes::pair(self.0[2], self.0[3])
    }

    /// The place of the first of rising levels that is above a value that stands everywhere; 31 when none before it
    /// is.
    #[inline]
    pub(crate) fn first_above(levels: &[Lanes; 4], value: Lanes) -> u32 {
        let levels = levels.iter().flat_map(|lanes| lanes.0).take(31);
        levels.take_while(|level| *level <= value.0[0]).count() as u32
    }
}

impl Sums {
    #[inline]
    pub(crate) fn zero() -> Sums {
        Sums([0; 4])
    }

    #[inline]
    pub(crate) fn plus(self, other: Sums) -> Sums {
        Sums(from_fn(|at| self.0[at].wrapping_add(other.0[at])))
    }

    #[inline]
    pub(crate) fn total(self) -> i32 {
        self.0.into_iter().fold(0, i32::wrapping_add)
    }

    /// The totals of two, by 2^`SHIFT` (rounded down) and clipped, as first and second; no matter what behind them.
    #[inline]
    pub(crate) fn totals<const SHIFT: i32>(self, other: Sums) -> Lanes {
        let clipped = |sums: Sums| (sums.total() >> SHIFT).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        Lanes::pair(clipped(self), clipped(other))
    }
}
