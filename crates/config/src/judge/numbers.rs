//! Number ranges: they never overlap.

use super::value_at;
use crate::build::Draft;
use crate::model::NumberRange;
use crate::report::{Finding, Report};
use crate::text::Table;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let tables = root.tables_of("numbers");
    let built = tables.iter().zip(&draft.numbers).enumerate();
    let mut ranges: Vec<(usize, usize, &NumberRange)> = built
        .filter_map(|(index, ((span, table), range))| {
            Some((index, value_at(table, "range", span.start), range.as_ref()?))
        })
        .collect();
    // Numbers of one length and form compare as text; sorted, only the furthest end so far can overlap.
    ranges.sort_by(|(_, _, a), (_, _, b)| {
        (a.first.len(), a.first.starts_with('+'), &a.first).cmp(&(
            b.first.len(),
            b.first.starts_with('+'),
            &b.first,
        ))
    });
    let mut furthest: Option<(usize, usize, &NumberRange)> = None;
    for one in ranges {
        let overlaps = |(_, _, reach): &(usize, usize, &NumberRange)| {
            reach.last.len() == one.2.first.len()
                && reach.last.starts_with('+') == one.2.first.starts_with('+')
                && one.2.first <= reach.last
        };
        match furthest.filter(overlaps) {
            Some(reach) => {
                overlap(reach, one, report);
                furthest = Some(if one.2.last > reach.2.last { one } else { reach });
            }
            None => furthest = Some(one),
        }
    }
}

/// Reports the later of two ranges and names the line of the earlier.
fn overlap(a: (usize, usize, &NumberRange), b: (usize, usize, &NumberRange), report: &mut Report<'_>) {
    let ((_, earlier_at, earlier), (index, at, later)) = if a.1 <= b.1 { (a, b) } else { (b, a) };
    let line = report.source.line(earlier_at);
    let message = format!("{} overlaps {} in line {line}", written(later), written(earlier));
    let finding = Finding::new(at, format!("numbers[{index}].range"), "conflict", message);
    report.error(finding.expected("each number in one range only"));
}

fn written(range: &NumberRange) -> String {
    if range.first == range.last { range.first.clone() } else { format!("{}..{}", range.first, range.last) }
}
