//! Profiles: data-only presets of behaviour for a kind of peer.

use crate::model::Policy;
use std::time::Duration;

/// A built-in preset; a trunk names one and may override its keys.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// The name a trunk writes, such as `generic-pbx`.
    pub name: String,
    /// The preset's own version; rises when a value changes.
    pub version: u32,
    /// One sentence: for whom.
    pub summary: String,
    /// Values of trunks that name this profile.
    pub defaults: Defaults,
}

/// What a profile sets.
#[derive(Clone, PartialEq, Debug)]
pub struct Defaults {
    /// How the trunk's calls are treated.
    pub policy: Policy,
    /// Final responses after which the next attempt is made.
    pub retry_on: Vec<u16>,
    /// Time without progress before the next attempt.
    pub failover_after: Duration,
    /// Longest ringing.
    pub ring_timeout: Duration,
    /// Time between liveness OPTIONS; `None` is off.
    pub options_interval: Option<Duration>,
    /// Unanswered OPTIONS until a gateway counts as down.
    pub options_misses: u32,
}
