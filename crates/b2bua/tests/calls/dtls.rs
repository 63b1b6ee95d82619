//! SRTP with the keys of handshakes (RFC 5763, RFC 8842): what descriptions say, and what the engine is told.
#![allow(clippy::panic, reason = "terms that are not there fail the test")]

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, from_callee, inside, invite, response};
use crate::told::proto;
use base::ReasonId;
use media::{Command, Dtls, Reply, Security, Side, Srtp};

/// What the node's own certificate is known by in these tests.
const OURS: &str = "a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:\
                    AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB";

/// The PBX's trunk and the first provider's with these policies.
pub(crate) fn world(pbx: &str, one: &str) -> World {
    let rule = |name: &str, words: &str| format!("[trunk.{name}]\noverride = {{ {words} }}");
    World::new(&CONFIG.replace("[trunk.pbx]", &rule("pbx", pbx)).replace("[trunk.one]", &rule("one", one)))
}

pub(crate) const REQUIRED: &str = "srtp = \"required\", srtp_keys = [\"dtls\"]";
pub(crate) const OFF: &str = "srtp = \"off\"";

/// What a peer with a certificate of these bytes says.
pub(crate) fn proof(byte: u8, setup: &str, name: &str) -> String {
    let digest = vec![format!("{byte:02x}"); 32].join(":");
    let name = if name.is_empty() { String::new() } else { format!("a=tls-id:{name}\r\n") };
    format!("a=setup:{setup}\r\na=fingerprint:SHA-256 {digest}\r\n{name}")
}

pub(crate) fn secured(text: &str, lines: &str) -> String {
    format!("{}{lines}", text.replace("RTP/AVP", "UDP/TLS/RTP/SAVP"))
}

pub(crate) fn line<'b>(body: &'b str, start: &str) -> Option<&'b str> {
    body.lines().find(|line| line.starts_with(start))
}

pub(crate) fn terms(world: &World, side: Side) -> Dtls {
    match world.srtp(side) {
        Srtp::Dtls(terms) => *terms,
        other => panic!("{side:?} is {other:?}"),
    }
}

#[test]
fn an_offer_names_our_certificate_and_leaves_to_the_peer_who_begins() {
    for (setup, client) in [("active", false), ("passive", true)] {
        let mut world = world(OFF, REQUIRED);
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert_eq!(proto(out.body()), "UDP/TLS/RTP/SAVP");
        assert!(out.body().contains(OURS), "{}", out.body());
        assert_eq!(line(out.body(), "a=setup:"), Some("a=setup:actpass"));
        assert!(line(out.body(), "a=tls-id:").is_some_and(|line| line.len() >= 29), "{}", out.body());
        assert!(line(out.body(), "a=crypto").is_none());
        world.receive(GW1, &response(&out, "200 OK", "tb", "", &secured(ANSWER, &proof(0xC4, setup, ""))));
        let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
        assert_eq!(proto(ok.body()), "RTP/AVP");
        assert!(line(ok.body(), "a=fingerprint").is_none() && line(ok.body(), "a=setup").is_none());
        let terms = terms(&world, Side::B);
        assert_eq!((terms.client, terms.answered), (client, true));
        assert_eq!(*terms.fingerprints[0].digest, [0xC4; 32]);
        assert_eq!(world.srtp(Side::A), Srtp::Off);
    }
}

#[test]
fn an_answer_begins_unless_the_peer_does_or_is_behind_nat() {
    for (more, offered, answered) in [
        ("", "actpass", "active"),
        ("", "active", "passive"),
        ("", "passive", "active"),
        (", latch = \"nat\"", "actpass", "passive"),
        (", dtls_setup = \"passive\"", "actpass", "passive"),
        (", dtls_setup = \"active\", latch = \"nat\"", "actpass", "active"),
        (", dtls_setup = \"passive\"", "passive", "active"),
    ] {
        let mut world = world(&format!("{REQUIRED}{more}"), OFF);
        world.receive(PBX, &invite("+4420700000", &secured(OFFER, &proof(0xC4, offered, "")), ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert!(line(out.body(), "a=fingerprint").is_none(), "{}", out.body());
        world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
        let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
        assert_eq!(proto(ok.body()), "UDP/TLS/RTP/SAVP");
        assert!(ok.body().contains(OURS), "{}", ok.body());
        assert_eq!(line(ok.body(), "a=setup:"), Some(&*format!("a=setup:{answered}")), "{more} {offered}");
        assert!(line(ok.body(), "a=tls-id").is_none(), "a peer that knows no names is told none");
        assert_eq!(terms(&world, Side::A).client, answered == "active");
    }
}

#[test]
fn a_fingerprint_of_the_whole_session_counts() {
    let mut world = world(REQUIRED, OFF);
    let lines = proof(0xC4, "actpass", "");
    let offer = OFFER.replace("RTP/AVP", "UDP/TLS/RTP/SAVPF").replace("m=audio", &format!("{lines}m=audio"));
    world.receive(PBX, &invite("+4420700000", &offer, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    assert_eq!(proto(ok.body()), "UDP/TLS/RTP/SAVPF", "an answer repeats the offer's transport");
    assert_eq!(*terms(&world, Side::A).fingerprints[0].digest, [0xC4; 32]);
}

#[test]
fn offers_that_a_trunk_does_not_take_are_refused_with_488() {
    let good = proof(0xC4, "actpass", "");
    for (policy, offer, reason) in [
        (OFF, secured(OFFER, &good), "M-SRTP"),
        ("srtp = \"required\"", secured(OFFER, &good), "M-SRTP-REQUIRED"),
        (REQUIRED, OFFER.to_owned(), "M-SRTP-REQUIRED"),
        (REQUIRED, secured(OFFER, ""), "M-SRTP-REQUIRED"),
        (REQUIRED, secured(OFFER, &proof(0xC4, "holdconn", "")), "M-SRTP-REQUIRED"),
        (REQUIRED, secured(OFFER, "a=setup:actpass\r\na=fingerprint:sha-1 00:11\r\n"), "M-SRTP-REQUIRED"),
    ] {
        let mut world = world(policy, OFF);
        world.receive(PBX, &invite("+4420700000", &offer, ""));
        let sent = world.expect(&[(PBX, "SIP/2.0 488")]);
        assert!(sent[0].text.contains(&format!("\"{reason}\"")), "{policy}: {}", sent[0].text);
        world.settle();
    }
}

#[test]
fn an_answer_without_a_fingerprint_is_no_answer() {
    for answer in [ANSWER.to_owned(), secured(ANSWER, ""), secured(ANSWER, &proof(0xC4, "holdconn", ""))] {
        let mut world = world(OFF, REQUIRED);
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
        let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE"), (PBX, "SIP/2.0 488")]);
        world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
        world.settle();
        assert_eq!(world.records[0].reason, ReasonId::SrtpAnswerBad, "{answer}");
    }
}

/// A call of the PBX that says `offered`, answered by a plain gateway: our INVITE there and our 200.
fn shaken(policy: &str, offered: &str) -> (World, Sent, Sent) {
    let mut world = world(policy, OFF);
    world.receive(PBX, &invite("+4420700000", &secured(OFFER, &proof(0xC4, offered, "")), ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    (world, out, ok)
}

/// The callee holds; the caller is asked, and answers with this version and `a=setup:actpass`.
fn held_and_left_open(world: &mut World, out: &Sent, byte: u8) {
    let hold = ANSWER.replace("bob 5 5", "bob 5 6") + "a=sendonly\r\n";
    world.receive(GW1, &from_callee("INVITE", 7, out, "tb", "re7", &hold));
    let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!(line(asked.body(), "a=setup:"), Some("a=setup:actpass"));
    let text = OFFER.replace("alice 1 1", "alice 1 2").replace("sendrecv", "recvonly");
    let answer = secured(&text, &proof(byte, "actpass", ""));
    world.receive(PBX, &response(&asked, "200 OK", "", "", &answer));
}

/// As baresip answers where it has offered first (RFC 5763 §5, RFC 8842 §5.5).
#[test]
fn an_answer_that_leaves_open_who_begins_leaves_the_running_handshake_as_it_is() {
    for (offered, answered) in [("actpass", "active"), ("active", "passive"), ("passive", "active")] {
        let (mut world, out, ok) = shaken(REQUIRED, offered);
        assert_eq!(line(ok.body(), "a=setup:"), Some(&*format!("a=setup:{answered}")));
        let running = terms(&world, Side::A);
        held_and_left_open(&mut world, &out, 0xC4);
        world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
        world.receive(GW1, &from_callee("ACK", 7, &out, "tb", "re7a", ""));
        let now = terms(&world, Side::A);
        assert!(now.open && running.goes_on(&now), "{offered}: {now:?}");
        let again = secured(&OFFER.replace("alice 1 1", "alice 1 3"), &proof(0xC4, "actpass", ""));
        world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re2", "", &again));
        let asked = world.expect(&[(GW1, "INVITE")]).remove(0);
        world.receive(GW1, &response(&asked, "200 OK", "", "", &ANSWER.replace("bob 5 5", "bob 5 7")));
        let told = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
        let setup = Some(format!("a=setup:{answered}"));
        assert_eq!(line(told.body(), "a=setup:"), setup.as_deref(), "offered first: {offered}");
        assert!(running.goes_on(&terms(&world, Side::A)));
    }
}

#[test]
fn another_certificate_is_another_handshake_whoever_begins() {
    let (mut world, out, _) = shaken(REQUIRED, "actpass");
    let running = terms(&world, Side::A);
    held_and_left_open(&mut world, &out, 0xC5);
    world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
    assert!(!running.goes_on(&terms(&world, Side::A)));
}

#[test]
fn a_first_answer_that_leaves_open_who_begins_leaves_it_to_the_trunk() {
    for (more, client) in [("", true), (", latch = \"nat\"", false), (", dtls_setup = \"passive\"", false)] {
        let mut world = world(OFF, &format!("{REQUIRED}{more}"));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        let answer = secured(ANSWER, &proof(0xC4, "actpass", ""));
        world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
        world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
        assert_eq!(terms(&world, Side::B).client, client, "{more}");
    }
}

#[test]
fn a_trunk_may_refuse_answers_that_leave_open_who_begins() {
    let strict = format!("{REQUIRED}, dtls_answer = \"refuse\"");
    let mut world = world(OFF, &strict);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let answer = secured(ANSWER, &proof(0xC4, "actpass", ""));
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE"), (PBX, "SIP/2.0 488")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::DtlsAnswerOpen);
    // Inside a call it ends it, and says why.
    let (mut world, out, _) = shaken(&strict, "actpass");
    held_and_left_open(&mut world, &out, 0xC4);
    let sent = world.take();
    let refused = sent.iter().find(|sent| sent.start().contains(" 488 ")).expect("488");
    assert!(refused.header("Warning").contains("leaves open who begins"), "{}", refused.text);
    for bye in sent.iter().filter(|sent| sent.start().starts_with("BYE")) {
        world.receive(&bye.to.to_string(), &response(bye, "200 OK", "", "", ""));
    }
    world.receive(GW1, &from_callee("ACK", 7, &out, "tb", "re7", ""));
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::DtlsAnswerOpen);
}

#[test]
fn of_an_offer_with_keys_and_a_fingerprint_the_trunk_takes_what_it_prefers() {
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
    let offer = format!("{OFFER}{key}{}", proof(0xC4, "actpass", ""));
    for (keys, dtls) in
        [("\"sdes\"", false), ("\"dtls\"", true), ("\"dtls\", \"sdes\"", true), ("\"sdes\", \"dtls\"", false)]
    {
        let policy = format!("srtp = \"optional\", srtp_keys = [{keys}]");
        let mut world = world(&policy, &policy);
        world.receive(PBX, &invite("+4420700000", &offer, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert_eq!(proto(out.body()), "RTP/AVP");
        assert_eq!(line(out.body(), "a=fingerprint").is_some(), keys.contains("dtls"), "{keys}");
        assert_eq!(line(out.body(), "a=crypto").is_some(), keys.contains("sdes"), "{keys}");
        world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
        let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
        assert_eq!(
            (line(ok.body(), "a=fingerprint").is_some(), line(ok.body(), "a=crypto").is_some()),
            (dtls, !dtls)
        );
        assert_eq!(matches!(world.srtp(Side::A), Srtp::Dtls(_)), dtls, "{keys}");
        assert_eq!(world.srtp(Side::B), Srtp::Off, "an answer in clear is taken where both may be");
    }
}

#[test]
fn the_same_end_keeps_its_association_and_another_one_gets_another() {
    let mut world = world(REQUIRED, OFF);
    let offer = |byte, name| secured(OFFER, &proof(byte, "actpass", name));
    let name = "abc3de65cddef001be82";
    world.receive(PBX, &invite("+4420700000", &offer(0xC4, name), ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    let first = terms(&world, Side::A);
    let own = line(ok.body(), "a=tls-id:").map(str::to_owned);
    assert!(own.is_some(), "a peer that names its end is named ours (RFC 8842 section 5.3)");
    for (cseq, byte, named, same) in
        [(2, 0xC4, name, true), (3, 0xC5, name, false), (4, 0xC5, "0123456789abcdef0123", false)]
    {
        let before = terms(&world, Side::A);
        let hold = offer(byte, named).replace("a=sendrecv", "a=sendonly");
        world.receive(PBX, &inside("INVITE", cseq, ok.header("To"), &format!("re{cseq}"), "", &hold));
        let sent = world.take();
        if let Some(passed) = sent.iter().find(|s| s.start().starts_with("INVITE")) {
            world.receive(GW1, &response(passed, "200 OK", "", "", ANSWER));
        }
        let again = sent.into_iter().chain(world.take()).find(|s| s.start().starts_with("SIP/2.0 200"));
        let again = again.expect("the answer");
        assert_eq!(line(again.body(), "a=setup:"), Some("a=setup:active"));
        let now = terms(&world, Side::A);
        assert_eq!(before.goes_on(&now), same, "{cseq}");
        assert_eq!(line(again.body(), "a=tls-id:") == line(ok.body(), "a=tls-id:"), same, "{cseq}");
        world.receive(PBX, &inside("ACK", cseq, ok.header("To"), &format!("ack{cseq}"), "", ""));
        world.take();
    }
    assert_eq!(*first.fingerprints[0].digest, [0xC4; 32]);
}

#[test]
fn a_call_whose_handshake_fails_ends_with_a_reason_of_its_own() {
    let mut world = world(OFF, REQUIRED);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &secured(ANSWER, &proof(0xC4, "active", ""))));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    let opened = world.media.iter().find_map(|command| match command {
        Command::Open { session, .. } => Some(*session),
        _ => None,
    });
    let session = opened.expect("opened");
    world.media_reply(Reply::Unkeyed { session, side: Side::B, why: "silence".into() });
    world.expect(&[(PBX, "BYE"), (GW1, "BYE")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::SrtpUnkeyed);
}

#[test]
fn a_live_call_says_what_its_handshake_agreed_on() {
    let mut world = world(OFF, REQUIRED);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &secured(ANSWER, &proof(0xC4, "active", ""))));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    let shown = |world: &World| world.board.calls()[0].security();
    assert_eq!(shown(&world), [Some(Security::Plain), Some(Security::Dtls(None))]);
    let session = world.media.iter().find_map(|command| match command {
        Command::Open { session, .. } => Some(*session),
        _ => None,
    });
    let security = Security::Dtls(terms(&world, Side::B).suites.first().copied());
    world.media_reply(Reply::Keyed(session.expect("opened"), Side::B, security));
    assert_eq!(shown(&world), [Some(Security::Plain), Some(security)]);
}

#[test]
fn each_fork_has_an_association_of_its_own() {
    let mut world = world(OFF, REQUIRED);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let answer = |byte| secured(ANSWER, &proof(byte, "active", ""));
    world.receive(GW1, &response(&out, "183 Session Progress", "first", "", &answer(0xC1)));
    world.expect(&[(PBX, "SIP/2.0 183")]);
    let early = terms(&world, Side::B);
    assert_eq!((&*early.fingerprints[0].digest, early.answered), (&[0xC1; 32][..], false));
    world.receive(GW1, &response(&out, "200 OK", "second", "", &answer(0xC2)));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    let agreed = terms(&world, Side::B);
    assert_eq!((&*agreed.fingerprints[0].digest, agreed.answered), (&[0xC2; 32][..], true));
    assert!(!early.goes_on(&agreed));
}
