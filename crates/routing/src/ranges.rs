//! Number ranges (DIDs): which range holds a number.
//!
//! Ranges never overlap (the configuration refuses that), so a binary search over their first numbers
//! answers. Numbers of different length, and with and without plus, are different numbers.

/// A number as something that can be compared: form, count of digits, value.
type Key = (bool, u8, u64);

struct Span {
    first: Key,
    last: u64,
    index: u32,
}

/// The ranges, sorted.
#[derive(Default)]
pub(crate) struct Ranges {
    spans: Vec<Span>,
}

/// Most digits of a number that is looked up; fits 64 bits.
const DIGITS_MAX: usize = 19;

fn key(number: &str) -> Option<Key> {
    let plus = number.starts_with('+');
    let digits = if plus { number.get(1..)? } else { number };
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((plus, u8::try_from(digits.len()).ok()?, digits.parse().ok()?))
}

impl Ranges {
    /// Files `(first, last)` pairs under their position. A pair that is no range of digits of one
    /// length is left out; the configuration has refused such.
    pub(crate) fn build<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Ranges {
        let mut spans: Vec<Span> = pairs
            .zip(0_u32..)
            .filter_map(|((first, last), index)| {
                let (first, last) = (key(first)?, key(last)?);
                let same_form = (first.0, first.1) == (last.0, last.1);
                (same_form && first.2 <= last.2).then_some(Span { first, last: last.2, index })
            })
            .collect();
        spans.sort_by_key(|s| (s.first, s.index));
        Ranges { spans }
    }

    /// The position of the range that holds the number.
    pub(crate) fn find(&self, number: &str) -> Option<u32> {
        let key = key(number)?;
        let after = self.spans.partition_point(|s| s.first <= key);
        let span = self.spans.get(after.checked_sub(1)?)?;
        let same_form = (span.first.0, span.first.1) == (key.0, key.1);
        (same_form && key.2 <= span.last).then_some(span.index)
    }

    /// Whether more digits after `number` could make it one of these numbers.
    pub(crate) fn has_longer(&self, number: &str) -> bool {
        let Some((plus, len, value)) = key(number) else { return false };
        let mut scale = 1_u64;
        for longer in len + 1..=DIGITS_MAX as u8 {
            scale = scale.saturating_mul(10);
            let (Some(low), Some(high)) = (
                value.checked_mul(scale),
                value.checked_add(1).and_then(|v| v.checked_mul(scale)).map(|v| v - 1),
            ) else {
                return false;
            };
            let after = self.spans.partition_point(|s| s.first <= (plus, longer, high));
            let span = after.checked_sub(1).and_then(|at| self.spans.get(at));
            if span.is_some_and(|s| (s.first.0, s.first.1) == (plus, longer) && s.last >= low) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges() -> Ranges {
        let pairs = [
            ("+493023125000", "+493023125999"),
            ("+493023126000", "+493023126000"),
            ("100", "199"),
            ("0100", "0199"),
            ("+441632960000", "+441632960999"),
            ("alice", "bob"),
            ("+9", "+1"),
        ];
        Ranges::build(pairs.into_iter())
    }

    #[test]
    fn numbers_at_and_beside_the_ends() {
        for (number, range) in [
            ("+493023125000", Some(0)),
            ("+493023125999", Some(0)),
            ("+493023124999", None),
            ("+493023126000", Some(1)),
            ("+493023126001", None),
            ("493023125000", None),
            ("+49302312500", None),
            ("+4930231250000", None),
            ("100", Some(2)),
            ("0100", Some(3)),
            ("99", None),
            ("+441632960500", Some(4)),
            ("alice", None),
            ("", None),
            ("+", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(ranges().find(number), range, "{number}");
        }
    }

    #[test]
    fn incomplete_numbers() {
        for (number, longer) in [
            ("+4930231", true),
            ("+49302312599", true),
            ("+493023125999", false),
            ("+4930231270", false),
            ("1", true),
            ("2", false),
            ("01", true),
            ("+1", false),
            ("alice", false),
        ] {
            assert_eq!(ranges().has_longer(number), longer, "{number}");
        }
    }
}
