//! A fixed budget of drawn worlds of registrations; four hours each.

use sim::registering::{Plan, run};

/// Worlds of one run.
const WORLDS: u64 = 400;

#[test]
fn registrations_keep_every_rule_in_four_hundred_worlds() {
    let (mut registers, mut granted, mut forbidden) = (0, 0, 0);
    for seed in 1..=WORLDS {
        let outcome = run(Plan::draw(seed), false);
        registers += outcome.registers;
        granted += outcome.granted;
        forbidden += outcome.forbidden;
        assert!(
            outcome.faults.is_empty(),
            "seed {seed}; replay with: cargo run -p sim --release -- --registering {seed} --trace\n{:#?}",
            outcome.faults
        );
    }
    assert!(granted > 10_000, "{granted} bindings");
    assert!(registers > granted + 1_000, "challenges, refusals and silence are among them: {registers}");
    assert!(forbidden > 400, "{forbidden} refusals");
}
