//! rtpengine on either side: every suite of keys in descriptions, handshakes in both roles, with ICE and without, and
//! each security beside each other one. Phones with plain RTP stand behind it, so that every byte can be told.

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::hearing::find;
use conformance::phone::{Dialog, Phone, call_answered, rtp_packet};
use conformance::rtpengine::{Rtpengine, Way, place_of};
use conformance::{Place, Server, records};
use std::net::{SocketAddr, UdpSocket};

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
/// The addresses of both rtpengines.
const NEAR: u8 = 11;
const FAR: u8 = 12;

const LONG: &str = "AES_CM_128_HMAC_SHA1_80";

/// A call between two phones, each behind an rtpengine of its own: every word arrives, unchanged.
fn talk(name: &str, near: &Way, far: &Way) {
    let place = Place::new(name);
    let mut setup = Setup::new(&place);
    setup.pbx_more = format!("override = {{ {} }}\n", near.rules);
    setup.itsp_more = format!("override = {{ {} }}\n", far.rules);
    let server = Server::start(&place, &setup.text());
    let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
    let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
    let (before, behind) = (Rtpengine::start(&place, NEAR), Rtpengine::start(&place, FAR));
    let offer = before.offer(&pbx.description(), &near.how);
    pbx.described = Some(offer.clone());
    let mut relay = None;
    let (a, b) = call_answered(&pbx, &itsp, (WORLD, DID, name), |offer| {
        let inner = behind.offer(offer, &far.behind());
        relay = Some(place_of(&inner, 0));
        behind.answer(&itsp.description(), &far.how)
    });
    let answer = before.answer(&a.description, &near.behind());
    let relays = (place_of(&answer, 0), relay.expect("an offer"));
    let told = format!("{offer}\n{}\n{}\n", a.description, b.description);
    each_hears((&pbx.rtp, relays.0), (&itsp.rtp, relays.1), &told);
    pbx.hang_up(&a, &itsp);
    let record = records::await_count(&place, 1).remove(0);
    let security = |way: &str| record.pointer(&format!("/media/{way}/security")).and_then(|w| w.as_str());
    assert_eq!(security("from_caller"), Some(&*near.told), "{record}\n{told}");
    assert_eq!(security("from_callee"), Some(&*far.told), "{record}\n{told}");
    assert_eq!(server.stop(), 0);
}

/// Speaks both ways until each side has heard fifty words of the other in a row: before keys are agreed nothing passes.
fn each_hears(a: (&UdpSocket, SocketAddr), b: (&UdpSocket, SocketAddr), told: &str) {
    let patience = std::time::Duration::from_millis(20);
    let (mut in_a_row, mut sequence, begun) = ([0; 2], 0_u16, std::time::Instant::now());
    while in_a_row.iter().any(|count| *count < 50) {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "in a row: {in_a_row:?}\n{told}");
        sequence += 1;
        for (way, (speaker, listener)) in [(a, b), (b, a)].into_iter().enumerate() {
            let word = rtp_packet(0x1111 * (way as u32 + 1), sequence, 0xA5 ^ way as u8);
            speaker.0.send_to(&word, speaker.1).expect("a packet sent");
            let heard =
                find(listener.0, patience, |bytes, _| (bytes.get(12..) == Some(&word[12..])).then_some(()));
            in_a_row[way] = if heard.is_some() { in_a_row[way] + 1 } else { 0 };
        }
    }
}

#[test]
fn every_suite_of_keys_in_descriptions() {
    for suite in ["AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_32", "AEAD_AES_128_GCM"] {
        talk("suite-near", &Way::keys(suite), &Way::plain());
        talk("suite-far", &Way::plain(), &Way::keys(suite));
    }
}

#[test]
fn each_security_beside_each_other_one() {
    let ways = [
        Way::plain(),
        Way::keys(LONG),
        Way::keys("AES_256_CM_HMAC_SHA1_80"),
        Way::keys("AEAD_AES_256_GCM"),
        Way::shaken(LONG, false, ""),
    ];
    for near in &ways {
        ways.iter().for_each(|far| talk("pair", near, far));
    }
}

#[test]
fn handshakes_in_either_role_of_either_suite() {
    talk("passive", &Way::shaken("AEAD_AES_128_GCM", false, ", dtls_setup = \"passive\""), &Way::plain());
    talk("active", &Way::shaken("AEAD_AES_256_GCM", false, ", dtls_setup = \"active\""), &Way::plain());
    talk("offered", &Way::plain(), &Way::shaken("AES_CM_128_HMAC_SHA1_32", false, ""));
}

#[test]
fn handshakes_beside_ice_on_one_port() {
    talk("ice-plain", &Way::shaken(LONG, true, ""), &Way::plain());
    talk("plain-ice", &Way::plain(), &Way::shaken(LONG, true, ""));
    talk(
        "ice-gcm",
        &Way::shaken("AEAD_AES_256_GCM", true, ", dtls_setup = \"passive\""),
        &Way::keys("AEAD_AES_256_GCM"),
    );
    talk("ice-ice", &Way::shaken(LONG, true, ""), &Way::shaken("AEAD_AES_128_GCM", true, ""));
}

/// What a description says of its stream of this number.
fn stream_of(description: &str, stream: usize) -> &str {
    description.split("m=audio ").nth(stream + 1).unwrap_or_default()
}

/// A phone's description with a second stream.
fn with_second(phone: &Phone, version: u8, port: u16) -> String {
    let line = format!("m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n");
    (phone.description() + &line).replace("o=- 1 1", &format!("o=- 1 {version}"))
}

/// Both described one stream first, then a second one, too, which was taken or not.
fn judge_added((first, both): (&str, &str), taken: bool, told: &str) {
    for said in ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"] {
        let of = |description: &str, stream| {
            let mut lines = stream_of(description, stream).lines();
            lines.find_map(|line| line.strip_prefix(said)).map(str::to_owned)
        };
        assert_eq!(of(both, 0), of(first, 0), "the first stays: {told}");
        assert_eq!(of(both, 1).is_some(), taken, "{said} of the second: {told}");
    }
}

/// A call between a phone behind rtpengine, with checks and handshakes, and a plain one.
struct Room {
    near: Way,
    engine: Rtpengine,
    pbx: Phone,
    itsp: Phone,
    /// Second streams of both.
    second: [UdpSocket; 2],
    a: Dialog,
    b: Dialog,
    server: Server,
    _place: Place,
}

impl Room {
    fn new(name: &str) -> Room {
        let place = Place::new(name);
        let near = Way::shaken(LONG, true, "");
        let mut setup = Setup::new(&place);
        setup.pbx_more = format!("override = {{ {} }}\n", near.rules);
        let server = Server::start(&place, &setup.text());
        let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
        let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
        let second =
            [PBX, ITSP].map(|host| UdpSocket::bind((place.ip(host), 40_010)).expect("a second stream"));
        let engine = Rtpengine::start(&place, NEAR);
        pbx.described = Some(engine.offer(&pbx.description(), &near.how));
        let (a, b) = call_answered(&pbx, &itsp, (WORLD, DID, name), |_| itsp.description());
        let answer = engine.answer(&a.description, &near.behind());
        each_hears((&pbx.rtp, place_of(&answer, 0)), (&itsp.rtp, b.relay), &a.description);
        pbx.described = None;
        Room { near, engine, pbx, itsp, second, a, b, server, _place: place }
    }

    /// The caller offers this, the callee answers that: what we answered, what we offered, and what rtpengine made of
    /// our answer.
    fn changes(&mut self, offer: &str, answer: &str) -> [String; 3] {
        let offer = self.engine.offer(offer, &self.near.how);
        self.pbx.asks(&mut self.a, &offer);
        let offered = self.itsp.takes_again(|_| answer.to_owned());
        let described = self.pbx.agreed(&self.a);
        let _ = self.itsp.sip.await_message("ACK", "");
        assert!(!offered.contains("a=ice-") && !offered.contains("a=fingerprint"), "{offered}");
        let made = self.engine.answer(&described, &self.near.behind());
        [described, offered, made]
    }

    fn first_is_heard(&self, made: &str) {
        each_hears((&self.pbx.rtp, place_of(made, 0)), (&self.itsp.rtp, self.b.relay), made);
    }

    fn second_is_heard(&self, [described, offered, made]: &[String; 3]) {
        let told = format!("{described}\n{offered}\n{made}");
        let [pbx, itsp] = &self.second;
        each_hears((pbx, place_of(made, 1)), (itsp, place_of(offered, 1)), &told);
    }

    fn end(self) {
        self.pbx.hang_up(&self.a, &self.itsp);
        assert_eq!(self.server.stop(), 0);
    }
}

/// RFC 3264 §8.1, RFC 8839 §4.4.1.2.1, RFC 8842 §5.2: a stream that is added has checks and a handshake of its own, whether
/// the other end takes it, or refuses it first and takes it later.
#[test]
fn a_stream_that_is_added_has_checks_and_a_handshake_of_its_own_and_leaves_the_first_alone() {
    let mut room = Room::new("added");
    let first = room.a.description.clone();
    for (version, taken) in [(2, 0), (3, 40_010)] {
        let offer = with_second(&room.pbx, version, 40_010);
        let answer = with_second(&room.itsp, version, taken);
        let all = room.changes(&offer, &answer);
        judge_added((&first, &all[0]), taken != 0, &all.concat());
        room.first_is_heard(&all[2]);
        if taken != 0 {
            room.second_is_heard(&all);
        }
    }
    room.end();
}

#[test]
fn a_stream_that_is_added_is_heard_while_the_first_one_rests_and_when_it_is_gone() {
    let mut room = Room::new("added-alone");
    for (version, rests, gone) in [(2, true, false), (3, false, false), (4, false, true)] {
        let change = |text: String| match (rests, gone) {
            (true, _) => text.replacen("a=ptime:20\r\n", "a=ptime:20\r\na=inactive\r\n", 1),
            (_, true) => text.replacen("m=audio 40000 ", "m=audio 0 ", 1),
            _ => text,
        };
        let offer = change(with_second(&room.pbx, version, 40_010));
        let answer = change(with_second(&room.itsp, version, 40_010));
        let all = room.changes(&offer, &answer);
        room.second_is_heard(&all);
        if !rests && !gone {
            room.first_is_heard(&all[2]);
        }
    }
    room.end();
}
