//! Trunks as routing sees them, by the running state that `peers` keeps.

use base::Time;
use peers::Duty;
pub(crate) use peers::{GatewayRef, Runs, TargetRef, TrunkRef};
use routing::{Health, TrunkState};

/// A trunk as routing sees it: down only when every gateway is.
pub(crate) fn standing(runs: &Runs, at: TrunkRef, now: Time) -> TrunkState {
    let run = runs.trunk(at);
    let any = runs.open_gateways(at).next().is_some();
    let down = any && runs.open_gateways(at).all(|g| g.is_demoted(now));
    let duty = runs.duty(at);
    TrunkState {
        enabled: duty != Duty::Disabled,
        draining: duty == Duty::Draining,
        health: if down || runs.is_unregistered(at, now) { Health::Down } else { Health::Up },
        calls: run.calls_in + run.calls_out,
        full_out: run.is_full(true),
        cps_spent: run.rate_spent(true, now),
        cooling: any && runs.open_gateways(at).all(|g| g.is_cooling(now)),
    }
}
