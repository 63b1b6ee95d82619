//! Every target for a fixed number of inputs.

use fuzz::{Mutator, TARGETS, corpus};

#[test]
fn no_target_panics_on_stored_and_mutated_inputs() {
    for target in TARGETS {
        let stored = corpus(target);
        for input in &stored {
            (target.body)(input);
        }
        let mut mutator = Mutator::new(4_711, stored);
        for _ in 0..4_000 {
            (target.body)(&mutator.input());
        }
    }
}

#[test]
fn a_run_follows_from_its_seed() {
    let mut one = Mutator::new(5, corpus(&TARGETS[0]));
    let mut two = Mutator::new(5, corpus(&TARGETS[0]));
    for _ in 0..200 {
        assert_eq!(one.input(), two.input());
    }
}
