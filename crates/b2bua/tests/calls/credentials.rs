//! Challenges of gateways, as sentences.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use base::ReasonId;
use sip_core::digest::{Answer, Password};
use std::time::Duration;

fn config(more: &str) -> String {
    CONFIG.replace("[trunk.one]", &format!("[trunk.one]\nusername = \"acme\"\npassword = \"geheim\"\n{more}"))
}

fn challenge(kind: &str, realm: &str, nonce: &str, more: &str) -> String {
    format!("{kind}-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"{more}\r\n")
}

/// Checks the credentials in a request; gives nonce and nonce count.
fn proven(request: &Sent, header: &str) -> (String, u32) {
    let row = request.header(header);
    let answer = Answer::parse(row.as_bytes()).expect("credentials");
    let mut words = request.start().split(' ');
    let (method, uri) = (words.next().expect("method"), words.next().expect("uri"));
    assert_eq!((answer.username, answer.uri), (&b"acme"[..], uri.as_bytes()));
    assert!(answer.proves(Password("geheim"), method.as_bytes(), request.body().as_bytes()), "{row}");
    (String::from_utf8_lossy(answer.nonce).into_owned(), answer.qop.expect("qop").1)
}

/// A call up to its second INVITE, which answers a 407.
fn challenged(world: &mut World) -> (Sent, Sent) {
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")])[0].clone();
    let rows = challenge("Proxy", "one.example", "n1", "");
    world.receive(GW1, &response(&first, "407 Proxy Authentication Required", "x", &rows, ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    (first, sent[1].clone())
}

#[test]
fn a_challenged_invite_is_sent_again_in_the_same_attempt() {
    let mut world = World::new(&config(""));
    let (first, second) = challenged(&mut world);
    assert_eq!(proven(&second, "Proxy-Authorization"), ("n1".to_owned(), 1));
    for same in ["Call-ID", "From", "To", "Contact", "Max-Forwards"] {
        assert_eq!(first.header(same), second.header(same), "{same}");
    }
    assert_ne!(first.header("Via"), second.header("Via"));
    assert_eq!((second.header("CSeq"), second.body()), ("2 INVITE", first.body()));
    world.receive(
        GW1,
        &response(&second, "183 Session Progress", "tb", "Require: 100rel\r\nRSeq: 7\r\n", ANSWER),
    );
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    assert_eq!((sent[0].header("RAck"), sent[0].header("CSeq")), ("7 2 INVITE", "3 PRACK"));
    assert_eq!(proven(&sent[0], "Proxy-Authorization"), ("n1".to_owned(), 2), "at once in the same dialog");
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.receive(GW1, &response(&second, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[0].header("CSeq"), "2 ACK");
    let (ack, invite) = (sent[0].header("Proxy-Authorization"), second.header("Proxy-Authorization"));
    assert_eq!(ack, invite, "the ACK bears the INVITE's own");
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 2, sent[1].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    assert_eq!(proven(&sent[1], "Proxy-Authorization").1, 3);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].attempts.len(), 1, "one attempt, one record");
}

#[test]
fn wrong_credentials_are_told_once_and_no_challenge_reaches_the_caller() {
    let mut world = World::new(&config("retry_on = [503]"));
    let (_, second) = challenged(&mut world);
    let rows = challenge("Proxy", "one.example", "n2", "");
    world.receive(GW1, &response(&second, "407 Proxy Authentication Required", "y", &rows, ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 502")]);
    assert!(!sent[1].text.contains("Authenticate"), "{}", sent[1].text);
    world.receive(
        PBX,
        &inside("ACK", 1, sent[1].header("To"), "a1", "", "").replace("z9hG4bKack1", "z9hG4bKa1"),
    );
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::WrongCredentials);
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::WrongCredentials);
}

#[test]
fn a_nonce_that_is_too_old_is_replaced() {
    let mut world = World::new(&config(""));
    let (_, second) = challenged(&mut world);
    let rows = challenge("Proxy", "one.example", "n2", ", stale=true");
    world.receive(GW1, &response(&second, "407 Proxy Authentication Required", "y", &rows, ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_eq!(proven(&sent[1], "Proxy-Authorization"), ("n2".to_owned(), 1));
    assert_eq!(sent[1].header("CSeq"), "3 INVITE");
    world.receive(GW1, &response(&sent[1], "407 Proxy Authentication Required", "z", &rows, ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 502")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::WrongCredentials, "the same nonce again");
}

#[test]
fn a_proxy_and_the_gateway_behind_it_may_both_ask() {
    let mut world = World::new(&config(""));
    let (_, second) = challenged(&mut world);
    let rows = challenge("WWW", "one.example", "w1", ", algorithm=SHA-256");
    world.receive(GW1, &response(&second, "401 Unauthorized", "y", &rows, ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_eq!(proven(&sent[1], "Proxy-Authorization"), ("n1".to_owned(), 2));
    assert_eq!(proven(&sent[1], "Authorization"), ("w1".to_owned(), 1));
    world.receive(GW1, &response(&sent[1], "486 Busy Here", "z", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
    world.settle();
}

#[test]
fn another_realm_than_the_trunks_is_never_answered() {
    let mut world = World::new(&config("realm = \"ours.example\"\nretry_on = [503]"));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    let rows = challenge("WWW", "theirs.example", "n1", "");
    world.receive(GW1, &response(&first[0], "401 Unauthorized", "x", &rows, ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 502")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::ForeignRealm);
}

#[test]
fn the_realm_that_came_first_is_the_trunks_own_from_then_on() {
    let mut world = World::new(&config("retry_on = [503]"));
    let (_, second) = challenged(&mut world);
    let rows = challenge("WWW", "callee.example", "n9", "");
    world.receive(GW1, &response(&second, "401 Unauthorized", "y", &rows, ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 502")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::ForeignRealm);
}

#[test]
fn a_trunk_without_a_password_answers_nobody() {
    let mut world = World::new(&config(""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "503 Service Unavailable", "x", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW2, "INVITE")]);
    let rows = challenge("Proxy", "one.example", "n1", "");
    world.receive(GW2, &response(&sent[1], "407 Proxy Authentication Required", "x", &rows, ""));
    world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 502")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::AuthRequired);
}

#[test]
fn requests_inside_a_call_are_repeated_as_they_are() {
    let mut world = World::new(&config(""));
    let (_, ok) = answered(&mut world);
    let hold = OFFER.replace("alice 1 1", "alice 1 2").replace("sendrecv", "sendonly");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &hold));
    let sent = world.expect(&[(GW1, "INVITE")]);
    let rows = challenge("Proxy", "one.example", "n1", ", algorithm=MD5");
    world.receive(GW1, &response(&sent[0], "407 Proxy Authentication Required", "", &rows, ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_eq!(proven(&sent[1], "Proxy-Authorization"), ("n1".to_owned(), 1));
    assert_eq!(sent[1].header("CSeq"), "3 INVITE");
    let held = ANSWER.replace("5 5", "5 6") + "a=recvonly\r\n";
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", &held));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[0].header("CSeq"), "3 ACK");
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    world.receive(PBX, &inside("INFO", 3, ok.header("To"), "info1", "", ""));
    let sent = world.expect(&[(GW1, "INFO")]);
    assert_eq!(proven(&sent[0], "Proxy-Authorization").1, 2);
    let rows = challenge("Proxy", "one.example", "n2", "");
    world.receive(GW1, &response(&sent[0], "407 Proxy Authentication Required", "", &rows, ""));
    let sent = world.expect(&[(GW1, "INFO")]);
    assert_eq!(proven(&sent[0], "Proxy-Authorization"), ("n2".to_owned(), 1), "one that was sent unasked");
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("BYE", 4, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    assert_eq!(proven(&sent[1], "Proxy-Authorization"), ("n2".to_owned(), 2));
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_challenged_invite_that_was_given_up_is_not_repeated() {
    let mut world = World::new(&config(""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")])[0].clone();
    world.receive(GW1, &response(&first, "100 Trying", "", "", ""));
    world.pass(Duration::from_secs(11));
    let sent = world.take();
    assert!(sent.iter().any(|s| s.to.to_string() == GW1 && s.start().starts_with("CANCEL")));
    let next = sent.iter().find(|s| s.to.to_string() == GW2).expect("the next gateway").clone();
    let rows = challenge("Proxy", "one.example", "n1", "");
    world.receive(GW1, &response(&first, "407 Proxy Authentication Required", "x", &rows, ""));
    world.expect(&[(GW1, "ACK")]);
    world.receive(GW2, &response(&next, "486 Busy Here", "x", "", ""));
    world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 486")]);
    world.settle();
}

#[test]
fn the_callee_hears_credentials_only_on_its_own_trunk() {
    let mut world = World::new(&config(""));
    let (_, second) = challenged(&mut world);
    world.receive(GW1, &response(&second, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.receive(GW1, &from_callee("BYE", 1, &second, "tb", "bye2", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    assert!(!sent[1].text.contains("uthorization"), "{}", sent[1].text);
    let rows = challenge("WWW", "one.example", "n1", "");
    world.receive(PBX, &response(&sent[1], "401 Unauthorized", "", &rows, ""));
    world.expect(&[]);
    world.settle();
}

#[test]
fn options_are_answered_too() {
    let config = config("")
        .replace("options_interval = \"0s\"\n[trunk.two]", "options_interval = \"10s\"\n[trunk.two]");
    let mut world = World::new(&config);
    world.pass(Duration::from_secs(10));
    let sent = world.take();
    assert!(sent[0].start().starts_with("OPTIONS"));
    let rows = challenge("WWW", "one.example", "n1", "");
    world.receive(GW1, &response(&sent[0], "401 Unauthorized", "x", &rows, ""));
    let sent = world.expect(&[(GW1, "OPTIONS")]);
    assert_eq!(proven(&sent[0], "Authorization"), ("n1".to_owned(), 1));
    world.receive(GW1, &response(&sent[0], "200 OK", "x", "", ""));
    assert_eq!(world.board.trunks(world.now)[1].gateways[0].state, "up");
}

#[test]
fn a_late_answer_to_options_is_a_sign_of_life_and_no_answer_to_those_that_run() {
    let config = config("").replace(
        "options_interval = \"0s\"\n[trunk.two]",
        "options_interval = \"10s\"\noptions_misses = 2\n[trunk.two]",
    );
    let mut world = World::new(&config);
    let (mut asked, mut first) = (Vec::new(), None);
    for _ in 0..400 {
        world.pass(Duration::from_millis(100));
        let once = |sent: &Sent| {
            sent.start().starts_with("OPTIONS") && !asked.contains(&sent.header("CSeq").to_owned())
        };
        let Some(sent) = world.take().into_iter().find(once) else { continue };
        asked.push(sent.header("CSeq").to_owned());
        let state = world.board.trunks(world.now)[1].gateways[0].state;
        // The first is answered when the second runs; then nothing comes any more.
        assert_eq!(state == "down", asked.len() == 4, "{state} when {} were sent", asked.len());
        if asked.len() == 1 {
            first = Some(sent);
        } else if asked.len() == 2 {
            world.receive(GW1, &response(first.as_ref().unwrap(), "200 OK", "x", "", ""));
        }
    }
    assert!(asked.len() >= 4);
}
