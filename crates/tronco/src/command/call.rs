//! `tronco call list|show|record|hangup`.

use super::cdr;
use crate::arguments::{Call as Command, Reach};
use crate::exit::Failure;
use crate::print::{Cell, Colour, Table, clock, whole_seconds};
use api::ClientError;
use api::client::segment;
use api::wire::{Call, CallQuery, Calls, HungUp, RecordPage, RecordQuery, RecordingQuery};
use std::process::ExitCode;

/// Hex digits of a whole key.
const KEY_DIGITS: usize = 32;

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
        Ok(call) => return reach.output().show(&call, |call, colour| live(call).print(colour)),
        Err(error) => error,
    };
    let over = matches!(&missing, ClientError::Refused { problem, .. } if problem.reason == "no-such-call");
    if !over || key.len() != KEY_DIGITS {
        return Err(missing.into());
    }
    let query = RecordQuery { call: Some(key.to_ascii_lowercase()), ..RecordQuery::default() };
    let page: Result<RecordPage, ClientError> = client.get("/v1/records", &query);
    match page.ok().and_then(|page| page.records.into_iter().next()) {
        Some(record) => reach.output().show(&record, cdr::whole),
        None => Err(missing.into()),
    }
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

/// The sites whose links its media cross.
fn links(call: &Call) -> String {
    let often = |(site, times): (&String, &u32)| {
        if *times == 1 { site.clone() } else { format!("{site} ({times})") }
    };
    let sites: Vec<String> = call.links.iter().map(often).collect();
    format!("to {}", sites.join(", "))
}

fn live(call: &Call) -> Table {
    let mut table = Table::pairs();
    table.pair("call", &call.key);
    table.row(vec![Cell::new("state"), Cell::state(&call.state)]);
    table.pair("caller", &call.caller);
    table.pair("called", &call.called);
    table.pair("in", format!("{}, Call-ID {}", call.trunk_in, call.a_call_id));
    match (&call.trunk_out, &call.b_call_id) {
        (Some(trunk), Some(id)) => table.pair("out", format!("{trunk}, Call-ID {id}")),
        (trunk, _) => table.pair("out", trunk.as_deref().unwrap_or_default()),
    }
    table.pair("route", format!("{}, attempt {}", call.route, call.attempts));
    table.pair("decision", &call.decision);
    table.pair("start", format!("{}, {} ago", clock(&call.start), whole_seconds(call.age_s)));
    match (&call.answer, call.talk_s) {
        (Some(answer), Some(talk)) => {
            table.pair("answer", format!("{}, {} ago", clock(answer), whole_seconds(talk)));
        }
        _ => table.pair("answer", ""),
    }
    let media = if call.anchored { "through this node" } else { "between the peers" };
    if !call.recording.is_empty() {
        table.pair("recording", &call.recording);
    }
    table.pair("media", format!("{media}, codec {}", call.codec.as_deref().unwrap_or("not agreed")));
    if !call.links.is_empty() {
        table.pair("links", links(call));
    }
    if let (Some(caller), Some(callee)) = (&call.caller_security, &call.callee_security) {
        table.pair("security", format!("caller {caller}, callee {callee}"));
    }
    for (who, word) in [("caller", &call.caller_unheard), ("callee", &call.callee_unheard)] {
        if let Some(word) = word {
            let sentence = media::OneWay::of_word(word).map_or("", media::OneWay::sentence);
            let text = format!("{who} not heard: {sentence}");
            table.row(vec![Cell::new("one way"), Cell::new(text).coloured(Some(Colour::Bad))]);
        }
    }
    table
}
