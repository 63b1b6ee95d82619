//! Pure routing judgement: a call's facts in, an ordered plan with its reasons out.
//!
//! Floor 3. Numbers are rewritten by the arriving trunk's translations and normalised to +E.164, looked
//! up among our own (DIDs) and then among the routes: the first match, or under a policy the first of
//! each usage. The routes' tiers become ordered attempts with the numbers that each puts on
//! the wire. It reads no clock, draws no entropy (`dice` comes in) and keeps no state: how trunks
//! stand comes in through [`State`]. Live calls, `route test` and the configuration's tests all use
//! [`Table::plan`]. Enter through [`Table::compile`].

mod attempts;
mod bypass;
mod check;
mod classes;
mod decision;
mod dialplan;
mod facts;
mod find;
mod hours;
mod links;
mod lint;
mod number;
mod pattern;
mod permit;
mod pilot;
mod places;
mod plan;
mod prefix;
mod ranges;
mod rates;
mod reading;
mod restate;
mod rewrite;
mod scope;
mod shadow;
mod snapshot;
mod table;
mod trace;
mod translate;
mod twice;
mod wire;

pub use attempts::ATTEMPTS_MAX;
pub use bypass::MediaPath;
pub use check::{TestOutcome, run_tests};
pub use classes::ClassSet;
pub use decision::{Attempt, Decision, Plan, Refusal, RouteRef, Rule, SkipReason, Told};
pub use facts::{AllIdle, Facts, Health, State, TrunkState};
pub use links::{Crossing, FullLink, Peer};
pub use lint::{RuleDoubt, RulePlace, doubtful_rules};
pub use number::NUMBER_MAX;
pub use rates::Price;
pub use shadow::shadowed;
pub use snapshot::Snapshot;
pub use table::Table;
pub use trace::{NoTrace, Side, Step, Story, Trace, Verdict, Way};
pub use twice::priced_twice;
