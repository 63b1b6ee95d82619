//! A routing decision as the wire shows it, for the daemon and for dry runs from a file.

use super::{RouteAttempt, RouteMessage, RoutePrice, RouteQuery, RouteRefusal, RouteSkip, RouteTest};
use base::{TrunkId, WallTime};
use config::Config;
use rehearsal::{Question, Rehearsal, WouldSend};
use routing::{Decision, Facts, Health, Plan, Refusal, SkipReason, State, Story, Table, TrunkState};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a question supposes beside the call.
pub struct WhatIf {
    /// When the call arrives.
    pub at: WallTime,
    /// Trunks that are down.
    pub down: Vec<TrunkId>,
}

/// Reads what a question supposes; without `at` it is about now.
///
/// # Errors
/// What is wrong, in one sentence.
pub fn what_if(config: &Config, query: &RouteQuery) -> Result<WhatIf, String> {
    let at = match &query.at {
        Some(text) => config::moment(text)
            .ok_or_else(|| format!("at: {text:?} is no moment such as 2026-12-24T10:00:00Z"))?,
        None => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            WallTime(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
        }
    };
    let names = query.down.iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty());
    let down = names.map(|name| {
        config.trunk_named(name).ok_or_else(|| {
            let known: Vec<&str> = config.trunks.iter().map(|t| t.name.as_str()).collect();
            format!("down: no trunk {name:?}; there are: {}", known.join(", "))
        })
    });
    Ok(WhatIf { at, down: down.collect::<Result<_, _>>()? })
}

/// Decides on a call by [`Table::plan`] and tells the story. Weighted tiers are ordered as for a dice of 0.
#[must_use]
pub fn route_test(
    config: &Config,
    table: &Table,
    on: TrunkId,
    query: &RouteQuery,
    what_if: &WhatIf,
    state: &dyn State,
) -> RouteTest {
    let facts = Facts { on, called: &query.to, caller: &query.from, anonymous: false, at: Some(what_if.at) };
    let supposed = |trunk: TrunkId| {
        let now = state.trunk(trunk);
        let down = what_if.down.contains(&trunk);
        if down { TrunkState { health: Health::Down, ..now } } else { now }
    };
    let mut story = Story::default();
    let decision = table.plan(&facts, &supposed, 0, &mut story);
    let mut test = match decision {
        Decision::Plan(plan) => planned(config, plan),
        Decision::Refuse(refusal) => refused(config, refusal),
    };
    test.story = story.0;
    test
}

/// Adds the messages that would leave, by living through the call on a copy of the state. What the plan
/// does not know of (a node that is full, a name without an address) refuses the call here.
pub fn rehearse(
    test: &mut RouteTest,
    config: &Config,
    on: TrunkId,
    query: &RouteQuery,
    what_if: &WhatIf,
    rehearsal: Rehearsal,
) {
    if !test.routed {
        return;
    }
    let question =
        Question { on, called: &query.to, caller: &query.from, at: what_if.at, down: &what_if.down };
    let told = rehearsal.ask(&question);
    for invite in &told.invites {
        let trunk = name(config, invite.trunk);
        if let Some(attempt) = test.attempts.iter_mut().find(|attempt| attempt.trunk == trunk) {
            attempt.messages.push(message(invite));
        }
    }
    if let Some((status, reason)) = told.refused {
        test.story.push(format!("refused {status} {reason}: {}", reason.sentence()));
        test.routed = false;
        test.refusal = Some(RouteRefusal {
            status,
            reason: reason.id().to_owned(),
            sentence: reason.sentence().to_owned(),
        });
    }
}

fn message(invite: &WouldSend) -> RouteMessage {
    let text = String::from_utf8_lossy(&invite.message).into_owned();
    RouteMessage {
        gateway: invite.gateway.to_string(),
        transport: invite.target.transport.token().to_owned(),
        address: invite.target.address.to_string(),
        stand_in: invite.stand_in,
        drawn: drawn(&text),
        message: text,
    }
}

/// Branch, tag, Call-ID, the origin's numbers and ports: the values in a message that no two calls share.
fn drawn(message: &str) -> Vec<String> {
    let behind = |line: &str, mark: &str| {
        let value = line.split_once(mark)?.1;
        Some(value.split([';', '>', ',']).next().unwrap_or(value).to_owned())
    };
    let word = |line: &str, at: usize| line.split(' ').nth(at).map(str::to_owned);
    let found = message.split("\r\n").filter_map(|line| match line {
        _ if line.starts_with("Via: ") => behind(line, "branch="),
        _ if line.starts_with("From: ") => behind(line, ";tag="),
        _ if line.starts_with("Call-ID: ") => word(line, 1),
        _ if line.starts_with("o=") || line.starts_with("m=") => word(line, 1),
        _ => None,
    });
    found.collect()
}

fn name(config: &Config, id: TrunkId) -> String {
    config.trunk(id).map_or_else(String::new, |t| t.name.clone())
}

fn skips(config: &Config, skipped: &[(TrunkId, SkipReason)]) -> Vec<RouteSkip> {
    skipped.iter().map(|&(id, why)| RouteSkip { trunk: name(config, id), why: why.to_string() }).collect()
}

fn planned(config: &Config, plan: Plan) -> RouteTest {
    let attempts = plan.attempts.iter().map(|attempt| RouteAttempt {
        trunk: name(config, attempt.trunk),
        route: attempt.route_name.to_string(),
        tier: attempt.tier,
        called: attempt.called.clone(),
        caller: attempt.caller.clone(),
        demoted: attempt.demoted,
        price: attempt.price.as_ref().map(|price| RoutePrice {
            minute: price.minute.to_string(),
            connect: price.connect.to_string(),
            call: price.call.to_string(),
        }),
        messages: Vec::new(),
    });
    RouteTest {
        routed: true,
        route: Some(plan.route_name.to_string()),
        attempts: attempts.collect(),
        skipped: skips(config, &plan.skipped),
        called: Some(plan.called),
        caller: Some(plan.caller),
        refusal: None,
        story: Vec::new(),
    }
}

fn refused(config: &Config, refusal: Refusal) -> RouteTest {
    RouteTest {
        routed: false,
        route: None,
        called: None,
        caller: None,
        attempts: Vec::new(),
        skipped: skips(config, &refusal.skipped),
        refusal: Some(RouteRefusal {
            status: refusal.status,
            reason: refusal.reason.id().to_owned(),
            sentence: refusal.sentence,
        }),
        story: Vec::new(),
    }
}
