//! What people may see of a switchboard's figures.

use std::sync::Arc;

/// Counters of a switchboard.
#[derive(Clone, Debug, Default)]
pub struct StatusView {
    /// Live calls.
    pub calls: u64,
    /// Calls accepted since the start.
    pub accepted: u64,
    /// Calls answered since the start.
    pub answered: u64,
    /// Calls ended since the start.
    pub ended: u64,
    /// Calls that we refused.
    pub refused: u64,
    /// Requests from unknown sources, dropped.
    pub unknown_sources: u64,
    /// Datagrams or frames that were no SIP message.
    pub malformed: u64,
    /// Further counters by name.
    pub counters: Vec<(&'static str, u64)>,
    /// Whether it takes no new calls.
    pub draining: bool,
    /// The WAN links of the present configuration's sites, in no particular order.
    pub links: Vec<LinkView>,
}

/// The WAN link of a site.
#[derive(Clone, Debug)]
pub struct LinkView {
    /// The site.
    pub site: Arc<str>,
    /// Calls that cross it; one that crosses it twice counts twice.
    pub calls: u32,
    /// How many may.
    pub max: Option<u32>,
    /// Calls since the start that were refused for want of room on it.
    pub refused: u64,
    /// Attempts that were not made for that, whatever became of the call.
    pub skipped: u64,
}
