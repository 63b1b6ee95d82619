//! Eight samples at once: what the inner loops of filters and predictors are made of.
//!
//! On x86-64 each is an instruction or a few of SSE2, which every such processor has; elsewhere it is plain
//! arithmetic of the same result (`plain`), with which the tests compare.

#[cfg(any(test, not(target_arch = "x86_64")))]
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "not all of it is compared"))]
mod plain;
#[cfg(target_arch = "x86_64")]
mod sse2;

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use plain::{Lanes, Sums};
#[cfg(target_arch = "x86_64")]
pub(crate) use sse2::{Lanes, Sums};

/// How many samples stand in [`Lanes`].
pub(crate) const LANES: usize = 8;

/// The sum of the products of two rows, as far as whole [`Lanes`] of both reach.
#[inline]
pub(crate) fn correlated(line: &[i16], filter: &[[i16; LANES]]) -> i32 {
    let (pieces, _) = line.as_chunks::<LANES>();
    let products = pieces.iter().zip(filter).map(|(a, b)| Lanes::of(a).products(Lanes::of(b)));
    products.fold(Sums::zero(), Sums::plus).total()
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::{LANES, plain, sse2};

    /// Rows with every extreme beside random ones.
    fn rows() -> impl Iterator<Item = [i16; LANES]> {
        let mut state = 77u32;
        (0..4_000).map(move |_| {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                match state >> 28 {
                    0 => i16::MIN,
                    1 => i16::MAX,
                    2 => 0,
                    3 => -1,
                    _ => (state >> 9) as i16,
                }
            })
        })
    }

    macro_rules! same {
        ($a:ident, $b:ident, $($what:ident)*) => {$(
            let fast = sse2::Lanes::of(&$a).$what(sse2::Lanes::of(&$b));
            let slow = plain::Lanes::of(&$a).$what(plain::Lanes::of(&$b));
            assert_eq!(fast.row(), slow.row(), concat!(stringify!($what), " of {:?} and {:?}"), $a, $b);
        )*};
        ($a:ident, $($what:ident)*) => {$(
            let (fast, slow) = (sse2::Lanes::of(&$a).$what(), plain::Lanes::of(&$a).$what());
            assert_eq!(fast.row(), slow.row(), concat!(stringify!($what), " of {:?}"), $a);
        )*};
    }

    #[test]
    fn both_ways_to_count_agree() {
        for (a, b) in rows().zip(rows().skip(1)) {
            same!(a, b, plus minus plus_saturating minus_saturating smaller larger xor where_not_zero after);
            same!(a, b, upper_product upper_product_unsigned scaled_product);
            same!(a, signs by_128 first_everywhere second_everywhere);
            let (fast, slow) = (sse2::Lanes::of(&a), plain::Lanes::of(&a));
            let (more, slower) = (sse2::Lanes::of(&b), plain::Lanes::of(&b));
            assert_eq!(fast.beside(more).row()[..4], slow.beside(slower).row()[..4]);
            assert_eq!(fast.second_pair().row()[..2], slow.second_pair().row()[..2]);
            assert_eq!(fast.first_two(), slow.first_two());
            assert_eq!(sse2::Lanes::pair(a[0], a[1]).row(), plain::Lanes::pair(a[0], a[1]).row());
            let (one, other) = (fast.scaled_products(more), slow.scaled_products(slower));
            assert_eq!(one.totals::<0>(one).first_two(), other.totals::<0>(other).first_two());
            let (two, another) = (fast.products(more), slow.products(slower));
            assert_eq!(two.plus(one).total(), another.plus(other).total());
            assert_eq!(one.totals::<14>(two).first_two(), other.totals::<14>(another).first_two());
        }
    }

    #[test]
    fn the_first_above_is_found_among_rising_values() {
        for mut row in rows().take(500) {
            row.sort_unstable();
            let block = |n: usize| row.map(|level| (level >> 3) + 8_192 * n as i16 - 12_000);
            let levels: [[i16; LANES]; 4] = std::array::from_fn(block);
            for value in row {
                let fast = levels.map(|levels| sse2::Lanes::of(&levels));
                let slow = levels.map(|levels| plain::Lanes::of(&levels));
                let fast = sse2::Lanes::first_above(&fast, sse2::Lanes::all(value));
                assert_eq!(fast, plain::Lanes::first_above(&slow, plain::Lanes::all(value)));
            }
        }
    }
}
