//! A fax (T.38) in the place of sound that a handshake secures: when the sound comes back on the same terms, the
//! association of before lasts (RFC 8842 §4), and a peer that has not kept it may have another.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod room;

use dtls::Shake;
use media::{Dtls, Keys, Latch, Remote, Reply, Verdict};
use room::{Room, named, peer};
use srtp::Suite;

/// A peer that waits for our handshake, and takes it.
fn server(room: &mut Room) -> Option<(Shake, Keys)> {
    let terms = Dtls {
        client: false,
        open: false,
        fingerprints: named(&room.own),
        association: "x".into(),
        suites: vec![Suite::AesCm128Sha1_80],
        answered: true,
    };
    let sent = room.sent_to(peer());
    let mut shake = Shake::server(room.now, room.theirs.clone(), terms, sent.first()?).unwrap();
    for _ in 0..10 {
        while let Some(datagram) = shake.poll() {
            room.hear(peer(), &datagram);
        }
        for datagram in room.sent_to(peer()) {
            shake.receive(room.now, &datagram);
        }
    }
    let keys = shake.ended()?.clone().ok()?;
    Some((shake, keys))
}

/// The sound is a fax for a minute, then sound again.
fn fax(room: &mut Room, client: bool, association: &str) {
    room.set(Remote { udptl: true, ..Remote::audio(peer()) });
    for number in 0..=63 {
        let verdict = room.hear(peer(), &[number, 1, 1, 6, 0]);
        assert!(matches!(verdict, Verdict::Relay { .. }), "packet {number} of the fax: {verdict:?}");
    }
    for _ in 0..300 {
        room.pass(200);
    }
    assert!(room.sent_to(peer()).is_empty() && unkeyed(room) == 0, "nothing is secured meanwhile");
    room.describe(client, Latch::Off, association, true);
}

/// How often it was told that the call has no keys.
fn unkeyed(room: &mut Room) -> usize {
    let told = std::iter::from_fn(|| room.session.poll_reply());
    told.filter(|reply| matches!(reply, Reply::Unkeyed { .. })).count()
}

fn wait(room: &mut Room, seconds: u64) {
    for _ in 0..seconds * 5 {
        room.pass(200);
    }
}

#[test]
fn keys_that_hold_over_a_fax_are_awaited_from_nobody_after_it() {
    let mut room = Room::new(false, Latch::Off);
    let mut shake = room.client(&room.theirs.clone());
    let keys = room.meet(peer(), &mut shake).unwrap();
    fax(&mut room, false, "first");
    assert!(room.relays(&keys, peer()), "the keys of before go on");
    wait(&mut room, 60);
    assert_eq!(unkeyed(&mut room), 0, "the call is ended");
}

#[test]
fn a_peer_that_begins_a_new_handshake_after_a_fax_has_new_keys() {
    let mut room = Room::new(false, Latch::Off);
    let mut shake = room.client(&room.theirs.clone());
    let before = room.meet(peer(), &mut shake).unwrap();
    fax(&mut room, false, "first");
    let mut shake = room.client(&room.theirs.clone());
    let keys = room.meet(peer(), &mut shake).unwrap();
    assert_ne!(keys, before);
    assert!(room.relays(&keys, peer()));
    wait(&mut room, 60);
    assert_eq!(unkeyed(&mut room), 0, "the call is ended");
    assert_eq!(room.drops(), 0);
}

#[test]
fn a_handshake_of_ours_is_not_begun_anew_after_a_fax_where_the_peer_is_heard() {
    let mut room = Room::new(true, Latch::Off);
    let (_, keys) = server(&mut room).unwrap();
    fax(&mut room, true, "first");
    assert!(room.relays(&keys, peer()));
    wait(&mut room, 60);
    assert!(room.sent_to(peer()).is_empty(), "another handshake of an association that lasts");
    assert_eq!(unkeyed(&mut room), 0, "the call is ended");
}

#[test]
fn a_peer_that_waits_for_a_handshake_after_a_fax_is_not_waited_for_in_vain() {
    let mut room = Room::new(true, Latch::Off);
    let (_, before) = server(&mut room).unwrap();
    fax(&mut room, true, "first");
    wait(&mut room, 3);
    let (_, keys) = server(&mut room).expect("it says nothing, for it has no keys");
    assert_ne!(keys, before);
    assert!(room.relays(&keys, peer()));
    assert_eq!(unkeyed(&mut room), 0, "the call is ended");
}

#[test]
fn a_peer_that_is_silent_after_a_fax_and_keeps_its_keys_is_asked_once_and_heard_later() {
    let mut room = Room::new(true, Latch::Off);
    let (_, keys) = server(&mut room).unwrap();
    fax(&mut room, true, "first");
    wait(&mut room, 90);
    assert!(!room.sent_to(peer()).is_empty(), "it may wait for us");
    wait(&mut room, 90);
    assert!(room.sent_to(peer()).is_empty(), "it does not");
    assert_eq!(unkeyed(&mut room), 0, "the call is ended");
    assert!(room.relays(&keys, peer()));
}

#[test]
fn sound_that_comes_back_on_other_terms_after_a_fax_needs_other_keys() {
    let mut room = Room::new(false, Latch::Off);
    let mut shake = room.client(&room.theirs.clone());
    room.meet(peer(), &mut shake).unwrap();
    fax(&mut room, false, "second");
    wait(&mut room, 16);
    assert_eq!(unkeyed(&mut room), 1);
}
