//! Re-INVITEs that are given up: cancelled by whoever sent them, or never answered (RFC 3261 §9.2).

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, inside, response};
use base::ReasonId;
use std::time::Duration;

/// An answered call whose caller's re-INVITE with this body is under way: the caller's To, the re-INVITE that
/// went on.
fn reinviting(world: &mut World, body: &str) -> (String, Sent) {
    let (_, ok) = answered(world);
    let to = ok.header("To").to_owned();
    world.receive(PBX, &inside("INVITE", 2, &to, "re1", "", body));
    let sent = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[0], "100 Trying", "", "", ""));
    (to, sent[0].clone())
}

fn hold() -> String {
    OFFER.replace("a=sendrecv", "a=sendonly")
}

fn cancel(world: &mut World, to: &str, invite: &Sent) {
    world.receive(PBX, &inside("CANCEL", 2, to, "re1", "Reason: SIP;cause=200\r\n", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "CANCEL"), (PBX, "SIP/2.0 487")]);
    assert_eq!(sent[1].header("Via"), invite.header("Via"));
    assert_eq!(sent[1].header("Reason"), "SIP;cause=200");
    assert_eq!(sent[2].header("CSeq"), "2 INVITE");
    world.receive(PBX, &inside("ACK", 2, to, "re1", "", ""));
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
}

fn hang_up(world: &mut World, to: &str) {
    world.receive(PBX, &inside("BYE", 50, to, "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::HangupA);
}

#[test]
fn cancel_of_a_reinvite_reaches_the_other_side_and_the_call_goes_on() {
    let mut world = World::new(CONFIG);
    let (to, invite) = reinviting(&mut world, &hold());
    cancel(&mut world, &to, &invite);
    world.receive(PBX, &inside("INVITE", 3, &to, "re2", "", OFFER));
    world.expect(&[(PBX, "SIP/2.0 500")]);
    world.receive(PBX, &inside("ACK", 3, &to, "re2", "", ""));
    world.receive(GW1, &response(&invite, "487 Request Terminated", "", "", ""));
    world.expect(&[(GW1, "ACK")]);
    world.receive(PBX, &inside("INVITE", 4, &to, "re3", "", &hold()));
    let sent = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", &format!("{ANSWER}a=recvonly\r\n")));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 4, &to, "ack4", "", ""));
    hang_up(&mut world, &to);
}

#[test]
fn an_answer_that_crosses_the_cancel_of_a_reinvite_is_taken_back() {
    let mut world = World::new(CONFIG);
    let (to, invite) = reinviting(&mut world, &hold());
    cancel(&mut world, &to, &invite);
    world.receive(GW1, &response(&invite, "200 OK", "", "", &format!("{ANSWER}a=recvonly\r\n")));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert!(!sent[1].body().contains("a=sendonly"), "what held before holds again: {}", sent[1].body());
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ANSWER));
    world.expect(&[(GW1, "ACK")]);
    hang_up(&mut world, &to);
}

#[test]
fn the_offer_in_an_answer_that_crosses_the_cancel_is_answered_here() {
    let mut world = World::new(CONFIG);
    let (to, invite) = reinviting(&mut world, "");
    cancel(&mut world, &to, &invite);
    world.receive(GW1, &response(&invite, "200 OK", "", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK")]);
    assert!(sent[0].body().contains("m=audio 30000 RTP/AVP 8 101\r\n"), "{}", sent[0].text);
    hang_up(&mut world, &to);
}

#[test]
fn a_cancelled_reinvite_that_nobody_ends_leaves_the_call_as_it_was() {
    let mut world = World::new(CONFIG);
    let (to, invite) = reinviting(&mut world, &hold());
    cancel(&mut world, &to, &invite);
    world.pass(Duration::from_secs(40));
    world.expect(&[]);
    hang_up(&mut world, &to);
}

#[test]
fn a_reinvite_that_is_never_answered_is_cancelled_and_whoever_sent_it_hears_504() {
    let mut world = World::new(CONFIG);
    let (to, invite) = reinviting(&mut world, &hold());
    world.pass(Duration::from_millis(29_900));
    world.expect(&[(PBX, "SIP/2.0 100")]);
    world.pass(Duration::from_millis(200));
    world.expect(&[(GW1, "CANCEL"), (PBX, "SIP/2.0 504")]);
    world.receive(PBX, &inside("ACK", 2, &to, "re1", "", ""));
    world.receive(GW1, &response(&invite, "487 Request Terminated", "", "", ""));
    world.expect(&[(GW1, "ACK")]);
    hang_up(&mut world, &to);
}

#[test]
fn a_reinvite_that_somebody_is_asked_about_has_three_minutes() {
    let mut world = World::new(CONFIG);
    let (to, invite) = reinviting(&mut world, &hold());
    world.pass(Duration::from_secs(10));
    world.receive(GW1, &response(&invite, "180 Ringing", "", "", ""));
    world.pass(Duration::from_secs(179));
    world.expect(&[(PBX, "SIP/2.0 100")]);
    world.receive(GW1, &response(&invite, "180 Ringing", "", "", ""));
    world.pass(Duration::from_secs(179));
    world.expect(&[]);
    world.pass(Duration::from_millis(1_100));
    let sent = world.expect(&[(GW1, "CANCEL"), (PBX, "SIP/2.0 504")]);
    world.receive(PBX, &inside("ACK", 2, &to, "re1", "", ""));
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.receive(GW1, &response(&invite, "487 Request Terminated", "", "", ""));
    world.expect(&[(GW1, "ACK")]);
    hang_up(&mut world, &to);
}

#[test]
fn a_reinvite_that_outlives_its_call_is_cancelled() {
    let mut world = World::new(CONFIG);
    let (to, _) = reinviting(&mut world, &hold());
    world.receive(PBX, &inside("BYE", 3, &to, "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE"), (PBX, "SIP/2.0 487")]);
    world.receive(PBX, &inside("ACK", 2, &to, "re1", "", ""));
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.pass(Duration::from_millis(30_100));
    let sent = world.expect(&[(GW1, "CANCEL")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.settle();
}
