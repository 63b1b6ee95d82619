//! Numbers and ways: dial rules, ranges, routes and the tests of them.

use super::calendar::When;
use super::rates::{TierOrder, Unrated};
use super::trunk::Recorder;
use base::{TrunkId, WallTime};
use regex::Regex;
use std::net::IpAddr;
use std::ops::Deref;
use std::time::Duration;

/// A regular expression of the linear engine, equal to another by its source. It matches only a whole
/// string: the reader anchors it at both ends.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
    regex: Regex,
}

impl Expression {
    pub fn new(source: String, regex: Regex) -> Expression {
        Expression { source, regex }
    }

    /// As written, without the anchors.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Deref for Expression {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        &self.regex
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.source == other.source
    }
}

/// Where a dial rule holds. The most specific scope is asked first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// On calls that arrive by trunks of this site.
    Site(String),
    /// On calls that arrive by this trunk.
    Trunk(TrunkId),
    /// On calls of users of this group, an index into the configuration's groups.
    Group(usize),
}

/// One normalisation rule.
#[derive(Clone, PartialEq, Debug)]
pub struct DialRule {
    /// Its name.
    pub name: String,
    /// Where it holds.
    pub scope: Scope,
    /// What the whole dialled string must look like.
    pub pattern: Expression,
    /// What it becomes; `$1`, `${1}` and `${name}` stand for groups, all of which exist.
    pub to: String,
}

/// Numbers of ours, and where their calls are delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberRange {
    /// First number.
    pub first: String,
    /// Last number, as long as the first; equal to it for a single number.
    pub last: String,
    /// Trunks tried in this order.
    pub deliver: Vec<TrunkId>,
}

/// What a number must look like.
#[derive(Clone, PartialEq, Debug)]
pub enum Pattern {
    /// `+49*`: starts so; `*` alone is the empty prefix and matches all.
    Prefix(String),
    /// Exactly so.
    Exact(String),
    /// `/…/`: the whole number matches the expression.
    Expression(Expression),
}

/// Trunks tried in an order drawn by weight (1 to 1000).
pub type Tier = Vec<(TrunkId, u32)>;

/// A calling number that attempts show instead of the caller's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallerId {
    /// The number, with or without plus.
    pub number: String,
    /// Digits of its extension.
    pub extension: Option<String>,
}

/// A way for calls; the first that matches is taken, under a policy the first of each usage.
#[derive(Clone, PartialEq, Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// What the called number must look like; `None` takes all.
    pub match_called: Option<Pattern>,
    /// What the calling number must look like; `None` takes all.
    pub match_caller: Option<Pattern>,
    /// Trunks that the call must have arrived by; empty takes all.
    pub match_on: Vec<TrunkId>,
    /// Called numbers that it does not take although they match.
    pub except: Vec<Pattern>,
    /// When it holds; `None` is always.
    pub when: Option<When>,
    /// Usages that it serves.
    pub usages: Vec<String>,
    /// Lower is asked first, 0 to 1000; equals in the order of the text.
    pub priority: u16,
    /// The calling number that its attempts show; `None` is the caller's own.
    pub caller_id: Option<CallerId>,
    /// Tiers, tried in this order.
    pub to: Vec<Tier>,
    /// The order inside each tier.
    pub order: TierOrder,
    /// Trunks without a rate, where the order is by cost.
    pub unrated: Unrated,
    /// How long a call is taken to last when costs are compared.
    pub call_length: Duration,
    /// Final responses after which the next attempt is made, instead of the trunk's own.
    pub retry_on: Option<Vec<u16>>,
    /// Who records its calls, instead of what their trunks say.
    pub record: Option<Recorder>,
}

/// A case that a check runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// Its name; `test 3` when none is written.
    pub name: String,
    /// The trunk that the call arrives by.
    pub on: TrunkId,
    /// The user of that trunk who has proven to place it, by place.
    pub user: Option<u16>,
    /// Where it comes from.
    pub source: Option<IpAddr>,
    /// The calling number as received.
    pub from: String,
    /// The called number as received.
    pub to: String,
    /// When it arrives; without it routes that hold at times do not hold.
    pub at: Option<WallTime>,
    /// Trunks whose gateways do not answer.
    pub down: Vec<TrunkId>,
    /// What must come out.
    pub expect: Expect,
}

/// What must come out of a test; at least one is set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expect {
    /// The route's name.
    pub route: Option<String>,
    /// The called number after normalisation.
    pub called: Option<String>,
    /// The calling number after normalisation.
    pub calling: Option<String>,
    /// The first trunk tried.
    pub trunk: Option<TrunkId>,
    /// The called number sent to that trunk, or else to the first.
    pub called_sent: Option<String>,
    /// The calling number sent to it.
    pub calling_sent: Option<String>,
    /// The status of a refusal.
    pub refused: Option<u16>,
}
