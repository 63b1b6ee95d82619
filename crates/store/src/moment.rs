//! Moments as people read them: RFC 3339 in UTC with microseconds.
//!
//! Pure arithmetic on the proleptic Gregorian calendar; it never asks the system for the time or
//! a time zone. Enter through [`Moment`].

use base::WallTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment(pub u64);

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;
/// Seconds in a day.
const DAY: u64 = 86_400;
/// Days in 400 Gregorian years.
const CYCLE_DAYS: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: u64 = 719_468;
/// The first microsecond of the year 10000, which RFC 3339 cannot write.
const END: u64 = 253_402_300_800 * SECOND;
/// Days before each month of a year that begins in March.
const MONTH_STARTS: [u64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];

/// The text is no moment that can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "expected a time such as 2026-03-01T12:30:00Z, 2026-03-01T12:30:00.5+01:00 or a date such as 2026-03-01"
)]
pub struct NotAMoment;

impl From<WallTime> for Moment {
    fn from(wall: WallTime) -> Moment {
        Moment(wall.0)
    }
}

impl Moment {
    /// The moment in the form `2026-03-01T12:30:00.000000Z` (RFC 3339 §5.6), always 27 bytes.
    ///
    /// Moments after the year 9999 are written as its last microsecond.
    #[must_use]
    pub fn text(self) -> [u8; 27] {
        let micros = self.0.min(END - 1);
        let seconds = micros / SECOND;
        let (year, month, day) = date_of(seconds / DAY);
        let of_day = seconds % DAY;
        let mut out = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut out[0..4], year);
        digits(&mut out[5..7], month);
        digits(&mut out[8..10], day);
        digits(&mut out[11..13], of_day / 3_600);
        digits(&mut out[14..16], of_day / 60 % 60);
        digits(&mut out[17..19], of_day % 60);
        digits(&mut out[20..26], micros % SECOND);
        out
    }

    /// Whole milliseconds from `earlier` to `self`; 0 when `earlier` is later.
    #[must_use]
    pub fn millis_since(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }
}

/// Writes `value` right-aligned over the zeroes in `out`.
fn digits(out: &mut [u8], mut value: u64) {
    for slot in out.iter_mut().rev() {
        *slot = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// Year, month and day of a day number since the epoch.
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH_DAYS;
    let cycle = days / CYCLE_DAYS;
    let in_cycle = days % CYCLE_DAYS;
    // The last century of a cycle and the last year of four are the long ones: `min` keeps their
    // last day from counting as a further century or year.
    let century = (in_cycle / 36_524).min(3);
    let in_century = in_cycle - century * 36_524;
    let four = in_century / 1_461;
    let in_four = in_century % 1_461;
    let single = (in_four / 365).min(3);
    let in_year = in_four - single * 365;
    let month = MONTH_STARTS.iter().rposition(|&start| start <= in_year).unwrap_or(0);
    let day = in_year - MONTH_STARTS.get(month).copied().unwrap_or(0) + 1;
    let march_year = cycle * 400 + century * 100 + four * 4 + single;
    let month = month as u64;
    if month < 10 { (march_year, month + 3, day) } else { (march_year + 1, month - 9, day) }
}

/// The day number since the epoch; `None` when no such date exists from 1970 on.
fn day_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let (march_year, index) =
        if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month + 9) };
    let start = MONTH_STARTS.get(usize::try_from(index).ok()?)?;
    let leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    let number = (march_year * 365 + leap_days + start + day.checked_sub(1)?).checked_sub(EPOCH_DAYS)?;
    (date_of(number) == (year, month, day)).then_some(number)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// A fixed number of decimal digits at `at`.
fn number(text: &[u8], at: usize, count: usize) -> Option<u64> {
    text.get(at..at + count)?
        .iter()
        .try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

/// Microseconds of a fraction that begins with a point, and how many bytes it took.
fn fraction(text: &[u8]) -> Option<(u64, usize)> {
    if text.first() != Some(&b'.') {
        return Some((0, 0));
    }
    let count = text[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let used = count.min(6);
    let value = number(text, 1, used)?;
    let scale = (used..6).fold(1_u64, |scale, _| scale * 10);
    Some((value * scale, count + 1))
}

/// Seconds east of UTC: `Z`, `+01:00`, `-05:30`, or nothing for UTC.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] if rest.len() == 5 && rest[2] == b':' => {
            let (hours, minutes) = (number(rest, 0, 2)?, number(rest, 3, 2)?);
            let seconds = i64::try_from(hours * 3_600 + minutes * 60).ok()?;
            (hours < 24 && minutes < 60).then_some(if *sign == b'+' { seconds } else { -seconds })
        }
        _ => None,
    }
}

fn parse(text: &[u8]) -> Option<Moment> {
    if text.get(4) != Some(&b'-') || text.get(7) != Some(&b'-') {
        return None;
    }
    let day = day_of(number(text, 0, 4)?, number(text, 5, 2)?, number(text, 8, 2)?)?;
    if text.len() == 10 {
        return Some(Moment(day * DAY * SECOND));
    }
    if !matches!(text.get(10), Some(b'T' | b't' | b' ')) || text.get(13) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (number(text, 11, 2)?, number(text, 14, 2)?);
    let mut rest = text.get(16..)?;
    let mut second = 0;
    if rest.first() == Some(&b':') {
        second = number(rest, 1, 2)?;
        rest = rest.get(3..)?;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (micros, used) = fraction(rest)?;
    let east = offset(rest.get(used..)?)?;
    let local = i64::try_from(day * DAY + hour * 3_600 + minute * 60 + second).ok()?;
    Some(Moment(u64::try_from(local - east).ok()? * SECOND + micros))
}

impl FromStr for Moment {
    type Err = NotAMoment;
    /// Reads RFC 3339 (§5.6), also without seconds or offset (then UTC), and plain dates.
    fn from_str(text: &str) -> Result<Moment, NotAMoment> {
        parse(text.as_bytes()).ok_or(NotAMoment)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(micros: u64, text: &str) {
        assert_eq!(Moment(micros).to_string(), text);
        assert_eq!(text.parse(), Ok(Moment(micros)));
    }

    #[test]
    fn known_moments() {
        check(0, "1970-01-01T00:00:00.000000Z");
        check(951_782_400_000_001, "2000-02-29T00:00:00.000001Z");
        check(951_868_799_999_999, "2000-02-29T23:59:59.999999Z");
        check(951_868_800_000_000, "2000-03-01T00:00:00.000000Z");
        check(1_709_164_800_000_000, "2024-02-29T00:00:00.000000Z");
        check(4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z");
        check(END - 1, "9999-12-31T23:59:59.999999Z");
        assert_eq!(Moment(u64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..CYCLE_DAYS + 800 {
            let (year, month, date) = date_of(day);
            assert_eq!(day_of(year, month, date), Some(day));
        }
    }

    #[test]
    fn what_people_type() {
        let base: Moment = "2026-03-01T12:30:00Z".parse().unwrap();
        for same in [
            "2026-03-01 12:30",
            "2026-03-01T13:30:00+01:00",
            "2026-03-01T12:30:00.0",
            "2026-03-01t07:00-05:30",
        ] {
            assert_eq!(same.parse(), Ok(base), "{same}");
        }
        assert_eq!("2026-03-01".parse::<Moment>().unwrap().to_string(), "2026-03-01T00:00:00.000000Z");
        for bad in [
            "",
            "2026",
            "2026-02-29",
            "2026-13-01",
            "2026-03-01T24:00",
            "2026-03-01T12:30.",
            "1969-12-31",
            "2026-03-01T12:30:00+1",
            "2026-03-01T12:30:00ZZ",
            "2026-03-00",
            "1970-01-01T00:00:00+01:00",
            "２０２６-03-01",
        ] {
            assert_eq!(bad.parse::<Moment>(), Err(NotAMoment), "{bad}");
        }
    }
}
