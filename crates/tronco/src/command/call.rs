//! `tronco call list|show|record|hangup`.

mod live;

use super::cdr;
use crate::arguments::{Call as Command, Reach};
use crate::exit::Failure;
use crate::print::{Cell, Table, whole_seconds};
use api::client::segment;
use api::wire::{Call, CallQuery, Calls, HungUp, RecordPage, RecordQuery, RecordingQuery, Tail, TailQuery};
use api::{Client, ClientError};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use store::StoredCall;

/// Hex digits of a whole key.
const KEY_DIGITS: usize = 32;
/// Where the newest records are asked for.
const TAIL: &str = "/v1/records/tail";
/// How long after a call's end its record may come.
const RECORD_AFTER: Duration = Duration::from_secs(1);

/// Does what the command says.
pub(crate) fn call(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List { trunk, limit, reach } => {
            let query = CallQuery { trunk: trunk.clone(), limit: Some(*limit) };
            let calls: Calls = reach.client().get("/v1/calls", &query)?;
            reach.output().show(&calls, list)?;
        }
        Command::Show { key, reach } => show(key, reach)?,
        Command::Record { key, by, off: _, pause, resume, reach } => {
            let query = RecordingQuery { by: by.clone(), pause: (*pause || *resume).then_some(*pause) };
            let done: Call = reach.client().order_with("POST", &format!("{}/record", path(key)), &query)?;
            reach.output().show(&done, |done, _| match (by, query.pause) {
                (Some(by), _) => format!("call {} is recorded by {by}\n", done.key),
                (None, None) => format!("call {} is not recorded\n", done.key),
                (None, Some(true)) => format!("the recording of call {} pauses\n", done.key),
                (None, Some(false)) => format!("the recording of call {} goes on\n", done.key),
            })?;
        }
        Command::Hangup { key, reach } => {
            let done: HungUp = reach.client().order("DELETE", &path(key))?;
            reach.output().show(&done, |done, _| format!("call {} is being ended\n", done.call))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(key: &str) -> String {
    format!("/v1/calls/{}", segment(key))
}

/// The live call, or the record of the one that is over.
fn show(key: &str, reach: &Reach) -> Result<(), Failure> {
    let client = reach.client();
    let missing = match client.get::<Call>(&path(key), &()) {
        Ok(call) => return reach.output().show(&call, live::whole),
        Err(error) => error,
    };
    let over = matches!(&missing, ClientError::Refused { problem, .. } if problem.reason == "no-such-call");
    if !over || key.len() != KEY_DIGITS {
        return Err(missing.into());
    }
    match record_of(&client, &key.to_ascii_lowercase()) {
        Some(record) => reach.output().show(&record, cdr::whole),
        None => Err(missing.into()),
    }
}

/// The record of a call that is not live, also of one whose record is still to come: it has ended a moment ago.
fn record_of(client: &Client, key: &str) -> Option<StoredCall> {
    // Where the records end is asked first, so that none slips in between.
    let mut tail: Tail = client.get(TAIL, &TailQuery::default()).ok()?;
    let query = RecordQuery { call: Some(key.to_owned()), ..RecordQuery::default() };
    let page: RecordPage = client.get("/v1/records", &query).ok()?;
    let mut found = page.records.into_iter().next();
    let until = Instant::now() + RECORD_AFTER;
    while found.is_none() && Instant::now() < until {
        let query = TailQuery { after: Some(tail.last), wait: Some(RECORD_AFTER.as_secs()) };
        tail = client.wait(TAIL, &query, RECORD_AFTER).ok()?;
        found = tail.records.drain(..).find(|record| record.call.to_string() == key);
    }
    found
}

fn list(calls: &Calls, colour: bool) -> String {
    let header = ["CALL", "STATE", "AGE", "CALLER", "CALLED", "IN", "OUT", "ROUTE", "TRY", "CODEC"];
    let mut table = Table::new(&header);
    for call in &calls.calls {
        table.row(vec![
            Cell::new(&call.key),
            Cell::state(&call.state),
            Cell::number(whole_seconds(call.age_s)),
            Cell::new(&call.caller),
            Cell::new(&call.called),
            Cell::new(&call.trunk_in),
            Cell::maybe(call.trunk_out.as_deref()),
            Cell::new(&call.route),
            Cell::number(call.attempts),
            Cell::maybe(call.codec.as_deref()),
        ]);
    }
    let mut text = table.print(colour);
    let left_out = calls.total.saturating_sub(calls.calls.len() as u64);
    if left_out > 0 {
        text.push_str(&format!("and {left_out} more\n"));
    }
    text
}
