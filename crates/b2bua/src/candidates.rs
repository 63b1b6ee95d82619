//! What a call may try, in order: the addresses of the gateways of the planned trunks.

use crate::attempt::Candidate;
use crate::context::Context;
use crate::epoch::Epoch;
use base::{GatewayId, ReasonId, TrunkId};
use config::Hunt;
use peers::{Duty, Runs, Target, TargetRef, draw};
use routing::{Attempt, Plan};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// How many attempts (gateways and their addresses) one call may have: limit `attempts`.
pub(crate) const ATTEMPTS_MAX: usize = 16;

/// Every gateway address of every planned trunk, in order. Of a trunk, those that a call has just met
/// silence at come after the others. After everything, of all trunks, comes what is in trouble: first
/// gateways of poor quality, then what is down or cooling. Nothing is left out (R79) but by the bound and
/// by an operator. Each trunk has at least one place. Beside them: why a trunk whose users
/// register has none.
pub(crate) fn candidates(
    plan: &Plan,
    epoch: &Epoch,
    cx: &mut Context<'_>,
) -> (VecDeque<Candidate>, Option<ReasonId>) {
    let mut missing = None;
    let mut queue = VecDeque::new();
    let mut last = Vec::new();
    for (place, attempt) in plan.attempts.iter().enumerate() {
        let behind = plan.attempts.len() - place - 1;
        let room = ATTEMPTS_MAX.saturating_sub(queue.len() + last.len() + behind);
        let mut all = match of_trunk(attempt, &plan.called, epoch, cx) {
            Ok(all) => all,
            Err(reason) => {
                missing.get_or_insert(reason);
                continue;
            }
        };
        pin(&plan.caller, attempt, epoch, cx, &mut all);
        all.truncate(room);
        for (standing, candidate) in all {
            if standing < Standing::Poor {
                queue.push_back(candidate);
            } else {
                last.push((standing, candidate));
            }
        }
    }
    last.sort_by_key(|(standing, _)| *standing);
    queue.extend(last.into_iter().map(|(_, candidate)| candidate));
    (queue, missing)
}

/// The addresses of one trunk for requests that belong to no route, the best first.
pub(crate) fn addresses(trunk: TrunkId, epoch: &Epoch, cx: &mut Context<'_>) -> Vec<(TargetRef, Target)> {
    let attempt = Attempt { trunk, ..Attempt::default() };
    let found = of_trunk(&attempt, "", epoch, cx).unwrap_or_default();
    found.into_iter().map(|(_, candidate)| (candidate.at, candidate.target)).collect()
}

/// Where a trunk's calls are pinned to the address that accepted its registration, no other is tried.
fn pin(
    caller: &str,
    attempt: &Attempt,
    epoch: &Epoch,
    cx: &Context<'_>,
    all: &mut Vec<(Standing, Candidate)>,
) {
    let account = epoch.account_for(attempt.trunk, caller);
    let binding = cx.runs.binding(epoch.run(attempt.trunk), account, None, cx.now).filter(|b| b.order.pin);
    let Some(reached) = binding.and_then(|binding| binding.reached) else { return };
    let fits = |c: &Candidate| c.target.address == reached.remote && c.target.transport == reached.transport;
    if all.iter().any(|(_, candidate)| fits(candidate)) {
        all.retain(|(_, candidate)| fits(candidate));
    }
}

/// How soon an address is tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Good,
    BackingOff,
    Poor,
    Demoted,
}

/// The addresses of one trunk, the best first; why there are none, where its users register.
fn of_trunk(
    attempt: &Attempt,
    called: &str,
    epoch: &Epoch,
    cx: &mut Context<'_>,
) -> Result<Vec<(Standing, Candidate)>, ReasonId> {
    let mut all = Vec::new();
    let mut open = gateways(attempt, epoch, cx.runs);
    let users = &epoch.trunk(attempt.trunk).users;
    if users.registrar.is_some() {
        let numbers = [called, attempt.called.as_str()];
        open.retain(|id| epoch.user_of(*id).is_none_or(|user| users.is_called(user, &numbers)));
    }
    for gateway in &open {
        of_gateway(attempt, *gateway, epoch, cx, &mut all);
    }
    if all.is_empty() && users.registrar.is_some() {
        return Err(if open.is_empty() { ReasonId::NoUser } else { ReasonId::NotRegistered });
    }
    // Stable: the order of gateways and the draw stay inside each standing.
    all.sort_by_key(|(standing, _)| *standing);
    Ok(all)
}

/// The gateways of a trunk that take new calls, as `hunt` orders them.
fn gateways(attempt: &Attempt, epoch: &Epoch, runs: &Runs) -> SmallVec<[GatewayId; 4]> {
    let trunk = epoch.trunk(attempt.trunk);
    let run = |id: &GatewayId| runs.gateway(epoch.gateway_run(*id));
    let mut open: SmallVec<[GatewayId; 4]> =
        trunk.gateways.iter().filter(|id| run(id).duty == Duty::Enabled).copied().collect();
    if trunk.hunt.way == Hunt::Balance {
        open.sort_by_key(|id| (run(id).calls, run(id).turn));
    }
    open
}

fn of_gateway(
    attempt: &Attempt,
    gateway: GatewayId,
    epoch: &Epoch,
    cx: &mut Context<'_>,
    all: &mut Vec<(Standing, Candidate)>,
) {
    let run = epoch.gateway_run(gateway);
    let targets = &cx.runs.gateway(run).targets;
    let poor = cx.runs.gateway(run).quality.is_poor(cx.now);
    for place in draw(targets, cx.rng) {
        let target = &targets[place];
        let standing = match () {
            () if target.is_demoted(cx.now) => Standing::Demoted,
            () if poor => Standing::Poor,
            () if target.is_backing_off(cx.now) => Standing::BackingOff,
            () => Standing::Good,
        };
        let candidate = Candidate {
            trunk: attempt.trunk,
            gateway,
            at: TargetRef { gateway: run, id: target.id },
            target: target.target(),
            route: attempt.route_name.clone(),
            retry_on: attempt.retry_on.clone(),
            record: attempt.record,
            tier: attempt.tier,
            caller: attempt.caller.as_str().into(),
            replaced: attempt.replaced,
            called: attempt.called.as_str().into(),
        };
        all.push((standing, candidate));
    }
}
