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
        ($a:expr, $b:expr, $what:ident ( $($with:ident),* )) => {{
            let fast = sse2::Lanes::of(&$a).$what($({ let _ = stringify!($with); sse2::Lanes::of(&$b) }),*);
            let slow = plain::Lanes::of(&$a).$what($({ let _ = stringify!($with); plain::Lanes::of(&$b) }),*);
            assert_eq!(fast.row(), slow.row(), concat!(stringify!($what), " of {:?} and {:?}"), $a, $b);
        }};
    }

    #[test]
    fn both_ways_to_count_agree() {
        for (a, b) in rows().zip(rows().skip(1)) {
            same!(a, b, plus(other));
            same!(a, b, minus(other));
            same!(a, b, plus_saturating(other));
            same!(a, b, xor(other));
            same!(a, b, upper_product(other));
            same!(a, b, upper_product_unsigned(other));
            same!(a, b, signs());
            assert_eq!(sse2::Lanes::of(&a).after(b[0]).row(), plain::Lanes::of(&a).after(b[0]).row());
            let fast = sse2::Lanes::of(&a).scaled_products(sse2::Lanes::of(&b));
            assert_eq!(fast, plain::Lanes::of(&a).scaled_products(plain::Lanes::of(&b)));
            if a.contains(&i16::MIN) && b.contains(&i16::MIN) {
                continue;
            }
            let (fast, slow) = (sse2::Lanes::of(&a), plain::Lanes::of(&a));
            let (fast, slow) = (fast.products(sse2::Lanes::of(&b)), slow.products(plain::Lanes::of(&b)));
            assert_eq!(fast.plus(fast).total(), slow.plus(slow).total());
            assert_eq!(fast.totals(sse2::Sums::zero()), slow.totals(plain::Sums::zero()));
        }
    }

    #[test]
    fn the_first_above_is_found_among_rising_values() {
        for mut row in rows().take(500) {
            row.sort_unstable();
            let levels: [[i16; LANES]; 4] =
                std::array::from_fn(|n| row.map(|l| (l >> 3) + 8_192 * n as i16 - 12_000));
            for value in row {
                let fast = sse2::Lanes::first_above(&levels.map(|l| sse2::Lanes::of(&l)), value);
                assert_eq!(fast, plain::Lanes::first_above(&levels.map(|l| plain::Lanes::of(&l)), value));
            }
        }
    }
}
