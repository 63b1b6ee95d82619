//! Files of rates: text in, rates out, every fault with its line.
//!
//! Knows no file system: who loads a configuration fetches the texts. Enter through
//! [`Loaded::with_files`].

mod row;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::model::{Config, RateTable};
use crate::nearest::{nearest, one_of};
use crate::report::{Finding, Report};
use crate::text::csv::{self, Cell};
use crate::{Loaded, Place};
use row::{Column, Reader};
use std::collections::BTreeMap;

/// Most rates of one file: limit `rates`.
pub const RATES_MAX: usize = 2_000_000;
/// Longest file of rates, in bytes: limit `rates_bytes`.
pub const RATES_TEXT_MAX: usize = 128 * 1024 * 1024;

/// A file of rates as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RateFile {
    /// Its name for messages.
    pub shown: String,
    /// Where each rate's prefix stands, in the order of the picture's rates.
    pub places: Vec<Place>,
}

impl Loaded {
    /// Reads the files that the configuration names. `name` is the configuration's own, for messages;
    /// `fetch` gives the text of a file, with the name that messages shall use, or says why there is none.
    ///
    /// # Errors
    /// All errors in all files.
    pub fn with_files(
        mut self,
        name: &str,
        mut fetch: impl FnMut(&str) -> Result<(String, String), String>,
    ) -> Result<Loaded, Diagnostics> {
        let mut errors = Vec::new();
        for index in 0..self.config.rates.len() {
            let Some(file) = self.config.rates.get(index).map(|table| table.file.clone()) else { continue };
            match fetch(&file) {
                Ok((shown, text)) => {
                    let (faults, places) = read(&mut self.config, index, &text, &shown);
                    errors.extend(faults);
                    self.rate_files.push(RateFile { shown, places });
                }
                Err(why) => {
                    let place = self.places.rates.get(index).copied().unwrap_or_default();
                    errors.push(unreadable(&self.config, index, name, place, why));
                }
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(Diagnostics(errors)) }
    }
}

fn unreadable(config: &Config, index: usize, name: &str, place: Place, why: String) -> Diagnostic {
    let table = config.rates.get(index).map_or("?", |table| &table.name);
    Diagnostic {
        severity: Severity::Error,
        file: name.to_owned(),
        line: place.line,
        column: place.column,
        path: format!("rates.{table}.file"),
        message: why,
        expected: "a file of rates that can be read".to_owned(),
        nearest: None,
        code: "unreadable",
    }
}

/// Reads the text of one table's file into the picture; gives what is wrong, and where each rate stands.
fn read(config: &mut Config, index: usize, text: &str, shown: &str) -> (Vec<Diagnostic>, Vec<Place>) {
    let mut report = Report::new(text, shown);
    let trunks: BTreeMap<&str, base::TrunkId> =
        (0..).zip(&config.trunks).map(|(id, trunk)| (trunk.name.as_str(), base::TrunkId(id))).collect();
    let Some(table) = config.rates.get(index) else { return Default::default() };
    if text.len() > RATES_TEXT_MAX {
        let message = format!("the file has {} bytes", text.len());
        let finding = Finding::new(0, "", "too-large", message);
        report.error(finding.expected(format!("at most {RATES_TEXT_MAX}")));
        return (report.finish().0, Vec::new());
    }
    let zone = table.zone.clone();
    let mut reader = Reader::new(trunks, table.trunk, zone);
    rows(&mut reader, text, &mut report);
    reader.repeated(&mut report);
    let (rates, times, places) = reader.finish(&report);
    let errors = report.finish().0;
    if let Some(table) = config.rates.get_mut(index) {
        *table = RateTable { rates, times, fingerprint: fingerprint(text), ..table.clone() };
    }
    (errors, places)
}

fn rows(reader: &mut Reader<'_>, text: &str, report: &mut Report<'_>) {
    let mut lines = csv::lines(text);
    let Some((start, head)) = lines.next() else {
        let finding = Finding::new(0, "", "bad-rate", "the file is empty");
        return report.error(finding.expected("a first line that names the columns, such as `prefix,price`"));
    };
    let mark = csv::separator(head);
    let mut cells: Vec<Cell<'_>> = Vec::new();
    if !csv::cells(start, head, mark, &mut cells) {
        return report.error(Finding::new(start, "", "bad-rate", "a quote without an end"));
    }
    let Some(columns) = columns(&cells, reader.needs_trunk(), start, report) else { return };
    for (count, (start, line)) in lines.enumerate() {
        if count == RATES_MAX {
            let message = format!("more than {RATES_MAX} rates");
            return report.error(Finding::new(start, "", "too-large", message));
        }
        if !csv::cells(start, line, mark, &mut cells) {
            report.error(Finding::new(start, "", "bad-rate", "a quote without an end, or text behind one"));
        } else if cells.len() != columns.len() {
            let message = format!("the row has {} columns", cells.len());
            let finding = Finding::new(start, "", "bad-rate", message);
            report.error(finding.expected(format!("{}, as in the first line", columns.len())));
        } else if let Err(finding) = reader.row(&columns, &cells, mark) {
            report.error(*finding);
        }
    }
}

/// The columns by the words of the first line; `None` when they cannot be used.
fn columns(
    cells: &[Cell<'_>],
    trunk: bool,
    start: usize,
    report: &mut Report<'_>,
) -> Option<Vec<Option<Column>>> {
    let mut columns = Vec::with_capacity(cells.len());
    for cell in cells {
        let word = cell.text.to_ascii_lowercase();
        let column = Column::named(&word);
        if column.is_none() && !word.starts_with('#') {
            let message = format!("unknown column `{}`", cell.text.escape_debug());
            let near = nearest(&word, Column::names()).map(str::to_owned);
            let finding = Finding::new(cell.at, "", "unknown-column", message);
            report.error(finding.expected(one_of(Column::names())).nearest(near));
        } else if column.is_some() && columns.contains(&column) {
            let message = format!("column `{word}` is there twice");
            report.error(Finding::new(cell.at, "", "duplicate", message));
        }
        columns.push(column);
    }
    let wanted = [(Column::Prefix, true), (Column::Price, true), (Column::Trunk, trunk)];
    for (column, _) in wanted.into_iter().filter(|(column, need)| *need && !columns.contains(&Some(*column)))
    {
        let message = format!("no column `{}`", column.name());
        let hint = if column == Column::Trunk { ", or `trunk` in the `[rates.NAME]`" } else { "" };
        let finding = Finding::new(start, "", "missing-column", message);
        report.error(finding.expected(format!("a column `{}`{hint}", column.name())));
    }
    (!report.failed()).then_some(columns)
}

/// A sum over a text (FNV-1a), to tell one version of a file from another.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
