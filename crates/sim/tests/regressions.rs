//! Scenarios that once went wrong, as sentences. Each names what broke and what it saw before.

use sim::config_text::Variant;
use sim::net::Weather;
use sim::plan::{Act, Call, Deed, Faith, Manner, OnCancel, Plan, Step, Way};
use sim::{Outcome, run};

const CALM: Weather = Weather { loss: 0, twice: 0, delay: 10, dawdle: 0 };

fn world(caller: Manner, callee: Manner) -> Plan {
    Plan {
        seed: 7,
        weather: CALM,
        config: Variant::default(),
        media_fail: 0,
        mutate: 0,
        calls: vec![Call { at: 0, way: Way::Out, stream: false, caller, callees: vec![callee] }],
        deeds: Vec::new(),
        end: 60_000,
    }
}

fn ring(at: u64, fork: usize, sdp: bool, reliable: bool) -> (u64, Step) {
    (at, Step::Ring { status: 183, fork, sdp, reliable })
}

fn answer(at: u64, fork: usize) -> (u64, Step) {
    (at, Step::Answer { fork })
}

fn lives(plan: Plan) -> Outcome {
    let outcome = run(plan, true);
    assert!(outcome.faults.is_empty(), "{:#?}\n{}", outcome.faults, outcome.ladder.join("\n"));
    outcome
}

fn sent(outcome: &Outcome, what: &str) -> usize {
    outcome.ladder.iter().filter(|l| l.contains(" <= ") && l.contains(what)).count()
}

/// The 2xx waited behind an unacknowledged reliable provisional, whose PRACK was then answered 481:
/// the caller never heard a final response.
#[test]
fn an_answer_that_waits_for_its_prack_reaches_the_caller() {
    let caller = Manner {
        reliable: true,
        prack: Faith::After(2),
        after: vec![(3_000, Act::Bye)],
        ..Manner::default()
    };
    let callee = Manner { steps: vec![ring(10, 0, true, false), answer(100, 0)], ..Manner::default() };
    let outcome = lives(world(caller, callee));
    assert!(outcome.records[0].contains(" 200 P-HANGUP-A"), "{:?}", outcome.records);
}

/// The same, with a PRACK that never comes: the INVITE's transaction stayed for ever.
#[test]
fn an_answer_whose_prack_never_comes_is_withdrawn() {
    let caller = Manner { reliable: true, prack: Faith::Never, ..Manner::default() };
    let callee = Manner { steps: vec![ring(10, 0, true, false), answer(100, 0)], ..Manner::default() };
    let outcome = lives(world(caller, callee));
    assert!(outcome.records[0].contains(" 504 S-NO-PRACK"), "{:?}", outcome.records);
    assert_eq!(sent(&outcome, "BYE sip:z-out"), 1, "the callee is released");
}

/// The caller cancelled while the answer waited for its PRACK: the CANCEL had no effect.
#[test]
fn a_cancel_ends_an_answer_that_waits_for_its_prack() {
    let caller = Manner {
        reliable: true,
        prack: Faith::Never,
        before: vec![(2_000, Act::Cancel)],
        ..Manner::default()
    };
    let callee = Manner { steps: vec![ring(10, 0, true, false), answer(100, 0)], ..Manner::default() };
    let outcome = lives(world(caller, callee));
    assert!(outcome.records[0].contains(" 487 P-CANCELLED"), "{:?}", outcome.records);
}

/// A second fork answered after the call was over and forgotten: it stayed up, without ACK and BYE.
#[test]
fn a_fork_that_answers_after_the_end_is_released() {
    let caller = Manner { after: vec![(500, Act::Bye)], ..Manner::default() };
    let steps = vec![ring(10, 0, false, false), ring(20, 1, false, false), answer(100, 0), answer(5_000, 1)];
    let callee = Manner { steps, ..Manner::default() };
    let outcome = lives(world(caller, callee));
    assert_eq!(sent(&outcome, "BYE sip:z-out"), 2, "{}", outcome.ladder.join("\n"));
}

/// A fork that was PRACKed before got a BYE with the PRACK's CSeq and refused it with 500.
#[test]
fn a_further_fork_is_ended_with_a_cseq_above_its_pracks() {
    let caller = Manner { after: vec![(5_000, Act::Bye)], ..Manner::default() };
    let steps = vec![ring(10, 0, true, true), ring(20, 1, true, true), answer(400, 0), answer(800, 1)];
    lives(world(caller, Manner { reliable: true, steps, ..Manner::default() }));
}

/// The callee hung up before the caller's ACK: the caller got a BYE for a call that it did not know to
/// be answered, and the 2xx, lost once, never came again (RFC 3261 §15).
#[test]
fn a_caller_that_missed_the_answer_hears_it_before_the_bye() {
    let caller = Manner { ack: Faith::After(2), ..Manner::default() };
    let callee = Manner { steps: vec![answer(50, 0)], after: vec![(100, Act::Bye)], ..Manner::default() };
    let outcome = lives(world(caller, callee));
    assert!(sent(&outcome, "SIP/2.0 200 OK [cseq 1 INVITE") >= 3, "the answer is repeated until its ACK");
}

/// A repeated 2xx to the first INVITE, after a re-INVITE, was taken for another fork: its dialog, the
/// call itself, got a BYE.
#[test]
fn a_repeated_answer_after_a_reinvite_does_not_end_the_call() {
    let caller =
        Manner { after: vec![(5, Act::Reinvite("sendonly")), (8_000, Act::Bye)], ..Manner::default() };
    let callee = Manner { steps: vec![answer(50, 0)], ..Manner::default() };
    for seed in 0..40 {
        let weather = Weather { loss: 30, twice: 20, delay: 300, dawdle: 20 };
        let outcome = lives(Plan { seed, weather, ..world(caller.clone(), callee.clone()) });
        assert!(outcome.records[0].contains(" 200 P-HANGUP-A"), "{:?}", outcome.records);
    }
}

/// An UPDATE in an early dialog was under way when the callee refused the call: it got no answer.
#[test]
fn an_early_update_is_answered_when_the_call_ends() {
    let caller = Manner { reliable: true, before: vec![(200, Act::Update("sendonly"))], ..Manner::default() };
    let steps = vec![ring(10, 0, true, true), (400, Step::Refuse { status: 486, retry_after: None })];
    let callee = Manner { reliable: true, pause: 2_000, steps, ..Manner::default() };
    let outcome = lives(world(caller, callee));
    assert!(sent(&outcome, "UPDATE id cidz-in") > 0, "{}", outcome.ladder.join("\n"));
}

/// The late offer's answer never came because a side hung up first: the other 2xx stayed without ACK.
#[test]
fn a_held_ack_leaves_before_the_call_ends() {
    let caller = Manner { late: true, ack: Faith::Never, ..Manner::default() };
    let callee = Manner { steps: vec![answer(50, 0)], ..Manner::default() };
    let outcome = lives(Plan { deeds: vec![(4_000, Deed::HangUp(0))], ..world(caller, callee) });
    assert_eq!(sent(&outcome, "ACK sip:z-out"), 1);
}

/// The trunk left the configuration during the call: its peer's late answer was not acknowledged.
#[test]
fn an_answer_from_a_trunk_that_is_gone_is_still_ended() {
    let caller = Manner { before: vec![(1_000, Act::Cancel)], ..Manner::default() };
    let steps = vec![ring(10, 0, false, false), ring(20, 1, false, false), answer(3_000, 1)];
    let callee = Manner { steps, on_cancel: OnCancel::Answer, ..Manner::default() };
    lives(Plan { deeds: vec![(2_000, Deed::Apply(2))], ..world(caller, callee) });
}
