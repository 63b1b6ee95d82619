//! Parties of two calls that are joined: by a REFER that names the other call, and by an INVITE that takes a
//! leg's place (RFC 3891).

use crate::common::{ANSWER, GW1, OFFER, PBX, Sent, World, answered, from_callee, inside, response};
use crate::transfers::{TARGET, config, fine};
use b2bua::{ReleasedBy, TransferHow};
use base::ReasonId;

/// A second call of Alice's, of which every header that names it is its own.
fn second(world: &mut World, text: &str) {
    world.receive(PBX, &renamed(text));
}

fn renamed(text: &str) -> String {
    text.replace("call-a", "call-2").replace("tag=fa", "tag=f2").replace("branch=z9hG4bK", "branch=z9hG4bKs")
}

/// Brings the second call up; gives our INVITE and the 200 to Alice.
fn answered_too(world: &mut World) -> (Sent, Sent) {
    second(world, &crate::common::invite("004420711111", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE sip:+4420711111@192.0.2.7")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tc", "", TARGET));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    second(world, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    (out, ok)
}

fn tag(value: &str) -> &str {
    value.split(";tag=").nth(1).unwrap_or_default()
}

/// Alice refers the first callee to the second one.
fn refer_to_second(world: &mut World, ok: &Sent, ok2: &Sent) {
    let dialog = format!("call-2%3Bto-tag%3D{}%3Bfrom-tag%3Df2", tag(ok2.header("To")));
    let rows = format!("Refer-To: <sip:004420711111@10.0.0.5?Replaces={dialog}>\r\n");
    world.receive(PBX, &inside("REFER", 2, ok.header("To"), "r2", &rows, ""));
}

const LOCAL: &str = "refer = \"local\"";

#[test]
fn both_callees_are_joined_and_the_caller_leaves_both_calls() {
    let mut world = World::new(&config(LOCAL, ""));
    let (out, ok) = answered(&mut world);
    let (out2, ok2) = answered_too(&mut world);
    refer_to_second(&mut world, &ok, &ok2);
    let sent = world.expect(&[(PBX, "SIP/2.0 202"), (PBX, "NOTIFY"), (GW1, "INVITE sip:bob@192.0.2.7")]);
    fine(&mut world, &sent[1]);
    let asked = sent[2].clone();
    assert_eq!(asked.header("Call-ID"), out2.header("Call-ID"), "the target is asked first");
    world.receive(GW1, &response(&asked, "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_eq!(sent[1].header("Call-ID"), out.header("Call-ID"));
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "BYE"), (PBX, "NOTIFY")]);
    assert_eq!(sent[1].header("Call-ID"), "call-2");
    assert_eq!((sent[2].header("Call-ID"), sent[2].body()), ("call-a", "SIP/2.0 200 OK\r\n"));
    fine(&mut world, &sent[1]);
    fine(&mut world, &sent[2]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    assert_eq!(bye.header("Call-ID"), "call-a");
    fine(&mut world, &bye);
    assert_eq!(world.board.live_calls(), 1);
    let joined = &world.records[0];
    assert_eq!((joined.reason, joined.released_by), (ReasonId::Transferred, ReleasedBy::Caller));

    world.receive(GW1, &from_callee("BYE", 9, &out2, "tc", "b1", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (GW1, "BYE")]);
    assert_eq!(sent[1].header("Call-ID"), out.header("Call-ID"));
    fine(&mut world, &sent[1]);
    world.settle();
    let (joined, record) = (&world.records[0], &world.records[1]);
    let transfer = &record.transfers[0];
    assert_eq!(
        (transfer.how, transfer.status, transfer.with),
        (TransferHow::Attended, 200, Some(joined.key))
    );
    assert_eq!(record.attempts.len(), 2, "the leg that came has its entry");
    assert_eq!(record.attempts[1].facts.sip_call_id, joined.attempts[0].facts.sip_call_id);
}

#[test]
fn a_party_that_does_not_come_leaves_both_calls_as_they_were() {
    let mut world = World::new(&config(LOCAL, ""));
    let (out, ok) = answered(&mut world);
    let (_, ok2) = answered_too(&mut world);
    refer_to_second(&mut world, &ok, &ok2);
    let sent = world.take();
    fine(&mut world, &sent[1]);
    world.receive(GW1, &response(&sent[2], "488 Not Acceptable Here", "tc", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    assert_eq!(sent[1].body(), "SIP/2.0 488 Not Acceptable Here\r\n");
    fine(&mut world, &sent[1]);
    assert_eq!(world.board.live_calls(), 2);
    second(&mut world, &inside("BYE", 5, ok2.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.receive(GW1, &from_callee("BYE", 9, &out, "tb", "b2", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    assert_eq!(world.records[1].transfers[0].status, 488);
}

#[test]
fn one_that_stays_and_does_not_move_brings_the_other_back() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let (_, ok2) = answered_too(&mut world);
    refer_to_second(&mut world, &ok, &ok2);
    let sent = world.take();
    fine(&mut world, &sent[1]);
    let asked = sent[2].clone();
    world.receive(GW1, &response(&asked, "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[1], "488 Not Acceptable Here", "tb", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY"), (GW1, "INVITE")]);
    fine(&mut world, &sent[1]);
    assert_eq!(sent[2].header("Call-ID"), asked.header("Call-ID"));
    assert_ne!(sent[2].body(), asked.body(), "what held before the transfer");
    world.receive(GW1, &response(&sent[2], "200 OK", "tc", "", TARGET));
    world.expect(&[(GW1, "ACK")]);
    world.command(b2bua::Command::EndAll);
    for one in world.take() {
        fine(&mut world, &one);
    }
    world.settle();
}

#[test]
fn a_dialog_of_ours_that_is_over_is_told_to_nobody_and_the_call_goes_on() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let (_, ok2) = answered_too(&mut world);
    second(&mut world, &inside("BYE", 5, ok2.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.pass(std::time::Duration::from_secs(60));
    refer_to_second(&mut world, &ok, &ok2);
    let sent = world.expect(&[(PBX, "SIP/2.0 603")]);
    assert!(sent[0].header("Warning").contains("C-REPLACES"), "{}", sent[0].text);
    assert_eq!(world.board.live_calls(), 1);
}

#[test]
fn a_dialog_of_nobody_here_is_the_targets_to_know() {
    let mut world = World::new(&config(LOCAL, ""));
    let (_, ok) = answered(&mut world);
    let rows = "Refer-To: <sip:004420711111@10.0.0.5?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n";
    world.receive(PBX, &inside("REFER", 2, ok.header("To"), "r2", rows, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 202"), (PBX, "NOTIFY"), (GW1, "INVITE sip:+4420711111@")]);
    assert_eq!(sent[2].header("Replaces"), "x@y;to-tag=1;from-tag=2");
    assert_eq!(sent[2].header("Require"), "replaces");
}

/// An INVITE of a phone behind the PBX that is to take the place of Alice's leg.
fn replacing(dialog: &str, body: &str, rows: &str) -> String {
    let rows = format!("Replaces: DIALOG\r\nRequire: replaces\r\n{rows}");
    let text = renamed(&crate::common::invite("004420700000", body, &rows));
    text.replace("+493023125100", "+493023125107").replace("DIALOG", dialog)
}

fn dialog_of(ok: &Sent) -> String {
    format!("call-a;to-tag={};from-tag=fa", tag(ok.header("To")))
}

const OWN: &str = "replaces = \"own\"";

#[test]
fn an_invite_takes_the_place_of_a_leg_of_its_own_trunk() {
    let mut world = World::new(&config(OWN, ""));
    let (out, ok) = answered(&mut world);
    assert!(ok.header("Supported").contains("replaces"), "{}", ok.header("Supported"));
    let offer = OFFER.replace("4000", "4444");
    world.receive(PBX, &replacing(&dialog_of(&ok), &offer, ""));
    let moved = world.expect(&[(GW1, "INVITE sip:bob@192.0.2.7")]).remove(0);
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200"), (PBX, "BYE")]);
    let (ok2, bye) = (sent[1].clone(), sent[2].clone());
    assert_eq!((ok2.header("Call-ID"), bye.header("Call-ID")), ("call-2", "call-a"));
    assert!(ok2.body().contains("m=audio 2"), "{}", ok2.body());
    second(&mut world, &inside("ACK", 1, ok2.header("To"), "ack1", "", ""));
    fine(&mut world, &bye);
    world.expect(&[]);
    // The one that came holds the call now.
    let hold = offer.replace("a=sendrecv", "a=sendonly").replace("o=alice 1 1", "o=alice 1 2");
    second(&mut world, &inside("INVITE", 2, ok2.header("To"), "h1", "", &hold));
    let held = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(held.body().contains("a=sendonly"), "{}", held.body());
    world.receive(GW1, &response(&held, "200 OK", "tb", "", &format!("{ANSWER}a=recvonly\r\n")));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    second(&mut world, &inside("ACK", 2, ok2.header("To"), "h2", "", ""));
    world.receive(GW1, &from_callee("BYE", 9, &out, "tb", "b1", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    assert_eq!(sent[1].header("Call-ID"), "call-2");
    fine(&mut world, &sent[1]);
    world.settle();
    let (taken, record) = (&world.records[0], &world.records[1]);
    assert_eq!((taken.status, taken.reason), (200, ReasonId::Transferred));
    let transfer = &record.transfers[0];
    assert_eq!((transfer.how, &*transfer.to), (TransferHow::Replaced, "+493023125107"));
    assert_eq!((transfer.by, transfer.with), (ReleasedBy::Caller, Some(taken.key)));
}

#[test]
fn an_invite_without_an_offer_takes_a_place_too() {
    let mut world = World::new(&config(OWN, ""));
    let (out, ok) = answered(&mut world);
    world.receive(PBX, &replacing(&dialog_of(&ok), "", ""));
    let ok2 = world.expect(&[(PBX, "SIP/2.0 200")]).remove(0);
    assert!(ok2.body().contains("m=audio 2"), "{}", ok2.body());
    let taken = OFFER.replace("8 0 101", "8 101");
    second(&mut world, &inside("ACK", 1, ok2.header("To"), "ack1", "", &taken));
    let moved = world.expect(&[(GW1, "INVITE sip:bob@192.0.2.7")]).remove(0);
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "BYE")]);
    fine(&mut world, &sent[1]);
    world.receive(GW1, &from_callee("BYE", 9, &out, "tb", "b1", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
}

#[test]
fn a_place_that_cannot_be_taken_is_refused_as_the_rfc_says() {
    let mut world = World::new(&config(OWN, "replaces = \"own\""));
    let (_, ok) = answered(&mut world);
    let mut number = 0;
    let mut refused = |world: &mut World, text: &str, status: &str| {
        number += 1;
        let text = text.replace("call-2", &format!("call-{number}x")).replace("bKs", &format!("bK{number}s"));
        world.receive(if text.contains("10.0.0.21:5060;rport") { PBX } else { GW1 }, &text);
        let sent = world.take();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].start().starts_with(&format!("SIP/2.0 {status}")), "{}", sent[0].start());
    };
    let dialog = dialog_of(&ok);
    refused(&mut world, &replacing(&dialog.replace("call-a", "call-b"), OFFER, ""), "481");
    refused(&mut world, &replacing(&dialog.replace("tag=fa", "tag=fb"), OFFER, ""), "481");
    refused(&mut world, &replacing("x;to-tag=1;from-tag=2", OFFER, ""), "481");
    refused(&mut world, &replacing("x;to-tag=1", OFFER, ""), "400");
    refused(&mut world, &replacing(&dialog, OFFER, &format!("Replaces: {dialog}\r\n")), "400");
    refused(&mut world, &replacing(&format!("{dialog};early-only"), OFFER, ""), "486");
    let foreign =
        replacing(&dialog, OFFER, "").replace("10.0.0.21", "192.0.2.7").replace("10.0.0.5", "192.0.2.1");
    refused(&mut world, &foreign, "403");
}

#[test]
fn where_no_policy_allows_it_the_extension_is_not_known() {
    let mut world = World::new(&config("", ""));
    let (_, ok) = answered(&mut world);
    world.receive(PBX, &replacing(&dialog_of(&ok), OFFER, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 420")]);
    assert_eq!(sent[0].header("Unsupported"), "replaces");
}

#[test]
fn one_that_gives_up_before_it_has_the_place_leaves_the_call_as_it_was() {
    let mut world = World::new(&config(OWN, ""));
    let (out, ok) = answered(&mut world);
    let text = replacing(&dialog_of(&ok), OFFER, "");
    world.receive(PBX, &text);
    let moved = world.expect(&[(GW1, "INVITE sip:bob@192.0.2.7")]).remove(0);
    let via = text.split("\r\n").find(|l| l.starts_with("Via")).expect("Via");
    let cancel = format!(
        "CANCEL sip:004420700000@10.0.0.5 SIP/2.0\r\n{via}\r\nMax-Forwards: 70\r\nFrom: \"Alice\" <sip:+493023125107@10.0.0.21>;tag=f2\r\nTo: <sip:004420700000@10.0.0.5>\r\nCall-ID: call-2\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n"
    );
    world.receive(PBX, &cancel);
    world.expect(&[(PBX, "SIP/2.0 200"), (PBX, "SIP/2.0 487")]);
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", ANSWER));
    // What held before holds again.
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_ne!(sent[1].body(), moved.body());
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    world.expect(&[(GW1, "ACK")]);
    world.receive(GW1, &from_callee("BYE", 9, &out, "tb", "b1", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    assert_eq!(world.records[1].transfers[0].status, 480);
}
