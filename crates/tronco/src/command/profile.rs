//! `tronco profile list|show`: what is built in; no daemon is asked.

use crate::arguments::Profile as Command;
use crate::exit::Failure;
use crate::print::{Cell, Output, Table};
use config::Profile;
use config::profile::{find, profiles};
use serde::Serialize;
use std::process::ExitCode;

/// A profile, in short.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    version: u32,
    status: String,
    summary: &'a str,
}

/// A profile with its values.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    values: Vec<Value>,
}

/// What a profile sets.
#[derive(Serialize)]
struct Value {
    key: String,
    value: &'static str,
    source: &'static str,
}

/// Does what the command says.
pub(crate) fn profile(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List { json } => {
            let lines: Vec<Line<'_>> = profiles().iter().map(Line::of).collect();
            Output::new(*json).show(&lines, |lines, colour| list(lines, colour))?;
        }
        Command::Show { name, json } => {
            let known = || profiles().iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
            let unknown = || Failure::Usage(format!("no profile {name:?}; there are: {}", known()));
            Output::new(*json).show(&Whole::of(find(name).ok_or_else(unknown)?), show)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Line<'_> {
    fn of(profile: &Profile) -> Line<'_> {
        let status = profile.status.to_string();
        Line { name: &profile.name, version: profile.version, status, summary: &profile.summary }
    }
}

impl Whole<'_> {
    fn of(profile: &Profile) -> Whole<'_> {
        let values = profile.values().into_iter();
        let values = values.map(|v| Value { key: v.key, value: v.written, source: v.source });
        Whole { line: Line::of(profile), values: values.collect() }
    }
}

fn list(lines: &[Line<'_>], colour: bool) -> String {
    let mut table = Table::new(&["PROFILE", "VERSION", "STATUS", "FOR"]);
    for line in lines {
        table.row(vec![
            Cell::new(line.name),
            Cell::number(line.version),
            Cell::new(&line.status),
            Cell::new(line.summary),
        ]);
    }
    table.print(colour)
}

fn show(whole: &Whole<'_>, colour: bool) -> String {
    let mut head = Table::pairs();
    head.pair("profile", format!("{} version {}", whole.line.name, whole.line.version));
    head.pair("status", &whole.line.status);
    head.pair("for", whole.line.summary);
    let mut table = Table::new(&["KEY", "VALUE", "SOURCE"]);
    for value in &whole.values {
        table.row(vec![Cell::new(&value.key), Cell::new(value.value), Cell::new(value.source)]);
    }
    format!("{}\n{}", head.print(colour), table.print(colour))
}
