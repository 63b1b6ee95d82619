//! `tronco cdr tail|query|export`: records, asked of the daemon, which holds them.

mod age;
mod pages;
mod show;
mod sound;

pub(crate) use show::whole;
pub(crate) use sound::{recoded, reported};

use crate::arguments::{Cdr as Command, Filters, Format, Reach};
use crate::exit::Failure;
use crate::print::Output;
use api::wire::{ExportFormat, ExportQuery, RecordPage, RecordQuery, Tail, TailQuery};
use show::{Columns, list};
use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::Duration;
use store::StoredCall;

/// A following tail asks anew after this long without a record.
const FOLLOW_WAIT_S: u64 = 20;
/// An export's progress is told every so many bytes.
const PROGRESS_EVERY: u64 = 1 << 20;

/// Does what the command says.
pub(crate) fn cdr(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Tail { follow, lines, reach } => tail(*follow, *lines, reach)?,
        Command::Query { filters, limit, before, reach } => {
            let page = newest(RecordQuery { before: *before, ..read(filters)? }, *limit, reach)?;
            reach.output().show(&page, |page, colour| list(&page.records).print(colour))?;
        }
        Command::Export { filters, limit, format, reach } => {
            let filters = RecordQuery { limit: *limit, ..read(filters)? };
            export(filters, *format, reach)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The arguments as a query; ages become moments.
fn read(filters: &Filters) -> Result<RecordQuery, Failure> {
    let moment = |option: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => {
            age::moment(text).map(Some).map_err(|error| Failure::Usage(format!("{option} {text}: {error}")))
        }
    };
    Ok(RecordQuery {
        since: moment("--since", &filters.since)?,
        until: moment("--until", &filters.until)?,
        number: filters.number.clone(),
        trunk: filters.trunk.clone(),
        reason: filters.reason.clone(),
        status: filters.status,
        call: filters.call.clone(),
        ..RecordQuery::default()
    })
}

/// The newest `limit` that match, oldest of them first, and where those before them are to be asked for.
fn newest(filters: RecordQuery, limit: usize, reach: &Reach) -> Result<RecordPage, Failure> {
    let client = reach.client();
    Ok(pages::newest(filters, limit, |query| client.get("/v1/records", query))?)
}

fn tail(follow: bool, lines: usize, reach: &Reach) -> Result<(), Failure> {
    let client = reach.client();
    let output = reach.output();
    // Asked before the first records are: none can slip between.
    let Tail { mut last, .. } = client.get("/v1/records/tail", &TailQuery::default())?;
    let before = RecordQuery { before: Some(last.saturating_add(1)), ..RecordQuery::default() };
    let first = newest(before, lines, reach)?.records;
    let mut columns = Columns::default();
    print(&output, &mut columns, &first)?;
    let wait = Duration::from_secs(FOLLOW_WAIT_S);
    if !follow {
        return Ok(());
    }
    loop {
        let query = TailQuery { after: Some(last), wait: Some(FOLLOW_WAIT_S) };
        let next: Tail = client.wait("/v1/records/tail", &query, wait)?;
        print(&output, &mut columns, &next.records)?;
        last = next.last;
    }
}

fn print(output: &Output, columns: &mut Columns, records: &[StoredCall]) -> Result<(), Failure> {
    if output.is_json() {
        return records.iter().try_for_each(|record| output.json_line(record));
    }
    Ok(output.text(&columns.print(records, output.has_colour()))?)
}

/// Streams the daemon's answer to stdout, and the amount to a terminal's stderr.
fn export(filters: RecordQuery, format: Format, reach: &Reach) -> Result<(), Failure> {
    let format = match format {
        Format::Jsonl => ExportFormat::Jsonl,
        Format::Csv => ExportFormat::Csv,
        Format::CsvAttempts => ExportFormat::CsvAttempts,
    };
    if reach.json && format != ExportFormat::Jsonl {
        return Err(Failure::Usage("--json and --format csv contradict each other".into()));
    }
    let mut answer = reach.client().stream("/v1/records/export", &ExportQuery::join(filters, format))?;
    let mut out = std::io::stdout().lock();
    let watched = std::io::stderr().is_terminal() && !out.is_terminal();
    let mut buffer = vec![0; 64 * 1024];
    let (mut total, mut told) = (0_u64, 0_u64);
    loop {
        let count = answer.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        out.write_all(bytes)?;
        total += bytes.len() as u64;
        if watched && total - told >= PROGRESS_EVERY {
            told = total;
            eprint!("\r{} MB", total / 1_000_000);
        }
    }
    if told > 0 {
        eprintln!();
    }
    Ok(out.flush()?)
}
