//! `tronco route test`: the live decision, or a dry one from a file, by the same function.

use crate::arguments::{Reach, Route as Command};
use crate::exit::{self, Failure};
use crate::load::{self, LoadError};
use crate::print::{Cell, Colour, Table, sentence};
use api::wire::{RouteMessage, RouteQuery, RouteTest, route_test, what_if};
use b2bua::Snapshot;
use rehearsal::Rehearsal;
use routing::AllIdle;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Does what the command says; 3 when the call would be refused.
pub(crate) fn route(command: &Command) -> Result<ExitCode, Failure> {
    let Command::Test { on, from, user, source, to, at, down, config, reach } = command;
    let query = RouteQuery {
        on: on.clone(),
        from: from.clone(),
        user: user.clone(),
        source: source.clone(),
        to: to.clone(),
        at: at.clone(),
        down: (!down.is_empty()).then(|| down.join(",")),
    };
    let test = match config {
        None => live(&query, reach)?,
        Some(path) => match dry(&query, path)? {
            Ok(test) => test,
            Err(error) => {
                eprintln!("{error}");
                return Ok(ExitCode::from(exit::CONFIG));
            }
        },
    };
    reach.output().show(&test, people)?;
    Ok(if test.routed { ExitCode::SUCCESS } else { ExitCode::from(exit::CHECK_FAILED) })
}

fn live(query: &RouteQuery, reach: &Reach) -> Result<RouteTest, Failure> {
    Ok(reach.client().get("/v1/route", query)?)
}

/// The file's own tests may fail: that is when one wants to ask.
fn dry(query: &RouteQuery, path: &Path) -> Result<Result<RouteTest, LoadError>, Failure> {
    let read = match load::read(path) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let Some(on) = read.config.trunk_named(&query.on) else {
        let known: Vec<&str> = read.config.trunks.iter().map(|t| t.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "--on: no trunk {:?}; there are: {}",
            query.on,
            known.join(", ")
        )));
    };
    let what_if = what_if(&read.config, on, query).map_err(|error| Failure::Usage(format!("--{error}")))?;
    let snapshot = Arc::new(Snapshot::new(read.config, 1));
    let config = snapshot.config.clone();
    let rehearsal = Rehearsal::of(snapshot.clone());
    Ok(Ok(route_test((&config, &snapshot.table), query, &what_if, &AllIdle, rehearsal)))
}

fn people(test: &RouteTest, colour: bool) -> String {
    let verdict = test.refusal.as_ref().map(|r| format!("refused {} {}: {}", r.status, r.reason, r.sentence));
    // The story ends with it, and so does what is shown.
    let story = test.story.iter().filter(|step| Some(*step) != verdict.as_ref());
    let mut text: String = story.map(|step| sentence(step) + "\n").collect();
    text.push('\n');
    if let Some(verdict) = verdict {
        let verdict = sentence(&verdict);
        text.push_str(&if colour { Colour::Bad.paint(&verdict) } else { verdict });
        text.push('\n');
        return text;
    }
    let mut table = Table::new(&["TRY", "TRUNK", "ROUTE", "TIER", "CALLED SENT", "CALLER SENT", "NOTE"]);
    for (number, attempt) in (1_usize..).zip(&test.attempts) {
        table.row(vec![
            Cell::number(number),
            Cell::new(&attempt.trunk),
            Cell::new(&attempt.route),
            Cell::number(attempt.tier + 1),
            Cell::new(&attempt.called),
            Cell::new(&attempt.caller),
            Cell::new(if attempt.demoted { "down or cooling: last" } else { "" }),
        ]);
    }
    text.push_str(&table.print(colour));
    for attempt in &test.attempts {
        for message in &attempt.messages {
            text.push_str(&shown(&attempt.trunk, message));
        }
    }
    text
}

/// A message with where it would go, its lines set off from ours.
fn shown(trunk: &str, sent: &RouteMessage) -> String {
    let RouteMessage { gateway, transport, address, .. } = sent;
    let rings = if sent.at_once > 1 { format!(", one of {} at once", sent.at_once) } else { String::new() };
    let stand_in = if sent.stand_in { " (stands in for what the DNS says)" } else { "" };
    let mut text = format!("\nto {trunk}, gateway {gateway}: {transport} {address}{stand_in}{rings}\n");
    text.push_str(&format!("drawn anew for each call: {}\n\n", sent.drawn.join(", ")));
    for line in sent.message.split("\r\n") {
        text.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") });
    }
    text.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::people;
    use api::wire::{RouteRefusal, RouteTest};

    fn test(story: &[&str]) -> RouteTest {
        RouteTest {
            routed: true,
            route: None,
            called: None,
            caller: None,
            attempts: Vec::new(),
            skipped: Vec::new(),
            refusal: None,
            story: story.iter().map(|step| (*step).to_owned()).collect(),
        }
    }

    #[test]
    fn a_refusal_is_told_once() {
        let (reason, sentence) = ("R-NO-ROUTE".to_owned(), "No route matches.".to_owned());
        let test = RouteTest {
            routed: false,
            refusal: Some(RouteRefusal { status: 404, reason, sentence }),
            ..test(&["call of 100", "refused 404 R-NO-ROUTE: No route matches."])
        };
        assert_eq!(people(&test, false), "call of 100\n\nrefused 404 R-NO-ROUTE: No route matches.\n");
    }

    #[test]
    fn what_the_record_will_say_fits_a_terminal() {
        let record = "in the record: route world; one skipped: full; two media through this node: no common \
                      bypass id; three, if tried: media between the peers: bypass id home; 2 gateways at once";
        let text = people(&test(&["call of 100", record]), false);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.starts_with("call of 100\nin the record: route world; "), "{text}");
        let story = text.split("\n\n").next().unwrap_or_default();
        assert_eq!(
            story.replace("\n  ", " "),
            format!("call of 100\n{record}"),
            "further lines stand further in"
        );
    }
}
