//! Worlds in which parties are transferred while everything else happens to them too: loss, repeats, hold,
//! glare, hang-ups, dead peers. Every call has its one record and nothing is left behind.

use b2bua::TransferHow;
use sim::plan::{Act, Call, Manner, Step, Way};
use sim::{Outcome, Plan};

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

/// The world of a seed with these rows of policy for both trunks.
fn allowed(seed: u64, rows: &str) -> Plan {
    let mut plan = Plan::draw(seed);
    for all in [&mut plan.config.inside, &mut plan.config.outside] {
        all.push_str(rows);
    }
    plan
}

/// Lives through worlds; gives the final statuses of transfers of one kind.
fn live(worlds: impl Iterator<Item = Plan>, how: TransferHow) -> Vec<u16> {
    let mut finals = Vec::new();
    for plan in worlds {
        let seed = plan.seed;
        let Outcome { faults, calls_kept, .. } = sim::run(plan, false);
        assert!(faults.is_empty(), "seed {seed}\n{faults:#?}");
        let transfers = calls_kept.iter().flat_map(|record| &record.transfers);
        finals.extend(transfers.filter(|transfer| transfer.how == how).map(|transfer| transfer.status));
    }
    finals
}

fn count(finals: &[u16], status: u16) -> usize {
    finals.iter().filter(|one| **one == status).count()
}

#[test]
fn parties_of_two_calls_are_joined_while_everything_else_happens_to_them() {
    let attended = |seed: u64| {
        let mut plan = allowed(seed, ", refer = \"local\", replaces = \"any\"");
        let calls = plan.calls.len();
        for (index, call) in plan.calls.iter_mut().enumerate() {
            call.way = Way::Out;
            let other = (index + 1) % calls;
            let at = 1_500 + (seed * 53 + index as u64 * 701) % 6_000;
            call.caller.after.push((at, Act::Join(other)));
        }
        plan
    };
    let finals = live((0..WORLDS).map(|seed| attended(seed + 5_000)), TransferHow::Attended);
    assert!(finals.len() > 25 && count(&finals, 200) > 10, "{finals:?}");
}

/// A telephone of the PBX that rings for a while and answers, should nobody pick up.
fn rings() -> Manner {
    let ring = Step::Ring { status: 180, fork: 0, sdp: false, reliable: false };
    Manner { steps: vec![(100, ring), (9_000, Step::Answer { fork: 0 })], ..Manner::default() }
}

#[test]
fn ringing_calls_are_picked_up_and_answered_ones_taken_over() {
    let taking = |seed: u64| {
        let mut plan = allowed(seed, ", replaces = \"any\"");
        let taken = plan.calls.len();
        let first = plan.calls[0].clone();
        let rung = Call { way: Way::In, callees: vec![rings()], at: 1_000, ..first.clone() };
        plan.calls.push(Call { caller: Manner { before: Vec::new(), ..rung.caller.clone() }, ..rung });
        for (number, at) in [(taken, 2_000 + seed * 31 % 8_000), (0, 3_000 + seed * 17 % 5_000)] {
            let ringing = number == taken;
            let manner = Manner { takes: Some((number, !ringing)), ..Manner::default() };
            let way = if ringing { Way::Out } else { first.way };
            plan.calls.push(Call { at, way, stream: false, caller: manner, callees: vec![rings()] });
        }
        plan
    };
    let finals = live((0..WORLDS).map(|seed| taking(seed + 9_000)), TransferHow::Replaced);
    assert!(finals.len() > 100 && count(&finals, 200) > 60, "{finals:?}");
}

#[test]
fn transfers_that_are_passed_on_leave_both_parties_with_an_answer() {
    let passing = |seed: u64| {
        let mut plan = allowed(seed, ", refer = \"pass\"");
        for (index, call) in plan.calls.iter_mut().enumerate() {
            call.caller.after.push(((seed * 41 + index as u64 * 613) % 5_000, Act::Refer));
        }
        plan
    };
    let finals = live((0..WORLDS).map(|seed| passing(seed + 13_000)), TransferHow::Passed);
    assert!(finals.len() > 100, "{}", finals.len());
}
