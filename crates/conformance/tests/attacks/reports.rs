//! Strangers who send reports (RTCP) and fax (UDPTL) into a call: nothing of theirs arrives, nothing of the call goes to them.

use crate::scene::{OURS, SECURED, Scene, THEIRS};
use conformance::attacker::{Stranger, compound};
use conformance::config::{ITSP, PBX};
use conformance::hearing::{await_datagram, find};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// What stands in a stranger's report alone (RFC 3550 §6.7).
const MARK: &[u8] = b"test";
/// A report of a phone is this long: a sender report without blocks.
const REPORT: usize = 28;
/// What SRTCP adds to it: index and tag (RFC 3711 §3.4).
const TRAILER: usize = 14;

/// A sender report of the phone's source, of which all was lost, its description and its farewell.
fn forged() -> Vec<u8> {
    let mut bytes = compound();
    // The fraction that was lost, and the number.
    bytes[32..36].fill(0xFF);
    bytes
}

/// A sender report of a source (RFC 3550 §6.4.1).
fn report(source: u32) -> Vec<u8> {
    let mut bytes = vec![0x80, 200, 0, 6];
    bytes.extend(source.to_be_bytes());
    bytes.extend([7; 20]);
    bytes
}

fn control(scene: &Scene, host: u8) -> UdpSocket {
    UdpSocket::bind((scene.place.ip(host), 40_001)).expect("a socket for reports")
}

fn above(relay: SocketAddr) -> SocketAddr {
    SocketAddr::new(relay.ip(), relay.port() + 1)
}

/// All that waits at a socket.
fn waiting(socket: &UdpSocket) -> Vec<Vec<u8>> {
    let next = || find(socket, Duration::from_millis(50), |bytes, _| Some(bytes.to_vec()));
    std::iter::from_fn(next).take(1_000).collect()
}

/// Strangers say that the call's sources are gone and that all was lost, from before the call on, at its ports for media and
/// for reports, from an address of their own and from other ports of the phones' addresses.
fn strangers_report(name: &str, rules: &str) {
    let scene = Scene::new(name, rules);
    let places = [(66, 40_003), (PBX, 40_003), (ITSP, 40_003)];
    let begins =
        |(host, port)| Stranger::at((&scene.place.ip(host), port), scene.media_ports(), |_| forged());
    let strangers = places.map(begins);
    strangers.iter().for_each(Stranger::has_begun);
    let mut scene = scene.calls(name);
    let (mine, theirs) = (control(&scene, PBX), control(&scene, ITSP));
    let (a, b) = scene.relays();
    let secured = scene.keys.is_some();
    let to_phone = if secured { REPORT + TRAILER } else { REPORT };
    for _ in 0..50 {
        scene.talk(2);
        theirs.send_to(&report(THEIRS.0), above(b)).expect("a report sent");
        let length = await_datagram(&mine, "report", |bytes, _| Some(bytes.len()));
        assert_eq!(length, to_phone, "another report than the other phone's");
        if !secured {
            mine.send_to(&report(OURS.0), above(a)).expect("a report sent");
            let came = await_datagram(&theirs, "report", |bytes, _| Some(bytes.to_vec()));
            assert_eq!(came, report(OURS.0), "another report than the phone's");
        }
    }
    let (mut left, ours) = (waiting(&theirs), waiting(&mine));
    left.extend(scene.itsp.drain_rtp());
    assert!(ours.is_empty(), "more than the other phone said: {ours:?}");
    let is_theirs = |packet: &Vec<u8>| packet.windows(MARK.len()).any(|bytes| bytes == MARK);
    assert!(!left.iter().any(is_theirs) && scene.foreign == 0, "a stranger's report came through: {left:?}");
    assert_eq!(strangers.into_iter().map(Stranger::ends).sum::<usize>(), 0, "strangers hear the call");
    let record = scene.ends();
    let lost = record.pointer("/media/from_caller/quality/peer_loss").and_then(serde_json::Value::as_f64);
    assert!(lost.is_none_or(|lost| lost == 0.0), "a stranger's word stands in the record: {record}");
}

#[test]
fn reports_of_strangers_reach_nobody_and_change_nothing() {
    strangers_report("reports", "");
}

#[test]
fn reports_of_strangers_reach_nobody_in_a_secured_call() {
    strangers_report("reports-srtp", SECURED);
}

/// One packet of T.38 in UDPTL (ITU-T T.38 §9.1): an indicator, without redundancy.
fn indicator(sequence: u16) -> Vec<u8> {
    let [high, low] = sequence.to_be_bytes();
    vec![high, low, 1, 2, 0, 0]
}

/// UDPTL has no source and no key to tell who speaks: it is heard from the described address and port alone, however
/// long that is silent.
#[test]
fn fax_of_strangers_reaches_nobody_even_while_the_fax_machine_is_silent() {
    let mut scene = Scene::new("fax", "");
    for phone in [&mut scene.pbx, &mut scene.itsp] {
        let audio = phone.description();
        let (head, _) = audio.split_once("m=audio").expect("a description");
        phone.described = Some(format!("{head}m=image 40000 udptl t38\r\na=T38FaxVersion:0\r\n"));
    }
    let next = |round: u32| indicator(5_000 + round as u16);
    let places = [(66, 40_003), (PBX, 40_003), (ITSP, 40_003)];
    let begins = |(host, port)| Stranger::at((&scene.place.ip(host), port), scene.media_ports(), next);
    let strangers = places.map(begins);
    strangers.iter().for_each(Stranger::has_begun);
    let scene = scene.calls("fax");
    let (a, b) = scene.relays();
    for page in 0..3 {
        for n in 0..20 {
            let ways = [(&scene.pbx, a, &scene.itsp), (&scene.itsp, b, &scene.pbx)];
            for (speaker, relay, listener) in ways {
                let said = indicator(page * 20 + n);
                speaker.rtp.send_to(&said, relay).expect("a packet sent");
                let came = await_datagram(&listener.rtp, "page", |bytes, _| Some(bytes.to_vec()));
                assert_eq!(came, said, "a stranger's fax came through");
            }
        }
        for phone in [&scene.pbx, &scene.itsp] {
            let heard = find(&phone.rtp, Duration::from_millis(400), |bytes, _| Some(bytes.to_vec()));
            assert_eq!(heard, None, "a stranger's fax came through");
        }
    }
    assert_eq!(strangers.into_iter().map(Stranger::ends).sum::<usize>(), 0, "strangers hear the call");
    scene.ends();
}
