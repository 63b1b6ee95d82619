//! One trunk's price for one prefix written twice: which of the two holds is told, with both places.

use config::{Config, Diagnostic, Place, RATES_MAX, Rate, RateFile, RateTable, Severity, Span, When};

/// Most such warnings; one more says how many are left: limit `rates_warnings`.
const WARNINGS_MAX: usize = 50;
/// Most rates of one prefix and trunk that a later one is compared with: limit `rates_compared`.
const COMPARED_MAX: usize = 64;
const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;

/// One rate and where it comes from.
#[derive(Clone, Copy)]
struct Row<'a> {
    table: usize,
    at: usize,
    rates: &'a RateTable,
    rate: &'a Rate,
}

impl Row<'_> {
    fn when(&self) -> Option<&When> {
        self.rate.time.and_then(|at| self.rates.times.get(at as usize))
    }
}

/// Warns of each rate that an earlier one of the same prefix and trunk keeps from ever holding, or from
/// holding at some of its times. A rate with times beside one that always holds is no such pair: the
/// first is an exception to the second.
#[must_use]
pub fn priced_twice(config: &Config, read: &[RateFile]) -> Vec<Diagnostic> {
    let doubtful = config.rates.len() > 1 || config.rates.iter().any(|table| table.times.len() > 1);
    if !doubtful {
        return Vec::new();
    }
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (table, rates) in config.rates.iter().enumerate() {
        let all = rates.rates.iter().take(RATES_MAX).enumerate();
        rows.extend(all.map(|(at, rate)| Row { table, at, rates, rate }));
    }
    rows.sort_unstable_by_key(|row| (&*row.rate.prefix, row.rate.trunk.0, row.table, row.at));
    let same =
        |one: &Row<'_>, two: &Row<'_>| one.rate.trunk == two.rate.trunk && one.rate.prefix == two.rate.prefix;
    let mut pairs = Vec::new();
    for group in rows.chunk_by(same) {
        for (place, later) in group.iter().enumerate().skip(1) {
            let mut before = group.iter().take(place.min(COMPARED_MAX));
            pairs.extend(before.find(|earlier| meet(earlier, later)).map(|earlier| (*earlier, *later)));
        }
    }
    pairs.sort_unstable_by_key(|(_, later)| (later.table, later.at));
    let more = pairs.len().saturating_sub(WARNINGS_MAX);
    let mut told: Vec<Diagnostic> =
        pairs.iter().take(WARNINGS_MAX).map(|pair| warning(config, read, pair)).collect();
    if let (Some(last), true) = (told.last().cloned(), more > 0) {
        let message = format!("{more} more rates of a prefix and trunk that have one already are not listed");
        told.push(Diagnostic { message, expected: String::new(), code: "too-many", ..last });
    }
    told
}

/// Whether two rates of one prefix and trunk hold at the same time and neither is the other's exception.
fn meet(one: &Row<'_>, two: &Row<'_>) -> bool {
    match (one.when(), two.when()) {
        (None, None) => true,
        (Some(one), Some(two)) => overlap(one, two),
        _ => false,
    }
}

/// Whether two times have a moment in common. Hours of two time zones are not compared: their days are.
fn overlap(one: &When, two: &When) -> bool {
    let (first, second) = (days(one), days(two));
    if let (Some(Span::Days(begins, ends)), Some(Span::Days(other_begins, other_ends))) = (first, second)
        && (begins > other_ends || other_begins > ends)
    {
        return false;
    }
    let near = one.zone != two.zone;
    spans(one).any(|a| spans(two).any(|b| near || a.0 < b.1 && b.0 < a.1))
}

/// The days of a rate that does not hold on all.
fn days(when: &When) -> Option<&Span> {
    when.dates.spans().first()
}

/// The minutes of the week at which a rate holds; what crosses the end of the week is in two parts.
fn spans(when: &When) -> impl Iterator<Item = (u32, u32)> {
    let (from, to) = (u32::from(when.from), u32::from(when.to));
    let length = if to > from { to - from } else { to + DAY - from };
    let days = when.days;
    (0..7).filter(move |day| days & (1 << day) != 0).flat_map(move |day: u32| {
        let (start, end) = (day * DAY + from, day * DAY + from + length);
        [(start, end.min(WEEK)), (0, end.saturating_sub(WEEK))].into_iter().filter(|(from, to)| from < to)
    })
}

fn warning(config: &Config, read: &[RateFile], (earlier, later): &(Row<'_>, Row<'_>)) -> Diagnostic {
    let of = |row: &Row<'_>| {
        let file = read.get(row.table);
        let place = file.and_then(|file| file.places.get(row.at)).copied().unwrap_or_default();
        (file.map(|file| file.shown.clone()).unwrap_or_default(), place)
    };
    let ((shown, first), (file, Place { line, column })) = (of(earlier), of(later));
    let trunk = config.trunk(later.rate.trunk).map_or("?", |trunk| trunk.name.as_str());
    let at_times = if later.when().is_some() { " at times that both name" } else { "" };
    let message = format!(
        "trunk `{trunk}` has a rate for `{}` already in {shown}:{}:{}, which holds{at_times}: {} a minute and not {}",
        later.rate.prefix, first.line, first.column, earlier.rate.minute, later.rate.minute
    );
    Diagnostic {
        severity: Severity::Warning,
        file,
        line,
        column,
        path: format!("rates.{}", later.rates.name),
        message,
        expected: "one rate for each prefix, trunk and time in all files of rates".to_owned(),
        nearest: None,
        code: "duplicate",
    }
}
