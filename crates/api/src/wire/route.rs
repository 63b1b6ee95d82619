//! A routing decision as the wire shows it, for the daemon and for dry runs from a file.

use super::{RouteAttempt, RouteQuery, RouteRefusal, RouteSkip, RouteTest};
use base::TrunkId;
use config::Config;
use routing::{Decision, Facts, SkipReason, State, Story, Table};

/// Decides on a call by [`Table::plan`] and tells the story. Weighted tiers are ordered as for a dice of 0.
#[must_use]
pub fn route_test(
    config: &Config,
    table: &Table,
    on: TrunkId,
    query: &RouteQuery,
    state: &dyn State,
) -> RouteTest {
    let facts = Facts { on, called: &query.to, caller: &query.from, anonymous: false };
    let mut story = Story::default();
    let decision = table.plan(&facts, state, 0, &mut story);
    let name = |id: TrunkId| config.trunk(id).map_or_else(String::new, |t| t.name.clone());
    let skips = |skipped: &[(TrunkId, SkipReason)]| {
        skipped.iter().map(|&(id, why)| RouteSkip { trunk: name(id), why: why.to_string() }).collect()
    };
    match decision {
        Decision::Plan(plan) => RouteTest {
            routed: true,
            route: Some(plan.route_name.to_string()),
            attempts: plan
                .attempts
                .iter()
                .map(|attempt| RouteAttempt {
                    trunk: name(attempt.trunk),
                    tier: attempt.tier,
                    called: attempt.called.clone(),
                    caller: attempt.caller.clone(),
                    demoted: attempt.demoted,
                })
                .collect(),
            called: Some(plan.called),
            caller: Some(plan.caller),
            skipped: skips(&plan.skipped),
            refusal: None,
            story: story.0,
        },
        Decision::Refuse(refusal) => RouteTest {
            routed: false,
            route: None,
            called: None,
            caller: None,
            attempts: Vec::new(),
            skipped: skips(&refusal.skipped),
            refusal: Some(RouteRefusal {
                status: refusal.status,
                reason: refusal.reason.id().to_owned(),
                sentence: refusal.sentence,
            }),
            story: story.0,
        },
    }
}
