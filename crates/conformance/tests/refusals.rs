//! What is not a call: requests outside dialogs, methods we do not serve, strangers.

use conformance::config::{INSIDE, PBX, Setup};
use conformance::wire::{Datagrams, Message, options, request};
use conformance::{Place, Server};
use std::io::{Read, Write};
use std::process::Command;

fn trunk(place: &Place) -> Datagrams {
    Datagrams::new(&place.sip(PBX), &place.sip(INSIDE))
}

/// Sends a request outside any dialog and gives its final answer.
fn asked(place: &Place, method: &str, more: &str) -> Message {
    let socket = trunk(place);
    let uri = format!("sip:+441632960001@{}", place.sip(INSIDE));
    socket.send(request(method, &uri, &place.sip(PBX), &format!("asked{method}"), more));
    let is_final = |message: &Message| message.status().is_some_and(|s| s >= 200);
    let answer = socket.await_any("final answer", |message| Some(message).filter(is_final));
    assert!(answer.header("To").contains("tag="), "RFC 3261 §8.2.6.2:\n{}", answer.0);
    answer
}

#[test]
fn options_is_answered_to_sipsak() {
    let place = Place::new("sipsak");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "sources = [\"127.0.0.1\"]\n".into();
    let _server = Server::start(&place, &setup.text());
    let output = Command::new("sipsak")
        .args(["-v", "-s", &format!("sip:probe@{}", place.sip(INSIDE))])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn options_names_methods_and_types_that_are_understood() {
    let place = Place::new("options");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let answer = asked(&place, "OPTIONS", "");
    assert_eq!(answer.status(), Some(200));
    for method in ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"] {
        assert!(answer.header("Allow").contains(method), "RFC 3261 §11.2:\n{}", answer.0);
    }
    assert!(answer.header("Accept").contains("application/sdp"), "RFC 3261 §11.2:\n{}", answer.0);
}

#[test]
fn subscriptions_are_refused_as_events_that_are_unknown() {
    let place = Place::new("subscribe");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { refer = \"local\" }\n".into();
    let _server = Server::start(&place, &setup.text());
    let answer = asked(&place, "SUBSCRIBE", "Event: presence\r\nExpires: 3600\r\n");
    assert_eq!(answer.status(), Some(489), "RFC 6665 §4.2.1.1:\n{}", answer.0);
    assert_eq!(answer.header("Allow-Events"), "refer", "RFC 6665 §8.2.2:\n{}", answer.0);
}

#[test]
fn subscriptions_are_not_allowed_where_no_event_is_known() {
    let place = Place::new("subscribe-405");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let answer = asked(&place, "SUBSCRIBE", "Event: presence\r\nExpires: 3600\r\n");
    assert_eq!(answer.status(), Some(405), "RFC 3261 §8.2.1:\n{}", answer.0);
    assert!(!answer.header("Allow").contains("SUBSCRIBE"), "RFC 3261 §21.4.6:\n{}", answer.0);
}

#[test]
fn transfers_outside_a_call_are_refused() {
    let place = Place::new("refer-outside");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let answer = asked(&place, "REFER", "Refer-To: <sip:+441632960002@server>\r\n");
    assert!(matches!(answer.status(), Some(403 | 405 | 481 | 603)), "{}", answer.0);
}

#[test]
fn an_unknown_method_is_not_implemented() {
    let place = Place::new("unknown-method");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let answer = asked(&place, "FLIRT", "");
    assert!(matches!(answer.status(), Some(405 | 501)), "RFC 3261 §8.2.1:\n{}", answer.0);
    if answer.status() == Some(405) {
        assert!(!answer.header("Allow").is_empty(), "RFC 3261 §21.4.6:\n{}", answer.0);
    }
}

#[test]
fn an_extension_that_is_required_and_unknown_is_named() {
    let place = Place::new("bad-extension");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let answer = asked(&place, "OPTIONS", "Require: clairvoyance\r\n");
    assert_eq!(answer.status(), Some(420), "RFC 3261 §8.2.2.3:\n{}", answer.0);
    assert_eq!(answer.header("Unsupported"), "clairvoyance");
}

#[test]
fn requests_within_no_dialog_of_ours_are_told_so() {
    let place = Place::new("no-dialog");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let socket = trunk(&place);
    let uri = format!("sip:+441632960001@{}", place.sip(INSIDE));
    let bye = request("BYE", &uri, &place.sip(PBX), "bye", "");
    socket.send(bye.replacen(&format!("To: <{uri}>"), &format!("To: <{uri}>;tag=nobody"), 1));
    assert_eq!(socket.receive().status(), Some(481), "RFC 3261 §15.1.2");
}

#[test]
fn a_stranger_hears_nothing_whatever_he_sends() {
    let place = Place::new("stranger");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let stranger = Datagrams::new(&place.sip(99), &place.sip(INSIDE));
    let uri = format!("sip:+441632960001@{}", place.sip(INSIDE));
    for (n, method) in
        ["INVITE", "OPTIONS", "REGISTER", "MESSAGE", "BYE", "CANCEL", "SUBSCRIBE"].iter().enumerate()
    {
        stranger.send(request(method, &uri, &place.sip(99), &format!("stranger{n}"), ""));
        // The trunk's address in Via must not help: the source counts.
        stranger.send(request(method, &uri, &place.sip(PBX), &format!("forged{n}"), ""));
    }
    stranger.send(b"no SIP at all\r\n\r\n");
    let known = trunk(&place);
    let _ = known.all_until_options_answered("after");
    assert!(stranger.is_silent(), "a stranger got {:?}", stranger.receive());
}

#[test]
fn a_stranger_hears_nothing_over_tcp_either() {
    let place = Place::new("stranger-tcp");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let mut stranger = conformance::wire::connect_from(&place.ip(99), &place.sip(INSIDE));
    let here = stranger.local_addr().unwrap().to_string();
    stranger.write_all(options(&here, &place.sip(INSIDE), "TCP", "stranger").as_bytes()).unwrap();
    let known = trunk(&place);
    for round in 0..5 {
        let _ = known.all_until_options_answered(&format!("after{round}"));
    }
    stranger.set_nonblocking(true).unwrap();
    let heard = stranger.read(&mut [0; 512]);
    assert!(!matches!(heard, Ok(n) if n > 0), "a stranger got an answer over TCP");
}

#[test]
fn a_tag_that_looks_like_ours_lets_no_stranger_in() {
    let place = Place::new("stranger-tag");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let known = trunk(&place);
    let uri = format!("sip:+441632960001@{}", place.sip(INSIDE));
    let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";
    let more = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n", body.len());
    let invite = request("INVITE", &uri, &place.sip(PBX), "call", "").replace("Content-Length: 0\r\n", &more);
    known.send(invite + body);
    let is_tagged = |message: &Message| message.header("To").contains("tag=");
    let refusal = known.await_any("refusal", |message| Some(message).filter(is_tagged));
    let tag = refusal.header("To").split("tag=").nth(1).unwrap_or_default().to_owned();
    let stranger = Datagrams::new(&place.sip(99), &place.sip(INSIDE));
    for method in ["BYE", "INFO", "INVITE", "UPDATE"] {
        let forged = request(method, &uri, &place.sip(99), &format!("forged{method}"), "");
        stranger.send(forged.replacen(&format!("To: <{uri}>"), &format!("To: <{uri}>;tag={tag}"), 1));
    }
    let _ = known.all_until_options_answered("after");
    assert!(stranger.is_silent(), "a stranger got {:?}", stranger.receive());
}
