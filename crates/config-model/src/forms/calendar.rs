//! Calendar forms: dates, days of the week, times of day, instants, time zones.

use super::{Flaw, Form};
use crate::{Dates, Span, Zone};
use base::WallTime;
use config_text::calendar::fixed;
pub use config_text::calendar::{days, minute};
use jiff::civil::Date;

/// A date, a span of dates, or a day of every year.
pub static DATES: Form = Form {
    phrase: "a date such as `2026-12-24`, days such as `2026-12-24..2027-01-01`, or a day of every year such as `12-25`",
    check: |t| span(t).map(drop),
    schema_pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}(\\.\\.[0-9]{4}-[0-9]{2}-[0-9]{2})?$|^[0-9]{2}-[0-9]{2}$",
};

/// A day of the week, or several.
pub static DAYS: Form = Form {
    phrase: "a day of the week such as `mon`, or days such as `mon-fri`",
    check: |t| days(t).map(drop),
    schema_pattern: "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$",
};

/// A time of day.
pub static TIME_OF_DAY: Form = Form {
    phrase: "a time of day such as `08:30`, at most `24:00`",
    check: |t| minute(t).map(drop),
    schema_pattern: "^[0-9]{2}:[0-9]{2}$",
};

/// A moment.
pub static INSTANT: Form = Form {
    phrase: "a moment such as `2026-12-24T10:00:00Z` or `2026-12-24T11:00:00+01:00` (RFC 3339)",
    check: |t| instant(t).map(drop),
    schema_pattern: "",
};

/// A time zone.
pub static ZONE: Form = Form {
    phrase: "a time zone of the IANA database such as `Europe/Berlin`, or `UTC`",
    check: |t| zone(t).map(drop),
    schema_pattern: "^[A-Za-z0-9_+/-]+$",
};

fn date(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    Date::new(fixed(year, 4)?, fixed(month, 2)?, fixed(day, 2)?).ok()
}

/// Reads a date, a span of dates, or a day of every year (which may be the 29th of February).
///
/// # Errors
/// No date, or an end before the beginning.
pub fn span(text: &str) -> Result<Span, Flaw> {
    let wrong = |part: &str| Flaw::new(format!("`{}` is no date", part.escape_debug()));
    if let Some((first, last)) = text.split_once("..") {
        let ends = (date(first).ok_or_else(|| wrong(first))?, date(last).ok_or_else(|| wrong(last))?);
        return if ends.0 <= ends.1 {
            Ok(Span::Days(ends.0, ends.1))
        } else {
            Err(Flaw::new("the days end before they start").nearest(Some(format!("{last}..{first}"))))
        };
    }
    if let Some((month, day)) = text.split_once('-').filter(|_| text.len() == 5) {
        let numbers: Option<(i8, i8)> = fixed(month, 2).zip(fixed(day, 2));
        // A leap year has every day that a year may have.
        let known = numbers.filter(|&(month, day)| Date::new(2024, month, day).is_ok());
        return known.map(|(month, day)| Span::Yearly(month, day)).ok_or_else(|| wrong(text));
    }
    date(text).map(|day| Span::Days(day, day)).ok_or_else(|| wrong(text))
}

/// All spans of a list, in the order of the calendar.
#[must_use]
pub fn dates<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Dates> {
    texts.map(|text| span(text).ok()).collect::<Option<Vec<_>>>().map(Dates::new)
}

/// Reads a moment.
///
/// # Errors
/// Neither RFC 3339, nor a moment since 1970.
pub fn instant(text: &str) -> Result<WallTime, Flaw> {
    let wrong = || Flaw::new(format!("`{}` is no moment", text.escape_debug()));
    let moment: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
    u64::try_from(moment.as_microsecond()).map(WallTime).map_err(|_| wrong())
}

/// Finds a time zone.
///
/// # Errors
/// No such zone.
pub fn zone(text: &str) -> Result<Zone, Flaw> {
    Zone::named(text).ok_or_else(|| Flaw::new(format!("unknown time zone `{}`", text.escape_debug())))
}

#[cfg(test)]
#[path = "../../tests/unit/calendar.rs"]
mod tests;
