//! Live calls.

use super::Figures;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET /v1/calls`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Calls {
    /// All that live, also those that the limit left out.
    pub total: u64,
    /// Oldest first.
    pub calls: Vec<Call>,
}

/// `GET /v1/calls/{key}`: a live call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Call {
    /// Names it for ever: 32 hex digits.
    pub key: String,
    /// `routing`, `trying`, `ringing`, `answered` or `ending`.
    pub state: String,
    /// The trunk it came in on.
    pub trunk_in: String,
    /// The trunk of the present attempt.
    pub trunk_out: Option<String>,
    /// The route.
    pub route: String,
    /// Why it takes this way, what was left out, and where it was transferred to: as its record will say.
    #[serde(default)]
    pub decision: String,
    /// The caller's number, normalised.
    pub caller: String,
    /// The called number, normalised.
    pub called: String,
    /// INVITE accepted.
    pub start: String,
    /// Answered.
    pub answer: Option<String>,
    /// Seconds since `start`.
    pub age_s: u64,
    /// Seconds since `answer`.
    pub talk_s: Option<u64>,
    /// Attempts so far.
    pub attempts: u16,
    /// Call-ID of the caller's leg.
    pub a_call_id: String,
    /// Call-ID of the called leg.
    pub b_call_id: Option<String>,
    /// Whether media flows through this node.
    pub anchored: bool,
    /// Codec agreed for the first audio stream.
    pub codec: Option<String>,
    /// How what the caller sends is protected: `none`, or how keys were agreed and the crypto suite; known from the
    /// answer on.
    pub caller_security: Option<String>,
    /// The same of the callee.
    pub callee_security: Option<String>,
    /// The caller is not heard though it might be, while the callee is; why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_unheard: Option<String>,
    /// The same of the callee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee_unheard: Option<String>,
    /// The sites whose WAN links its media cross, and how often.
    #[serde(default)]
    pub links: BTreeMap<String, u32>,
    /// The recorder and how the recording goes; empty where nobody records.
    #[serde(default)]
    pub recording: String,
    /// Who records it, or is to from the answer on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorder: Option<String>,
    /// Its recording pauses, or is to when it begins.
    #[serde(default)]
    pub recording_paused: bool,
    /// Since when the caller holds the callee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_holds: Option<String>,
    /// Since when the callee holds the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee_holds: Option<String>,
    /// How what the caller sends sounds; of one call that is asked for, while its media go through this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_caller: Option<Box<Figures>>,
    /// The same of the callee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_callee: Option<Box<Figures>>,
}
