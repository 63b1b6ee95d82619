//! A routing decision as the wire shows it, for the daemon and for dry runs from a file.

use super::{RouteAttempt, RouteQuery, RouteRefusal, RouteSkip, RouteTest};
use base::TrunkId;
use config::Config;
use routing::{Decision, Facts, Plan, Refusal, SkipReason, State, Story, Table};

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
    let mut test = match decision {
        Decision::Plan(plan) => planned(config, plan),
        Decision::Refuse(refusal) => refused(config, refusal),
    };
    test.story = story.0;
    test
}

fn name(config: &Config, id: TrunkId) -> String {
    config.trunk(id).map_or_else(String::new, |t| t.name.clone())
}

fn skips(config: &Config, skipped: &[(TrunkId, SkipReason)]) -> Vec<RouteSkip> {
    skipped.iter().map(|&(id, why)| RouteSkip { trunk: name(config, id), why: why.to_string() }).collect()
}

fn planned(config: &Config, plan: Plan) -> RouteTest {
    let attempts = plan.attempts.iter().map(|attempt| RouteAttempt {
        trunk: name(config, attempt.trunk),
        tier: attempt.tier,
        called: attempt.called.clone(),
        caller: attempt.caller.clone(),
        demoted: attempt.demoted,
    });
    RouteTest {
        routed: true,
        route: Some(plan.route_name.to_string()),
        attempts: attempts.collect(),
        skipped: skips(config, &plan.skipped),
        called: Some(plan.called),
        caller: Some(plan.caller),
        refusal: None,
        story: Vec::new(),
    }
}

fn refused(config: &Config, refusal: Refusal) -> RouteTest {
    RouteTest {
        routed: false,
        route: None,
        called: None,
        caller: None,
        attempts: Vec::new(),
        skipped: skips(config, &refusal.skipped),
        refusal: Some(RouteRefusal {
            status: refusal.status,
            reason: refusal.reason.id().to_owned(),
            sentence: refusal.sentence,
        }),
        story: Vec::new(),
    }
}
