//! Worlds in which streams are added to calls while everything else happens to them: loss, hold, glare, ports that run
//! out, hang-ups. What the house describes are its own ports, of one session a call.

use sim::Plan;
use sim::plan::Act;

const WORLDS: u64 = 300;

fn adding(seed: u64) -> Plan {
    let mut plan = Plan::draw(seed);
    for (index, call) in plan.calls.iter_mut().enumerate() {
        let at = (seed * 41 + index as u64 * 773) % 3_000;
        call.caller.after.push((at, Act::Add(if seed.is_multiple_of(2) { "audio" } else { "video" })));
        if let Some(callee) = call.callees.first_mut().filter(|_| seed.is_multiple_of(3)) {
            callee.after.push((at + 900, Act::Add("video")));
        }
    }
    plan
}

#[test]
fn three_hundred_worlds_with_added_streams_keep_every_rule() {
    let mut grown = 0;
    for seed in 0..WORLDS {
        let outcome = sim::run(adding(seed + 17_000), false);
        assert!(outcome.faults.is_empty(), "seed {}\n{:#?}", seed + 17_000, outcome.faults);
        grown += outcome.grown;
    }
    assert!(grown > 60, "{grown}");
}
