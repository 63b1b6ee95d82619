//! Times at which a route holds: days, hours and dates, as the clocks of a time zone show them.

use base::WallTime;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A time zone of the IANA database that is built into the program; equal to another by its name.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    pub fn named(name: &str) -> Option<Zone> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Some(Zone { name, zone })
    }

    /// Its name, as the database writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clocks and calendars show there; `None` beyond the year 9999.
    #[must_use]
    pub fn local(&self, at: WallTime) -> Option<DateTime> {
        let micros = i64::try_from(at.0).ok()?;
        let moment = Timestamp::from_microsecond(micros).ok()?;
        Some(self.zone.to_offset(moment).to_datetime(moment))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}

/// One entry of a list of dates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Span {
    /// From the first day to the last.
    Days(Date, Date),
    /// A month and a day of every year.
    Yearly(i8, i8),
}

/// A set of days.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dates {
    spans: Vec<Span>,
}

impl Dates {
    pub fn new(spans: Vec<Span>) -> Dates {
        Dates { spans }
    }

    /// As written, in their order.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether the day is one of them.
    #[must_use]
    pub fn holds(&self, day: Date) -> bool {
        self.spans.iter().any(|span| match *span {
            Span::Days(first, last) => (first..=last).contains(&day),
            Span::Yearly(month, of_month) => (day.month(), day.day()) == (month, of_month),
        })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Span::Days(first, last) if first == last => write!(f, "{first}"),
            Span::Days(first, last) => write!(f, "{first}..{last}"),
            Span::Yearly(month, day) => write!(f, "{month:02}-{day:02}"),
        }
    }
}

/// Named days that routes refer to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holidays {
    /// Their name.
    pub name: String,
    /// The days.
    pub dates: Dates,
}

/// When a route holds; all that is set must hold.
#[derive(Clone, PartialEq, Debug)]
pub struct When {
    /// Whose clocks and calendars count.
    pub zone: Zone,
    /// Days of the week as a set, bit 0 is Monday.
    pub days: u8,
    /// First minute of the day, 0 to 1439.
    pub from: u16,
    /// The minute of the day at which it ends, 1 to 1440. Not above `from`: it ends on the next day,
    /// and days and dates are those of its beginning.
    pub to: u16,
    /// Only on these days; empty for every day.
    pub dates: Dates,
    /// Only on days of these; indexes into the configuration's holidays. Empty for every day.
    pub holidays: Vec<usize>,
    /// Not on days of these.
    pub not_holidays: Vec<usize>,
}

impl When {
    /// Every day of the week.
    pub const ALL_DAYS: u8 = 0b111_1111;
}
