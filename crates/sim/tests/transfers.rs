//! Worlds in which parties are transferred while everything else happens to them too: loss, repeats, hold,
//! glare, hang-ups, dead peers. Every call has its one record and nothing is left behind.

use sim::Plan;
use sim::plan::Act;

const WORLDS: u64 = 400;

/// The world of a seed, its peers allowed to transfer and willing to.
fn transferring(seed: u64) -> Plan {
    let mut plan = Plan::draw(seed);
    for rows in [&mut plan.config.inside, &mut plan.config.outside] {
        rows.push_str(", refer = \"local\"");
    }
    for (index, call) in plan.calls.iter_mut().enumerate() {
        let at = (seed * 37 + index as u64 * 911) % 4_000;
        call.caller.after.push((at, Act::Refer));
        if let Some(callee) = call.callees.first_mut().filter(|_| seed.is_multiple_of(3)) {
            callee.after.push((at + 700, Act::Refer));
        }
    }
    plan
}

#[test]
fn four_hundred_worlds_with_transfers_keep_every_rule() {
    let (mut asked, mut done) = (0, 0);
    for seed in 0..WORLDS {
        let outcome = sim::run(transferring(seed), false);
        assert!(outcome.faults.is_empty(), "seed {seed}\n{:#?}", outcome.faults);
        let transfers = outcome.calls_kept.iter().flat_map(|record| &record.transfers);
        let finals: Vec<u16> = transfers.map(|transfer| transfer.status).collect();
        asked += finals.len();
        done += finals.iter().filter(|status| **status == 200).count();
    }
    assert!(asked > 100 && done > 30, "{asked} transfers, {done} done");
}
