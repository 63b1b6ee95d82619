//! Strangers who begin before the call, and phones whose source moves while they speak.

use crate::scene::{OURS, SECURED, SHAKEN, Scene};
use conformance::attacker::{FOREIGN, Stranger};
use conformance::config::PBX;
use conformance::hearing::find;
use conformance::phone::rtp_packet;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Strangers speak for half a second before the call and all along it, on default settings.
fn strangers_first(name: &str, rules: &str) {
    let scene = Scene::new(name, rules);
    let strangers = scene.strangers();
    strangers.iter().for_each(Stranger::has_begun);
    let mut scene = scene.calls(name);
    scene.talk(250);
    assert_eq!(strangers.into_iter().map(Stranger::ends).sum::<usize>(), 0, "strangers hear the call");
    let left = scene.itsp.drain_rtp();
    assert_eq!(scene.foreign + left.len(), 0, "packets of strangers came through");
    scene.ends();
}

#[test]
fn strangers_who_begin_before_the_call_neither_speak_nor_hear() {
    strangers_first("strangers", "");
}

#[test]
fn strangers_who_begin_before_a_secured_call_neither_speak_nor_hear() {
    strangers_first("strangers-srtp", SECURED);
}

/// How soon one that has moved is to be heard: a second, with what a busy machine adds.
const SOON: Duration = Duration::from_millis(1_500);

/// How a call comes about.
type Calls = fn(Scene, &str) -> Scene;

/// The phone's address changes behind its NAT while strangers speak: its stream is followed within a second, what it sends
/// arrives, and what the other side says comes to its new address. On default settings the strangers have begun half a
/// second before the call; where whoever comes first is latched to, when the phone has spoken.
fn rebinds(name: &str, rules: &str, host: u8, calls: Calls) {
    let scene = Scene::new(name, rules);
    let latches = rules.contains("latch");
    let mut strangers = if latches { Vec::new() } else { scene.strangers() };
    if !latches {
        // One who has heard the call and goes on with its stream, from elsewhere.
        let next = |round| rtp_packet(OURS.0, 1_000 + round as u16, FOREIGN);
        let at = (&*scene.place.ip(67), 40_000);
        strangers.push(Stranger::at(at, scene.media_ports(), next));
    }
    strangers.iter().for_each(Stranger::has_begun);
    let mut scene = calls(scene, name);
    scene.talk(50);
    if latches {
        strangers = scene.strangers();
        strangers.iter().for_each(Stranger::has_begun);
    }
    scene.talk(50);
    let moved = UdpSocket::bind((scene.place.ip(host), 41_000)).expect("another address");
    let (relay, _) = scene.relays();
    let (begun, first, mut heard) = (Instant::now(), scene.sequence + 1, None);
    while heard.is_none() {
        assert!(begun.elapsed() < SOON, "not followed within a second");
        let packet = scene.packet();
        moved.send_to(&packet, relay).expect("a packet sent");
        heard = find(&scene.itsp.rtp, Duration::from_millis(20), |packet, _| Some(packet.to_vec()));
    }
    let heard = heard.expect("a packet");
    // A relay that was held up hands over an earlier one.
    let is_heard = |word: u16| rtp_packet(OURS.0, word, OURS.1)[1..] == heard[1..];
    assert!((first..=scene.sequence).any(is_heard), "what the phone sent since it moved: {heard:?}");
    (0..100).for_each(|_| scene.talk_from(&moved));
    assert_eq!(strangers.into_iter().map(Stranger::ends).sum::<usize>(), 0, "strangers hear the call");
    assert_eq!(scene.foreign + scene.itsp.drain_rtp().len(), 0, "packets of strangers came through");
    scene.ends();
}

fn plainly(scene: Scene, mark: &str) -> Scene {
    scene.calls(mark)
}

fn with_handshakes(scene: Scene, mark: &str) -> Scene {
    scene.calls_with_handshakes(mark)
}

#[test]
fn on_default_settings_a_phone_whose_port_changes_is_followed_within_a_second() {
    rebinds("moved", "", PBX, plainly);
}

#[test]
fn on_default_settings_a_secured_phone_whose_address_changes_is_followed_within_a_second() {
    rebinds("moved-srtp", SECURED, 11, plainly);
}

#[test]
fn on_default_settings_a_phone_that_has_shaken_hands_is_followed_to_another_address_within_a_second() {
    rebinds("moved-dtls", SHAKEN, 11, with_handshakes);
}

#[test]
fn a_phone_whose_port_changes_is_followed_within_a_second() {
    rebinds("rebind", "override = { latch = \"signalled\" }\n", PBX, plainly);
    rebinds("rebind-srtp", "override = { latch = \"signalled\", srtp = \"required\" }\n", PBX, plainly);
}

#[test]
fn a_phone_whose_address_changes_is_followed_within_a_second() {
    rebinds("rebind-nat", "override = { latch = \"nat\" }\n", 11, plainly);
    rebinds("rebind-nat-srtp", "override = { latch = \"nat\", srtp = \"required\" }\n", 11, plainly);
}

/// On default settings nobody is followed to another address without keys, though he knows the stream.
#[test]
fn a_plain_stream_that_goes_on_from_another_address_is_not_heard() {
    let mut scene = Scene::new("elsewhere", "").calls("elsewhere");
    scene.talk(50);
    let thief = UdpSocket::bind((scene.place.ip(11), 41_000)).expect("another address");
    let (relay, there) = scene.relays();
    for _ in 0..60 {
        let packet = scene.packet();
        thief.send_to(&packet, relay).expect("a packet sent");
        scene.itsp.send_rtp(there, 0x2222, scene.sequence, 0x5A);
        let heard = find(&scene.itsp.rtp, Duration::from_millis(20), |packet, _| Some(packet.to_vec()));
        assert_eq!(heard, None, "a stranger is heard");
    }
    assert!(find(&thief, Duration::from_millis(50), |_, _| Some(())).is_none(), "a stranger hears the call");
    scene.talk(10);
    scene.ends();
}
