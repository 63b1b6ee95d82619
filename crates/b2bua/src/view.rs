//! What people may see of a switchboard: plain values, made on demand.

use crate::journal::CallKey;
use base::{Transport, TrunkId, WallTime};
use peers::Duty;
pub use peers::{BindingView, KeptBinding, RegistrationView};
use routing::TrunkState;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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
}

/// A trunk and its gateways.
#[derive(Clone, Debug)]
pub struct TrunkView {
    /// Which.
    pub id: TrunkId,
    /// Name.
    pub name: Arc<str>,
    /// Whether it takes new calls: what the configuration and an operator say of it and its gateways.
    pub duty: Duty,
    /// What an operator said of the trunk itself.
    pub word: Duty,
    /// How routing sees it at this moment.
    pub standing: TrunkState,
    /// Live calls that came in on it.
    pub calls_in: u32,
    /// Live calls that go out on it.
    pub calls_out: u32,
    /// Calls since the start, in.
    pub total_in: u64,
    /// Attempts since the start, out.
    pub total_out: u64,
    /// Attempts answered.
    pub answered_out: u64,
    /// Attempts failed.
    pub failed_out: u64,
    /// Its gateways.
    pub gateways: Vec<GatewayView>,
    /// Its accounts that register.
    pub registrations: Vec<RegistrationView>,
    /// It lives by its registrations and has none.
    pub unregistered: bool,
}

/// One gateway: the best of its addresses speaks for it.
#[derive(Clone, Debug)]
pub struct GatewayView {
    /// As configured.
    pub name: Arc<str>,
    /// `disabled` or `draining` by an operator; `poor` for its quality; else `up`, `unknown`, `cooling`,
    /// `down`, or without an address `unresolved`, for a user that registers `unregistered`.
    pub state: &'static str,
    /// What an operator said of it.
    pub duty: Duty,
    /// Live calls and attempts that go to it.
    pub calls: u32,
    /// How its calls went of late, when the trunk judges that.
    pub quality: Option<QualityView>,
    /// Present addresses, lower ranks first.
    pub targets: Vec<TargetView>,
    /// What is wrong with its name (`no such name`).
    pub trouble: Option<String>,
    /// Where its user registered, when it is one.
    pub bindings: Vec<BindingView>,
}

/// How the calls of a gateway went of late.
#[derive(Clone, Copy, Debug)]
pub struct QualityView {
    /// Attempts that are judged together.
    pub window: u32,
    /// Attempts known since the last judgement that went against it.
    pub sample: u32,
    /// Answered of all, percent.
    pub answer_ratio: Option<f64>,
    /// Mean time to the first progress.
    pub post_dial_delay: Option<Duration>,
    /// Mean duration of the last calls, when the trunk judges that.
    pub call_duration: Option<Duration>,
    /// How much longer others are tried first.
    pub held: Option<Duration>,
}

/// One address of a gateway.
#[derive(Clone, Debug)]
pub struct TargetView {
    /// Address and port.
    pub address: SocketAddr,
    /// Transport.
    pub transport: Transport,
    /// `up`, `unknown`, `cooling` (it asked to be left alone), `down`.
    pub state: &'static str,
    /// Lower ranks are tried first (NAPTR, SRV priority).
    pub rank: u16,
    /// SRV weight.
    pub weight: u16,
    /// Round trip of the last answered OPTIONS.
    pub rtt: Option<Duration>,
    /// OPTIONS and calls unanswered in a row.
    pub misses: u32,
    /// How much longer it is to be left alone.
    pub cooling: Option<Duration>,
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
}
