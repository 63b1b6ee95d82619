//! The handshakes of a session, when strangers try them too, and come first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod room;

use dtls::{Certificate, Shake};
use media::{DropReason, Latch, Remote, Verdict};
use room::{Room, peer, stranger};
use std::net::SocketAddr;
use std::sync::Arc;

#[test]
fn a_strangers_handshake_is_not_heard_where_only_the_peer_may_speak() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let hello = shake.poll().unwrap();
    assert_eq!(room.hear(stranger(), &hello), Verdict::Drop(DropReason::ForeignSource));
    assert!(room.sent_to(stranger()).is_empty());
}

#[test]
fn a_stranger_who_comes_first_gets_no_keys_and_the_peer_gets_its_own() {
    let mut room = Room::new(false, Latch::Nat);
    let forged = Arc::new(Certificate::make().unwrap());
    let mut first = room.client(&forged);
    assert!(room.meet(stranger(), &mut first).is_none());
    assert_eq!(room.drops(), 1, "it is counted");
    // One that has begun and does not go on stands in nobody's way.
    let mut second = room.client(&forged);
    for _ in 0..2 {
        let hello = second.poll().unwrap();
        room.hear(stranger(), &hello);
        for reply in room.sent_to(stranger()) {
            second.receive(room.now, &reply);
        }
    }
    room.pass(60);
    let theirs = room.theirs.clone();
    let behind_nat = SocketAddr::from(([192, 0, 2, 200], 1234));
    let mut genuine = room.client(&theirs);
    let keys = room.meet(behind_nat, &mut genuine).unwrap();
    assert!(room.relays(&keys, behind_nat));
    assert_eq!(
        room.session.report(room.now).a[0].source,
        Some(behind_nat),
        "who has proved itself is latched to"
    );
    // Afterwards, too.
    room.pass(60);
    let mut late = room.client(&forged);
    assert!(room.meet(stranger(), &mut late).is_none());
    room.pass(60);
    assert_eq!(room.session.report(room.now).a[0].source, Some(behind_nat));
}

#[test]
fn a_flood_of_hellos_is_bounded_and_the_peer_still_agrees() {
    let mut room = Room::new(false, Latch::Nat);
    let forged = Arc::new(Certificate::make().unwrap());
    let mut refused = 0;
    for n in 0..200_u16 {
        let source = SocketAddr::from(([198, 51, 100, 9], 10_000 + n));
        let mut shake = room.client(&forged);
        let hello = shake.poll().unwrap();
        room.hear(source, &hello);
        let asked = room.sent_to(source).remove(0);
        shake.receive(room.now, &asked);
        let again = shake.poll().unwrap();
        room.hear(source, &again);
        refused += usize::from(room.sent_to(source).is_empty());
    }
    assert_eq!(refused, 199, "one handshake at a moment");
    assert_eq!(room.drops(), 199);
    room.pass(60);
    let theirs = room.theirs.clone();
    let mut genuine = room.client(&theirs);
    let keys = room.meet(peer(), &mut genuine).unwrap();
    assert!(room.relays(&keys, peer()));
}

#[test]
fn one_host_with_many_ports_takes_nobodys_place() {
    let mut room = Room::new(false, Latch::Nat);
    let (theirs, forged) = (room.theirs.clone(), Arc::new(Certificate::make().unwrap()));
    let begins = |room: &mut Room, source: SocketAddr, shake: &mut Shake| {
        room.pass(60);
        for _ in 0..2 {
            let hello = shake.poll().unwrap();
            room.hear(source, &hello);
            if let Some(asked) = room.sent_to(source).first().filter(|asked| asked.len() < 100) {
                shake.receive(room.now, asked);
            }
        }
    };
    let behind_nat = SocketAddr::from(([192, 0, 2, 200], 1234));
    let mut genuine = room.client(&theirs);
    let hello = genuine.poll().unwrap();
    room.hear(behind_nat, &hello);
    let asked = room.sent_to(behind_nat).remove(0);
    genuine.receive(room.now, &asked);
    let again = genuine.poll().unwrap();
    room.hear(behind_nat, &again);
    let flight = room.sent_to(behind_nat);
    assert!(!flight.is_empty());
    for port in 0..5 {
        let mut shake = room.client(&forged);
        begins(&mut room, SocketAddr::from(([198, 51, 100, 9], 10_000 + port)), &mut shake);
    }
    for datagram in flight {
        genuine.receive(room.now, &datagram);
    }
    let keys = room.meet(behind_nat, &mut genuine).expect("what it began goes on");
    assert!(room.relays(&keys, behind_nat));
}

/// Others behind the peer's own address cannot be told from it before they have shown a certificate.
#[test]
fn a_neighbour_at_the_peers_own_address_does_not_put_out_its_handshake() {
    let mut room = Room::new(false, Latch::Nat);
    let (theirs, forged) = (room.theirs.clone(), Arc::new(Certificate::make().unwrap()));
    let at = |port| SocketAddr::from(([198, 51, 100, 9], port));
    let mut genuine = room.client(&theirs);
    begins(&mut room, at(1234), &mut genuine);
    let flight = room.sent_to(at(1234));
    for port in 2001..2003 {
        room.pass(60);
        let mut other = room.client(&forged);
        begins(&mut room, at(port), &mut other);
    }
    for datagram in flight {
        genuine.receive(room.now, &datagram);
    }
    let keys = room.meet(at(1234), &mut genuine).expect("what it began goes on");
    assert!(room.relays(&keys, at(1234)));
}

/// A hello of a client at `source`, once it has shown its cookie; the datagram with it.
fn begins(room: &mut Room, source: SocketAddr, shake: &mut Shake) -> Vec<u8> {
    let hello = shake.poll().unwrap();
    assert_eq!(room.hear(source, &hello), Verdict::Handshake);
    let asked = room.sent_to(source).remove(0);
    assert!(asked.len() <= hello.len(), "no more than came");
    shake.receive(room.now, &asked);
    let again = shake.poll().unwrap();
    assert_eq!(room.hear(source, &again), Verdict::Handshake);
    again
}

/// RFC 5763 §5.
#[test]
fn a_peer_that_begins_before_it_is_known_is_answered_with_its_description() {
    let mut room = Room::open();
    room.set(Remote::unknown());
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    begins(&mut room, peer(), &mut shake);
    room.pass(200);
    assert!(room.sent_to(peer()).is_empty(), "nothing is begun with whom nobody knows");
    room.describe(false, Latch::Off, "first", true);
    let flight = room.sent_to(peer());
    assert!(!flight.is_empty(), "at once");
    for datagram in flight {
        shake.receive(room.now, &datagram);
    }
    let keys = room.meet(peer(), &mut shake).unwrap();
    assert!(room.relays(&keys, peer()));
    assert_eq!(room.drops(), 0);
}

#[test]
fn what_strangers_begin_before_the_peer_is_known_is_kept_within_bounds_and_comes_to_nothing() {
    for latch in [Latch::Off, Latch::Nat] {
        let mut room = Room::open();
        room.set(Remote::unknown());
        let (theirs, forged) = (room.theirs.clone(), Arc::new(Certificate::make().unwrap()));
        let source = |n: u8| SocketAddr::from(([198, 51, 100, n], 9000));
        let stranger = |room: &mut Room, n: u8| {
            let mut shake = room.client(&forged);
            begins(room, source(n), &mut shake);
            assert!(room.sent_to(source(n)).is_empty());
        };
        (1..100).for_each(|n| stranger(&mut room, n));
        let mut shake = room.client(&theirs);
        begins(&mut room, peer(), &mut shake);
        (100..102).for_each(|n| stranger(&mut room, n));
        room.describe(false, latch, "first", true);
        let report = room.session.report(room.now);
        let foreign = if latch == Latch::Off { 3 } else { 0 };
        assert_eq!(report.a[0].dropped.of(DropReason::ForeignSource), foreign, "four were kept");
        for datagram in room.sent_to(peer()) {
            shake.receive(room.now, &datagram);
        }
        let keys = room.meet(peer(), &mut shake).expect("from where it says it is comes first");
        assert!(room.relays(&keys, peer()));
        room.pass(200);
        assert!((1..102).all(|n| room.sent_to(source(n)).is_empty()), "nobody else is answered");
    }
}

#[test]
fn one_host_leaves_one_hello_however_many_ports_it_has() {
    let mut room = Room::open();
    room.set(Remote::unknown());
    let (theirs, forged) = (room.theirs.clone(), Arc::new(Certificate::make().unwrap()));
    let mut shake = room.client(&theirs);
    begins(&mut room, peer(), &mut shake);
    for port in 0..20 {
        let mut other = room.client(&forged);
        begins(&mut room, SocketAddr::from(([198, 51, 100, 9], 10_000 + port)), &mut other);
    }
    room.describe(false, Latch::Off, "first", true);
    assert!(!room.sent_to(peer()).is_empty(), "that of the peer is still there");
}

#[test]
fn what_came_early_is_forgotten_where_we_begin() {
    let mut room = Room::open();
    room.set(Remote::unknown());
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    begins(&mut room, peer(), &mut shake);
    room.describe(true, Latch::Off, "first", true);
    assert_eq!(room.session.report(room.now).a[0].dropped.of(DropReason::ForeignSource), 1);
    assert_eq!(room.sent_to(peer()).len(), 1, "our own hello");
}

#[test]
fn nobody_is_asked_for_a_cookie_where_no_handshake_was_offered() {
    let mut room = Room::open();
    let theirs = room.theirs.clone();
    let hello = room.client(&theirs).poll().unwrap();
    assert_eq!(room.hear(peer(), &hello), Verdict::Drop(DropReason::ForeignSource));
    assert!(room.sent_to(peer()).is_empty());
}

#[test]
fn who_has_described_itself_is_not_forgotten_for_somebody_unknown() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let keys = room.meet(peer(), &mut shake).unwrap();
    room.set(Remote::unknown());
    assert!(room.relays(&keys, peer()));
}
