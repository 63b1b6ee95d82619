//! Transfers by REFER, carried out here: who is called, who is joined, and what is left when it fails.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use b2bua::{JournalEvent, ReleasedBy, TransferHow};
use base::ReasonId;
use std::time::Duration;

/// The configuration with more policy for the trunks `pbx` and `one`.
pub(crate) fn config(pbx: &str, one: &str) -> String {
    let with = |text: &str, trunk: &str, policy: &str| {
        let head = format!("[trunk.{trunk}]\n");
        text.replacen(&head, &format!("{head}override = {{ {policy} }}\n"), 1)
    };
    with(&with(CONFIG, "pbx", pbx), "one", one)
}

pub(crate) const LOCAL: &str = "refer = \"local\"";
const TOLD: &str = "caller = { trust = true, referred_by = \"pass\" }";

/// What the target answers with.
pub(crate) const TARGET: &str = "v=0\r\no=carol 9 9 IN IP4 192.0.2.90\r\ns=-\r\nc=IN IP4 192.0.2.90\r\nt=0 0\r\nm=audio 9000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// Alice refers her callee to a number; gives what left.
pub(crate) fn refer(world: &mut World, ok: &Sent, cseq: u32, to: &str, rows: &str) -> Vec<Sent> {
    let rows = format!("Refer-To: {to}\r\n{rows}");
    world.receive(PBX, &inside("REFER", cseq, ok.header("To"), &format!("r{cseq}"), &rows, ""));
    world.take()
}

/// Acknowledges a request of ours as its peer.
pub(crate) fn fine(world: &mut World, sent: &Sent) {
    world.receive(&sent.to.to_string(), &response(sent, "200 OK", "", "", ""));
}

pub(crate) fn lines(sent: &[Sent]) -> Vec<(String, String)> {
    let line = |s: &Sent| (s.to.to_string(), s.start().trim_end_matches(" SIP/2.0").to_owned());
    sent.iter().map(line).collect()
}

/// Brings a blind transfer of Alice's callee to the point where the target has answered; gives the INVITE
/// to the target and the re-INVITE to the callee.
pub(crate) fn target_answers(world: &mut World, ok: &Sent) -> (Sent, Sent) {
    let left = refer(world, ok, 2, "<sip:004420711111@10.0.0.5>", "");
    assert_eq!(left.len(), 3, "{:?}", lines(&left));
    fine(world, &left[1]);
    let target = left[2].clone();
    world.receive(GW1, &response(&target, "180 Ringing", "tc", "", ""));
    let sent = world.expect(&[(PBX, "NOTIFY")]);
    assert_eq!(sent[0].body(), "SIP/2.0 180 Ringing\r\n");
    fine(world, &sent[0]);
    world.receive(GW1, &response(&target, "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW1, "ACK sip:bob@192.0.2.7"), (GW1, "INVITE sip:bob@192.0.2.7")]);
    (target, sent[1].clone())
}

#[test]
fn a_callee_is_handed_to_the_number_that_the_caller_names() {
    let mut world = World::new(&config(LOCAL, ""));
    let (first, ok) = answered(&mut world);
    assert!(ok.header("Allow").contains("REFER"), "{}", ok.header("Allow"));
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    assert_eq!(
        lines(&left),
        [
            (PBX.into(), "SIP/2.0 202 Accepted".into()),
            (PBX.into(), "NOTIFY sip:alice@10.0.0.21:5060".into()),
            (GW1.into(), "INVITE sip:+4420711111@192.0.2.7".into()),
        ]
    );
    let notify = &left[1];
    assert_eq!(notify.header("Event"), "refer");
    assert!(notify.header("Subscription-State").starts_with("active;expires="));
    assert_eq!(notify.header("Content-Type"), "message/sipfrag;version=2.0");
    assert_eq!(notify.body(), "SIP/2.0 100 Trying\r\n");
    fine(&mut world, notify);
    let target = left[2].clone();
    assert!(target.header("From").contains("+4420700000"), "who stays calls: {}", target.header("From"));
    assert_eq!(target.header("Referred-By"), "", "nobody asked for it to be told");
    assert!(target.body().contains("m=audio 3"), "anchored: {}", target.body());

    world.receive(GW1, &response(&target, "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE sip:bob@192.0.2.7")]);
    let moved = sent[1].clone();
    assert_eq!(moved.header("Call-ID"), first.header("Call-ID"));
    assert!(moved.body().contains("o=- ") && !moved.body().contains("9000"), "{}", moved.body());
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    assert_eq!(sent[1].body(), "SIP/2.0 200 OK\r\n");
    assert_eq!(sent[1].header("Subscription-State"), "terminated;reason=noresource");
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE sip:alice@10.0.0.21:5060")]).remove(0);
    fine(&mut world, &bye);

    speak_and_hang_up(&mut world, &first, &target);
    recorded(&world);
}

/// Its record says who transferred whom to what.
fn recorded(world: &World) {
    let record = &world.records[0];
    assert_eq!((world.records.len(), record.attempts.len()), (1, 2));
    let transfer = &record.transfers[0];
    assert_eq!((transfer.how, transfer.by, transfer.status), (TransferHow::Blind, ReleasedBy::Caller, 200));
    assert_eq!((&*transfer.from, &*transfer.to), ("+493023125100", "+4420711111"));
    assert_eq!((record.reason, &*record.called), (ReasonId::HangupA, "+4420700000"));
    let told = world.events.iter().filter(|e| matches!(e, JournalEvent::Transfer { .. })).count();
    assert_eq!(told, 2, "begun and over");
}

/// The one that stayed and the target are one call; the target hangs up.
fn speak_and_hang_up(world: &mut World, first: &Sent, target: &Sent) {
    world.pass(Duration::from_secs(40));
    world.receive(GW1, &from_callee("INFO", 7, target, "tc", "i1", ""));
    let info = world.expect(&[(GW1, "INFO sip:bob@192.0.2.7")]).remove(0);
    assert_eq!(info.header("Call-ID"), first.header("Call-ID"));
    fine(world, &info);
    world.expect(&[(GW1, "SIP/2.0 200")]);
    world.receive(GW1, &from_callee("BYE", 8, target, "tc", "b1", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (GW1, "BYE sip:bob@192.0.2.7")]);
    fine(world, &sent[1]);
    world.settle();
}

#[test]
fn refer_is_declined_unless_the_trunk_says_otherwise() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    assert!(!ok.header("Allow").contains("REFER"));
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    assert_eq!(lines(&left), [(PBX.into(), "SIP/2.0 603 Decline".into())]);
    assert!(left[0].header("Warning").contains("C-REFER"), "{}", left[0].header("Warning"));
}

#[test]
fn what_cannot_be_carried_out_is_refused_at_once_and_the_call_goes_on() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let mut cseq = 1;
    let mut refused = |world: &mut World, to: &str, rows: &str, status: &str| {
        cseq += 1;
        let left = refer(world, &ok, cseq, to, rows);
        assert_eq!(left.len(), 1, "{:?}", lines(&left));
        assert!(left[0].start().starts_with(&format!("SIP/2.0 {status}")), "{to}: {}", left[0].start());
    };
    refused(&mut world, "<sip:004420711111@x>, <sip:1@x>", "", "400");
    refused(&mut world, "<sip:004420711111@x?Replaces=1>", "", "400");
    refused(&mut world, "<http://x>", "", "416");
    refused(&mut world, "<sip:004420711111@x;method=BYE>", "", "603");
    refused(&mut world, "<sip:004420700000@x>", "", "603");
    refused(&mut world, "<sip:12@x>", "", "404");
    refused(&mut world, "<sip:004420711111@x>", "Require: magic\r\n", "420");
    world.receive(PBX, &inside("BYE", 40, ok.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    assert!(world.records[0].transfers.is_empty());
}

#[test]
fn what_a_trunk_may_not_call_it_may_not_refer_to() {
    let text = config(LOCAL, LOCAL);
    let mut world = World::new(&text);
    let (out, _) = answered(&mut world);
    // The provider's own callee may call our numbers, and nothing beyond.
    let rows = "Refer-To: <sip:+4420711111@192.0.2.1>\r\n";
    let refer = from_callee("REFER", 2, &out, "tb", "r1", "")
        .replace("Content-Length", &format!("{rows}Content-Length"));
    world.receive(GW1, &refer);
    let left = world.take();
    assert!(left[0].start().starts_with("SIP/2.0 4"), "{}", left[0].start());
    assert_eq!(left.len(), 1);
}

#[test]
fn the_transferring_party_may_hang_up_first() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "Refer-Sub: false\r\n");
    assert_eq!(lines(&left).len(), 2, "no NOTIFY: {:?}", lines(&left));
    assert_eq!(left[0].header("Refer-Sub"), "false");
    let target = left[1].clone();
    world.receive(PBX, &inside("BYE", 3, ok.header("To"), "b1", "", ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    // The one that stays cannot speak to nobody, and does not fall silent for long.
    world.receive(GW1, &from_callee("INFO", 2, &call_of(&world, &ok), "tb", "i1", ""));
    world.expect(&[(GW1, "SIP/2.0 480")]);
    world.receive(GW1, &response(&target, "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    world.expect(&[(GW1, "ACK")]);
    world.receive(GW1, &from_callee("BYE", 8, &target, "tc", "b2", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    assert_eq!(world.records[0].transfers[0].status, 200);
}

/// Our INVITE that made the callee's leg, as the world has kept it no more: its headers from a later request.
fn call_of(world: &World, _ok: &Sent) -> Sent {
    let facts = world.events.iter().find_map(|event| match event {
        JournalEvent::Attempt { facts, .. } => Some(facts.clone()),
        _ => None,
    });
    let call_id = facts.expect("an attempt").sip_call_id.to_string();
    let view = world.seen.iter().find(|s| s.header("Call-ID") == call_id && s.start().starts_with("INVITE"));
    view.expect("our INVITE").clone()
}

#[test]
fn who_was_held_is_offered_both_ways_to_the_target() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let hold = OFFER.replace("a=sendrecv", "a=sendonly").replace("o=alice 1 1", "o=alice 1 2");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "h1", "", &hold));
    let sent = world.expect(&[(GW1, "INVITE")]).remove(0);
    let held = ANSWER.replace("101\r\n", "101\r\na=recvonly\r\n").replace("o=bob 5 5", "o=bob 5 6");
    world.receive(GW1, &response(&sent, "200 OK", "tb", "", &held));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "h2", "", ""));
    let left = refer(&mut world, &ok, 3, "<sip:004420711111@10.0.0.5>", "");
    assert!(!left[2].body().contains("a=recvonly"), "{}", left[2].body());
}

#[test]
fn a_provider_may_transfer_the_caller_that_it_was_given() {
    let mut world = World::new(&config("", LOCAL));
    let (out, ok) = answered(&mut world);
    let rows = "Refer-To: <sip:+493023125101@192.0.2.1>\r\nReferred-By: <sip:+4420700000@192.0.2.7>\r\n";
    let text = from_callee("REFER", 2, &out, "tb", "r1", "")
        .replace("Content-Length", &format!("{rows}Content-Length"));
    world.receive(GW1, &text);
    let left =
        world.expect(&[(GW1, "SIP/2.0 202"), (GW1, "NOTIFY"), (PBX, "INVITE sip:+493023125101@10.0.0.21")]);
    fine(&mut world, &left[1]);
    let target = left[2].clone();
    let answer = TARGET.replace("192.0.2.90", "10.0.0.90");
    world.receive(PBX, &response(&target, "200 OK", "tc", "", &answer));
    let sent = world.expect(&[(PBX, "ACK"), (PBX, "INVITE sip:alice@10.0.0.21")]);
    let taken = OFFER.replace("8 0 101", "8 101");
    world.receive(PBX, &response(&sent[1], "200 OK", "fa", "", &taken));
    let sent = world.expect(&[(PBX, "ACK"), (GW1, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(GW1, "BYE")]).remove(0);
    fine(&mut world, &bye);
    world.receive(PBX, &inside("BYE", 3, ok.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (PBX, "BYE sip:bob@10.0.0.21")]);
    fine(&mut world, &sent[1]);
    world.settle();
    let record = &world.records[0];
    assert_eq!((record.transfers[0].by, &*record.transfers[0].trunk), (ReleasedBy::Callee, "one"));
    assert_eq!(record.attempts[0].reason, ReasonId::Transferred);
}

#[test]
fn a_target_is_hunted_for_like_any_other_callee() {
    let mut world =
        World::new(&config(&format!("{LOCAL}, {TOLD}"), &format!("redirect = \"follow\", {TOLD}")));
    let (_, ok) = answered(&mut world);
    let left =
        refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "Referred-By: <sip:101@10.0.0.21>\r\n");
    fine(&mut world, &left[1]);
    assert_eq!(left[2].header("Referred-By"), "<sip:101@192.0.2.1>");
    world.receive(GW1, &response(&left[2], "503 Service Unavailable", "tc", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW2, "INVITE sip:+4420711111@192.0.2.8")]);
    world.receive(GW2, &response(&sent[1], "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW2, "ACK"), (GW1, "INVITE sip:bob@192.0.2.7")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    fine(&mut world, &bye);
    world.command(b2bua::Command::EndAll);
    for one in world.take() {
        fine(&mut world, &one);
    }
    world.settle();
    assert_eq!(world.records[0].attempts.len(), 3);
}

#[test]
fn media_go_from_peer_to_peer_also_after_a_transfer() {
    let direct = "media = \"direct\"";
    let mut world = World::new(&config(&format!("{LOCAL}, {direct}"), direct));
    let (_, ok) = answered(&mut world);
    assert!(world.media.is_empty(), "nothing is anchored");
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    assert!(left[2].body().contains("c=IN IP4 192.0.2.70"), "{}", left[2].body());
    world.receive(GW1, &response(&left[2], "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    let body = sent[1].body();
    assert!(body.contains("m=audio 9000") && body.contains("o=alice 1 2 IN IP4 10.0.0.21"), "{body}");
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    assert!(world.media.is_empty());
    let _ = invite;
}

#[test]
fn the_way_of_a_transfer_is_told_in_the_decision_at_once_and_in_the_record() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let target = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "")[2].clone();
    let told = "route world; transfer to +4420711111: route world";
    let journalled = world.events.iter().rev().find_map(|event| match event {
        JournalEvent::Routed { decision, .. } => Some(decision.to_string()),
        _ => None,
    });
    assert_eq!(journalled.as_deref(), Some(told), "it survives the process");
    let live = world.board.calls();
    assert_eq!(live.iter().map(|call| &*call.decision).collect::<Vec<_>>(), [told]);
    world.receive(GW1, &response(&target, "486 Busy Here", "tc", "", ""));
    world.take();
    world.receive(PBX, &inside("BYE", 3, ok.header("To"), "bye", "", ""));
    world.take();
    assert!(world.records.last().expect("a record").decision.starts_with(told));
}
