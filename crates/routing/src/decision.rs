//! What comes out of a decision: an ordered plan, or a refusal with its reason.

use crate::links::FullLink;
use crate::rates::Price;
use base::{ReasonId, TrunkId};
use config::Recorder;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// The answer for one call.
#[allow(
    clippy::large_enum_variant,
    reason = "the plan is the usual case; a box would cost each call an allocation"
)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Try these, in order.
    Plan(Plan),
    /// Tell the caller why not.
    Refuse(Refusal),
}

impl Decision {
    /// The plan, when there is one.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Decision::Plan(plan) => Some(plan),
            Decision::Refuse(_) => None,
        }
    }

    /// The refusal, when there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Decision::Plan(_) => None,
            Decision::Refuse(refusal) => Some(refusal),
        }
    }
}

/// What matched the called number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RouteRef {
    /// Index into the configuration's routes.
    Route(u32),
    /// Index into the configuration's number ranges.
    Numbers(u32),
    /// None: back to the peer that asked for the call.
    Peer,
}

/// How a number as received became the normalised one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// By the dial rule with this index into the configuration's `dialplan`, and by nothing after it.
    Dial(u16),
    /// By that dial rule, whose result was then read as the country reads numbers.
    DialThenCountry(u16),
    /// It was an international prefix and a number (`0044…`).
    International,
    /// It was a national number (`030…`).
    National,
    /// It was the name of the calling user, who has numbers.
    Own,
    /// It was an extension of the arriving trunk's pilot number.
    Extension,
    /// It came as E.164 without plus, which is the form of the arriving trunk (`4930…`).
    TrunkForm,
}

/// Ordered attempts with the numbers that each puts on the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// What matched; under a policy the first of what matched.
    pub route: RouteRef,
    /// The route's name, or `numbers` for a number range.
    pub route_name: Arc<str>,
    /// The called number: +E.164, or as dialled when no rule reads it; without parameters.
    pub called: String,
    /// The calling number, likewise.
    pub caller: String,
    /// How the called number was read; `None` when it stands as received.
    pub called_rule: Option<Rule>,
    /// How the calling number was read; `None` when it stands as received.
    pub caller_rule: Option<Rule>,
    /// Whether an emergency service is called: limits do not hold for it.
    pub emergency: bool,
    /// At least one, at most [`crate::ATTEMPTS_MAX`], no trunk twice.
    pub attempts: SmallVec<[Attempt; 4]>,
    /// Trunks of the route that were left out, and why.
    pub skipped: SmallVec<[(TrunkId, SkipReason); 2]>,
}

impl Plan {
    /// A plan that leads back to the peer of a trunk, which has asked for a call to one of its own: what is called is
    /// the peer's to know.
    #[must_use]
    pub fn back_to(trunk: TrunkId, called: &str) -> Plan {
        let route_name: Arc<str> = "refer".into();
        let attempt = Attempt {
            trunk,
            route_name: route_name.clone(),
            called: called.to_owned(),
            ..Attempt::default()
        };
        Plan {
            route: RouteRef::Peer,
            route_name,
            called: called.to_owned(),
            caller: String::new(),
            called_rule: None,
            caller_rule: None,
            emergency: false,
            attempts: SmallVec::from_iter([attempt]),
            skipped: SmallVec::new(),
        }
    }
}

/// One trunk to try.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attempt {
    /// The trunk.
    pub trunk: TrunkId,
    /// The route that it belongs to, or `numbers`.
    pub route_name: Arc<str>,
    /// Final responses after which the next attempt is made, when the route says so itself.
    pub retry_on: Option<Arc<[u16]>>,
    /// Who records the call, when the route says so itself.
    pub record: Option<Recorder>,
    /// The tier it stands in, from 0; the tiers of a backup route count on from those before.
    pub tier: u8,
    /// The called number in the trunk's form.
    pub called: String,
    /// The calling number in the trunk's form.
    pub caller: String,
    /// What it charges, when the route orders its trunks by cost.
    pub price: Option<Price>,
    /// The route shows this number instead of the caller's.
    pub replaced: bool,
    /// Whether it is down or cooling and was put behind all others for that.
    pub demoted: bool,
}

/// Why a trunk of the route is not tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SkipReason {
    /// It is disabled.
    Disabled,
    /// It takes no new calls.
    Draining,
    /// The call came from it and it is no direct trunk.
    Hairpin,
    /// It carries `calls_max` calls.
    Full,
    /// Its `cps_max` is used up.
    Rate,
    /// The plan already holds [`crate::ATTEMPTS_MAX`] attempts.
    PlanFull,
    /// Its translations leave no number that can be sent.
    Unwritable,
    /// It has no rate for the called number.
    Unrated,
    /// It, or the arriving trunk, is kept to another site.
    OtherSite,
    /// Its media would cross a WAN link that has no room.
    LinkFull(FullLink),
}

impl SkipReason {
    /// The stable reason for records.
    #[must_use]
    pub fn reason(self) -> ReasonId {
        match self {
            SkipReason::Disabled => ReasonId::TrunkDisabled,
            SkipReason::Draining => ReasonId::TrunkDraining,
            SkipReason::Hairpin => ReasonId::Hairpin,
            SkipReason::Full => ReasonId::TrunkFull,
            SkipReason::Rate => ReasonId::TrunkRate,
            SkipReason::PlanFull => ReasonId::AttemptsMax,
            SkipReason::Unwritable => ReasonId::Untranslatable,
            SkipReason::Unrated => ReasonId::NoRate,
            SkipReason::OtherSite => ReasonId::OtherSite,
            SkipReason::LinkFull(_) => ReasonId::LinkFull,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SkipReason::Disabled => "disabled",
            SkipReason::Draining => "draining",
            SkipReason::Hairpin => "the call came from it",
            SkipReason::Full => "full",
            SkipReason::Rate => "rate used up",
            SkipReason::PlanFull => "plan full",
            SkipReason::Unwritable => "its translations leave no number",
            SkipReason::Unrated => "it has no rate for the number",
            SkipReason::OtherSite => "kept to another site",
            SkipReason::LinkFull(_) => "the link of a site is full",
        })
    }
}

/// A reason with the name of the site that it is about.
pub struct Told<'t>(pub SkipReason, pub &'t str);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Told(SkipReason::LinkFull(FullLink { calls, max, .. }), site) if calls < max => {
                write!(f, "link to {site} has no room for two, {calls} of {max}")
            }
            Told(SkipReason::LinkFull(FullLink { calls, max, .. }), site) => {
                write!(f, "link to {site} full, {calls} of {max}")
            }
            Told(why, _) => why.fmt(f),
        }
    }
}

/// No attempt is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// SIP status, 400 to 699.
    pub status: u16,
    /// The stable reason.
    pub reason: ReasonId,
    /// Seconds for a Retry-After header, with 503 only.
    pub retry_after: Option<u32>,
    /// What happened and what to do, in one sentence, with names of trunks and route.
    pub sentence: String,
    /// The route that matched, when one did.
    pub route: Option<RouteRef>,
    /// Trunks of the route that were left out, and why.
    pub skipped: SmallVec<[(TrunkId, SkipReason); 2]>,
}
