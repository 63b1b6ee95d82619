//! Durations: `10s`, `500ms`, `2m`, `1h`, `7d`.

use crate::Flaw;
use std::time::Duration;

/// Units and their milliseconds, longest spelling first where one ends in another.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Spellings that people try.
const WRONG_UNITS: [(&str, &str); 12] = [
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("msec", "ms"),
    ("hour", "h"),
    ("hours", "h"),
    ("days", "d"),
];

/// Reads a duration.
///
/// # Errors
/// It is none; the flaw names what may have been meant.
pub fn duration(text: &str) -> Result<Duration, Flaw> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let millis = number.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor));
    millis.map(Duration::from_millis).ok_or_else(|| {
        Flaw::new(format!("`{}` is no duration", text.escape_debug())).nearest(mended(number, unit.trim()))
    })
}

/// The duration that was probably meant.
fn mended(number: &str, unit: &str) -> Option<String> {
    let unit = unit.to_ascii_lowercase();
    let known = UNITS.iter().map(|(name, _)| *name).find(|name| *name == unit);
    let wrong = || WRONG_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, right)| *right);
    let right = if unit.is_empty() { Some("s") } else { known.or_else(wrong) };
    let fits = (1..=12).contains(&number.len());
    right.filter(|_| fits).map(|right| format!("{number}{right}"))
}

/// Writes a duration in the largest unit that divides it.
#[must_use]
pub fn written(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let unit = UNITS.iter().rev().find(|(_, factor)| millis.is_multiple_of(u128::from(*factor)));
    let (name, factor) = unit.copied().unwrap_or(("ms", 1));
    format!("{}{name}", millis / u128::from(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for text in ["500ms", "10s", "2m", "1h", "7d"] {
            assert_eq!(written(duration(text).unwrap()), text);
        }
        assert_eq!(written(Duration::ZERO), "0s");
        let near = |text| duration(text).unwrap_err().nearest;
        assert_eq!(near("10 sec").as_deref(), Some("10s"));
        assert_eq!(near("10").as_deref(), Some("10s"));
        assert_eq!(near("5 MIN").as_deref(), Some("5m"));
        assert_eq!(near("soon"), None);
        assert!(duration("99999999999999999999s").is_err());
        assert!(duration("99999999999999999d").is_err());
    }
}
