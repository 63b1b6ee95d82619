//! What happens before the answer: reliable provisionals in every combination, ringing, early media.

use crate::common::{ANSWER, CONFIG, GW1, GW2, OFFER, PBX, World, inside, invite, response};
use std::time::Duration;

fn config(trunk: &str, rules: &str) -> String {
    let header = format!("[trunk.{trunk}]");
    CONFIG.replace(&header, &format!("{header}\noverride = {{ {rules} }}"))
}

const RELIABLE: &str = "Require: 100rel\r\nRSeq: 7\r\n";

fn statuses(world: &mut World, rules: &str, provisionals: &[(&str, &str)]) -> Vec<String> {
    *world = World::new(&config("pbx", rules));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    let mut shown = Vec::new();
    for (status, body) in provisionals {
        world.receive(GW1, &response(&first[0], status, "tb", "", body));
        shown.extend(world.take().into_iter().map(|s| {
            let sdp = if s.body().is_empty() { "" } else { "+sdp" };
            format!("{}{sdp}", s.start().get(8..11).unwrap_or_default())
        }));
    }
    world.receive(GW1, &response(&first[0], "486 Busy Here", "tb", "", ""));
    world.take();
    world.settle();
    shown
}

#[test]
fn ringing_is_shown_as_the_callers_trunk_wants_it() {
    let mut world = World::new(CONFIG);
    let all = [
        ("181 Call Is Being Forwarded", ""),
        ("183 Session Progress", ""),
        ("183 Session Progress", ANSWER),
        ("180 Ringing", ""),
    ];
    for (rules, expected) in [
        ("", ["181", "183", "183+sdp", "180"].as_slice()),
        ("ringing = { map_183 = \"180\" }", &["181", "180", "183+sdp", "180"]),
        ("ringing = { map_183 = \"drop\", map_181 = \"drop\" }", &["183+sdp", "180"]),
        ("ringing = { map_180 = \"183\" }", &["181", "183", "183+sdp", "183"]),
        ("ringing = { late_180 = \"drop\" }", &["181", "183", "183+sdp"]),
        ("early_media = \"strip\", ringing = { map_183 = \"180\" }", &["181", "180", "180", "180"]),
    ] {
        assert_eq!(statuses(&mut world, rules, &all), expected, "{rules}");
    }
}

#[test]
fn a_caller_hears_ringing_from_us_while_the_callee_is_being_found() {
    let mut world = World::new(&config("pbx", "ringing = { after = \"3s\" }"));
    world.receive(PBX, &invite("+4420700000", OFFER, "Require: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "100 Trying", "", "", ""));
    world.pass(Duration::from_secs(2));
    world.expect(&[(PBX, "SIP/2.0 100")]);
    world.pass(Duration::from_millis(1_100));
    let sent = world.expect(&[(PBX, "SIP/2.0 180")]);
    assert!(!sent[0].header("RSeq").is_empty(), "reliably, for the caller demands it");
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[0].header("RSeq"));
    world.receive(PBX, &inside("PRACK", 2, sent[0].header("To"), "prack1", &rack, ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    // No callee has rung: the silent gateway may still be left for the next.
    world.pass(Duration::from_millis(6_950));
    let sent = world.expect(&[(GW1, "CANCEL"), (GW2, "INVITE")]);
    world.receive(GW2, &response(&sent[1], "180 Ringing", "tc", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    world.receive(GW2, &response(&sent[1], "486 Busy Here", "tc", "", ""));
    world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 486")]);
    world.receive(GW1, &response(&first[0], "487 Request Terminated", "tb", "", ""));
    world.take();
    world.settle();
}

#[test]
fn early_media_passes_the_gate_when_it_is_authorised() {
    let mut world = World::new(&config("one", "early_media = \"gate\""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", "", ANSWER));
    let sent = world.expect(&[(PBX, "SIP/2.0 183")]);
    assert_eq!(sent[0].body(), "", "nobody has authorised it");
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "P-Early-Media: sendonly\r\n", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 180")]);
    assert!(sent[0].body().contains("m=audio 20000 "), "{}", sent[0].text);
    world.media.clear();
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "P-Early-Media: inactive\r\n", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 180")]);
    assert_eq!(sent[0].body(), "");
    let hushed = |c: &media::Command| matches!(c, media::Command::Set { side: media::Side::B, remote, .. } if !remote.receive && !remote.send);
    assert!(world.media.iter().any(hushed), "{:?}", world.media);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert!(sent[1].body().contains("m=audio 20000 "));
}

#[test]
fn a_caller_that_takes_one_early_dialog_is_shown_one_forks_media() {
    for (rules, second) in [("early_dialogs = \"one\"", false), ("early_dialogs = \"all\"", true)] {
        let mut world = World::new(&config("pbx", rules));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let first = world.expect(&[(GW1, "INVITE")]);
        world.receive(GW1, &response(&first[0], "183 Session Progress", "t1", "", ANSWER));
        assert!(!world.expect(&[(PBX, "SIP/2.0 183")])[0].body().is_empty());
        world.receive(GW1, &response(&first[0], "183 Session Progress", "t2", "", ANSWER));
        assert_eq!(!world.expect(&[(PBX, "SIP/2.0 183")])[0].body().is_empty(), second);
        // The first fork is gone: the other's media may be shown.
        world.receive(GW1, &response(&first[0], "199 Early Dialog Terminated", "t1", "", ""));
        world.expect(&[]);
        world.receive(GW1, &response(&first[0], "183 Session Progress", "t2", "", ANSWER));
        assert!(!world.expect(&[(PBX, "SIP/2.0 183")])[0].body().is_empty());
        world.receive(GW1, &response(&first[0], "486 Busy Here", "t2", "", ""));
        world.take();
        world.settle();
    }
}

#[test]
fn the_end_of_the_last_early_dialog_is_told_to_callers_that_know_199() {
    for (rows, told) in [("Supported: 199\r\n", true), ("", false)] {
        let mut world = World::new(CONFIG);
        world.receive(PBX, &invite("+4420700000", OFFER, rows));
        let first = world.expect(&[(GW1, "INVITE")]);
        world.receive(GW1, &response(&first[0], "180 Ringing", "t1", "", ""));
        world.take();
        world.receive(GW1, &response(&first[0], "199 Early Dialog Terminated", "t1", "", ""));
        assert_eq!(world.take().iter().any(|s| s.start().starts_with("SIP/2.0 199")), told);
        world.receive(GW1, &response(&first[0], "486 Busy Here", "t1", "", ""));
        world.take();
        world.settle();
    }
}

#[test]
fn forks_beyond_the_trunks_limit_are_not_heard() {
    let mut world = World::new(&config("one", "early_dialogs_max = 2"));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    for (tag, heard) in [("t1", 1), ("t2", 1), ("t3", 0), ("t1", 1)] {
        world.receive(GW1, &response(&first[0], "180 Ringing", tag, "", ""));
        assert_eq!(world.take().len(), heard, "{tag}");
    }
    world.receive(GW1, &response(&first[0], "486 Busy Here", "t1", "", ""));
    world.take();
    world.settle();
}

#[test]
fn reliable_provisionals_are_interworked_where_one_side_demands_and_the_other_knows_none() {
    // The caller demands, the callee knows none.
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Require: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 180")]);
    assert_eq!(sent[0].header("Require"), "100rel");
    world.receive(GW1, &response(&first[0], "486 Busy Here", "tb", "", ""));
    world.take();
    world.settle();
    // The callee demands, the caller knows none.
    let mut world = World::new(&config("one", "prack = \"required\""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    assert_eq!(first[0].header("Require"), "100rel");
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", RELIABLE, ""));
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 180")]);
    assert_eq!((sent[0].header("RAck"), sent[1].header("RSeq")), ("7 1 INVITE", ""));
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.receive(GW1, &response(&first[0], "486 Busy Here", "tb", "", ""));
    world.take();
    world.settle();
    // A trunk that demands them refuses callers that know none.
    let mut world = World::new(&config("pbx", "prack = \"required\""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 421")]);
    assert_eq!(sent[0].header("Require"), "100rel");
    world.settle();
    // One that rules them out says so.
    let mut world = World::new(&config("pbx", "prack = \"off\""));
    world.receive(PBX, &invite("+4420700000", OFFER, "Require: 100rel\r\n"));
    let sent = world.expect(&[(PBX, "SIP/2.0 420")]);
    assert_eq!(sent[0].header("Unsupported"), "100rel");
    world.settle();
}

#[test]
fn the_callees_offer_to_a_late_caller_is_answered_in_prack() {
    let mut world = World::new(&config("one", "early_offer = \"pass\""));
    world.receive(PBX, &invite("+4420700000", "", "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    assert!(first[0].header("Supported").contains("100rel") && first[0].body().is_empty());
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", RELIABLE, ANSWER));
    let sent = world.expect(&[(PBX, "SIP/2.0 183")]);
    assert!(sent[0].body().contains("m=audio 20000 "), "the offer is for the caller to answer");
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[0].header("RSeq"));
    let to = sent[0].header("To").to_owned();
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, OFFER));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "PRACK")]);
    assert!(sent[1].body().contains("m=audio 30000 "), "{}", sent[1].text);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert_eq!((sent[0].body(), sent[1].body()), ("", ""), "all is said");
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 3, &to, "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].media.as_ref().map(|m| &*m.codec), Some("PCMA"));
}

#[test]
fn a_late_caller_that_knows_no_prack_is_asked_in_the_2xx() {
    let mut world = World::new(&config("one", "early_offer = \"pass\""));
    world.receive(PBX, &invite("+4420700000", "", ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    assert!(!first[0].header("Supported").contains("100rel"));
}

#[test]
fn an_offer_of_ours_lets_a_late_caller_answer_in_prack() {
    let mut world = World::new(&config("one", "early_offer = \"make\""));
    world.receive(PBX, &invite("+4420700000", "", "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", "", ANSWER));
    let sent = world.expect(&[(PBX, "SIP/2.0 183")]);
    assert!(sent[0].body().contains("m=audio 20000 "));
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[0].header("RSeq"));
    let to = sent[0].header("To").to_owned();
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, OFFER));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[1].body(), "");
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 3, &to, "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_prack_without_the_answer_that_it_owes_ends_the_call() {
    let mut world = World::new(&config("one", "early_offer = \"pass\""));
    world.receive(PBX, &invite("+4420700000", "", "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", RELIABLE, ANSWER));
    let sent = world.expect(&[(PBX, "SIP/2.0 183")]);
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[0].header("RSeq"));
    world.receive(PBX, &inside("PRACK", 2, sent[0].header("To"), "prack1", &rack, ""));
    let sent = world.take();
    let starts: Vec<&str> = sent.iter().map(|s| s.start().get(..11).unwrap_or_default()).collect();
    assert_eq!(starts, ["SIP/2.0 200", "CANCEL sip:", "SIP/2.0 502"], "{sent:?}");
}

#[test]
fn a_new_offer_in_prack_goes_on_as_update() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", RELIABLE, ANSWER));
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    let rack = format!("RAck: {} 1 INVITE\r\n", sent[1].header("RSeq"));
    let to = sent[1].header("To").to_owned();
    let hold = OFFER.replace("a=sendrecv", "a=inactive");
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, &hold));
    let sent = world.expect(&[(GW1, "UPDATE")]);
    assert!(sent[0].body().contains("a=inactive"));
    let answer = ANSWER.replace("a=rtpmap", "a=inactive\r\na=rtpmap");
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", &answer));
    let sent = world.expect(&[(PBX, "SIP/2.0 200")]);
    assert!(sent[0].header("CSeq").ends_with("PRACK") && sent[0].body().contains("a=inactive"));
    world.receive(GW1, &response(&first[0], "486 Busy Here", "tb", "", ""));
    world.take();
    world.settle();
}
