//! What people may see of a switchboard: plain values, made on demand.

use base::{Time, TrunkId, WallTime};
use media::{NotHeard, Security, SessionId, Side};
use negotiation::Shown;
pub use peers::{BindingView, GatewayView, KeptBinding, QualityView, RegistrationView, TargetView};
use peers::{Duty, Links, Runs, TrunkRef};
use records::CallKey;
pub use records::{LinkView, StatusView};
use routing::TrunkState;
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
    /// Codec and security, for whoever wants to know.
    pub sound: Shown,
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

impl CallView {
    /// Agreed codec of the first audio stream, or those of both sides. Read on the asking side: it takes a while.
    #[must_use]
    pub fn codec(&self) -> Option<Box<str>> {
        self.sound.codec()
    }

    /// How what caller and callee send is protected; none before the answer. The same.
    #[must_use]
    pub fn security(&self) -> [Option<Security>; 2] {
        self.sound.security()
    }
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

impl TrunkView {
    /// A trunk as it stands.
    #[must_use]
    pub fn of(runs: &Runs, (id, at): (TrunkId, TrunkRef), standing: TrunkState, now: Time) -> TrunkView {
        let run = runs.trunk(at);
        TrunkView {
            id,
            name: run.name.clone(),
            duty: runs.duty(at),
            word: run.duty,
            standing,
            calls_in: run.calls_in,
            calls_out: run.calls_out,
            total_in: run.total_in,
            total_out: run.total_out,
            answered_out: run.answered_out,
            failed_out: run.failed_out,
            gateways: runs.gateways_of(at).iter().map(|g| runs.gateway_view(*g, now)).collect(),
            registrations: runs.enrolments_of(at).map(|e| e.view(now)).collect(),
            unregistered: runs.is_unregistered(at, now),
        }
    }
}

/// The links of the present configuration.
#[must_use]
pub fn links(links: &Links) -> Vec<LinkView> {
    let view = |link: &peers::LinkRun| LinkView {
        site: link.site.clone(),
        calls: link.calls,
        max: link.max,
        refused: link.refused,
        skipped: link.skipped,
    };
    links.configured().map(view).collect()
}
