//! A fixed budget of drawn worlds, small enough for every commit; `sim --calls N` explores further.

use sim::Plan;

/// Worlds of one run; several calls each.
const WORLDS: u64 = 3_000;

#[test]
fn three_thousand_worlds_keep_every_rule() {
    let mut answered = 0;
    for seed in 1..=WORLDS {
        let outcome = sim::run(Plan::draw(seed), false);
        answered += outcome.answered;
        assert!(
            outcome.faults.is_empty(),
            "seed {seed}; replay with: cargo run -p sim --release -- --seed {seed} --trace\n{:#?}",
            outcome.faults
        );
    }
    assert!(answered > 1_000, "most of the house is only seen in answered calls: {answered}");
}
