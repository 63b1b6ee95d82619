//! What people may see of a switchboard: plain values, made on demand.

use base::TrunkId;
use peers::Duty;
pub use peers::{BindingView, GatewayView, KeptBinding, QualityView, RegistrationView, TargetView};
pub use records::{CallView, StatusView};
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
