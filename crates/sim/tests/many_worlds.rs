//! A fixed budget of drawn worlds, small enough for every commit; `sim --calls N` explores further.

use b2bua::CallRecord;
use base::ReasonId;
use sim::Plan;

/// Worlds of one run; several calls each.
const WORLDS: u64 = 3_000;

#[test]
fn three_thousand_worlds_keep_every_rule() {
    let (mut answered, mut forked) = (0, 0);
    for seed in 1..=WORLDS {
        let outcome = sim::run(Plan::draw(seed), false);
        answered += outcome.answered;
        let lost_race = |r: &&CallRecord| r.attempts.iter().any(|a| a.reason == ReasonId::Elsewhere);
        forked += outcome.calls_kept.iter().filter(lost_race).count();
        assert!(
            outcome.faults.is_empty(),
            "seed {seed}; replay with: cargo run -p sim --release -- --seed {seed} --trace\n{:#?}",
            outcome.faults
        );
    }
    assert!(answered > 1_000, "most of the house is only seen in answered calls: {answered}");
    assert!(forked > 200, "branches that ring at once are among them: {forked}");
}
