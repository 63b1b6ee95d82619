//! A routing decision as the wire shows it, for the daemon and for dry runs from a file.

use super::{RouteAttempt, RouteQuery, RouteRefusal, RouteSkip, RouteTest};
use base::{ReasonId, TrunkId, WallTime};
use config::{Config, Guarded};
use rehearsal::{Question, Rehearsal, Rehearsed, WouldSend};
use routing::{Decision, Facts, Health, Plan, Refusal, SkipReason, State, Story, Table, TrunkState};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a trunk charges for a call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoutePrice {
    /// For a minute.
    pub minute: String,
    /// For the call itself.
    pub connect: String,
    /// For a call of the length that the route compares.
    pub call: String,
}

/// A message that would leave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RouteMessage {
    /// The gateway, as the configuration writes it.
    pub gateway: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// Address and port.
    pub address: String,
    /// How many messages leave at once, this one counted.
    #[serde(default)]
    pub at_once: usize,
    /// Whether the address stands in for one that the DNS would have told.
    pub stand_in: bool,
    /// The whole message with its session description, lines ended by CR and LF.
    pub message: String,
    /// What in it is drawn anew for each call, or stands in for what the caller's own phone offers.
    pub drawn: Vec<String>,
}

/// What a question supposes beside the call.
pub struct WhatIf {
    /// The trunk that the call arrives by.
    pub on: TrunkId,
    /// The user of it who places the call.
    pub user: Option<u16>,
    /// Where it comes from.
    pub source: Option<IpAddr>,
    /// When the call arrives.
    pub at: WallTime,
    /// Trunks that are down.
    pub down: Vec<TrunkId>,
}

/// Reads what a question supposes of a call by the trunk `on`; without `at` it is about now.
///
/// # Errors
/// What is wrong, in one sentence.
pub fn what_if(config: &Config, on: TrunkId, query: &RouteQuery) -> Result<WhatIf, String> {
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
    let source = query
        .source
        .as_ref()
        .map(|text| text.parse().map_err(|_| format!("source: {text:?} is no IP address")));
    let user = query.user.as_ref().map(|name| user(config, on, name));
    Ok(WhatIf {
        on,
        user: user.transpose()?,
        source: source.transpose()?,
        at,
        down: down.collect::<Result<_, _>>()?,
    })
}

fn user(config: &Config, on: TrunkId, name: &str) -> Result<u16, String> {
    let users = config.trunk(on).map(|trunk| &trunk.users);
    users.and_then(|users| users.named(name)).ok_or_else(|| {
        let known = users.map_or(&[][..], |users| &users.all).iter().map(|user| user.username.as_str());
        let known: Vec<&str> = known.collect();
        let trunk = config.trunk(on).map_or("?", |trunk| &trunk.name);
        match known.is_empty() {
            true => format!("user: trunk {trunk} has no users"),
            false => format!("user: no user {name:?} of trunk {trunk}; there are: {}", known.join(", ")),
        }
    })
}

/// A state in which some trunks are down.
struct Supposed<'a> {
    state: &'a dyn State,
    down: &'a [TrunkId],
}

impl State for Supposed<'_> {
    fn trunk(&self, trunk: TrunkId) -> TrunkState {
        let now = self.state.trunk(trunk);
        if self.down.contains(&trunk) { TrunkState { health: Health::Down, ..now } } else { now }
    }

    fn link(&self, site: u16) -> u32 {
        self.state.link(site)
    }
}

/// Decides on a call by [`Table::plan`] and tells the story, then adds the messages that would leave, by
/// living through the call on a copy of the state. What the plan does not know of (a node that is full, a
/// name without an address, an address at another site) refuses the call there. Weighted tiers are ordered
/// as for a dice of 0.
#[must_use]
pub fn route_test(
    (config, table): (&Config, &Table),
    query: &RouteQuery,
    what_if: &WhatIf,
    state: &dyn State,
    rehearsal: Rehearsal,
) -> RouteTest {
    let WhatIf { on, user, source, at, ref down } = *what_if;
    let question = Question { on, called: &query.to, caller: &query.from, user, source, at, down };
    let users = config.trunk(on).map(|trunk| &trunk.users);
    let name = user.and_then(|user| users?.all.get(usize::from(user))).map(|user| user.user.as_str());
    let caller = name.filter(|_| query.from.is_empty()).unwrap_or(&query.from);
    let source = Some(rehearsal.source(&question));
    let facts = Facts { user, source, at: Some(at), ..Facts::new(on, &query.to, caller) };
    let supposed = Supposed { state, down };
    let mut story = Story::default();
    let decision = table.plan(&facts, &supposed, 0, &mut story);
    if let Decision::Plan(plan) = &decision {
        story.0.extend(identity(config, table, &facts, plan));
    }
    let mut test = match decision {
        Decision::Plan(plan) => planned((config, table), plan),
        Decision::Refuse(refusal) => refused((config, table), refusal),
    };
    test.story = story.0;
    if test.routed {
        rehearse(&mut test, config, &rehearsal.ask(&question));
    }
    test
}

/// What is asked of who the caller is, where the trunk has users.
fn identity(config: &Config, table: &Table, facts: &Facts<'_>, plan: &Plan) -> Option<String> {
    let trunk = config.trunk(facts.on)?;
    let users = &trunk.users;
    let Some(user) = facts.user.and_then(|user| users.all.get(usize::from(user))) else {
        let asks = users.guards(Guarded::Invite);
        return asks.then(|| format!("trunk {} asks callers for a password; none is supposed", trunk.name));
    };
    let (name, said) = (&user.username, (facts.caller, plan.caller.as_str()));
    let verdict = match () {
        () if plan.emergency => "calls an emergency service: its number is not asked".to_owned(),
        () if table.speaks_for_itself(users, facts, said, std::iter::empty()) => {
            format!("may call as {:?}", plan.caller)
        }
        () => format!("may not call as {:?}: {}", plan.caller, ReasonId::WrongIdentity),
    };
    Some(format!("user {name} {verdict}"))
}

/// Adds what living through the call has told.
fn rehearse(test: &mut RouteTest, config: &Config, told: &Rehearsed) {
    for invite in &told.invites {
        let trunk = name(config, invite.trunk);
        if let Some(attempt) = test.attempts.iter_mut().find(|attempt| attempt.trunk == trunk) {
            attempt.messages.push(message(invite));
        }
    }
    for round in rounds(&told.invites).filter(|round| round.len() > 1) {
        let gateways: Vec<String> = round
            .iter()
            .map(|invite| format!("{} of {}", invite.gateway, name(config, invite.trunk)))
            .collect();
        test.story.push(format!("{} gateways ring at once: {}", round.len(), gateways.join(", ")));
    }
    if !told.decision.is_empty() {
        test.story.push(format!("in the record: {}", told.decision));
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

/// What leaves together: each says of how many it is one.
fn rounds(mut invites: &[WouldSend]) -> impl Iterator<Item = &[WouldSend]> {
    std::iter::from_fn(move || {
        let count = invites.first()?.at_once.clamp(1, invites.len());
        let (round, rest) = invites.split_at(count);
        invites = rest;
        Some(round)
    })
}

fn message(invite: &WouldSend) -> RouteMessage {
    let text = String::from_utf8_lossy(&invite.message).into_owned();
    RouteMessage {
        gateway: invite.gateway.to_string(),
        transport: invite.target.transport.token().to_owned(),
        address: invite.target.address.to_string(),
        at_once: invite.at_once,
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

fn skips((config, table): (&Config, &Table), skipped: &[(TrunkId, SkipReason)]) -> Vec<RouteSkip> {
    let skip = |&(id, why)| RouteSkip { trunk: name(config, id), why: table.told(why).to_string() };
    skipped.iter().map(skip).collect()
}

fn planned((config, table): (&Config, &Table), plan: Plan) -> RouteTest {
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
        skipped: skips((config, table), &plan.skipped),
        called: Some(plan.called),
        caller: Some(plan.caller),
        refusal: None,
        story: Vec::new(),
    }
}

fn refused(of: (&Config, &Table), refusal: Refusal) -> RouteTest {
    RouteTest {
        routed: false,
        route: None,
        called: None,
        caller: None,
        attempts: Vec::new(),
        skipped: skips(of, &refusal.skipped),
        refusal: Some(RouteRefusal {
            status: refusal.status,
            reason: refusal.reason.id().to_owned(),
            sentence: refusal.sentence,
        }),
        story: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::rounds;
    use base::{Transport, TrunkId};
    use rehearsal::WouldSend;

    #[test]
    fn rounds_of_one_size_are_told_apart() {
        let sent = |at_once: usize| WouldSend {
            trunk: TrunkId(0),
            gateway: "192.0.2.7".into(),
            target: b2bua::Target { address: ([192, 0, 2, 7], 5060).into(), transport: Transport::Udp },
            at_once,
            stand_in: false,
            message: Vec::new(),
        };
        let all = [2, 2, 2, 2, 1, 3, 3, 3].map(sent);
        assert_eq!(rounds(&all).map(<[WouldSend]>::len).collect::<Vec<_>>(), [2, 2, 1, 3]);
        // One that says more than there is ends the list.
        assert_eq!(rounds(&all[..3]).map(<[WouldSend]>::len).collect::<Vec<_>>(), [2, 1]);
    }
}
