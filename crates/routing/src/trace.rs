//! The story of a decision: every step, in order, for `route test` and for records.

use crate::bypass::MediaPath;
use crate::classes::ClassSet;
use crate::decision::{Rule, SkipReason, Told};
use crate::number::NUMBER_MAX;
use crate::rates::Price;
use base::ReasonId;
use std::fmt;

/// Who wants to hear how a decision came about.
pub trait Trace {
    /// Whether steps are wanted at all; when not, none is made.
    fn wants(&self) -> bool;
    /// Takes one step.
    fn note(&mut self, step: Step<'_>);
}

/// Wants nothing and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Trace for NoTrace {
    fn wants(&self) -> bool {
        false
    }

    fn note(&mut self, _: Step<'_>) {}
}

/// Keeps each step as a sentence.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Story(pub Vec<String>);

impl Trace for Story {
    fn wants(&self) -> bool {
        true
    }

    fn note(&mut self, step: Step<'_>) {
        self.0.push(step.to_string());
    }
}

/// Which of the two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The number called.
    Called,
    /// The number that calls.
    Caller,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Called => "called",
            Side::Caller => "caller",
        })
    }
}

/// Which way a call goes through a trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It arrives by it.
    In,
    /// It leaves by it.
    Out,
}

/// Why a route does or does not take a call; the first that differs is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It takes it.
    Matches,
    /// It is for calls of other trunks.
    OtherTrunk,
    /// It is for other called numbers.
    OtherCalled,
    /// It is for other callers.
    OtherCaller,
    /// It excepts the called number.
    Excepted,
    /// It does not hold at this time.
    OtherTime,
}

/// One step of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'a> {
    /// The call as it arrived.
    Arrived {
        /// Name of the arriving trunk.
        on: &'a str,
        /// As received.
        called: &'a str,
        /// As received.
        caller: &'a str,
        /// Whether the caller asked for privacy.
        anonymous: bool,
    },
    /// Whose call it is, and from where.
    Origin {
        /// The user who proved to place it; empty for nobody.
        user: &'a str,
        /// The user's group; empty for none.
        group: &'a str,
        /// Where the caller is; empty when nothing says so.
        site: &'a str,
    },
    /// Separators and parameters were taken off.
    Cleaned {
        /// Which number.
        side: Side,
        /// What is left.
        to: &'a str,
    },
    /// A translation of a trunk was asked.
    Translated {
        /// Name of the trunk.
        trunk: &'a str,
        /// Which number.
        side: Side,
        /// Whether the call arrives or leaves by the trunk.
        way: Way,
        /// Name of the rule.
        name: &'a str,
        /// The number before.
        from: &'a str,
        /// What it made of the number; `None` when it does not match.
        to: Option<&'a str>,
    },
    /// A rule made the number longer than [`crate::NUMBER_MAX`].
    TooLong {
        /// Which number.
        side: Side,
        /// Name of the rule.
        name: &'a str,
    },
    /// An emergency number: it is never rewritten and limits do not hold.
    Emergency {
        /// The number.
        number: &'a str,
    },
    /// What is dialled for an outside line was taken off.
    Outside {
        /// The prefix.
        prefix: &'a str,
        /// What is left.
        to: &'a str,
    },
    /// A dial rule was asked.
    DialRule {
        /// Which number.
        side: Side,
        /// Name of the rule.
        name: &'a str,
        /// What it made of the number; `None` when it does not match.
        to: Option<&'a str>,
    },
    /// The number was normalised.
    Read {
        /// Which number.
        side: Side,
        /// How.
        rule: Rule,
        /// The result.
        to: &'a str,
    },
    /// No rule reads the number; it stands as received.
    AsReceived {
        /// Which number.
        side: Side,
        /// The number.
        number: &'a str,
    },
    /// The called number is one of ours.
    OurNumber {
        /// First of the range.
        first: &'a str,
        /// Last of the range.
        last: &'a str,
    },
    /// The called number is in no number range.
    NotOurNumber,
    /// The call is under a policy.
    Policy {
        /// Name of the policy.
        name: &'a str,
        /// Whether it counts: it does not for emergency calls.
        counts: bool,
    },
    /// The called number belongs to classes that may be refused.
    Classes {
        /// The classes.
        classes: ClassSet,
        /// Why the caller counts as unknown, when that is asked and so.
        unknown: Option<&'a str>,
    },
    /// The routes of a usage are asked.
    Usage {
        /// Name of the usage.
        name: &'a str,
    },
    /// A route was asked.
    Route {
        /// Name of the route.
        name: &'a str,
        /// What it says.
        verdict: Verdict,
    },
    /// A trunk is left out.
    Skipped {
        /// Name of the trunk.
        trunk: &'a str,
        /// Why.
        why: SkipReason,
        /// Name of the site that the reason is about; empty for none.
        site: &'a str,
    },
    /// A trunk is put behind all others.
    Demoted {
        /// Name of the trunk.
        trunk: &'a str,
        /// Whether it is down; otherwise it asked to be left alone.
        down: bool,
    },
    /// What a trunk charges for the call.
    Priced {
        /// Name of the trunk.
        trunk: &'a str,
        /// What the called number begins with by its rate, and what that says; `None` when it has none.
        rate: Option<(&'a str, &'a Price)>,
        /// What the prices are in; empty when nothing says so.
        currency: &'a str,
        /// Seconds of a call for which costs are compared.
        seconds: u32,
    },
    /// A place in the plan.
    Attempt {
        /// From 1.
        number: usize,
        /// Name of the trunk.
        trunk: &'a str,
        /// Tier, from 0.
        tier: u8,
        /// Called number on the wire.
        called: &'a str,
        /// Calling number on the wire.
        caller: &'a str,
    },
    /// Whose media go between the peers, or would where the trunks' own word counted alone.
    Media {
        /// Name of the trunk.
        trunk: &'a str,
        /// The way of its media.
        path: MediaPath<'a>,
    },
    /// The call is refused.
    Refused {
        /// The stable reason.
        reason: ReasonId,
        /// SIP status.
        status: u16,
        /// The sentence for people.
        sentence: &'a str,
    },
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Dial(index) => write!(f, "dial rule {}", index + 1),
            Rule::DialThenCountry(index) => write!(f, "dial rule {} and the country's reading", index + 1),
            Rule::International => f.write_str("the international prefix"),
            Rule::Own => f.write_str("the calling user's own numbers"),
            Rule::Extension => f.write_str("the arriving trunk's pilot number"),
            Rule::National => f.write_str("the country's reading of national numbers"),
            Rule::TrunkForm => f.write_str("the arriving trunk's number format"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Matches => "matches",
            Verdict::OtherTrunk => "is for calls of other trunks",
            Verdict::OtherCalled => "is for other called numbers",
            Verdict::OtherCaller => "is for other callers",
            Verdict::Excepted => "excepts the called number",
            Verdict::OtherTime => "does not hold at this time",
        })
    }
}

/// What a translation does to a number.
struct Made<'a> {
    from: &'a str,
    to: Option<&'a str>,
}

impl fmt::Display for Made<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (from, Some(to)) => write!(f, "makes {from:?} {to:?}"),
            (from, None) => write!(f, "does not match {from:?}"),
        }
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Step::Arrived { on, called, caller, anonymous } => {
                let privacy = if anonymous { ", anonymous" } else { "" };
                write!(f, "arrived on {on}: called {called:?}, caller {caller:?}{privacy}")
            }
            Step::Cleaned { side, to } => write!(f, "{side}: without separators and parameters {to:?}"),
            Step::Translated { trunk, side, way, name, from, to } => {
                let way = if way == Way::In { "from" } else { "to" };
                write!(f, "{side}: translation {name} {way} {trunk} {}", Made { from, to })
            }
            Step::TooLong { side, name } => {
                write!(f, "{side}: rule {name} makes the number longer than {NUMBER_MAX} bytes")
            }
            Step::Emergency { number } => {
                write!(f, "called: {number} is an emergency number, left as dialled, limits do not hold")
            }
            Step::Outside { prefix, to } => write!(f, "called: without the external prefix {prefix} {to:?}"),
            Step::DialRule { side, name, to: Some(to) } => {
                write!(f, "{side}: dial rule {name} matches and makes it {to:?}")
            }
            Step::DialRule { side, name, to: None } => write!(f, "{side}: dial rule {name} does not match"),
            Step::Read { side, rule, to } => write!(f, "{side}: {to} by {rule}"),
            Step::AsReceived { side, number } => write!(f, "{side}: {number:?} stays as received"),
            Step::OurNumber { first, last } => write!(f, "number range {first}..{last} holds it"),
            Step::NotOurNumber => f.write_str("no number range holds it"),
            Step::Demoted { trunk, down: true } => write!(f, "trunk {trunk} is down and goes last"),
            Step::Demoted { trunk, down: false } => write!(f, "trunk {trunk} is cooling and goes last"),
            Step::Attempt { number, trunk, tier, called, caller } => {
                write!(
                    f,
                    "attempt {number}: trunk {trunk} (tier {}), called {called:?}, caller {caller:?}",
                    tier + 1
                )
            }
            Step::Refused { reason, status, sentence } => write!(f, "refused {status} {reason}: {sentence}"),
            _ => self.way(f),
        }
    }
}

impl Step<'_> {
    /// Steps of finding a route.
    fn way(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Step::Origin { user, group, site } => {
                let parts = [("user ", user), ("of group ", group), ("at site ", site)];
                let told = parts.iter().filter(|(_, name)| !name.is_empty());
                let told: Vec<String> = told.map(|(what, name)| format!("{what}{name}")).collect();
                write!(f, "the caller is {}", told.join(" "))
            }
            Step::Policy { name, counts: true } => write!(f, "the caller is under policy {name}"),
            Step::Policy { name, counts: false } => {
                write!(f, "policy {name} does not count for an emergency call")
            }
            Step::Classes { classes, unknown: None } => write!(f, "called: of class {classes}"),
            Step::Classes { classes, unknown: Some(why) } => {
                write!(f, "called: of class {classes}; the caller is unknown: {why}")
            }
            Step::Priced { trunk, rate: None, .. } => {
                write!(f, "trunk {trunk} has no rate for the number")
            }
            Step::Priced { trunk, rate: Some((prefix, price)), currency, seconds } => {
                let blank = if currency.is_empty() { "" } else { " " };
                write!(f, "trunk {trunk} charges {price} to {prefix}: ")?;
                write!(f, "{}{blank}{currency} for a call of {seconds} s", price.call)
            }
            Step::Skipped { trunk, why, site } => {
                write!(f, "trunk {trunk} is left out: {}", Told(why, site))
            }
            Step::Media { trunk, path } => write!(f, "trunk {trunk}: {path}"),
            Step::Usage { name } => write!(f, "usage {name}:"),
            Step::Route { name, verdict } => write!(f, "route {name} {verdict}"),
            _ => Ok(()),
        }
    }
}
