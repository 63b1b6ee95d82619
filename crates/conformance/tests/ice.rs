//! ICE (RFC 8445): checks of a full agent prove where its media are. The agents are baresip's, and checks written
//! here byte for byte.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use conformance::audio::{level, share};
use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::control::{await_call, is_about};
use conformance::island::{on_an_island, on_an_island_of_both};
use conformance::phone::{Dialog, Phone, call, ok, rtp_packet};
use conformance::stun::Check;
use conformance::{Place, Server, records};
use rustix::process::Signal;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
const PASSWORD: &str = "apasswordofthephones22";

/// Waits until the phone has heard a second of a tone of `hertz`.
fn hears(phone: &Baresip, hertz: f64, not: f64) {
    let heard = conformance::await_some(|| Some(phone.heard()).filter(|s| s.len() >= 8_000));
    let samples = heard.unwrap_or_else(|| phone.heard());
    let (own, other) = (share(&samples, hertz), share(&samples, not));
    let told = format!(
        "{} samples, level {:.0}, {own:.2} at {hertz}, {other:.2} at {not}",
        samples.len(),
        level(&samples)
    );
    assert!(samples.len() >= 8_000 && own > 0.8 && other < 0.1, "{told}\n{}", phone.process().tail());
}

/// One of two phones: with ICE or not, what else its trunk asks for, and what else its account says.
#[derive(Clone, Copy)]
struct End<'a> {
    ice: bool,
    rules: &'a str,
    account: &'a str,
    codec: &'a str,
}

const PLAIN: End<'_> = End { ice: false, rules: "", account: "", codec: "PCMA" };
const CHECKED: End<'_> = End { ice: true, ..PLAIN };

impl End<'_> {
    fn trunk(&self) -> String {
        // Without ICE: from whatever address the system picks, as behind NAT.
        let rule = if self.ice { "ice = \"lite\"" } else { "latch = \"nat\"" };
        format!("override = {{ {rule}{} }}\n", self.rules)
    }

    fn phone(&self, place: &Place, number: &str, host: u8, hertz: f64, dial: Option<&str>) -> Baresip {
        let nat = if self.ice { ";medianat=ice" } else { "" };
        let account = format!("<sip:{number}@{}>;regint=0{nat}{}", place.host(host), self.account);
        let voice = Voice { codec: self.codec, ..Voice::tone(hertz) };
        Baresip::with_voice(place, number, host, &voice, &account, dial)
    }
}

/// Two baresip through the server; each must hear the other's tone.
fn talk(name: &str, inside: End<'_>, outside: End<'_>) {
    on_an_island(name, || {
        let place = Place::new("ice");
        let mut setup = Setup::new(&place);
        setup.drain = "1s";
        (setup.pbx_more, setup.itsp_more) = (inside.trunk(), outside.trunk());
        let server = Server::start(&place, &setup.text());
        drop(speak(&place, inside, outside));
        assert_eq!(server.stop(), 0);
    });
}

/// Two baresip that have heard each other.
fn speak(place: &Place, inside: End<'_>, outside: End<'_>) -> (Baresip, Baresip) {
    let callee = outside.phone(place, WORLD, ITSP, 700.0, None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = inside.phone(place, DID, PBX, 440.0, Some(&uri));
    hears(&caller, 700.0, 440.0);
    hears(&callee, 440.0, 700.0);
    (caller, callee)
}

#[test]
fn of_candidates_of_both_families_those_of_ours_are_checked() {
    on_an_island_of_both("of_candidates_of_both_families_those_of_ours_are_checked", || {
        let place = Place::six("ice-six", &[INSIDE, PBX]);
        let mut setup = Setup::new(&place);
        setup.drain = "1s";
        (setup.pbx_more, setup.itsp_more) = (CHECKED.trunk(), PLAIN.trunk());
        let server = Server::start(&place, &setup.text());
        let capture = Capture::start(&place);
        drop(speak(&place, CHECKED, PLAIN));
        let offered = capture.end("sip.Method == \"INVITE\" && ipv6", &["sdp.media_attr"]);
        let offer = offered.first().expect("an INVITE");
        let candidate = |ip: String| offer.contains(&format!(" {ip} "));
        assert!(candidate(place.ip(PBX)) && candidate(place.ip(ITSP)), "of both families: {offer}");
        let checked = capture.lines(&[], "stun.type == 0x0101 && !icmpv6", &["ipv6.src", "ip.src"]);
        let ours = |line: &&String| line.trim() == place.ip(INSIDE);
        assert!(!checked.is_empty() && checked.iter().all(|line| ours(&line)), "{checked:?}");
        let sound = capture.lines(&[], "udp.dstport >= 40000 && udp.length == 180", &["ipv6.src", "ip.src"]);
        assert!(sound.iter().filter(ours).count() > 50, "{sound:?}");
        assert_eq!(server.stop(), 0);
    });
}

#[test]
fn a_peer_that_freezes_is_told_of_by_all_that_has_ceased() {
    on_an_island("a_peer_that_freezes_is_told_of_by_all_that_has_ceased", || {
        let place = Place::new("ice-freezes");
        let frozen = End { rules: ", media_timeout = \"2s\"", ..CHECKED };
        let mut setup = Setup::new(&place);
        setup.drain = "1s";
        (setup.pbx_more, setup.itsp_more) = (frozen.trunk(), PLAIN.trunk());
        let server = Server::start(&place, &setup.text());
        let (caller, callee) = speak(&place, frozen, PLAIN);
        caller.process().signal(Signal::STOP);
        let record = records::await_count(&place, 1).remove(0);
        assert_eq!(records::word(&record, "reason"), "M-TIMEOUT", "{record}");
        let decision = records::word(&record, "decision");
        let told = decision.split("caller silent: no RTP for ").nth(1).and_then(|told| told.split_once(", "));
        let as_told = |(time, rest): (&str, &str)| {
            is_about(time, 2) && rest.contains(" RTCP") && rest.contains(", no ICE check for ")
        };
        assert!(told.is_some_and(as_told), "{record}");
        server.process().line(&decision[decision.find("caller silent").unwrap()..]);
        caller.process().signal(Signal::CONT);
        drop((caller, callee));
        let _ = server.stop();
    });
}

#[test]
fn baresip_with_ice_calls_a_phone_without() {
    talk("baresip_with_ice_calls_a_phone_without", CHECKED, PLAIN);
}

#[test]
fn a_phone_without_ice_calls_baresip_with() {
    talk("a_phone_without_ice_calls_baresip_with", PLAIN, CHECKED);
}

#[test]
fn two_baresip_with_ice_hear_each_other() {
    talk("two_baresip_with_ice_hear_each_other", CHECKED, CHECKED);
}

#[test]
fn baresip_with_ice_and_keys_calls_a_phone_with_neither() {
    let inside = End { rules: ", srtp = \"required\"", account: ";mediaenc=srtp-mand", ..CHECKED };
    talk("baresip_with_ice_and_keys_calls_a_phone_with_neither", inside, PLAIN);
}

#[test]
fn a_phone_calls_baresip_with_ice_and_keys() {
    let outside = End { rules: ", srtp = \"required\"", account: ";mediaenc=srtp-mand", ..CHECKED };
    talk("a_phone_calls_baresip_with_ice_and_keys", PLAIN, outside);
}

#[test]
fn baresip_with_ice_hears_a_phone_of_another_codec() {
    let inside = End { rules: ", codecs = [\"G722\"]", codec: "G722", ..CHECKED };
    let outside = End { rules: ", codecs = [\"PCMA\"]", ..PLAIN };
    talk("baresip_with_ice_hears_a_phone_of_another_codec", inside, outside);
}

/// The value of an attribute in a description.
fn attribute<'a>(description: &'a str, name: &str) -> &'a str {
    let start = format!("a={name}:");
    description.lines().find_map(|line| line.strip_prefix(&*start)).unwrap_or_default()
}

fn socket(place: &Place, host: u8, port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((place.ip(host), port)).unwrap();
    socket.set_read_timeout(Some(conformance::PATIENCE)).unwrap();
    socket
}

/// Sends a check and waits for its answer.
fn ask(from: &UdpSocket, to: SocketAddr, check: &Check) -> Result<SocketAddr, u16> {
    from.send_to(&check.bytes(), to).unwrap();
    let mut buffer = [0; 1500];
    let (length, source) = from.recv_from(&mut buffer).unwrap();
    assert_eq!(source, to, "the answer comes from where the check went");
    check.read(&buffer[..length])
}

/// A call between a phone with ICE, whose agent has a socket of its own, and one without.
struct Room {
    place: Place,
    pbx: Phone,
    itsp: Phone,
    a: Dialog,
    b: Dialog,
    agent: UdpSocket,
    good: Check,
    _server: Server,
}

impl Room {
    fn new(name: &str) -> Room {
        Room::by(name, "")
    }

    /// With these further rules of the trunk with ICE.
    fn by(name: &str, rules: &str) -> Room {
        let place = Place::new(name);
        let mut setup = Setup::new(&place);
        setup.pbx_more = format!("override = {{ ice = \"lite\"{rules} }}\n");
        let server = Server::start(&place, &setup.text());
        let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
        let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
        pbx.more = format!(
            "a=ice-ufrag:peer\r\na=ice-pwd:{PASSWORD}\r\na=candidate:1 1 UDP 2130706431 {} 40000 typ host\r\n",
            place.ip(PBX)
        );
        let (a, b) = call(&pbx, &itsp, WORLD, DID, name);
        let good = Check {
            username: format!("{}:peer", attribute(&a.description, "ice-ufrag")),
            password: attribute(&a.description, "ice-pwd").into(),
            nominates: false,
            more: None,
            transaction: *b"one of many!",
        };
        let agent = socket(&place, PBX, 41_000);
        Room { place, pbx, itsp, a, b, agent, good, _server: server }
    }

    /// Sends a check to the RTP port and waits for its answer.
    fn ask(&self, check: &Check) -> Result<SocketAddr, u16> {
        ask(&self.agent, self.a.relay, check)
    }
}

#[test]
fn one_side_has_ice_and_the_other_hears_nothing_of_it() {
    let room = Room::new("sides");
    let (ours, theirs) = (&room.a.description, &room.b.description);
    assert!(ours.contains("a=ice-lite\r\n"), "{ours}");
    let candidate = format!(" 1 UDP 2130706431 {} {} typ host", room.place.ip(INSIDE), room.a.relay.port());
    assert!(ours.contains(&candidate), "{ours}");
    assert!(!theirs.contains("a=ice-") && !theirs.contains("a=candidate"), "{theirs}");
    room.pbx.hang_up(&room.a, &room.itsp);
}

#[test]
fn strangers_get_no_answer_and_wrong_checks_their_refusal() {
    let room = Room::new("refusals");
    let stranger = socket(&room.place, 66, 40_000);
    let good = &room.good;
    let foreign = Check { username: "other:peer".into(), nominates: true, ..good.clone() };
    stranger.send_to(&foreign.bytes(), room.a.relay).unwrap();
    assert_eq!(room.ask(&Check { password: PASSWORD.into(), nominates: true, ..good.clone() }), Err(401));
    assert_eq!(room.ask(&Check { more: Some((0x7777, vec![1, 2, 3])), ..good.clone() }), Err(420));
    assert_eq!(room.ask(&Check { more: Some((0x8029, vec![3; 8])), ..good.clone() }), Err(487));
    assert_eq!(room.ask(good), Ok(room.agent.local_addr().unwrap()));
    stranger.set_nonblocking(true).unwrap();
    assert!(stranger.recv_from(&mut [0; 1500]).is_err(), "a stranger was answered");
    room.pbx.hang_up(&room.a, &room.itsp);
}

#[test]
fn checks_prove_the_peers_address_and_nothing_else_moves_media() {
    let room = Room::new("checks");
    let Room { pbx, itsp, a, b, agent, good, .. } = &room;
    let stranger = socket(&room.place, 66, 40_000);
    // Nothing is nominated yet: what the signalled address sends is not believed, and it hears nothing.
    assert_eq!(room.ask(good), Ok(agent.local_addr().unwrap()));
    pbx.send_rtp(a.relay, 1, 1, 0x11);
    itsp.send_rtp(b.relay, 2, 1, 0x22);
    // Both words have been judged before anybody is nominated.
    let _ = await_call(&room.place, |call| {
        call.pointer("/from_callee/packets").and_then(serde_json::Value::as_u64) == Some(1)
    });
    let nominating = Check { nominates: true, ..good.clone() };
    assert_eq!(room.ask(&nominating), Ok(agent.local_addr().unwrap()));
    let control = SocketAddr::new(a.relay.ip(), a.relay.port() + 1);
    assert_eq!(ask(agent, control, &nominating), Ok(agent.local_addr().unwrap()), "RTCP is a component too");
    for sequence in 10..60 {
        agent.send_to(&rtp_packet(1, sequence, 0xA5), a.relay).unwrap();
        stranger.send_to(&rtp_packet(1, sequence, 0x66), a.relay).unwrap();
        assert_eq!(itsp.receive_rtp().0.get(12), Some(&0xA5), "only what was proven gets through");
        itsp.send_rtp(b.relay, 2, sequence, 0x5A);
        let mut buffer = [0; 1500];
        let (length, _) = agent.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..length].get(12), Some(&0x5A), "media go where the check came from");
    }
    assert!(pbx.drain_rtp().is_empty(), "the signalled address heard something");
    pbx.hang_up(a, itsp);
}

/// Consent by checks alone (RFC 7675 §5.1): the phone says nothing else.
#[test]
fn a_silent_peer_lives_while_it_consents_and_no_longer() {
    let room = Room::by("consent", ", media_timeout = \"1s\"");
    let nominating = Check { nominates: true, ..room.good.clone() };
    let begun = Instant::now();
    let consented = conformance::await_some(|| {
        assert_eq!(room.ask(&nominating), Ok(room.agent.local_addr().unwrap()));
        (begun.elapsed() > Duration::from_millis(2_500)).then_some(())
    });
    assert!(consented.is_some() && records::all(&room.place).is_empty(), "it lives");
    let ceased = Instant::now();
    for phone in [&room.pbx, &room.itsp] {
        let bye = phone.sip.await_message("BYE", "");
        phone.sip.send(ok(&bye));
    }
    let after = ceased.elapsed();
    assert!((0.3..4.0).contains(&after.as_secs_f64()), "{after:?} after the last check");
    let record = records::await_count(&room.place, 1).remove(0);
    let (told, decision) = (
        "; caller silent: never any RTP, never any RTCP, no ICE check for ",
        records::word(&record, "decision"),
    );
    assert!(decision.split(told).nth(1).is_some_and(|time| is_about(time, 1)), "{record}");
}
