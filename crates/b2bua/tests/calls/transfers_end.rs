//! Transfers that fail, that are refused, or that somebody leaves: the call goes on as it was, or ends with a
//! reason.

use crate::common::{ANSWER, GW1, PBX, World, answered, from_callee, inside, response};
use crate::transfers::{LOCAL, TARGET, config, fine, lines, refer, target_answers};
use b2bua::ReleasedBy;
use base::ReasonId;
use std::time::Duration;

#[test]
fn a_target_that_refuses_leaves_the_call_as_it_was() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    world.receive(GW1, &response(&left[2], "486 Busy Here", "tc", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    assert_eq!(sent[1].body(), "SIP/2.0 486 Busy Here\r\n");
    assert!(sent[1].header("Subscription-State").starts_with("terminated"));
    fine(&mut world, &sent[1]);
    world.expect(&[]);

    // Another try names its subscription.
    let left = refer(&mut world, &ok, 3, "<sip:004420722222@10.0.0.5>", "");
    assert_eq!(left[1].header("Event"), "refer;id=3");
    fine(&mut world, &left[1]);
    world.receive(GW1, &response(&left[2], "404 Not Found", "td", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);

    world.receive(PBX, &inside("INFO", 4, ok.header("To"), "i1", "", ""));
    let info = world.expect(&[(GW1, "INFO")]).remove(0);
    fine(&mut world, &info);
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("BYE", 5, ok.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    let record = &world.records[0];
    assert_eq!((record.attempts.len(), record.transfers.len()), (3, 2));
    assert_eq!((record.transfers[0].status, record.attempts[1].reason), (486, ReasonId::Busy));
    assert_eq!(record.reason, ReasonId::HangupA);
}

#[test]
fn a_target_that_refuses_ends_what_nobody_waits_for() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    world.receive(PBX, &inside("BYE", 3, ok.header("To"), "b1", "", ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(GW1, &response(&left[2], "486 Busy Here", "tc", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    fine(&mut world, &sent[2]);
    world.settle();
    let record = &world.records[0];
    assert_eq!((record.reason, record.released_by), (ReasonId::TransferFailed, ReleasedBy::Caller));
    assert_eq!(record.transfers[0].status, 486);
}

#[test]
fn the_one_that_stays_may_hang_up_while_the_target_rings() {
    let mut world = World::new(&config(LOCAL, ""));
    let (out, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    let target = left[2].clone();
    world.receive(GW1, &response(&target, "180 Ringing", "tc", "", ""));
    let sent = world.expect(&[(PBX, "NOTIFY")]);
    fine(&mut world, &sent[0]);
    world.receive(GW1, &from_callee("BYE", 2, &out, "tb", "b1", ""));
    let sent = world.take();
    let seen = lines(&sent);
    assert!(seen.contains(&(GW1.into(), "CANCEL sip:+4420711111@192.0.2.7".into())), "{seen:?}");
    assert!(seen.contains(&(PBX.into(), "BYE sip:alice@10.0.0.21:5060".into())), "{seen:?}");
    for one in sent.iter().filter(|s| !s.start().starts_with("SIP")) {
        fine(&mut world, one);
    }
    world.receive(GW1, &response(&target, "487 Request Terminated", "tc", "", ""));
    world.settle();
    assert_eq!((world.records.len(), world.records[0].reason), (1, ReasonId::HangupB));
    assert_eq!(world.records[0].transfers[0].status, 487);
}

#[test]
fn a_party_that_is_busy_with_its_session_is_asked_again() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let (target, moved) = target_answers(&mut world, &ok);
    world.receive(GW1, &response(&moved, "491 Request Pending", "tb", "", ""));
    world.expect(&[(GW1, "ACK")]);
    world.pass(Duration::from_millis(2_600));
    let again = world.expect(&[(GW1, "INVITE sip:bob@192.0.2.7")]).remove(0);
    assert_ne!(again.header("CSeq"), moved.header("CSeq"));
    assert_eq!(again.body(), moved.body());
    world.receive(GW1, &response(&again, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    fine(&mut world, &bye);
    // A 2xx that comes again is acknowledged where its leg is now.
    world.receive(GW1, &response(&target, "200 OK", "tc", "", TARGET));
    world.expect(&[(GW1, "ACK")]);
    world.receive(GW1, &from_callee("BYE", 8, &target, "tc", "b2", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
}

#[test]
fn a_party_that_does_not_take_the_media_stays_with_whoever_it_had() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let (target, moved) = target_answers(&mut world, &ok);
    world.receive(GW1, &response(&moved, "488 Not Acceptable Here", "tb", "", ""));
    let sent = world.take();
    let seen = lines(&sent);
    assert!(seen.contains(&(GW1.into(), "BYE sip:bob@192.0.2.7:5060".into())), "{seen:?}");
    let notify = sent.iter().find(|s| s.start().starts_with("NOTIFY")).expect("told");
    assert_eq!(notify.body(), "SIP/2.0 488 Not Acceptable Here\r\n");
    for one in sent.iter().filter(|s| s.start().starts_with("BYE") || s.start().starts_with("NOTIFY")) {
        assert!(one.start().starts_with("NOTIFY") || one.header("Call-ID") == target.header("Call-ID"));
        fine(&mut world, one);
    }
    world.receive(PBX, &inside("BYE", 5, ok.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::HangupA);
}

#[test]
fn a_call_is_transferred_so_often_and_no_more() {
    let mut world = World::new(&config("refer = \"local\", refer_max = 1", ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    let second = refer(&mut world, &ok, 3, "<sip:004420722222@10.0.0.5>", "");
    assert_eq!(lines(&second), [(PBX.into(), "SIP/2.0 491 Request Pending".into())]);
    world.receive(GW1, &response(&left[2], "486 Busy Here", "tc", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let third = refer(&mut world, &ok, 4, "<sip:004420722222@10.0.0.5>", "");
    assert_eq!(lines(&third), [(PBX.into(), "SIP/2.0 603 Decline".into())]);
}

#[test]
fn a_silent_target_is_given_up_and_the_peer_may_renew_or_end_what_it_is_told() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    let rows = "Event: refer\r\nExpires: 60\r\n";
    world.receive(PBX, &inside("SUBSCRIBE", 3, ok.header("To"), "s1", rows, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (PBX, "NOTIFY")]);
    assert_eq!(sent[1].body(), "SIP/2.0 100 Trying\r\n");
    fine(&mut world, &sent[1]);
    let rows = "Event: refer\r\nExpires: 0\r\n";
    world.receive(PBX, &inside("SUBSCRIBE", 4, ok.header("To"), "s2", rows, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (PBX, "NOTIFY")]);
    assert!(sent[1].header("Subscription-State").starts_with("terminated"));
    fine(&mut world, &sent[1]);
    world.receive(PBX, &inside("SUBSCRIBE", 5, ok.header("To"), "s3", rows, ""));
    world.expect(&[(PBX, "SIP/2.0 481")]);
    let rows = "Event: presence\r\nExpires: 0\r\n";
    world.receive(PBX, &inside("SUBSCRIBE", 6, ok.header("To"), "s4", rows, ""));
    world.expect(&[(PBX, "SIP/2.0 489")]);
}

/// Alice hands Bob to Carol, then Bob hands Carol to one of our numbers: first the caller's place changes, then the callee's.
#[test]
fn each_attempt_ends_when_its_own_party_is_handed_on() {
    let mut world = World::new(&config(LOCAL, LOCAL));
    let (first, ok) = answered(&mut world);
    let (carol, moved) = target_answers(&mut world, &ok);
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", ANSWER));
    for one in world.take().iter().filter(|s| !s.start().starts_with("ACK")) {
        fine(&mut world, one);
    }
    for one in world.take() {
        fine(&mut world, &one);
    }
    let running = |world: &World| world.board.trunks(world.now)[1].calls_out;
    assert_eq!(running(&world), 2, "Bob and Carol");

    let rows = "Refer-To: <sip:+493023125101@192.0.2.1>\r\n";
    let refer = from_callee("REFER", 2, &first, "tb", "r2", "");
    world.receive(GW1, &refer.replace("Content-Length", &format!("{rows}Content-Length")));
    let left = world.take();
    assert!(left[0].start().starts_with("SIP/2.0 202"), "{:?}", lines(&left));
    fine(&mut world, &left[1]);
    let dave = left[2].clone();
    world.receive(PBX, &response(&dave, "200 OK", "td", "", &TARGET.replace("192.0.2.90", "10.0.0.90")));
    let sent = world.expect(&[(PBX, "ACK"), (GW1, "INVITE sip:")]);
    assert_eq!(sent[1].header("Call-ID"), carol.header("Call-ID"), "Carol stays");
    world.receive(GW1, &response(&sent[1], "200 OK", "tc", "", TARGET));
    for one in world.take().iter().filter(|s| !s.start().starts_with("ACK")) {
        fine(&mut world, one);
    }
    let bye = world.expect(&[(GW1, "BYE")]).remove(0);
    assert_eq!(bye.header("Call-ID"), first.header("Call-ID"), "Bob goes");
    fine(&mut world, &bye);
    assert_eq!(running(&world), 1, "Carol alone");
    world.pass(Duration::from_secs(5));
    world.receive(GW1, &from_callee("BYE", 8, &carol, "tc", "b1", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    bobs_ends_first(&world);
}

fn bobs_ends_first(world: &World) {
    let record = &world.records[0];
    let ends: Vec<ReasonId> = record.attempts.iter().map(|attempt| attempt.reason).collect();
    assert_eq!(ends, [ReasonId::Transferred, ReasonId::HangupA, ReasonId::HangupA]);
    let end = |at: usize| record.attempts[at].end.expect("an end");
    assert!(end(0) < end(1) && end(1) == end(2), "Bob's ends before Carol's and Dave's");
}
