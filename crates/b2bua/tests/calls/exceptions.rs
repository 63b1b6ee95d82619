//! What happens off the straight way, as sentences.

use crate::common::{
    ANSWER, CONFIG, GW1, OFFER, PBX, World, answered, from_callee, inside, invite, response,
};
use b2bua::ReleasedBy;
use base::ReasonId;
use std::time::Duration;

/// Click to dial: whoever may send it could place calls without being a party of one.
#[test]
fn a_refer_outside_a_call_is_refused_and_places_nothing() {
    let mut world =
        World::new(&CONFIG.replacen("[trunk.pbx]\n", "[trunk.pbx]\noverride = { refer = \"local\" }\n", 1));
    let refer =
        invite("+493023125107", "", "Refer-To: <sip:+4420711111@10.0.0.5>\r\n").replace("INVITE", "REFER");
    world.receive(PBX, &refer);
    world.expect(&[(PBX, "SIP/2.0 603")]);
    world.pass(Duration::from_secs(40));
    world.settle();
    assert!(world.records.is_empty() && world.media.is_empty());
}

#[test]
fn an_answer_in_a_provisional_need_not_be_repeated_in_the_2xx() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(
        GW1,
        &response(&first[0], "183 Session Progress", "tb", "Require: 100rel\r\nRSeq: 1\r\n", ANSWER),
    );
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert!(sent[1].body().contains("m=audio 20000 "), "the caller has its answer");
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 2, sent[1].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn an_emergency_call_passes_full_trunks() {
    let config = CONFIG
        .replace("[trunk.pbx]", "[trunk.pbx]\ncalls_max = 1")
        .replace("[trunk.one]", "[trunk.one]\ncalls_max = 1")
        .replace("called = \"+*\"", "called = \"*\"");
    let mut world = World::new(&config);
    answered(&mut world);
    let again = |called: &str| {
        invite(called, OFFER, "")
            .replace("call-a", &format!("call-{called}"))
            .replace("z9hG4bKa1", &format!("z9hG4bK{called}"))
    };
    world.receive(PBX, &again("0030123456"));
    world.expect(&[(PBX, "SIP/2.0 503")]);
    world.receive(PBX, &again("112"));
    let sent = world.expect(&[(GW1, "INVITE sip:112@")]);
    world.receive(GW1, &response(&sent[0], "486 Busy Here", "x", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
}

#[test]
fn a_broken_request_of_a_known_peer_is_told_what_the_rfc_names() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "").replace("CSeq: 1 INVITE", "CSeq: 1 OPTIONS"));
    world.expect(&[(PBX, "SIP/2.0 400")]);
    let other = invite("+4420700000", OFFER, "").replace("z9hG4bKa1", "z9hG4bKa2");
    world.receive(PBX, &other.replacen("SIP/2.0", "SIP/7.0", 1));
    world.expect(&[(PBX, "SIP/2.0 505")]);
    world.receive("10.0.0.99:5060", &other.replacen("SIP/2.0", "SIP/7.0", 1));
    world.expect(&[]);
    world.settle();
}

#[test]
fn silence_before_the_answer_is_no_media_timeout() {
    let mut world = World::new(CONFIG);
    answered(&mut world);
    let timeouts: Vec<(media::Side, bool)> = world
        .media
        .iter()
        .filter_map(|c| match c {
            media::Command::Set { side, remote, .. } => Some((*side, remote.timeout.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(timeouts, [(media::Side::A, false), (media::Side::B, true), (media::Side::A, true)]);
}

#[test]
fn an_operator_hangs_up_and_a_drained_node_takes_no_calls() {
    let mut world = World::new(CONFIG);
    answered(&mut world);
    let key = world.board.calls()[0].key;
    world.command(b2bua::Command::HangUp(key));
    let sent = world.expect(&[(PBX, "BYE"), (GW1, "BYE")]);
    world.receive(PBX, &response(&sent[0], "200 OK", "", "", ""));
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    assert_eq!(world.records[0].reason, ReasonId::Hangup);
    world.command(b2bua::Command::Drain);
    world.receive(
        PBX,
        &invite("+4420700000", OFFER, "").replace("call-a", "call-b").replace("z9hG4bKa1", "z9hG4bKb1"),
    );
    let sent = world.expect(&[(PBX, "SIP/2.0 503")]);
    assert!(sent[0].text.contains("X-DRAINING"));
    world.settle();
}

#[test]
fn an_operator_who_ends_a_call_that_rings_is_named_in_its_record() {
    let direct = CONFIG
        .replace("options_interval = \"0s\"", "options_interval = \"0s\"\noverride = { media = \"direct\" }");
    for config in [CONFIG, &direct] {
        let mut world = World::new(config);
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let first = world.expect(&[(GW1, "INVITE")]);
        world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "", ""));
        world.expect(&[(PBX, "SIP/2.0 180")]);
        let key = world.board.calls()[0].key;
        world.command(b2bua::Command::HangUp(key));
        world.expect(&[(GW1, "CANCEL"), (PBX, "SIP/2.0 480")]);
        world.pass(Duration::from_secs(40));
        let record = &world.records[0];
        assert_eq!((record.reason, record.released_by), (ReasonId::Hangup, ReleasedBy::Operator));
        assert_eq!(record.attempts[0].reason, ReasonId::Hangup);
    }
}

#[test]
fn media_that_stop_end_the_call() {
    let mut world = World::new(CONFIG);
    answered(&mut world);
    let session = world
        .media
        .iter()
        .find_map(|c| match c {
            media::Command::Open { session, .. } => Some(*session),
            _ => None,
        })
        .expect("opened");
    let silence = media::Silence { rtp: Some(Duration::from_secs(30)), rtcp: None, checks: None };
    world.media_reply(media::Reply::Timeout { session, side: media::Side::A, silence });
    world.expect(&[(PBX, "BYE"), (GW1, "BYE")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::MediaTimeout);
    let decision = &world.records[0].decision;
    assert!(decision.ends_with("; caller silent: no RTP for 30 s, never any RTCP"), "{decision}");
}

#[test]
fn silence_that_is_told_of_a_call_that_was_hung_up_is_not_why_it_ended() {
    let mut world = World::new(CONFIG);
    answered(&mut world);
    let key = world.board.calls()[0].key;
    let session = world.told(media::Side::A).0;
    let silence = media::Silence { rtp: Some(Duration::from_secs(30)), rtcp: None, checks: None };
    let timeout = media::Reply::Timeout { session, side: media::Side::A, silence };
    // Before the engine has closed it.
    let mut out = b2bua::Outbox::new();
    for input in [b2bua::Input::Command(b2bua::Command::HangUp(key)), b2bua::Input::Media(timeout)] {
        world.board.handle(world.now, input, &mut out);
    }
    world.drain(out);
    world.expect(&[(PBX, "BYE"), (GW1, "BYE")]);
    world.settle();
    let record = &world.records[0];
    assert!(record.reason == ReasonId::Hangup && !record.decision.contains("silent"), "{}", record.decision);
}

#[test]
fn a_side_that_is_not_heard_is_shown_while_the_call_lives_and_warned_of() {
    let mut world = World::new(CONFIG);
    answered(&mut world);
    let session = world
        .media
        .iter()
        .find_map(|c| match c {
            media::Command::Open { session, .. } => Some(*session),
            _ => None,
        })
        .expect("opened");
    let mut tell = |why| {
        world.media_reply(media::Reply::OneWay { session, side: media::Side::B, why });
        world.board.calls()[0].unheard
    };
    let why = Some(media::NotHeard::from(media::OneWay::Nothing));
    assert_eq!(tell(why), [None, why]);
    assert_eq!(tell(None), [None, None]);
    let status = world.board.status();
    assert!(status.counters.contains(&("one_way", 1)), "{:?}", status.counters);
    let warned = |note: &String| note.contains("callee not heard: no packet came");
    assert!(world.notes.iter().any(warned), "{:?}", world.notes);
    world.expect(&[]);
}

#[test]
fn a_session_interval_found_too_small_is_raised_and_asked_again() {
    let config =
        CONFIG.replace("[trunk.one]", "[trunk.one]\noverride = { session_timer = { expires = 600 } }");
    let mut world = World::new(&config);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    assert_eq!(first[0].header("Session-Expires"), "600");
    world.receive(GW1, &response(&first[0], "422 Session Interval Too Small", "x", "Min-SE: 900\r\n", ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_eq!((sent[1].header("Session-Expires"), sent[1].header("Min-SE")), ("900", "900"));
    world.receive(GW1, &response(&sent[1], "486 Busy Here", "y", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
    world.settle();
}

#[test]
fn an_answer_that_answers_nothing_offered_ends_the_call() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    let foreign = ANSWER.replace("RTP/AVP 8 101", "RTP/AVP 18");
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", &foreign));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE"), (PBX, "SIP/2.0 502")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::SdpAnswerBad);
}

#[test]
fn info_crosses_before_the_answer_both_ways() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", "", ANSWER));
    let early = world.expect(&[(PBX, "SIP/2.0 183")]);
    let digit = inside("INFO", 2, early[0].header("To"), "info1", "", "Signal=5\r\n")
        .replace("application/sdp", "application/dtmf-relay");
    world.receive(PBX, &digit);
    let sent = world.expect(&[(GW1, "INFO sip:bob@192.0.2.7:5060")]);
    assert!(
        sent[0].body().contains("Signal=5") && sent[0].header("Content-Type") == "application/dtmf-relay"
    );
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(GW1, &from_callee("INFO", 1, &first[0], "tb", "info2", ""));
    let sent = world.expect(&[(PBX, "INFO sip:alice@10.0.0.21:5060")]);
    world.receive(PBX, &response(&sent[0], "200 OK", "", "", ""));
    world.expect(&[(GW1, "SIP/2.0 200")]);
    world.receive(GW1, &from_callee("UPDATE", 2, &first[0], "tb", "upd", ""));
    world.expect(&[(GW1, "SIP/2.0 200")]);
    world.receive(GW1, &response(&first[0], "486 Busy Here", "tb", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
    world.settle();
}

#[test]
fn a_refused_change_leaves_what_was_described_before() {
    let config =
        CONFIG.replace("[trunk.one]", "[trunk.one]\noverride = { session_timer = { expires = 90 } }");
    let mut world = World::new(&config);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    let plain = |text: String| text.replace("BYE, CANCEL, UPDATE\r\n", "BYE, CANCEL\r\n");
    world.receive(GW1, &plain(response(&first[0], "200 OK", "tb", "", ANSWER)));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    let to = sent[1].header("To").to_string();
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    let change = OFFER.replace("a=sendrecv", "a=inactive").replace(" 1 1 IN", " 1 2 IN");
    world.receive(PBX, &inside("INVITE", 2, &to, "re1", "", &change));
    let sent = world.expect(&[(GW1, "INVITE")]);
    assert!(sent[0].body().contains("a=inactive"));
    world.receive(GW1, &plain(response(&sent[0], "488 Not Acceptable Here", "", "", "")));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 488")]);
    world.receive(PBX, &inside("ACK", 2, &to, "re1", "", ""));
    world.pass(std::time::Duration::from_secs(46));
    let sent = world.take();
    let refresh = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("a refresh");
    assert!(!refresh.body().contains("a=inactive"), "{}", refresh.body());
    world.receive(
        GW1,
        &plain(response(refresh, "422 Session Interval Too Small", "", "Min-SE: 1800\r\n", "")),
    );
    let sent = world.take();
    let again = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("asked again");
    assert!(again.header("Session-Expires").starts_with("1800"), "{}", again.text);
    world.receive(
        GW1,
        &plain(response(again, "200 OK", "", "Session-Expires: 1800;refresher=uac\r\n", ANSWER)),
    );
    world.receive(PBX, &inside("BYE", 3, &to, "bye1", "", ""));
    let sent = world.take();
    let bye = sent.iter().find(|s| s.start().starts_with("BYE")).expect("BYE");
    world.receive(GW1, &response(bye, "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_late_answer_that_answers_nothing_offered_ends_the_call() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", "", ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    let foreign = OFFER.replace("RTP/AVP 8 0 101", "RTP/AVP 18");
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", &foreign));
    world.expect(&[(PBX, "BYE"), (GW1, "BYE")]);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::SdpAnswerBad);
}

#[test]
fn a_request_inside_a_call_that_requires_the_unknown_is_told_so() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    world.receive(PBX, &inside("INFO", 2, ok.header("To"), "i1", "Require: foo\r\n", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 420")]);
    assert_eq!(sent[0].header("Unsupported"), "foo");
}
