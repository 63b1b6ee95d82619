//! INVITEs that leave without an offer though the caller has made one (`early_offer = "withhold"`): two offers, each
//! with its own answer.

use crate::common::{ANSWER, GW1, OFFER, PBX, World, inside, invite, response};
use crate::transfers::config;
use base::ReasonId;

const RELIABLE: &str = "Require: 100rel\r\nRSeq: 1\r\n";
/// What the callee offers: other codecs, other numbers.
const THEIRS: &str = "v=0\r\no=bob 5 5 IN IP4 192.0.2.70\r\ns=-\r\nc=IN IP4 192.0.2.70\r\nt=0 0\r\nm=audio 6000 RTP/AVP 18 8 96\r\na=rtpmap:96 telephone-event/8000\r\n";

fn world() -> World {
    World::new(&config("", "early_offer = \"withhold\""))
}

#[test]
fn the_callee_offers_and_both_offers_are_answered() {
    let mut world = world();
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!((first.body(), first.header("Content-Length")), ("", "0"));
    world.receive(GW1, &response(&first, "183 Session Progress", "tb", "", ANSWER));
    let early = world.expect(&[(PBX, "SIP/2.0 183")]);
    assert_eq!(early[0].body(), "", "an unreliable provisional bears no offer");
    world.receive(GW1, &response(&first, "200 OK", "tb", "", THEIRS));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert!(sent[0].body().contains("m=audio 30000 RTP/AVP 8 101\r\n"), "{}", sent[0].body());
    assert!(sent[1].body().contains("m=audio 20000 RTP/AVP 8 96\r\n"), "{}", sent[1].body());
    let ok = sent[1].clone();
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    // A repeated 200 means that the ACK was lost: the answer goes again.
    world.receive(GW1, &response(&first, "200 OK", "tb", "", THEIRS));
    assert_eq!(world.expect(&[(GW1, "ACK")])[0].body(), sent[0].body());
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].media.as_ref().map(|m| &*m.codec), Some("PCMA"));
}

#[test]
fn an_offer_in_a_reliable_provisional_is_answered_in_prack_and_heard_early() {
    let mut world = world();
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(first.header("Supported").contains("100rel"));
    world.receive(GW1, &response(&first, "183 Session Progress", "tb", RELIABLE, THEIRS));
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    assert!(sent[0].body().contains("m=audio 30000 RTP/AVP 8 101\r\n"), "{}", sent[0].body());
    assert!(sent[1].body().contains("m=audio 20000 RTP/AVP 8 96\r\n"), "{}", sent[1].body());
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[1].header("RSeq"));
    let to = sent[1].header("To").to_owned();
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(GW1, &response(&first, "200 OK", "tb", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[0].body(), "", "it has its answer");
    assert!(sent[1].body().contains("m=audio 20000 RTP/AVP 8 96\r\n"), "as before: {}", sent[1].body());
}

#[test]
fn offers_that_share_no_codec_are_no_call() {
    let mut world = world();
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&first, "200 OK", "tb", "", &THEIRS.replace("18 8 96", "18 96")));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE"), (PBX, "SIP/2.0 502")]);
    assert!(sent[0].body().contains("m=audio 0 RTP/AVP 18 96"), "an answer all the same: {}", sent[0].text);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.take();
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::SdpAnswerBad);
}

#[test]
fn an_offer_that_crosses_our_cancel_is_answered_too() {
    let mut world = world();
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&first, "180 Ringing", "tb", "", ""));
    world.take();
    let cancel =
        invite("+4420700000", "", "").replace("INVITE sip:", "CANCEL sip:").replace("1 INVITE", "1 CANCEL");
    world.receive(PBX, &cancel);
    world.take();
    world.receive(GW1, &response(&first, "200 OK", "tb", "", THEIRS));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE")]);
    assert!(sent[0].body().contains("m=audio 0 RTP/AVP 18 8 96"), "{}", sent[0].text);
}

#[test]
fn a_reliable_offer_after_an_unreliable_description_is_answered_in_prack() {
    let mut world = world();
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&first, "183 Session Progress", "tb", "", THEIRS));
    world.take();
    world.receive(GW1, &response(&first, "183 Session Progress", "tb", RELIABLE, THEIRS));
    let sent = world.take();
    let prack = sent.iter().find(|s| s.start().starts_with("PRACK"));
    assert!(prack.is_some_and(|p| p.body().contains("m=audio 30000 RTP/AVP 8 101\r\n")), "{sent:?}");
    world.receive(GW1, &response(&first, "200 OK", "tb", "", ""));
    let sent = world.take();
    let ack = sent.iter().find(|s| s.start().starts_with("ACK"));
    assert!(ack.is_some_and(|a| a.body().is_empty()), "it has its answer: {sent:?}");
}

#[test]
fn a_caller_without_an_offer_is_asked_as_ever() {
    let mut world = world();
    world.receive(PBX, &invite("+4420700000", "", ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&first, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[0].header("To"), "ack1", "", OFFER));
    assert!(world.expect(&[(GW1, "ACK")])[0].body().contains("m=audio 30000 "));
}
