//! What bounds a call: its Expires, a demand for TLS, the leg's interface, limits and ports that are spent
//! when the next attempt comes.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, World, answered, from_callee, inside, invite, response,
};
use base::{ListenId, ReasonId, Transport};
use std::time::Duration;

const INSIDE: ListenId = ListenId(0);
const OUTSIDE: ListenId = ListenId(1);
const TLS_PBX: &str = "10.0.0.21:5061";
const TLS_GW2: &str = "192.0.2.8:5061";

/// The PBX and the second gateway speak TLS.
fn tls_config() -> String {
    CONFIG
        .replace("\"tcp:5060\"]", "\"tcp:5060\", \"tls:5061\"]")
        .replace("\"10.0.0.21\"", "\"10.0.0.21:5061;transport=tls\"")
        .replace("\"192.0.2.8\"", "\"192.0.2.8:5061;transport=tls\"")
        .replace("version = 1", "version = 1\ndefaults = { override = { srtp = \"off\" } }")
}

fn sips_invite() -> String {
    invite("+4420700000", OFFER, "")
        .replace("INVITE sip:", "INVITE sips:")
        .replace("To: <sip:", "To: <sips:")
        .replace("SIP/2.0/UDP 10.0.0.21:5060", "SIP/2.0/TLS 10.0.0.21:5061")
        .replace("Contact: <sip:alice@10.0.0.21:5060>", "Contact: <sips:alice@10.0.0.21:5061>")
}

#[test]
fn an_invitation_that_runs_out_is_cancelled_and_answered_487() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Expires: 90\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    assert!(!first[0].text.contains("Expires"), "{}", first[0].text);
    world.receive(GW1, &response(&first[0], "180 Ringing", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    world.pass(Duration::from_millis(89_900));
    world.expect(&[]);
    world.pass(Duration::from_millis(200));
    let sent = world.expect(&[(GW1, "CANCEL"), (PBX, "SIP/2.0 487")]);
    assert!(sent[1].text.contains("P-EXPIRED"), "{}", sent[1].text);
    world.receive(GW1, &response(&first[0], "487 Request Terminated", "tb", "", ""));
    world.expect(&[(GW1, "ACK")]);
    world.settle();
    let record = &world.records[0];
    assert_eq!((record.status, record.reason), (487, ReasonId::InviteExpired));
    assert_eq!(record.released_by, b2bua::ReleasedBy::Caller);
}

#[test]
fn an_invitation_that_runs_out_lets_no_further_gateway_be_tried() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Expires: 5\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "100 Trying", "", "", ""));
    world.pass(Duration::from_secs(30));
    let sent = world.take();
    assert!(sent.iter().all(|s| s.to.to_string() != GW2), "{sent:#?}");
    assert!(sent.iter().any(|s| s.start().starts_with("SIP/2.0 487")));
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::InviteExpired);
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::InviteExpired);
}

#[test]
fn an_answered_call_outlives_the_expires_of_its_invite() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Expires: 5\r\n"));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.pass(Duration::from_secs(20));
    world.expect(&[]);
    assert_eq!(world.board.live_calls(), 1);
}

#[test]
fn an_invitation_that_had_run_out_on_arrival_rings_nobody() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Expires: 0\r\n"));
    world.expect(&[(PBX, "SIP/2.0 487")]);
    world.settle();
}

#[test]
fn a_sips_call_that_came_without_tls_is_refused() {
    let mut world = World::new(&tls_config());
    world.receive(PBX, &sips_invite().replace("SIP/2.0/TLS 10.0.0.21:5061", "SIP/2.0/UDP 10.0.0.21:5060"));
    let sent = world.expect(&[(PBX, "SIP/2.0 403")]);
    assert!(sent[0].text.contains("C-SIPS"), "{}", sent[0].text);
    world.settle();
}

#[test]
fn a_sips_call_goes_on_by_tls_alone_and_says_sips() {
    let mut world = World::new(&tls_config());
    world.receive_on(INSIDE, Transport::Tls, TLS_PBX, &sips_invite());
    let sent = world.expect(&[(TLS_GW2, "INVITE sips:+4420700000@192.0.2.8:5061 SIP")]);
    assert!(sent[0].header("Contact").starts_with("<sips:+493023125100@192.0.2.1:5061>"), "{}", sent[0].text);
    let ringing =
        response(&sent[0], "180 Ringing", "tb", "", "").replace("Contact: <sip:", "Contact: <sips:");
    world.receive_on(OUTSIDE, Transport::Tls, TLS_GW2, &ringing);
    let early = world.expect(&[(TLS_PBX, "SIP/2.0 180")]);
    assert!(early[0].header("Contact").starts_with("<sips:"), "{}", early[0].text);
    world.receive_on(OUTSIDE, Transport::Tls, TLS_GW2, &response(&sent[0], "486 Busy Here", "tb", "", ""));
    world.take();
    world.settle();
    assert!(world.records[0].decision.contains("one skipped: S-SIPS"), "{}", world.records[0].decision);
}

#[test]
fn a_sips_call_that_no_gateway_can_take_by_tls_is_refused() {
    let config = tls_config().replace("\"192.0.2.8:5061;transport=tls\"", "\"192.0.2.8;transport=tcp\"");
    let mut world = World::new(&config);
    world.receive_on(INSIDE, Transport::Tls, TLS_PBX, &sips_invite());
    let sent = world.expect(&[(TLS_PBX, "SIP/2.0 480")]);
    assert!(sent[0].text.contains("S-SIPS") && sent[0].text.contains("Warning: 380 "), "{}", sent[0].text);
    world.settle();
}

#[test]
fn a_trunk_may_take_sips_like_sip() {
    let config = tls_config().replace("[trunk.pbx]", "[trunk.pbx]\noverride = { sips = \"plain\" }");
    let mut world = World::new(&config);
    world.receive_on(INSIDE, Transport::Tls, TLS_PBX, &sips_invite());
    world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7 SIP")]);
}

#[test]
fn a_request_with_the_right_tags_is_not_heard_on_another_interface() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    let bye = inside("BYE", 2, ok.header("To"), "bye1", "", "");
    // A stranger is not answered, a peer that is known there hears that there is no such dialog.
    world.receive_on(OUTSIDE, Transport::Udp, "192.0.2.99:5060", &bye);
    world.expect(&[]);
    assert_eq!(world.board.status().unknown_sources, 1);
    world.receive_on(OUTSIDE, Transport::Udp, GW2, &bye);
    world.expect(&[(GW2, "SIP/2.0 481")]);
    world.receive_on(INSIDE, Transport::Udp, PBX, &from_callee("BYE", 7, &out, "tb", "bb", ""));
    world.expect(&[(PBX, "SIP/2.0 481")]);
    assert_eq!(world.board.live_calls(), 1, "the call goes on");
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye2", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_response_on_another_interface_is_not_believed() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    let busy = response(&first[0], "486 Busy Here", "x", "", "");
    world.receive_on(INSIDE, Transport::Udp, PBX, &busy);
    world.expect(&[]);
    world.receive(GW1, &busy);
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
    world.settle();
}

#[test]
fn a_trunk_that_spent_its_rate_meanwhile_is_passed_over() {
    let config = CONFIG
        .replace("[trunk.two]", "[trunk.two]\ncps_max = 1")
        .replace("to = [\"one\", \"two\"]", "to = [\"one\", \"two\"]\n[[route]]\nname = \"two\"\nmatch = { called = \"112233*\" }\nto = [\"two\"]");
    let mut world = World::new(&config);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    // Another call takes what the trunk may carry in this second.
    let other = invite("112233", OFFER, "").replace("call-a", "call-b").replace("z9hG4bKa1", "z9hG4bKb1");
    world.receive(PBX, &other);
    world.expect(&[(GW2, "INVITE sip:112233@")]);
    world.receive(GW1, &response(&first[0], "503 Service Unavailable", "x", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 503")]);
    world.pass(Duration::from_secs(60));
    let record = world.records.iter().find(|r| &*r.called == "+4420700000").expect("a record");
    assert!(record.decision.contains("two skipped: R-TRUNK-RATE"), "{}", record.decision);
    assert_eq!(record.attempts.len(), 1);
}

#[test]
fn an_interface_without_a_free_port_costs_the_attempt_and_not_the_call() {
    let config = CONFIG
        .replace("[trunk.pbx]", "[listen.spare]\naddress = \"198.51.100.1\"\nsip = [\"udp:5060\"]\nrtp = \"40000-40099\"\n[trunk.pbx]")
        .replace("[trunk.two]\nkind = \"itsp\"\nlisten = \"outside\"", "[trunk.two]\nkind = \"itsp\"\nlisten = \"spare\"");
    let mut world = World::new(&config);
    world.no_ports_on = Some(OUTSIDE);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW2, "INVITE")]);
    world.receive_on(ListenId(2), Transport::Udp, GW2, &response(&sent[0], "486 Busy Here", "x", "", ""));
    world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 486")]);
    world.settle();
    let reasons: Vec<ReasonId> = world.records[0].attempts.iter().map(|a| a.reason).collect();
    assert_eq!(reasons, [ReasonId::RtpPorts, ReasonId::Busy]);
}

#[test]
fn without_a_free_port_anywhere_the_caller_hears_when_to_come_again() {
    let mut world = World::new(CONFIG);
    world.no_ports_on = Some(OUTSIDE);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 503")]);
    assert!(
        sent[0].text.contains("Retry-After: ") && sent[0].text.contains("L-RTP-PORTS"),
        "{}",
        sent[0].text
    );
    world.settle();
    assert_eq!(world.records[0].attempts.len(), 1, "both trunks live on the same interface");
}

#[test]
fn the_answer_to_a_refresh_may_move_the_media() {
    let config =
        CONFIG.replace("[trunk.one]", "[trunk.one]\noverride = { session_timer = { expires = \"90s\" } }");
    let mut world = World::new(&config);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    // A peer without UPDATE is refreshed by re-INVITE.
    let plain = |text: String| text.replace(", UPDATE", "");
    let timer = "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n";
    world.receive(GW1, &plain(response(&first[0], "200 OK", "tb", timer, ANSWER)));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.pass(Duration::from_millis(45_100));
    let refresh = world.expect(&[(GW1, "INVITE sip:bob@192.0.2.7:5060")]);
    let moved = ANSWER.replace("192.0.2.70", "192.0.2.71").replace("6000", "6100").replace(" 5 5 ", " 5 6 ");
    let before = world.media.len();
    let answer = plain(response(&refresh[0], "200 OK", "", timer, &moved)).replace("bob@", "robert@");
    world.receive(GW1, &answer);
    world.expect(&[(GW1, "ACK sip:robert@192.0.2.7:5060")]);
    let told: Vec<String> = world.media[before..]
        .iter()
        .filter_map(|c| match c {
            media::Command::Set { side: media::Side::B, remote, .. } => remote.rtp.map(|r| r.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["192.0.2.71:6100"]);
}

#[test]
fn a_prack_that_was_overtaken_is_sent_again_under_a_new_cseq() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    let reliable = "Require: 100rel\r\nRSeq: 9\r\n";
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", reliable, ANSWER));
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    assert_eq!((sent[0].header("CSeq"), sent[0].header("RAck")), ("2 PRACK", "9 1 INVITE"));
    world.receive(GW1, &response(&sent[0], "500 Server Internal Error", "", "", ""));
    let mut again = world.expect(&[(GW1, "PRACK")]);
    assert_eq!((again[0].header("CSeq"), again[0].header("RAck")), ("3 PRACK", "9 1 INVITE"));
    // A peer that refuses it for ever is not asked for ever.
    for _ in 0..2 {
        world.receive(GW1, &response(&again[0], "500 Server Internal Error", "", "", ""));
        again = world.expect(&[(GW1, "PRACK")]);
    }
    world.receive(GW1, &response(&again[0], "500 Server Internal Error", "", "", ""));
    world.expect(&[]);
    world.receive(GW1, &response(&first[0], "504 Server Time-out", "tb", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 504")]);
    world.settle();
}
