//! Days of the week and times of day.

use crate::Flaw;

/// Days of the week in the order of ISO 8601.
const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A number of exactly `digits` digits.
#[must_use]
pub fn fixed<N: std::str::FromStr>(text: &str, digits: usize) -> Option<N> {
    let whole = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    if whole { text.parse().ok() } else { None }
}

/// Reads days of the week as a set: bit 0 is Monday. Days may run over Sunday: `sat-mon`.
///
/// # Errors
/// What is wrong with it.
pub fn days(text: &str) -> Result<u8, Flaw> {
    let find = |word: &str, at: usize| {
        let lower = word.to_ascii_lowercase();
        WEEK.iter().position(|day| *day == word).ok_or_else(|| {
            let near = WEEK.iter().find(|day| lower.starts_with(**day)).map(|day| (*day).to_owned());
            Flaw::new(format!("`{}` is no day of the week", word.escape_debug())).at(at).nearest(near)
        })
    };
    let Some((first, last)) = text.split_once('-') else { return Ok(1 << find(text, 0)?) };
    let (first, last) = (find(first, 0)?, find(last, first.len() + 1)?);
    let length = (last + WEEK.len() - first) % WEEK.len();
    Ok((0..=length).fold(0, |set, step| set | 1 << ((first + step) % WEEK.len())))
}

/// Reads a time of day as minutes since midnight, at most 1440.
///
/// # Errors
/// What is wrong with it.
pub fn minute(text: &str) -> Result<u16, Flaw> {
    let wrong = || Flaw::new(format!("`{}` is no time of day", text.escape_debug()));
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let (hour, minute): (u16, u16) = fixed(hour, 2).zip(fixed(minute, 2)).ok_or_else(wrong)?;
    let whole = hour * 60 + minute;
    if minute < 60 && whole <= 24 * 60 { Ok(whole) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read() {
        assert_eq!(days("mon").unwrap(), 0b1);
        assert_eq!(days("mon-fri").unwrap(), 0b1_1111);
        assert_eq!(days("sat-mon").unwrap(), 0b110_0001);
        assert_eq!(days("Monday").unwrap_err().nearest.as_deref(), Some("mon"));
        assert_eq!(days("mon-fry").unwrap_err().at, 4);
        assert_eq!((minute("08:30").unwrap(), minute("24:00").unwrap()), (510, 1440));
        assert!(minute("24:01").is_err() && minute("8:30").is_err() && minute("08:60").is_err());
    }
}
