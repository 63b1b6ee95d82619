//! What people may see of a switchboard: plain values, made on demand.

use base::{Time, TrunkId};
pub use peers::{BindingView, GatewayView, KeptBinding, QualityView, RegistrationView, TargetView};
use peers::{Duty, Links, Runs, TrunkRef};
pub use records::{CallView, LinkView, StatusView};
use routing::TrunkState;
use std::sync::Arc;

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
