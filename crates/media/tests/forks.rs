//! Several peers on one side before the answer: who speaks first is heard, and nobody who was not named.

#![allow(clippy::unwrap_used)]

use base::Time;
use media::{Component, Datagram, DropReason, Latch, Remote, Session, SessionId, Side, Verdict};
use std::net::SocketAddr;
use std::time::Duration;

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

fn caller() -> SocketAddr {
    at("192.0.2.1:4000")
}

/// A fork's address, by its number.
fn fork(number: u16) -> SocketAddr {
    at(&format!("198.51.100.{number}:{}", 5_000 + number))
}

/// A session whose caller waits for an answer.
struct Room {
    session: Session,
    ms: u64,
    sequence: u16,
}

impl Room {
    fn new() -> Room {
        let mut room = Room { session: Session::new(SessionId(3), Time::ZERO, 1), ms: 0, sequence: 0 };
        room.set(Side::A, early(caller()));
        room
    }

    fn set(&mut self, side: Side, remote: Remote) {
        assert!(self.session.set(Time::from_millis(self.ms), side, 0, remote));
    }

    /// A packet of a fork, 20 ms later; whether the caller hears it.
    fn hears(&mut self, from: SocketAddr) -> bool {
        (self.ms, self.sequence) = (self.ms + 20, self.sequence + 1);
        let mut packet = vec![0x80, 8];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(u32::from(from.port()).to_be_bytes());
        packet.extend([0xd5; 160]);
        let now = Time::from_millis(self.ms);
        let packet = Datagram { length: packet.len(), buffer: &mut packet };
        match self.session.on_packet(now, Side::B, 0, Component::Rtp, from, packet) {
            Verdict::Relay { to, .. } => to == caller(),
            Verdict::Taken | Verdict::Handshake => false,
            Verdict::Answer { .. } => unreachable!("nothing is answered"),
            Verdict::Drop(reason) => {
                assert_eq!(reason, DropReason::ForeignSource);
                false
            }
        }
    }

    /// Where the caller's packets go.
    fn goes_to(&mut self) -> Option<SocketAddr> {
        let flow = self.session.flow(Side::A, 0, Component::Rtp)?;
        match flow.action {
            media::Action::Relay { to, .. } => Some(to),
            media::Action::Drop(_) => None,
        }
    }
}

fn early(rtp: SocketAddr) -> Remote {
    Remote { timeout: None, ..Remote::audio(rtp) }
}

fn beside(rtp: SocketAddr) -> Remote {
    Remote { beside: true, ..early(rtp) }
}

#[test]
fn the_fork_that_speaks_first_is_heard_from_its_first_packet_on() {
    let mut room = Room::new();
    room.set(Side::B, early(fork(1)));
    room.set(Side::B, beside(fork(2)));
    room.set(Side::B, beside(fork(3)));
    assert!(room.hears(fork(2)));
    assert_eq!(room.goes_to(), Some(fork(2)), "the caller speaks to whom it hears");
    for _ in 0..50 {
        assert!(!room.hears(fork(1)), "nobody cuts off who is heard");
        assert!(!room.hears(fork(3)));
        assert!(room.hears(fork(2)));
    }
    assert!(!room.hears(fork(4)), "one that was not named is never believed");
}

#[test]
fn one_that_falls_silent_gives_way() {
    let mut room = Room::new();
    room.set(Side::B, early(fork(1)));
    room.set(Side::B, beside(fork(2)));
    assert!(room.hears(fork(1)));
    assert!(!room.hears(fork(2)));
    room.ms += 600;
    assert!(room.hears(fork(2)));
    room.ms += 600;
    assert!(room.hears(fork(1)), "and may come back");
}

#[test]
fn while_several_may_speak_the_socket_hears_all_of_them() {
    let mut room = Room::new();
    room.set(Side::B, early(fork(1)));
    assert!(room.hears(fork(1)));
    assert_eq!(room.session.filter(Side::B, 0, Component::Rtp), Some(fork(1)));
    room.set(Side::B, beside(fork(2)));
    assert_eq!(room.session.filter(Side::B, 0, Component::Rtp), None);
    room.set(Side::B, Remote { receive: false, ..beside(fork(2)) });
    assert_eq!(room.session.filter(Side::B, 0, Component::Rtp), Some(fork(1)));
}

#[test]
fn a_fork_that_is_gone_is_heard_no_more_and_another_takes_its_place() {
    let mut room = Room::new();
    room.set(Side::B, early(fork(1)));
    room.set(Side::B, beside(fork(2)));
    assert!(room.hears(fork(1)));
    room.set(Side::B, Remote { receive: false, ..beside(fork(1)) });
    assert!(!room.hears(fork(1)), "at once");
    assert!(room.hears(fork(2)));
    room.ms += 3_000;
    assert!(!room.hears(fork(1)));
}

#[test]
fn from_the_answer_on_only_the_one_that_answered_is_believed() {
    let mut room = Room::new();
    room.set(Side::B, early(fork(1)));
    room.set(Side::B, beside(fork(2)));
    assert!(room.hears(fork(1)));
    room.set(Side::B, Remote { timeout: Some(Duration::from_secs(30)), ..early(fork(2)) });
    assert!(room.hears(fork(2)), "from its first packet on");
    room.ms += 3_000;
    assert!(!room.hears(fork(1)));
    assert!(room.hears(fork(2)));
}

#[test]
fn behind_nat_a_fork_is_known_by_its_address_alone() {
    let mut room = Room::new();
    room.set(Side::B, Remote { latch: Latch::Signalled, ..early(fork(1)) });
    room.set(Side::B, Remote { latch: Latch::Signalled, ..beside(fork(2)) });
    let other_port = SocketAddr::new(fork(2).ip(), 9_000);
    assert!(room.hears(other_port));
    assert_eq!(room.goes_to(), Some(other_port));
}

#[test]
fn a_fork_at_another_port_of_a_host_behind_nat_is_heard_before_the_answer_and_through_it() {
    let mut room = Room::new();
    let [described, speaks] = [9_000, 1_024].map(|port| SocketAddr::new(fork(1).ip(), port));
    let nat = |at: SocketAddr| Remote { latch: Latch::Nat, ..early(at) };
    room.set(Side::B, nat(fork(1)));
    room.set(Side::B, Remote { beside: true, ..nat(described) });
    for _ in 0..20 {
        assert!(room.hears(speaks), "before the answer");
    }
    let answered = Remote { timeout: Some(Duration::from_secs(30)), other: true, ..nat(described) };
    room.set(Side::B, answered);
    for _ in 0..200 {
        assert!(room.hears(speaks), "after it");
    }
}
