//! Storms of packets that are broken, forged or old.

use crate::scene::{OURS, SECURED, SHAKEN, Scene};
use conformance::attacker::{Broken, FOREIGN, hello};
use conformance::config::{ITSP, PBX};
use conformance::phone::rtp_packet;
use std::net::{SocketAddr, UdpSocket};

fn dropped(record: &serde_json::Value) -> u64 {
    record.pointer("/media/from_caller/dropped").and_then(serde_json::Value::as_u64).expect("a count")
}

/// Broken packets at the four ports of a call, from the phone's own sockets, from others at its address and from
/// elsewhere, `per_word` for each word that the phones exchange: no word is lost.
fn storm(mut scene: Scene, packets: usize) -> Scene {
    const AT_ONCE: usize = 10;
    let (a, b) = scene.relays();
    let control = |relay: SocketAddr| SocketAddr::new(relay.ip(), relay.port() + 1);
    let bind = |host: u8, port: u16| UdpSocket::bind((scene.place.ip(host), port)).expect("a socket");
    let own =
        [scene.pbx.rtp.try_clone().expect("the phone's"), scene.itsp.rtp.try_clone().expect("the phone's")];
    let sockets = [bind(PBX, 40_001), bind(ITSP, 40_001), bind(PBX, 40_004), bind(66, 40_000)];
    let [mine, theirs] = &own;
    let [my_control, their_control, near, far] = &sockets;
    let ways = [(mine, a), (theirs, b), (my_control, control(a)), (their_control, control(b))];
    let foreign = [near, far].into_iter().flat_map(|socket| [(socket, a), (socket, control(a)), (socket, b)]);
    let ways: Vec<_> = ways.into_iter().chain(foreign).collect();
    let mut broken = Broken::new(0x5EED);
    for _ in 0..packets / (AT_ONCE * ways.len()) {
        for packet in broken.by_ref().take(AT_ONCE) {
            for (socket, target) in &ways {
                // The operating system refuses those of strangers: their sockets are told, later.
                let _ = socket.send_to(&packet, target);
            }
        }
        scene.talk(1);
    }
    scene
}

/// How many packets a storm has: 20,000, or as `TRONCO_STORM` says.
fn storm_size() -> usize {
    std::env::var("TRONCO_STORM").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

#[test]
fn a_storm_of_broken_packets_costs_a_call_no_word() {
    let scene = storm(Scene::new("storm", "").calls("storm"), storm_size());
    scene.ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_latched_call_no_word() {
    let scene =
        storm(Scene::new("storm-nat", "override = { latch = \"nat\" }\n").calls("storm"), storm_size());
    scene.ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_secured_call_no_word() {
    let scene = storm(Scene::new("storm-srtp", SECURED).calls("storm"), storm_size());
    scene.ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_call_with_ice_no_word() {
    let scene = Scene::new("storm-ice", "override = { ice = \"lite\" }\n").calls_with_checks("storm");
    storm(scene, storm_size()).ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_call_with_handshakes_no_word() {
    storm(Scene::new("storm-dtls", SHAKEN).calls_with_handshakes("storm"), storm_size()).ends();
}

/// Forged and old packets from the phone's own address, in storm, and where it shakes hands ClientHellos of its address and
/// of a stranger: none is relayed, each is counted, and the call goes on.
fn forged_and_replayed(mut scene: Scene, hellos: bool) {
    scene.talk(10);
    let (relay, _) = scene.relays();
    let far = UdpSocket::bind((scene.place.ip(66), 40_000)).expect("a socket");
    let near = scene.pbx.rtp.try_clone().expect("the phone's socket");
    let strays = [(&far, relay), (&far, SocketAddr::new(relay.ip(), relay.port() + 1)), (&near, relay)];
    let strays = &strays[..if hellos { 3 } else { 0 }];
    let (mut forged, mut replayed, mut stray) = (0, 0, 0);
    for _ in 0..storm_size() / 40 {
        let before = scene.sequence;
        let old = {
            let (keys, _) = scene.keys.as_ref().expect("keys");
            keys.protect(0, &rtp_packet(OURS.0, before, OURS.1))
        };
        for n in 0..20_u16 {
            let mut packet = rtp_packet(OURS.0, before + 1 + n % 5, FOREIGN);
            packet.extend([n as u8; 10]);
            scene.pbx.rtp.send_to(&packet, relay).expect("a packet sent");
            scene.pbx.rtp.send_to(&old, relay).expect("a packet sent");
            (forged, replayed) = (forged + 1, replayed + 1);
        }
        for (socket, target) in strays {
            // Whoever is refused by the system is told of it, later.
            let _ = socket.send_to(&hello(), target);
            stray += 1;
        }
        scene.talk(1);
    }
    assert_eq!(scene.foreign, 0, "a forged or old packet was relayed");
    let (told, sent) = (dropped(&scene.ends()), forged + replayed);
    assert!((sent..=sent + stray).contains(&told), "{told} of {sent} and {stray}");
}

#[test]
fn forged_and_replayed_packets_are_not_relayed_and_end_no_call() {
    forged_and_replayed(Scene::new("forged", SECURED).calls("forged"), false);
}

#[test]
fn forged_and_replayed_packets_and_stray_hellos_end_no_call_with_handshakes() {
    forged_and_replayed(Scene::new("forged-dtls", SHAKEN).calls_with_handshakes("forged"), true);
}
