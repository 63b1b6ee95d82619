//! Media whose keys are agreed on by handshakes (DTLS-SRTP): baresip on either side, whose certificate has an RSA key,
//! phones played by hand, and strangers who come first.

use conformance::baresip::Baresip;
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::hearing::await_datagram;
use conformance::openssl::Identity;
use conformance::secured::{self, DID, WORLD, phone};
use conformance::wire::{Datagrams, Message};
use conformance::{Place, Server, records};
use std::net::UdpSocket;

const DTLS: &str = "srtp = \"required\", srtp_keys = [\"dtls\"]";
const SDES: &str = "srtp = \"required\"";
const OFF: &str = "srtp = \"off\"";

/// A call between two baresips through trunks with these policies: each hears the other's tone, and the record says how
/// each leg was secured.
fn two_phones(name: &str, (pbx, itsp): (&str, &str), (ours, theirs): (&str, &str), told: [&str; 2]) {
    let place = secured::two_phones(name, (pbx, itsp), (ours, theirs));
    let record = records::await_count(&place, 1).remove(0);
    let security =
        |way: &str| record.pointer(&format!("/media/{way}/security")).and_then(|word| word.as_str());
    assert_eq!([security("from_caller"), security("from_callee")], told.map(Some), "{record}");
}

const BY_DTLS: &str = "dtls AES_CM_128_HMAC_SHA1_80";
const BY_SDES: &str = "sdes AES_CM_128_HMAC_SHA1_80";

#[test]
fn a_plain_phone_calls_one_that_shakes_hands() {
    two_phones("dtls-out", (OFF, DTLS), ("", "dtls_srtp"), ["none", BY_DTLS]);
}

#[test]
fn a_phone_that_shakes_hands_calls_a_plain_one() {
    two_phones("dtls-in", (DTLS, OFF), ("dtls_srtp", ""), [BY_DTLS, "none"]);
}

#[test]
fn keys_in_descriptions_and_keys_of_handshakes_are_joined() {
    two_phones("dtls-sdes", (DTLS, SDES), ("dtls_srtp", "srtp-mand"), [BY_DTLS, BY_SDES]);
    two_phones("sdes-dtls", (SDES, DTLS), ("srtp-mand", "dtls_srtp"), [BY_SDES, BY_DTLS]);
}

#[test]
fn two_handshakes_have_two_sets_of_keys() {
    two_phones("dtls-both", (DTLS, DTLS), ("dtls_srtp", "dtls_srtp"), [BY_DTLS, BY_DTLS]);
}

#[test]
fn handshakes_and_another_codec_go_together() {
    let shaken = format!("{DTLS}, codecs = [\"opus\"]");
    let plain = format!("{OFF}, codecs = [\"PCMU\"]");
    let codecs = ("opus/48000/2", "PCMU");
    drop(secured::two_codecs("dtls-opus", (&shaken, &plain), ("dtls_srtp", ""), codecs));
    drop(secured::two_codecs("opus-dtls", (&plain, &shaken), ("", "dtls_srtp"), ("PCMU", "opus/48000/2")));
    let keyed = format!("{SDES}, codecs = [\"G722\"]");
    drop(secured::two_codecs(
        "opus-g722",
        (&shaken, &keyed),
        ("dtls_srtp", "srtp-mand"),
        ("opus/48000/2", "G722"),
    ));
}

#[test]
fn we_begin_with_a_phone_whose_certificate_is_rsa() {
    // A phone that is reached where it says: it is called on.
    let active = format!("{DTLS}, dtls_setup = \"active\"");
    two_phones("dtls-active", (&active, OFF), ("dtls_srtp", ""), [BY_DTLS, "none"]);
}

/// baresip answers `a=setup:actpass` where it has called (RFC 5763 §5 forbids it); the keys go on (RFC 8842 §5.5).
#[test]
fn a_call_with_handshakes_is_held_and_taken_back_by_either_side() {
    let place = Place::new("dtls-hold");
    let mut setup = Setup::new(&place);
    setup.pbx_more = format!("override = {{ latch = \"nat\", {DTLS} }}\n");
    setup.itsp_more = setup.pbx_more.clone();
    setup.drain = "1s";
    // Each request is counted once, also where a phone is held up.
    setup.signalling = "t1_ms = 2000\n".into();
    let server = Server::start(&place, &setup.text());
    let callee = phone(&place, WORLD, ITSP, 700.0, "dtls_srtp", None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = phone(&place, DID, PBX, 440.0, "dtls_srtp", Some(&uri));
    caller.hears_now(700.0);
    callee.hears_now(440.0);
    let capture = Capture::start(&place);
    for holder in [&callee, &caller] {
        let mut line = holder.control();
        for order in ["hold", "resume"] {
            line.order(order);
            // Of the answer, which ends the change.
            line.await_word("CALL_REMOTE_SDP");
        }
        caller.hears_now(700.0);
        callee.hears_now(440.0);
    }
    let asked = capture.end("sip.Method == \"INVITE\"", &["sip.CSeq.seq"]);
    assert_eq!(asked.len(), 8, "four changes, on both legs");
    let shaken = capture.lines(&[], "udp.payload[0:2] == 16:fe", &["ip.src"]);
    assert!(shaken.is_empty(), "no handshake is begun anew: {shaken:?}");
    drop(caller);
    drop(callee);
    assert_eq!(server.stop(), 0);
    let record = records::await_count(&place, 1).remove(0);
    for way in ["from_caller", "from_callee"] {
        let security = record.pointer(&format!("/media/{way}/security")).and_then(|word| word.as_str());
        assert_eq!(security, Some(BY_DTLS), "{record}");
    }
}

/// The 200 to an INVITE of a callee at port 42000 that begins the handshake.
fn answers(sip: &Datagrams, asked: &Message, (ip, fingerprint): (&str, &str)) {
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 42000 UDP/TLS/RTP/SAVP 8\r\n\
         a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=setup:active\r\na=fingerprint:sha-256 {}\r\n",
        fingerprint
    );
    let rows =
        |name: &str| asked.headers(name).iter().map(|v| format!("{name}: {v}\r\n")).collect::<String>();
    sip.send(format!(
        "SIP/2.0 200 OK\r\n{}{}To: {};tag=early\r\n{}{}Contact: <sip:{WORLD}@{ip}:5060>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        rows("Via"),
        rows("From"),
        asked.header("To"),
        rows("Call-ID"),
        rows("CSeq"),
        body.len()
    ));
}

/// Packets of 20 ms that may pass between an answer and the first sound, for a machine that stands still for a moment;
/// what waits for the repeated ClientHello waits for more than 50.
const UNHEARD_MAX: f64 = 45.0;

/// RFC 5763 §5: OpenSSL repeats its ClientHello after a second only (RFC 6347 §4.2.4.1).
#[test]
fn a_callee_that_begins_before_it_answers_is_sent_sound_at_once() {
    let place = Place::new("dtls-early");
    let callee = Identity::new(&place, "callee");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { latch = \"nat\" }\n".into();
    setup.itsp_more = format!("override = {{ {DTLS} }}\n");
    let _server = Server::start(&place, &setup.text());
    let (ip, there) = (place.ip(ITSP), place.ip(OUTSIDE));
    let sip = Datagrams::new(&format!("{ip}:5060"), &place.sip(OUTSIDE));
    let capture = Capture::start(&place);
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let _caller = phone(&place, DID, PBX, 440.0, "", Some(&uri));
    let asked = sip.await_message("INVITE", "a=setup:actpass");
    let port = line(&asked.0, "m=audio ").split(' ').next().expect("a port").to_owned();
    let shakes = callee.begins(&format!("{ip}:42000"), &format!("{there}:{port}"));
    answers(&sip, &asked, (&ip, &callee.fingerprint()));
    let _ = sip.await_message("ACK", "");
    shakes.await_end();
    let rtp = UdpSocket::bind((ip.as_str(), 42_000)).expect("the callee's port");
    hears_protected(&rtp, "sound of the caller");
    let sound = format!("ip.src == {there} && udp.dstport == 42000 && udp.length == {}", 8 + 12 + 160 + 10);
    let times = |filter: &str| -> Vec<f64> {
        let lines = capture.lines(&[], filter, &["frame.time_epoch"]);
        lines.iter().filter_map(|line| line.parse().ok()).collect()
    };
    let answered = capture.end(&format!("sip.Status-Code == 200 && ip.src == {ip}"), &["frame.time_epoch"]);
    let answered: f64 = answered.first().and_then(|line| line.parse().ok()).expect("our 200");
    let first = times(&sound).first().copied().expect("sound");
    let packets = (first - answered) / 0.02;
    assert!(packets < UNHEARD_MAX, "{packets:.1} packets after the answer");
}

/// Waits for a packet of 20 ms that is longer by the tag.
fn hears_protected(rtp: &UdpSocket, what: &str) {
    await_datagram(rtp, what, |bytes, _| (bytes.len() == 12 + 160 + 10).then_some(()));
}

/// A phone at one address whose descriptions are written here.
struct Hand {
    sip: Datagrams,
    ip: String,
}

impl Hand {
    fn new(place: &Place) -> Hand {
        let ip = place.ip(PBX);
        Hand { sip: Datagrams::new(&format!("{ip}:5060"), &place.sip(INSIDE)), ip }
    }

    /// Calls with this fingerprint, and begins the handshake itself; the answer, acknowledged.
    fn calls(&self, mark: &str, fingerprint: &str) -> String {
        let ip = &self.ip;
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\na=fingerprint:sha-256 {fingerprint}\r\n\
             m=audio 42000 UDP/TLS/RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=setup:active\r\n"
        );
        self.sip.send(format!(
            "INVITE sip:{WORLD}@server SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;rport;branch=z9hG4bK{mark}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{DID}@{ip}>;tag={mark}\r\nTo: <sip:{WORLD}@server>\r\n\
             Call-ID: {mark}@{ip}\r\nCSeq: 1 INVITE\r\nContact: <sip:{DID}@{ip}:5060>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let is_final = |message: &Message| message.status().is_some_and(|status| status >= 200);
        let answer = self.sip.await_any("answer", |message| Some(message).filter(is_final));
        assert_eq!(answer.status(), Some(200), "{}", answer.0);
        self.request("ACK", 1, mark, answer.header("To"));
        answer.0
    }

    fn request(&self, method: &str, cseq: u32, mark: &str, to: &str) {
        let ip = &self.ip;
        self.sip.send(format!(
            "{method} sip:{WORLD}@server SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;rport;branch=z9hG4bK{mark}{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{DID}@{ip}>;tag={mark}\r\nTo: {to}\r\nCall-ID: {mark}@{ip}\r\n\
             CSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        ));
    }
}

fn line<'t>(text: &'t str, start: &str) -> &'t str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default()
}

/// A server whose PBX speaks DTLS from anywhere, and a plain phone to be called.
fn behind_nat(place: &Place) -> (Server, Baresip) {
    let mut setup = Setup::new(place);
    setup.pbx_more = format!("override = {{ latch = \"nat\", {DTLS} }}\n");
    setup.itsp_more = "override = { latch = \"nat\" }\n".into();
    let server = Server::start(place, &setup.text());
    let callee = phone(place, WORLD, ITSP, 700.0, "", None);
    callee.process().line("baresip is ready");
    (server, callee)
}

#[test]
fn a_stranger_who_comes_first_gets_nothing_and_the_phone_its_keys() {
    let place = Place::new("dtls-stranger");
    let (genuine, stranger) = (Identity::new(&place, "genuine"), Identity::new(&place, "stranger"));
    let (server, _callee) = behind_nat(&place);
    let hand = Hand::new(&place);
    let answer = hand.calls("first", &genuine.fingerprint());
    assert_eq!(line(&answer, "a=setup:"), "passive", "{answer}");
    let port = line(&answer, "m=audio ").split(' ').next().expect("a port").to_owned();
    let to = format!("{}:{port}", place.ip(INSIDE));
    let refused = stranger.shakes(&format!("{}:43000", place.ip(66)), &to);
    assert!(refused.contains("alert bad certificate"), "{refused}");
    let agreed = genuine.shakes(&format!("{}:42000", place.ip(PBX)), &to);
    assert!(agreed.contains("Keying material: ") && !agreed.contains("alert"), "{agreed}");
    let rtp = UdpSocket::bind((place.ip(PBX).as_str(), 42_000)).expect("the phone's port");
    hears_protected(&rtp, "sound of the callee");
    hand.request("BYE", 2, "first", line(&answer, "To: "));
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(
        record.pointer("/media/from_caller/security").and_then(|word| word.as_str()),
        Some(BY_DTLS),
        "{record}"
    );
    let dropped = record.pointer("/media/from_caller/dropped").and_then(serde_json::Value::as_u64);
    assert!(dropped.is_some_and(|count| count > 0), "{record}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_call_with_nobody_who_shows_the_certificate_ends_with_a_reason() {
    let place = Place::new("dtls-nobody");
    let stranger = Identity::new(&place, "stranger");
    let (server, _callee) = behind_nat(&place);
    let hand = Hand::new(&place);
    let answer = hand.calls("nobody", &vec!["5A"; 32].join(":"));
    let port = line(&answer, "m=audio ").split(' ').next().expect("a port").to_owned();
    let refused =
        stranger.shakes(&format!("{}:42000", place.ip(PBX)), &format!("{}:{port}", place.ip(INSIDE)));
    assert!(refused.contains("alert bad certificate"), "{refused}");
    let _ = hand.sip.await_message("BYE", "");
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(
        record.pointer("/reason").and_then(|word| word.as_str()),
        Some("M-SRTP-HANDSHAKE"),
        "{record}"
    );
    server.process().line("the peer's certificate is not the one that its description names");
    assert_eq!(server.stop(), 0);
}
