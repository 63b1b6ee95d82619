//! One row of a file of rates.

use crate::forms::calendar;
use crate::model::{Dates, Money, Rate, Span, When, Zone};
use crate::nearest::nearest;
use crate::report::{Finding, Report};
use crate::text::Place;
use crate::text::csv::Cell;
use base::TrunkId;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Longest prefix, in digits (ITU-T E.164 §6.1).
const PREFIX_MAX: usize = 15;
/// Dearest price, in whole units of the currency.
const PRICE_MAX: u64 = 1_000_000;
/// Longest increment, in seconds.
const INCREMENT_MAX: u32 = 3600;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Column {
    Prefix,
    Trunk,
    Price,
    Connect,
    Increments,
    ValidFrom,
    ValidUntil,
    Days,
    Hours,
    /// For people.
    Destination,
    /// For people.
    Note,
}

const COLUMNS: [(&str, Column); 11] = [
    ("prefix", Column::Prefix),
    ("trunk", Column::Trunk),
    ("price", Column::Price),
    ("connect", Column::Connect),
    ("increments", Column::Increments),
    ("valid_from", Column::ValidFrom),
    ("valid_until", Column::ValidUntil),
    ("days", Column::Days),
    ("hours", Column::Hours),
    ("destination", Column::Destination),
    ("note", Column::Note),
];

impl Column {
    pub(super) fn named(word: &str) -> Option<Column> {
        COLUMNS.iter().find(|(name, _)| *name == word).map(|(_, column)| *column)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        COLUMNS.iter().map(|(name, _)| *name)
    }

    pub(super) fn name(self) -> &'static str {
        COLUMNS.iter().find(|(_, column)| *column == self).map_or("?", |(name, _)| name)
    }
}

/// When a rate holds: first and last day, days of the week, minutes of the day.
type Term = (Date, Date, u8, u16, u16);

const ALWAYS: Term = (Date::MIN, Date::MAX, When::ALL_DAYS, 0, 24 * 60);

/// Reads rows, one after another.
pub(super) struct Reader<'a> {
    trunks: BTreeMap<&'a str, TrunkId>,
    trunk: Option<TrunkId>,
    zone: Option<Zone>,
    rates: Vec<Rate>,
    /// Where each rate's prefix stands.
    starts: Vec<usize>,
    terms: BTreeMap<Term, u32>,
    times: Vec<When>,
}

type Fault = Box<Finding>;

fn fault(cell: &Cell<'_>, what: &str, expected: &str) -> Fault {
    let message = format!("`{}` is {what}", cell.text.escape_debug());
    Box::new(Finding::new(cell.at, "", "bad-rate", message).expected(expected))
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        trunks: BTreeMap<&'a str, TrunkId>,
        trunk: Option<TrunkId>,
        zone: Option<Zone>,
    ) -> Reader<'a> {
        let (rates, starts, terms, times) = Default::default();
        Reader { trunks, trunk, zone, rates, starts, terms, times }
    }

    /// Whether each row must name its trunk.
    pub(super) fn needs_trunk(&self) -> bool {
        self.trunk.is_none()
    }

    pub(super) fn row(
        &mut self,
        columns: &[Option<Column>],
        cells: &[Cell<'_>],
        mark: char,
    ) -> Result<(), Fault> {
        let mut rate = Rate {
            prefix: "".into(),
            trunk: self.trunk.unwrap_or(TrunkId(u32::MAX)),
            minute: Money(0),
            connect: Money(0),
            first: 1,
            step: 1,
            time: None,
        };
        let mut term = ALWAYS;
        let mut start = 0;
        for (column, cell) in columns.iter().zip(cells) {
            let empty = cell.text.is_empty();
            match column {
                Some(Column::Prefix) => (rate.prefix, start) = (prefix(cell)?, cell.at),
                Some(Column::Price) => rate.minute = money(cell, mark)?,
                Some(Column::Trunk) if !empty || self.trunk.is_none() => rate.trunk = self.trunk(cell)?,
                Some(Column::Connect) if !empty => rate.connect = money(cell, mark)?,
                Some(Column::Increments) if !empty => (rate.first, rate.step) = increments(cell)?,
                Some(Column::ValidFrom | Column::ValidUntil | Column::Days | Column::Hours) if !empty => {
                    self.term(*column, cell, &mut term)?;
                }
                _ => {}
            }
        }
        rate.time = self.time(term);
        self.rates.push(rate);
        self.starts.push(start);
        Ok(())
    }

    fn trunk(&self, cell: &Cell<'_>) -> Result<TrunkId, Fault> {
        self.trunks.get(&*cell.text).copied().ok_or_else(|| {
            let near = nearest(&cell.text, self.trunks.keys().copied()).map(str::to_owned);
            let finding = fault(cell, "no trunk", "the name of a `[trunk.NAME]`");
            Box::new(finding.nearest(near))
        })
    }

    fn term(&self, column: Option<Column>, cell: &Cell<'_>, term: &mut Term) -> Result<(), Fault> {
        const HOURS: &str = "hours such as `08:00-18:00`";
        if self.zone.is_none() {
            return Err(fault(cell, "a time without a time zone", "`zone` in the `[rates.NAME]`"));
        }
        match column {
            Some(Column::ValidFrom) => term.0 = day(cell)?,
            Some(Column::ValidUntil) => term.1 = day(cell)?,
            Some(Column::Days) => {
                let days = calendar::days(&cell.text);
                term.2 = days.map_err(|_| fault(cell, "no days", "days such as `mon-fri`"))?;
            }
            _ => {
                let read = cell.text.split_once('-').and_then(|(from, to)| {
                    Some((calendar::minute(from.trim()).ok()?, calendar::minute(to.trim()).ok()?))
                });
                let (from, to) = read.ok_or_else(|| fault(cell, "no hours", HOURS))?;
                (term.3, term.4) = (from, if to == 0 { 24 * 60 } else { to });
            }
        }
        if term.0 > term.1 {
            return Err(fault(cell, "before the rate begins to hold", "a later day"));
        }
        Ok(())
    }

    /// The place of a term among the times; `None` when it is always.
    fn time(&mut self, term: Term) -> Option<u32> {
        let zone = self.zone.as_ref().filter(|_| term != ALWAYS)?;
        let times = &mut self.times;
        let place = self.terms.entry(term).or_insert_with(|| {
            let (first, last, days, from, to) = term;
            let all = (first, last) == (ALWAYS.0, ALWAYS.1);
            let dates = if all { Vec::new() } else { vec![Span::Days(first, last)] };
            times.push(When {
                zone: zone.clone(),
                days,
                from,
                to,
                dates: Dates::new(dates),
                holidays: Vec::new(),
                not_holidays: Vec::new(),
            });
            u32::try_from(times.len() - 1).unwrap_or(u32::MAX)
        });
        Some(*place)
    }

    /// Two rates of one trunk for the same numbers at the same time: which one holds cannot be said.
    pub(super) fn repeated(&self, report: &mut Report<'_>) {
        let mut order: Vec<(&Rate, usize)> = self.rates.iter().zip(self.starts.iter().copied()).collect();
        order.sort_unstable_by_key(|&(rate, start)| (rate.trunk.0, &*rate.prefix, rate.time, start));
        for pair in order.windows(2) {
            let [(one, first), (two, second)] = pair else { continue };
            if (one.trunk, &one.prefix, one.time) == (two.trunk, &two.prefix, two.time) {
                let Place { line, column } = report.source.place(*first);
                let message = format!(
                    "`{}` has a rate of this trunk already in line {line}, column {column}",
                    two.prefix
                );
                let finding = Finding::new(*second, "", "duplicate", message);
                report.error(finding.expected("one rate for each prefix, trunk and time"));
            }
        }
    }

    /// The rates, their times, and where each rate's prefix stands.
    pub(super) fn finish(self, report: &Report<'_>) -> (Vec<Rate>, Vec<When>, Vec<Place>) {
        let places = self.starts.iter().map(|&at| report.source.place(at)).collect();
        (self.rates, self.times, places)
    }
}

fn prefix(cell: &Cell<'_>) -> Result<Box<str>, Fault> {
    let digits = cell.text.strip_prefix('+').unwrap_or(&cell.text);
    let fits = (1..=PREFIX_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if fits {
        Ok(format!("+{digits}").into())
    } else {
        Err(fault(cell, "no prefix", "the beginning of a +E.164 number such as `4930`"))
    }
}

/// An amount with at most six digits behind the point; a comma is one where it separates no columns.
fn money(cell: &Cell<'_>, mark: char) -> Result<Money, Fault> {
    let wrong = || fault(cell, "no price", "a price of at most six decimals such as `0.0123`");
    let point = if mark != ',' && cell.text.contains(',') { ',' } else { '.' };
    let (whole, part) = cell.text.split_once(point).unwrap_or((&cell.text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 7 || part.len() > 6 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let micros: u64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    if whole >= PRICE_MAX { Err(wrong()) } else { Ok(Money(whole * Money::UNIT + micros)) }
}

fn increments(cell: &Cell<'_>) -> Result<(u32, u32), Fault> {
    let second = |text: &str| text.trim().parse().ok().filter(|n| (1..=INCREMENT_MAX).contains(n));
    let read = cell.text.split_once('/').and_then(|(first, step)| Some((second(first)?, second(step)?)));
    read.ok_or_else(|| fault(cell, "no increments", "seconds such as `60/60` or `1/1`"))
}

fn day(cell: &Cell<'_>) -> Result<Date, Fault> {
    match calendar::span(&cell.text) {
        Ok(Span::Days(first, last)) if first == last => Ok(first),
        _ => Err(fault(cell, "no day", "a date such as `2026-12-24`")),
    }
}
