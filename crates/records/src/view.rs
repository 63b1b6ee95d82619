//! What people may see of a live call.

use crate::CallKey;
use base::WallTime;
use media::{NotHeard, Security, SessionId, Side};
use std::sync::Arc;

/// A live call.
#[derive(Clone, Debug)]
pub struct CallView {
    /// The call.
    pub key: CallKey,
    /// `routing`, `trying`, `ringing`, `answered`, `ending`.
    pub state: &'static str,
    /// The trunk it came in on.
    pub trunk_in: Arc<str>,
    /// The trunk of the present attempt.
    pub trunk_out: Option<Arc<str>>,
    /// Route name.
    pub route: Arc<str>,
    /// Why it takes this way, as the record will say.
    pub decision: Box<str>,
    /// Caller, normalised.
    pub caller: Box<str>,
    /// Called, normalised.
    pub called: Box<str>,
    /// INVITE accepted.
    pub start: WallTime,
    /// Answered.
    pub answer: Option<WallTime>,
    /// Attempts so far.
    pub attempts: u16,
    /// Call-ID of the A leg.
    pub a_call_id: Box<str>,
    /// Call-ID of the B leg.
    pub b_call_id: Option<Box<str>>,
    /// Whether media is anchored here.
    pub anchored: bool,
    /// Agreed codec of the first audio stream.
    pub codec: Option<Box<str>>,
    /// How what caller and callee send is protected; none before the answer.
    pub security: [Option<Security>; 2],
    /// Why caller and callee are not heard though they might be, while the other is.
    pub unheard: [Option<NotHeard>; 2],
    /// The sites whose WAN links its media cross, and how often.
    pub links: Vec<(Arc<str>, u32)>,
    /// The engine's session, and which of its sides the caller's is; none where nothing is anchored.
    pub media: Option<(SessionId, Side)>,
    /// The recorder and how the recording goes; empty where nobody records.
    pub recording: Box<str>,
    /// Who is to record it, as an operator, its route or its trunks have said.
    pub recorder: Option<Arc<str>>,
    /// Its recording is to pause.
    pub paused: bool,
    /// Since when caller and callee hold the other one.
    pub held: [Option<WallTime>; 2],
}

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
