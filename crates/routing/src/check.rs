//! The configuration's own tests: `[[test]]` cases decided by the same function as live calls.

use crate::decision::{Decision, Plan};
use crate::facts::{Facts, Health, TrunkState};
use crate::table::Table;
use crate::trace::Story;
use base::TrunkId;
use config::{Config, Test};

/// How one case went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestOutcome {
    /// Index into the configuration's tests.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// What differs from the expectation, one sentence each; empty when the case passes.
    pub failures: Vec<String>,
    /// How the decision came about.
    pub story: Vec<String>,
}

impl TestOutcome {
    /// Whether the case passes.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs the cases of a configuration with all trunks idle, and up where a case does not say that they
/// are down.
#[must_use]
pub fn run_tests(config: &Config, table: &Table) -> Vec<TestOutcome> {
    config.tests.iter().enumerate().map(|(index, test)| run_test(config, table, index, test)).collect()
}

fn run_test(config: &Config, table: &Table, index: usize, test: &Test) -> TestOutcome {
    let (user, source, at) = (test.user, test.source, test.at);
    let facts = Facts { user, source, at, ..Facts::new(test.on, &test.to, &test.from) };
    let state = |trunk: TrunkId| TrunkState {
        health: if test.down.contains(&trunk) { Health::Down } else { Health::Up },
        ..TrunkState::default()
    };
    let mut story = Story::default();
    let decision = table.plan(&facts, &state, 0, &mut story);
    let mut failures = Vec::new();
    match (&decision, test.expect.refused) {
        (Decision::Refuse(refusal), Some(status)) if refusal.status != status => {
            failures.push(format!("expected refusal {status}, got {} {}", refusal.status, refusal.reason))
        }
        (Decision::Refuse(_), Some(_)) => {}
        (Decision::Refuse(refusal), None) => failures.push(format!(
            "expected a route, got refusal {} {}: {}",
            refusal.status, refusal.reason, refusal.sentence
        )),
        (Decision::Plan(plan), Some(status)) => {
            failures.push(format!("expected refusal {status}, got route {}", plan.route_name));
        }
        (Decision::Plan(_), None) => {}
    }
    if let Decision::Plan(plan) = &decision {
        compare(config, test, plan, &mut failures);
    }
    TestOutcome { index, name: test.name.clone(), failures, story: story.0 }
}

fn compare(config: &Config, test: &Test, plan: &Plan, failures: &mut Vec<String>) {
    let expect = &test.expect;
    let rows = [
        ("route", expect.route.as_deref(), &*plan.route_name),
        ("called number", expect.called.as_deref(), plan.called.as_str()),
        ("calling number", expect.calling.as_deref(), plan.caller.as_str()),
    ];
    for (what, wanted, got) in rows {
        if let Some(wanted) = wanted
            && wanted != got
        {
            failures.push(format!("expected {what} {wanted}, got {got}"));
        }
    }
    let attempt = match expect.trunk {
        Some(trunk) => plan.attempts.iter().find(|a| a.trunk == trunk),
        None => plan.attempts.first(),
    };
    for (what, wanted, got) in [
        ("called number sent", &expect.called_sent, attempt.map(|a| &a.called)),
        ("calling number sent", &expect.calling_sent, attempt.map(|a| &a.caller)),
    ] {
        if let (Some(wanted), Some(got)) = (wanted, got)
            && wanted != got
        {
            failures.push(format!("expected {what} {wanted}, got {got}"));
        }
    }
    let Some(wanted) = expect.trunk else { return };
    // In a weighted tier any member may come first, so all of the first tier count.
    let first_tier = plan.attempts.first().map(|a| a.tier);
    let firsts = || plan.attempts.iter().filter(|a| Some(a.tier) == first_tier);
    if !firsts().any(|a| a.trunk == wanted) {
        let name = |id| config.trunk(id).map_or("?", |t| t.name.as_str());
        let got: Vec<&str> = firsts().map(|a| name(a.trunk)).collect();
        failures.push(format!("expected trunk {} first, got {}", name(wanted), got.join(" or ")));
    }
}
