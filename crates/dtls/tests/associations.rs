//! The handshakes of a session, with the peer that signalling names.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod room;

use dtls::Certificate;
use dtls::Shake;
use ice::message::{Class, kind};
use ice::write::Writer;
use ice::{Credentials, Key, PeerDescription};
use media::{Component, Datagram, DropReason, Dtls, Latch, Remote, Reply, Side, Srtp, Verdict};
use room::{Room, named, other_side, peer, stranger};
use srtp::{Opener, Suite};
use std::sync::Arc;
#[test]
fn the_peer_that_begins_agrees_and_its_media_pass_both_ways() {
    let mut room = Room::new(false, Latch::Off);
    let early = [0x80; 172];
    assert_eq!(room.hear(peer(), &early), Verdict::Drop(DropReason::SrtpKey), "media before keys");
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let keys = room.meet(peer(), &mut shake).unwrap();
    assert!(room.relays(&keys, peer()));
    // The other way.
    let packet = [&[0x80, 8, 0, 1, 0, 0, 0, 160, 9, 9, 9, 9][..], &[0xD5; 160]].concat();
    let mut buffer = [&packet[..], &[0; 64]].concat();
    let datagram = Datagram { buffer: &mut buffer, length: packet.len() };
    let verdict = room.session.on_packet(room.now, Side::B, 0, Component::Rtp, other_side(), datagram);
    let Verdict::Relay { to, length, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!((to, length), (peer(), packet.len() + 10));
    let opened = Opener::new(keys.receive).rtp(&mut buffer[..length]).unwrap();
    assert_eq!(buffer[..opened], packet);
    assert_eq!(room.drops(), 0);
}

/// A datagram with one message, as two with a half each.
fn halved(datagram: &[u8], at: usize) -> [Vec<u8>; 2] {
    let (header, message) = datagram.split_at(13);
    let (head, body) = message.split_at(12);
    let half = |number: u8, offset: usize, bytes: &[u8]| {
        let three = |value: usize| [0, (value >> 8) as u8, value as u8];
        let fragment = [&head[..6], &three(offset), &three(bytes.len()), bytes].concat();
        let mut out = header.to_vec();
        out[10] = header[10] * 2 + number;
        out[11..13].copy_from_slice(&(fragment.len() as u16).to_be_bytes());
        [out, fragment].concat()
    };
    [half(0, 0, &body[..at]), half(1, at, &body[at..])]
}

#[test]
fn a_peer_whose_hello_comes_in_pieces_agrees() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let [first, second] = halved(&shake.poll().unwrap(), 60);
    room.hear(peer(), &second);
    assert!(room.sent_to(peer()).is_empty(), "a piece without cookie is nobody's");
    room.hear(peer(), &first);
    let asked = room.sent_to(peer());
    assert!(asked.len() == 1 && asked[0].len() <= first.len(), "no more than came");
    shake.receive(room.now, &asked[0]);
    let [first, second] = halved(&shake.poll().unwrap(), 90);
    for piece in [&first, &first, &second] {
        assert!(room.sent_to(peer()).is_empty());
        assert_eq!(room.hear(peer(), piece), Verdict::Handshake);
    }
    for datagram in room.sent_to(peer()) {
        shake.receive(room.now, &datagram);
    }
    let keys = room.meet(peer(), &mut shake).unwrap();
    assert!(room.relays(&keys, peer()));
    assert_eq!(room.drops(), 1, "the piece without cookie");
}

#[test]
fn a_hello_in_pieces_with_the_last_number_that_there_is_begins_nothing() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    room.hear(peer(), &shake.poll().unwrap());
    let asked = room.sent_to(peer());
    shake.receive(room.now, &asked[0]);
    let hello = shake.poll().unwrap();
    let last = |mut datagram: Vec<u8>| {
        // The number of the message stands behind its type and length.
        datagram[17..19].copy_from_slice(&u16::MAX.to_be_bytes());
        datagram
    };
    for piece in halved(&hello, 90) {
        room.hear(peer(), &last(piece));
    }
    assert!(room.sent_to(peer()).is_empty());
    assert_eq!(room.drops(), 2, "both pieces are nobody's");
    room.hear(peer(), &hello);
    for datagram in room.sent_to(peer()) {
        shake.receive(room.now, &datagram);
    }
    assert!(room.meet(peer(), &mut shake).is_some(), "the peer itself agrees all the same");
}

#[test]
fn we_begin_where_that_is_our_part() {
    let mut room = Room::new(true, Latch::Off);
    let suites = vec![Suite::AesCm128Sha1_80];
    let terms = Dtls {
        client: false,
        open: false,
        fingerprints: named(&room.own),
        association: "x".into(),
        suites,
        answered: true,
    };
    let hello = room.sent_to(peer()).remove(0);
    let mut server = Shake::server(room.now, room.theirs.clone(), terms, &hello).unwrap();
    for _ in 0..10 {
        while let Some(datagram) = server.poll() {
            room.hear(peer(), &datagram);
        }
        for datagram in room.sent_to(peer()) {
            server.receive(room.now, &datagram);
        }
    }
    let keys = server.ended().unwrap().clone().unwrap();
    assert!(room.relays(&keys, peer()));
}

#[test]
fn an_answered_call_without_keys_is_told_once_and_why() {
    let mut room = Room::new(false, Latch::Nat);
    let forged = Arc::new(Certificate::make().unwrap());
    let mut shake = room.client(&forged);
    room.meet(stranger(), &mut shake);
    for _ in 0..100 {
        room.pass(200);
    }
    let told: Vec<Reply> = std::iter::from_fn(|| room.session.poll_reply()).collect();
    let why: Vec<&str> = told
        .iter()
        .filter_map(|reply| match reply {
            Reply::Unkeyed { side: Side::A, why, .. } => Some(&**why),
            _ => None,
        })
        .collect();
    assert_eq!(why, ["the peer's certificate is not the one that its description names"]);
}

#[test]
fn before_the_answer_nobody_is_waited_for() {
    let mut room = Room::new(false, Latch::Off);
    room.describe(false, Latch::Off, "second", false);
    for _ in 0..200 {
        room.pass(200);
    }
    assert!(!std::iter::from_fn(|| room.session.poll_reply()).any(|r| matches!(r, Reply::Unkeyed { .. })));
    room.describe(false, Latch::Off, "second", true);
    room.pass(14_000);
    assert!(!std::iter::from_fn(|| room.session.poll_reply()).any(|r| matches!(r, Reply::Unkeyed { .. })));
    room.pass(2_000);
    assert!(std::iter::from_fn(|| room.session.poll_reply()).any(|r| matches!(r, Reply::Unkeyed { .. })));
}

#[test]
fn the_same_terms_keep_their_keys_and_another_association_gets_new_ones() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let keys = room.meet(peer(), &mut shake).unwrap();
    room.describe(false, Latch::Off, "first", true);
    assert!(room.relays(&keys, peer()));
    room.pass(1_000);
    room.describe(false, Latch::Off, "second", true);
    let mut again = room.client(&theirs);
    let renewed = room.meet(peer(), &mut again).unwrap();
    assert_ne!(renewed.send, keys.send);
    assert!(room.relays(&renewed, peer()));
}

const PASSWORD: &str = "0123456789abcdefghijkl";

/// A check by the peer of a fragment that nominates nothing.
fn check(fragment: &str) -> Vec<u8> {
    checked(fragment, None)
}

/// One that nominates, with a priority.
fn nomination(fragment: &str, priority: u8) -> Vec<u8> {
    checked(fragment, Some(priority))
}

fn checked(fragment: &str, nominates: Option<u8>) -> Vec<u8> {
    let mut buffer = vec![0; 256];
    let mut writer = Writer::new(&mut buffer, Class::Request, [3; 12]);
    writer.attribute(kind::USERNAME, &[format!("ours:{fragment}").as_bytes()]);
    writer.attribute(kind::PRIORITY, &[&[0, 0, 1, nominates.unwrap_or_default()]]);
    if nominates.is_some() {
        writer.attribute(kind::USE_CANDIDATE, &[]);
    }
    writer.integrity(&Key::new(PASSWORD.as_bytes()));
    let length = writer.finish().unwrap();
    buffer.truncate(length);
    buffer
}

/// RFC 8445 §8.1.1: a peer may nominate another address while a handshake has begun that nobody has answered there.
#[test]
fn a_handshake_of_ours_that_nobody_has_answered_goes_to_where_the_peer_is_now() {
    let mut room = Room::open();
    room.session.set_ice(room.now, Side::A, &Credentials::new("ours", PASSWORD).unwrap());
    let terms = Dtls {
        client: true,
        open: false,
        fingerprints: named(&room.theirs),
        association: "first".into(),
        suites: vec![Suite::AesCm128Sha1_80],
        answered: true,
    };
    let ice = PeerDescription { ufrag: "one".into(), candidates: Default::default() };
    room.set(Remote { srtp: Srtp::Dtls(Box::new(terms)), ice: Some(Box::new(ice)), ..Remote::audio(peer()) });
    for (at, from) in [peer(), stranger(), stranger()].into_iter().enumerate() {
        if at < 2 {
            assert!(matches!(room.hear(from, &nomination("one", at as u8)), Verdict::Answer { .. }));
        }
        room.pass(if at < 2 { 100 } else { 2_000 });
        assert_eq!(room.sent_to(from).is_empty(), at == 1, "{at}: it is repeated after a while");
        assert!(room.out.is_empty(), "{at}: {:?}", room.out);
    }
}

/// Two forks with ICE, neither of which has nominated: each begins from where its checks came from (RFC 8445 §12.2).
#[test]
fn forks_are_told_apart_by_whose_checks_came_from_where_a_handshake_begins() {
    for first in [0, 1] {
        let mut room = Room::open();
        room.session.set_ice(room.now, Side::A, &Credentials::new("ours", PASSWORD).unwrap());
        let other = Arc::new(Certificate::make().unwrap());
        let forks = [(room.theirs.clone(), "one", peer()), (other, "two", stranger())];
        for (at, (certificate, fragment, _)) in forks.iter().enumerate() {
            let terms = Dtls {
                client: false,
                open: false,
                fingerprints: named(certificate),
                association: (*fragment).into(),
                suites: vec![Suite::AesCm128Sha1_80],
                answered: false,
            };
            let ice = PeerDescription { ufrag: (*fragment).into(), candidates: Default::default() };
            let srtp = Srtp::Dtls(Box::new(terms));
            room.set(Remote { srtp, ice: Some(Box::new(ice)), beside: at > 0, ..Remote::audio(peer()) });
        }
        for at in [first, 1 - first] {
            let (certificate, fragment, source) = &forks[at];
            assert!(matches!(room.hear(*source, &check(fragment)), Verdict::Answer { .. }), "{fragment}");
            let mut shake = room.client(certificate);
            assert!(room.meet(*source, &mut shake).is_some(), "{fragment}: {:?}", shake.ended());
            room.pass(100);
        }
        assert_eq!(room.drops(), 0);
    }
}
