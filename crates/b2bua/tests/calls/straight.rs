//! Calls as sentences: each test is one scenario between a PBX and two providers.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, World, answered, from_callee, inside, invite, response,
};
use base::ReasonId;
use std::time::Duration;

#[test]
fn a_call_is_answered_and_the_caller_hangs_up() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    assert!(
        out.body().contains("c=IN IP4 192.0.2.1\r\n") && out.body().contains("m=audio 30000 "),
        "{}",
        out.body()
    );
    assert!(
        ok.body().contains("c=IN IP4 10.0.0.5\r\n") && ok.body().contains("m=audio 20000 "),
        "{}",
        ok.body()
    );
    assert!(!out.text.contains("10.0.0."), "nothing of the inside leaks: {}", out.text);
    assert!(!ok.text.split_once("Contact").map_or("", |x| x.1).contains("192.0.2."), "{}", ok.text);
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE sip:bob@192.0.2.7:5060")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    let record = &world.records[0];
    assert_eq!((record.status, record.reason), (200, ReasonId::HangupA));
    assert_eq!(&*record.called, "+4420700000");
    assert_eq!(record.media.as_ref().map(|m| &*m.codec), Some("PCMA"));
    assert_eq!(record.attempts.len(), 1);
}

#[test]
fn the_callee_hangs_up() {
    let mut world = World::new(CONFIG);
    let (out, _) = answered(&mut world);
    world.receive(GW1, &from_callee("BYE", 7, &out, "tb", "bb", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE sip:alice@10.0.0.21:5060")]);
    world.receive(PBX, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::HangupB);
}

#[test]
fn second_gateway_answers_when_the_first_refuses() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "503 Service Unavailable", "x", "", ""));
    let second = world.expect(&[(GW1, "ACK"), (GW2, "INVITE")]);
    world.receive(GW2, &response(&second[1], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 2, sent[1].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW2, "BYE")]);
    world.receive(GW2, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].attempts.len(), 2);
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::PeerUnavailable);
}

#[test]
fn second_gateway_answers_when_the_first_is_silent() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "100 Trying", "", "", ""));
    world.expect(&[]);
    world.pass(Duration::from_millis(10_050));
    let sent = world.take();
    let starts: Vec<&str> = sent.iter().map(|s| s.start().split(' ').next().unwrap_or("")).collect();
    assert_eq!(starts, ["SIP/2.0", "CANCEL", "INVITE"], "100, then CANCEL and the next attempt");
    world.receive(GW2, &response(&sent[2], "180 Ringing", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    // The first one answers after all: it is acknowledged and ended, the caller hears nothing of it.
    world.receive(GW1, &response(&first[0], "200 OK", "late", "", ANSWER));
    let late = world.expect(&[(GW1, "ACK"), (GW1, "BYE")]);
    world.receive(GW1, &response(&late[1], "200 OK", "", "", ""));
    world.receive(GW2, &response(&sent[2], "486 Busy Here", "tb", "", ""));
    world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 486")]);
    world.settle();
    assert_eq!(world.records[0].status, 486);
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::FailoverSilent);
}

#[test]
fn nobody_rings_twice_after_a_provisional() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", "", ANSWER));
    let early = world.expect(&[(PBX, "SIP/2.0 183")]);
    assert!(early[0].body().contains("m=audio 20000 "));
    world.receive(GW1, &response(&first[0], "503 Service Unavailable", "tb", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 503")]);
    world.settle();
}

#[test]
fn the_caller_cancels_while_it_rings() {
    let mut world = World::new(CONFIG);
    let message = invite("+4420700000", OFFER, "");
    world.receive(PBX, &message);
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    let cancel = message
        .replace("INVITE sip", "CANCEL sip")
        .replace("1 INVITE", "1 CANCEL")
        .split("Contact:")
        .next()
        .map(|head| {
            format!(
                "{head}Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\nContent-Length: 0\r\n\r\n"
            )
        })
        .unwrap_or_default();
    world.receive(PBX, &cancel);
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "CANCEL"), (PBX, "SIP/2.0 487")]);
    assert!(sent[1].text.contains("Call completed elsewhere"));
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ""));
    world.receive(GW1, &response(&first[0], "487 Request Terminated", "tb", "", ""));
    world.expect(&[(GW1, "ACK")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::Cancelled);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut world = World::new(CONFIG);
    let message = invite("+4420700000", OFFER, "");
    world.receive(PBX, &message);
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "", ""));
    world.take();
    let cancel = message.replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL");
    world.receive(PBX, &cancel);
    world.take();
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_hold_and_its_answer_cross_with_our_addresses() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    let hold = OFFER.replace("a=sendrecv", "a=sendonly").replace(" 1 1 IN", " 1 2 IN");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &hold));
    let sent = world.expect(&[(GW1, "INVITE sip:bob@192.0.2.7:5060")]);
    assert!(sent[0].body().contains("a=sendonly") && sent[0].body().contains("m=audio 30000 "));
    let answer = ANSWER.replace("a=rtpmap", "a=recvonly\r\na=rtpmap");
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", &answer));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert!(sent[1].body().contains("a=recvonly") && sent[1].body().contains("m=audio 20000 "));
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    world.receive(PBX, &inside("BYE", 3, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn both_sides_reinvite_at_once_and_one_hears_491() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    let hold = OFFER.replace("a=sendrecv", "a=sendonly");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &hold));
    let sent = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &from_callee("INVITE", 9, &out, "tb", "glare", ANSWER));
    world.expect(&[(GW1, "SIP/2.0 491")]);
    world.receive(GW1, &response(&sent[0], "491 Request Pending", "", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 491")]);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "re1", "", ""));
    world.receive(PBX, &inside("BYE", 3, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_late_offer_stays_late_and_is_answered_in_the_ack() {
    let config = CONFIG.replace("[trunk.one]", "[trunk.one]\noverride = { early_offer = \"pass\" }");
    let mut world = World::new(&config);
    world.receive(PBX, &invite("+4420700000", "", ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    assert_eq!(first[0].body(), "");
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
    assert!(sent[0].body().contains("m=audio 20000 "), "the offer goes to the caller");
    world.receive(PBX, &inside("ACK", 1, sent[0].header("To"), "ack1", "", OFFER));
    let ack = world.expect(&[(GW1, "ACK")]);
    assert!(ack[0].body().contains("m=audio 30000 "), "the answer goes to the callee");
    // A repeated 200 means that the ACK was lost.
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let again = world.expect(&[(GW1, "ACK")]);
    assert_eq!(again[0].body(), ack[0].body());
    world.receive(PBX, &inside("BYE", 2, sent[0].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_late_offer_is_made_early_where_the_trunk_wants_one() {
    let config = CONFIG.replace("[trunk.one]", "[trunk.one]\noverride = { early_offer = \"make\" }");
    let mut world = World::new(&config);
    world.receive(PBX, &invite("+4420700000", "", ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    assert!(first[0].body().contains("m=audio 30000 RTP/AVP"), "{}", first[0].body());
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", "", ANSWER));
    let early = world.expect(&[(PBX, "SIP/2.0 183")]);
    assert_eq!(early[0].body(), "", "no offer in an unreliable provisional");
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert!(sent[1].body().contains("m=audio 20000 RTP/AVP 8 101"));
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", OFFER));
    world.expect(&[]);
    world.receive(PBX, &inside("BYE", 2, sent[1].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn the_callee_never_answers_the_ring() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "", ""));
    world.take();
    world.pass(Duration::from_millis(180_100));
    world.expect(&[(GW1, "CANCEL"), (PBX, "SIP/2.0 480")]);
    world.receive(GW1, &response(&first[0], "487 Request Terminated", "tb", "", ""));
    world.take();
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::NoAnswer);
}

#[test]
fn the_caller_never_acknowledges_and_the_call_is_ended() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    world.pass(Duration::from_secs(33));
    let byes = world.take().into_iter().filter(|s| s.start().starts_with("BYE")).count();
    assert!(byes >= 2, "BYE to both sides");
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::NoAck);
}

#[test]
fn unknown_sources_hear_nothing() {
    let mut world = World::new(CONFIG);
    world.receive("10.0.0.99:5060", &invite("+4420700000", OFFER, ""));
    world.receive("192.0.2.99:5060", &invite("+4420700000", OFFER, ""));
    world.expect(&[]);
    assert_eq!(world.board.status().unknown_sources, 2);
    world.settle();
}

#[test]
fn a_full_port_range_is_told_with_retry_after_and_a_reason() {
    let mut world = World::new(CONFIG);
    world.media_fails = true;
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 503")]);
    assert!(
        sent[0].text.contains("Retry-After: ") && sent[0].text.contains("L-RTP-PORTS"),
        "{}",
        sent[0].text
    );
    world.settle();
}

#[test]
fn srtp_that_we_cannot_do_is_refused_with_a_warning() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", &OFFER.replace("RTP/AVP", "RTP/SAVP"), ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 488")]);
    assert!(sent[0].text.contains("Warning: "), "{}", sent[0].text);
    world.settle();
}

#[test]
fn reliable_provisionals_are_acknowledged_on_each_side_by_itself() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(
        GW1,
        &response(&first[0], "183 Session Progress", "tb", "Require: 100rel\r\nRSeq: 17\r\n", ANSWER),
    );
    let sent = world.expect(&[(GW1, "PRACK sip:bob@192.0.2.7:5060"), (PBX, "SIP/2.0 183")]);
    assert_eq!(sent[0].header("RAck"), "17 1 INVITE");
    assert!(sent[1].text.contains("Require: 100rel"), "{}", sent[1].text);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[1].header("RSeq"));
    world.receive(PBX, &inside("PRACK", 2, sent[1].header("To"), "prack1", &rack, ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 3, sent[1].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_did_is_delivered_to_the_pbx() {
    let mut world = World::new(CONFIG);
    let text = invite("+493023125100", OFFER, "")
        .replace("10.0.0.21", "192.0.2.7")
        .replace("10.0.0.5", "192.0.2.1")
        .replace("From: \"Alice\" <sip:+493023125100@", "From: \"Alice\" <sip:+4420700000@");
    world.receive(GW1, &text);
    let sent = world.expect(&[(PBX, "INVITE sip:+493023125100@10.0.0.21")]);
    assert!(!sent[0].text.contains("192.0.2."), "{}", sent[0].text);
    world.receive(PBX, &response(&sent[0], "486 Busy Here", "x", "", ""));
    world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 486")]);
    world.settle();
}
