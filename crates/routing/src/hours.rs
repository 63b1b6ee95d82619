//! When a route holds: a moment against days, hours and dates on the clocks of its zone.

use base::WallTime;
use config::{Config, Dates, When, Zone};
use jiff::civil::DateTime;
use smallvec::SmallVec;

/// The times of one route.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Hours {
    /// Position among the table's zones.
    zone: usize,
    /// Days of the week, bit 0 is Monday.
    days: u8,
    /// Minutes of the day.
    from: u16,
    to: u16,
    /// Holds only on these; empty for every day.
    dates: Dates,
    /// Holds only on days of one of these; empty for every day.
    holidays: Vec<Dates>,
    /// Does not hold on days of these.
    not_holidays: Vec<Dates>,
}

impl Hours {
    /// Compiles the times of a route; zones that are new are added to `zones`.
    pub(crate) fn compile(when: &When, config: &Config, zones: &mut Vec<Zone>) -> Hours {
        let zone = zones.iter().position(|zone| *zone == when.zone).unwrap_or_else(|| {
            zones.push(when.zone.clone());
            zones.len() - 1
        });
        let named = |list: &[usize]| {
            list.iter().filter_map(|&at| config.holidays.get(at)).map(|h| h.dates.clone()).collect()
        };
        Hours {
            zone,
            days: when.days,
            from: when.from,
            to: when.to,
            dates: when.dates.clone(),
            holidays: named(&when.holidays),
            not_holidays: named(&when.not_holidays),
        }
    }

    /// Whether they hold at what clocks and calendar show. Daylight saving time needs no care here: an
    /// hour that is skipped is never shown, one that is repeated is shown twice.
    fn hold(&self, shown: DateTime) -> bool {
        let minute = u16::from(shown.hour().unsigned_abs()) * 60 + u16::from(shown.minute().unsigned_abs());
        let today = shown.date();
        let day = if self.from < self.to {
            (self.from..self.to).contains(&minute).then_some(today)
        } else if minute >= self.from {
            Some(today)
        } else if minute < self.to {
            // Over midnight: the day on which it began counts.
            today.yesterday().ok()
        } else {
            None
        };
        let Some(day) = day else { return false };
        let weekday = day.weekday().to_monday_zero_offset();
        let on = |list: &[Dates]| list.iter().any(|dates| dates.holds(day));
        self.days & 1 << weekday != 0
            && (self.dates.spans().is_empty() || self.dates.holds(day))
            && (self.holidays.is_empty() || on(&self.holidays))
            && !on(&self.not_holidays)
    }
}

/// The moment of a call on the clocks of the table's zones, each read once.
pub(crate) struct Clocks<'t> {
    at: Option<WallTime>,
    zones: &'t [Zone],
    shown: SmallVec<[Option<Option<DateTime>>; 4]>,
}

impl<'t> Clocks<'t> {
    pub(crate) fn new(at: Option<WallTime>, zones: &'t [Zone]) -> Clocks<'t> {
        Clocks { at, zones, shown: SmallVec::new() }
    }

    /// Whether a route's times hold now; without a time none does.
    pub(crate) fn hold(&mut self, hours: &Hours) -> bool {
        let Some(at) = self.at else { return false };
        if self.shown.is_empty() {
            self.shown.resize(self.zones.len(), None);
        }
        let (Some(zone), Some(shown)) = (self.zones.get(hours.zone), self.shown.get_mut(hours.zone)) else {
            return false;
        };
        shown.get_or_insert_with(|| zone.local(at)).is_some_and(|shown| hours.hold(shown))
    }
}
