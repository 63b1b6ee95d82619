//! Changes inside a call: UPDATE or re-INVITE as the peer takes them, or answered here.

use crate::common::{
    ANSWER, CONFIG, GW1, OFFER, PBX, World, answered, from_callee, inside, invite, response,
};

fn config(trunk: &str, rules: &str) -> String {
    let header = format!("[trunk.{trunk}]");
    CONFIG.replace(&header, &format!("{header}\noverride = {{ {rules} }}"))
}

fn hang_up(world: &mut World, to: &str) {
    world.receive(PBX, &inside("BYE", 50, to, "bye1", "", ""));
    let sent = world.take();
    let bye = sent.iter().find(|s| s.start().starts_with("BYE")).expect("BYE").clone();
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_reinvite_that_changes_nothing_is_hidden_from_the_other_leg() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    let again = OFFER.replace(" 1 1 IN", " 1 2 IN");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &again));
    let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
    assert_eq!(sent[0].body(), ok.body(), "what we said before, under the same version");
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    world.receive(PBX, &inside("UPDATE", 3, ok.header("To"), "up1", "", &again));
    let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
    assert_eq!(sent[0].body(), ok.body());
    hang_up(&mut world, ok.header("To"));

    let mut world = World::new(&config("pbx", "absorb = []"));
    let (_, ok) = answered(&mut world);
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &again));
    let sent = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ANSWER));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_picture_of_a_call_says_who_holds_and_since_when_for_as_long_as_it_does() {
    let mut world = World::new(&config("pbx", "absorb = [\"refresh\", \"hold\"]"));
    let (_, ok) = answered(&mut world);
    assert_eq!(world.board.calls()[0].held, [None, None]);
    let mut since = None;
    for (cseq, direction) in [(2, "sendonly"), (3, "inactive"), (4, "sendrecv")] {
        world.pass(std::time::Duration::from_secs(5));
        let text = OFFER.replace("a=sendrecv", &format!("a={direction}"));
        world.receive(PBX, &inside("INVITE", cseq, ok.header("To"), &format!("re{cseq}"), "", &text));
        world.receive(PBX, &inside("ACK", cseq, ok.header("To"), &format!("ack{cseq}"), "", ""));
        let view = world.board.calls().remove(0);
        since = since.or(view.held[0]);
        assert!(since.is_some_and(|since| since > view.start));
        assert_eq!(view.held[0], since.filter(|_| direction != "sendrecv"), "{direction}");
        assert_eq!(view.held[1], None, "{direction}: the callee holds nobody");
    }
    world.take();
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_hold_and_its_end_are_absorbed_where_the_trunk_says_so() {
    let mut world = World::new(&config("pbx", "absorb = [\"refresh\", \"hold\"]"));
    let (_, ok) = answered(&mut world);
    for (cseq, direction, back) in
        [(2, "sendonly", "recvonly"), (3, "inactive", "inactive"), (4, "sendrecv", "")]
    {
        let text = OFFER.replace("a=sendrecv", &format!("a={direction}"));
        world.media.clear();
        world.receive(PBX, &inside("INVITE", cseq, ok.header("To"), &format!("re{cseq}"), "", &text));
        let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
        let says = |d: &str| sent[0].body().contains(&format!("a={d}\r\n"));
        assert!(if back.is_empty() { !says("recvonly") && !says("inactive") } else { says(back) });
        let told = world.media.iter().any(|c| matches!(c, media::Command::Set { side: media::Side::A, .. }));
        assert!(told, "the engine hears of it");
        world.receive(PBX, &inside("ACK", cseq, ok.header("To"), &format!("ack{cseq}"), "", ""));
    }
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn other_codecs_are_absorbed_while_the_agreed_one_stays() {
    let mut world = World::new(&config("pbx", "absorb = [\"codec\"]"));
    let (_, ok) = answered(&mut world);
    let more = OFFER.replace("RTP/AVP 8 0 101", "RTP/AVP 101 9 8").replace("4000", "4444");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &more));
    let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
    assert!(sent[0].body().contains("RTP/AVP 8 101\r\n"), "{}", sent[0].body());
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    let gone = OFFER.replace("RTP/AVP 8 0 101", "RTP/AVP 0");
    world.receive(PBX, &inside("INVITE", 3, ok.header("To"), "re2", "", &gone));
    let sent = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", &ANSWER.replace("RTP/AVP 8 101", "RTP/AVP 0")));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 3, ok.header("To"), "ack3", "", ""));
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_reinvite_without_an_offer_is_answered_here_where_the_trunk_says_so() {
    let mut world = World::new(&config("pbx", "late_reinvite = \"answer\""));
    let (_, ok) = answered(&mut world);
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
    assert_eq!(sent[0].body(), ok.body());
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", OFFER));
    world.expect(&[]);
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn update_goes_on_as_a_reinvite_where_the_peer_takes_none() {
    let hold = OFFER.replace("a=sendrecv", "a=sendonly");
    let answer = ANSWER.replace("a=rtpmap", "a=recvonly\r\na=rtpmap");
    // By the trunk's policy, and by a peer that refuses what its Allow names.
    for (rules, refuses) in [("update = \"off\"", false), ("update = \"auto\"", true)] {
        let mut world = World::new(&config("one", rules));
        let (out, ok) = answered(&mut world);
        assert_eq!(out.header("Allow").contains("UPDATE"), refuses);
        world.receive(PBX, &inside("UPDATE", 2, ok.header("To"), "up1", "", &hold));
        if refuses {
            let sent = world.expect(&[(GW1, "UPDATE")]);
            world.receive(GW1, &response(&sent[0], "405 Method Not Allowed", "", "", ""));
        }
        let sent = world.expect(&[(GW1, "INVITE")]);
        assert!(sent[0].body().contains("a=sendonly"));
        world.receive(GW1, &response(&sent[0], "200 OK", "", "", &answer));
        let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
        assert!(sent[1].header("CSeq").ends_with("UPDATE") && sent[1].body().contains("a=recvonly"));
        if !refuses {
            world.receive(GW1, &from_callee("UPDATE", 8, &out, "tb", "up9", &hold));
            let sent = world.expect(&[(GW1, "SIP/2.0 405")]);
            assert!(!sent[0].header("Allow").contains("UPDATE"));
        }
        hang_up(&mut world, ok.header("To"));
    }
}

#[test]
fn an_update_of_the_callee_before_the_answer_reaches_a_caller_that_can_take_it() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    let reliable = "Require: 100rel\r\nRSeq: 1\r\n";
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", reliable, ANSWER));
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    let moved = ANSWER.replace("6000", "6006").replace(" 5 5 IN", " 5 6 IN");
    world.receive(GW1, &from_callee("UPDATE", 1, &first[0], "tb", "up1", &moved));
    world.expect(&[(GW1, "SIP/2.0 491")]);
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[1].header("RSeq"));
    world.receive(PBX, &inside("PRACK", 2, sent[1].header("To"), "prack1", &rack, ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    let held = ANSWER.replace("a=rtpmap", "a=sendonly\r\na=rtpmap").replace(" 5 5 IN", " 5 7 IN");
    world.receive(GW1, &from_callee("UPDATE", 2, &first[0], "tb", "up2", &held));
    let update = world.expect(&[(PBX, "UPDATE")]);
    assert!(update[0].body().contains("m=audio 20000 ") && update[0].body().contains("a=sendonly"));
    let answer = OFFER.replace("a=sendrecv", "a=recvonly");
    world.receive(PBX, &response(&update[0], "200 OK", "", "", &answer));
    let ok = world.expect(&[(GW1, "SIP/2.0 200")]);
    assert!(ok[0].body().contains("m=audio 30000 ") && !ok[0].header("Contact").is_empty(), "{}", ok[0].text);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    hang_up(&mut world, sent[1].header("To"));
}

#[test]
fn an_early_update_that_cannot_pass_is_answered_504() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", "", ANSWER));
    world.expect(&[(PBX, "SIP/2.0 183")]);
    world.receive(GW1, &from_callee("UPDATE", 1, &first[0], "tb", "up1", ANSWER));
    world.expect(&[(GW1, "SIP/2.0 504")]);
    world.receive(GW1, &response(&first[0], "486 Busy Here", "tb", "", ""));
    world.take();
    world.settle();
}
