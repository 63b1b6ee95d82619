//! What we say of ourselves: methods and extensions by each trunk's policy, our name, events, why we give up.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use crate::transfers::config;
use std::time::Duration;

/// A request outside any dialog from a peer.
fn outside(method: &str, from: &str, rows: &str) -> String {
    let ours = if from == PBX { "10.0.0.5" } else { "192.0.2.1" };
    format!(
        "{method} sip:{ours} SIP/2.0\r\nVia: SIP/2.0/UDP {from};rport;branch=z9hG4bKo{method}\r\nMax-Forwards: 70\r\nFrom: <sip:x@{from}>;tag=o\r\nTo: <sip:{ours}>\r\nCall-ID: o-{method}-{from}\r\nCSeq: 1 {method}\r\nContact: <sip:x@{from}>\r\n{rows}Content-Length: 0\r\n\r\n"
    )
}

/// What a peer is told of us in one message.
fn told(sent: &Sent) -> [&str; 3] {
    [sent.header("Allow"), sent.header("Supported"), sent.header("Allow-Events")]
}

#[test]
fn options_tells_what_the_policy_of_the_trunk_lets_its_peers_do() {
    let text = config("", "refer = \"local\", update = \"off\", prack = \"off\", replaces = \"own\"");
    let mut world = World::new(&text);
    world.receive(PBX, &outside("OPTIONS", PBX, ""));
    let plain = world.expect(&[(PBX, "SIP/2.0 200")]).remove(0);
    world.receive(GW1, &outside("OPTIONS", GW1, ""));
    let rich = world.expect(&[(GW1, "SIP/2.0 200")]).remove(0);
    assert_eq!(
        told(&plain),
        ["INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE", "timer, 100rel", ""]
    );
    let methods = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE";
    assert_eq!(told(&rich), [methods, "timer, replaces, norefersub", "refer"]);
    assert_eq!((rich.header("Accept"), rich.header("Accept-Encoding")), ("application/sdp", "identity"));
    // The same inside a call, and in what makes one.
    let (out, ok) = answered(&mut world);
    assert_eq!([out.header("Allow"), out.header("Supported")], [methods, "timer, replaces, norefersub"]);
    world.receive(PBX, &inside("OPTIONS", 2, ok.header("To"), "o2", "", ""));
    assert_eq!(told(&world.expect(&[(PBX, "SIP/2.0 200")])[0]), told(&plain));
    world.receive(GW1, &from_callee("OPTIONS", 1, &out, "tb", "o3", ""));
    assert_eq!(told(&world.expect(&[(GW1, "SIP/2.0 200")])[0]), told(&rich));
    world.receive("10.0.0.99:5060", &outside("OPTIONS", "10.0.0.99:5060", ""));
    world.expect(&[]);
}

#[test]
fn an_extension_that_the_policy_leaves_out_is_named_wherever_it_is_required() {
    let mut world = World::new(&config("prack = \"off\"", ""));
    for (from, extension, known) in [
        (PBX, "100rel", false),
        (GW1, "100rel", true),
        (GW1, "timer", true),
        (GW1, "replaces", false),
        (PBX, "norefersub", false),
    ] {
        world.receive(
            from,
            &outside("OPTIONS", from, &format!("Require: {extension}\r\n"))
                .replace("bKo", &format!("bK{extension}")),
        );
        let sent = world.take();
        let refused = if known { "" } else { extension };
        assert_eq!(sent[0].header("Unsupported"), refused, "{extension}: {}", sent[0].text);
    }
}

#[test]
fn a_subscription_is_not_allowed_where_no_event_is_known_and_else_hears_which_are() {
    for (policy, event, outside_status, inside_status, events) in [
        ("", "presence", "405", "405", ""),
        ("", "refer", "405", "405", ""),
        ("refer = \"local\"", "presence", "489", "489", "refer"),
        ("refer = \"pass\"", "refer;id=93809824", "403", "481", ""),
    ] {
        let mut world = World::new(&config(policy, ""));
        let rows = format!("Event: {event}\r\nExpires: 600\r\n");
        let (_, ok) = answered(&mut world);
        world.receive(PBX, &outside("SUBSCRIBE", PBX, &rows));
        let first = world.take().remove(0);
        world.receive(PBX, &inside("SUBSCRIBE", 2, ok.header("To"), "s2", &rows, ""));
        let second = world.take().remove(0);
        for (sent, status) in [(&first, outside_status), (&second, inside_status)] {
            assert!(
                sent.start().starts_with(&format!("SIP/2.0 {status}")),
                "{policy} {event}: {}",
                sent.text
            );
            assert_eq!(sent.header("Allow-Events"), events, "{policy} {event}");
            assert!(!sent.text.contains("Allow-Events: \r\n"), "an empty list is none: {}", sent.text);
            assert_eq!(sent.header("Allow").is_empty(), status != "405", "{}", sent.text);
        }
    }
}

#[test]
fn every_request_to_a_trunk_names_its_user_agent_and_no_response_names_a_server() {
    let mut world = World::new(&config("user_agent = \"Inside 1\"", "user_agent = \"Outside 2\""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let rows = "Require: 100rel\r\nRSeq: 1\r\n";
    world.receive(GW1, &response(&out, "183 Session Progress", "tb", rows, ANSWER));
    let prack = world.take().into_iter().find(|s| s.start().starts_with("PRACK")).expect("a PRACK");
    world.receive(GW1, &response(&prack, "200 OK", "", "", ""));
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ""));
    let ok = world.take().into_iter().find(|s| s.start() == "SIP/2.0 200 OK");
    let to = ok.expect("an answer").header("To").to_owned();
    world.receive(PBX, &inside("ACK", 1, &to, "a1", "", ""));
    world.receive(GW1, &from_callee("INFO", 1, &out, "tb", "i1", ""));
    world.receive(PBX, &inside("INVITE", 2, &to, "r1", "", &OFFER.replace("m=audio 4000", "m=audio 4002")));
    let again = world.take().into_iter().find(|s| s.to.to_string() == GW1).expect("a re-INVITE");
    world.receive(GW1, &response(&again, "200 OK", "", "", ANSWER));
    world.receive(GW1, &from_callee("BYE", 2, &out, "tb", "b1", ""));
    world.take();
    let mut methods: Vec<&str> = Vec::new();
    for sent in &world.seen {
        assert!(!sent.text.contains("\r\nServer:"), "{}", sent.text);
        let method = sent.start().split(' ').next().unwrap_or_default();
        if method == "SIP/2.0" {
            assert_eq!(sent.header("User-Agent"), "", "{}", sent.text);
            continue;
        }
        let own = if sent.to.to_string() == PBX { "Inside 1" } else { "Outside 2" };
        assert_eq!(sent.header("User-Agent"), own, "{}", sent.text);
        assert_eq!(sent.text.matches("User-Agent").count(), 1, "{}", sent.text);
        methods.push(method);
    }
    for method in ["INVITE", "PRACK", "ACK", "INFO", "BYE"] {
        assert!(methods.contains(&method), "{method} of {methods:?}");
    }
}

#[test]
fn an_invite_given_up_for_silence_says_why_when_it_can_be_cancelled_at_last() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.pass(Duration::from_secs(10));
    let second = world.take().into_iter().find(|s| s.to.to_string() == GW2).expect("the next gateway");
    world.receive(GW1, &response(&first, "180 Ringing", "ta", "", ""));
    let cancel = world.expect(&[(GW1, "CANCEL")]).remove(0);
    assert!(cancel.header("Reason").starts_with("Q.850;cause=102;"), "RFC 3326: {}", cancel.text);
    world.receive(GW2, &response(&second, "180 Ringing", "tb", "", ""));
    world.pass(Duration::from_secs(200));
    let ring = world.take().into_iter().find(|s| s.start().starts_with("CANCEL") && s.to.to_string() == GW2);
    let ring = ring.expect("the second is given up too");
    assert!(ring.header("Reason").starts_with("Q.850;cause=19;"), "RFC 3326: {}", ring.text);
}

#[test]
fn a_refusal_tells_outside_its_id_and_no_advice() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("12", OFFER, ""));
    let refused = world.expect(&[(PBX, "SIP/2.0 404")]).remove(0);
    assert_eq!(refused.header("Warning"), "399 10.0.0.5 \"R-NO-ROUTE\"");
    let named = OFFER.replace("c=IN IP4 10.0.0.21", "c=IN IP4 pbx.corp.example");
    world
        .receive(PBX, &invite("+4420700000", &named, "").replace("call-a", "call-b").replace("bKa1", "bKa2"));
    let refused = world.expect(&[(PBX, "SIP/2.0 488")]).remove(0);
    for warning in
        ["399 10.0.0.5 \"M-ADDRESS\"", "301 10.0.0.5 \"Host names are not supported in media addresses\""]
    {
        assert!(refused.text.contains(&format!("Warning: {warning}\r\n")), "{}", refused.text);
    }
}

#[test]
fn what_is_told_outside_calls_is_what_is_taken_there() {
    let mut world = World::new(CONFIG);
    let message = crate::common::invite("x", "", "").replace("INVITE", "MESSAGE");
    world.receive(PBX, &message);
    let refused = world.expect(&[(PBX, "SIP/2.0 405")])[0].clone();
    assert!(
        refused.header("Allow").contains("INFO") && !refused.text.contains("MESSAGE,"),
        "{}",
        refused.text
    );
    assert!(!refused.header("Allow").contains("MESSAGE"), "{}", refused.text);
    let taking = CONFIG.replacen(
        "gateways = [\"10.0.0.21\"]",
        "gateways = [\"10.0.0.21\"]\nusers = [{ username = \"7\", password = \"geheim\" }]\nauthenticate = { requests = [\"register\"] }\nregistrar = {}",
        1,
    );
    for (text, named) in [(CONFIG, false), (&*taking, true)] {
        let mut world = World::new(text);
        world.receive(PBX, &crate::common::invite("x", "", "").replace("INVITE", "OPTIONS"));
        let told = world.expect(&[(PBX, "SIP/2.0 200")])[0].clone();
        assert_eq!(told.text.contains("Allow: REGISTER\r\n"), named, "{}", told.text);
    }
}
