//! Who loses and finds a side's media again: forged packets of the exact source, peers that move.

#![allow(clippy::unwrap_used)]

mod common;

use base::Time;
use common::{a, at, b, rtp};
use media::{Component, Datagram, DropReason, Keys, Latch, Remote, Session, SessionId, Side, Srtp, Verdict};
use srtp::{Mint, Protector, Suite};
use std::net::SocketAddr;
use std::time::Duration;

struct Room {
    session: Session,
    now: Time,
}

impl Room {
    fn new(latch: Latch, srtp: Srtp) -> Room {
        let mut session = Session::new(SessionId(1), Time::ZERO, 1);
        assert!(session.set(Time::ZERO, Side::A, 0, Remote { latch, srtp, ..Remote::audio(a()) }));
        assert!(session.set(Time::ZERO, Side::B, 0, Remote { latch, ..Remote::audio(b()) }));
        Room { session, now: Time::ZERO }
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.session.on_tick(self.now);
    }

    /// Where a packet went, or why it did not.
    fn put(&mut self, side: Side, source: SocketAddr, packet: &[u8]) -> Result<SocketAddr, DropReason> {
        let mut buffer = [packet, &[0; 64]].concat();
        let datagram = Datagram { buffer: &mut buffer, length: packet.len() };
        match self.session.on_packet(self.now, side, 0, Component::Rtp, source, datagram) {
            Verdict::Relay { to, .. } => Ok(to),
            Verdict::Drop(reason) => Err(reason),
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn one_forged_packet_of_the_exact_source_does_not_take_the_sound_from_a_peer_behind_nat() {
    let mut room = Room::new(Latch::Nat, Srtp::Off);
    let nat = at("203.0.113.5:1024");
    for n in 1..20 {
        room.pass(20);
        assert_eq!(room.put(Side::A, nat, &rtp(1, n, 8)), Ok(b()));
    }
    assert_eq!(room.put(Side::A, a(), &rtp(9, 1, 8)), Ok(b()), "the exact source is preferred");
    assert_eq!(room.put(Side::A, nat, &rtp(1, 21, 8)), Err(DropReason::Ssrc), "while it speaks");
    room.pass(400);
    assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), None, "silent: listen to all");
    assert_eq!(
        room.put(Side::A, at("203.0.113.9:1"), &rtp(1, 40, 8)),
        Err(DropReason::Ssrc),
        "nobody else returns"
    );
    assert_eq!(room.put(Side::A, nat, &rtp(1, 41, 8)), Ok(b()), "who was put out is heard again");
    assert_eq!(room.put(Side::B, b(), &rtp(2, 1, 8)), Ok(nat));
}

#[test]
fn a_peer_that_moves_with_another_source_is_known_by_its_key() {
    let mut mint = Mint::new([5; 32]);
    let suite = Suite::ALL[0];
    let keys = Keys { receive: mint.draw(suite).unwrap(), send: mint.draw(suite).unwrap() };
    let mut room = Room::new(Latch::Nat, Srtp::On(Box::new(keys.clone())));
    let mut peer = Protector::new(keys.receive);
    let mut says = |ssrc: u32, n: u16| {
        let mut buffer = [rtp(ssrc, n, 8), vec![0; 64]].concat();
        let length = peer.rtp(&mut buffer, rtp(ssrc, n, 8).len()).unwrap();
        buffer[..length].to_vec()
    };
    let (before, after) = (at("203.0.113.5:1024"), at("203.0.113.6:9000"));
    for n in 1..20 {
        room.pass(20);
        assert_eq!(room.put(Side::A, before, &says(1, n)), Ok(b()));
    }
    assert_eq!(room.put(Side::A, after, &says(7, 1)), Err(DropReason::Ssrc), "the old source still talks");
    room.pass(400);
    assert_eq!(room.put(Side::A, at("203.0.113.9:1"), &rtp(7, 2, 8)), Err(DropReason::SrtpForged));
    assert_eq!(room.put(Side::A, after, &says(7, 2)), Ok(b()));
    assert_eq!(room.put(Side::B, b(), &rtp(2, 1, 8)), Ok(after));
}

#[test]
fn who_moves_is_still_heard_for_a_while_and_another_party_takes_the_place_at_once() {
    let new = at("192.0.2.9:4900");
    for (latch, keyed) in
        [(Latch::Off, false), (Latch::Signalled, false), (Latch::Nat, false), (Latch::Nat, true)]
    {
        for other in [false, true] {
            let mut mint = Mint::new([5; 32]);
            let mut draw = || Keys {
                receive: mint.draw(Suite::AesCm128Sha1_80).unwrap(),
                send: mint.draw(Suite::AesCm128Sha1_80).unwrap(),
            };
            let (first, second) = (draw(), draw());
            let srtp = |keys: &Keys| if keyed { Srtp::On(Box::new(keys.clone())) } else { Srtp::Off };
            let mut room = Room::new(latch, srtp(&first));
            let mut out = Protector::new(first.receive.clone());
            let mut says = |n: u16| {
                let mut packet = [rtp(1, n, 8), vec![0; 64]].concat();
                let length = packet.len() - 64;
                let length = if keyed { out.rtp(&mut packet, length).unwrap() } else { length };
                packet.truncate(length);
                packet
            };
            for n in 1..20 {
                room.pass(20);
                assert_eq!(room.put(Side::A, a(), &says(n)), Ok(b()));
            }
            let next = Remote { latch, srtp: srtp(&second), other, ..Remote::audio(new) };
            assert!(room.session.set(room.now, Side::A, 0, next));
            for n in 20..50 {
                room.pass(20);
                let heard = room.put(Side::A, a(), &says(n)).is_ok();
                assert_eq!(heard, !other, "{latch:?} {keyed} {other}");
            }
            if !keyed {
                assert_eq!(room.put(Side::A, new, &rtp(7, 1, 8)), Ok(b()), "who has come, at once");
                assert!(room.put(Side::A, a(), &says(60)).is_err());
            }
        }
    }
}

#[test]
fn whoever_speaks_first_does_not_keep_the_exact_source_from_being_heard() {
    for latch in [Latch::Signalled, Latch::Nat] {
        let mut room = Room::new(latch, Srtp::Off);
        let first = at(&format!("{}:41999", a().ip()));
        for n in 1..20 {
            room.pass(20);
            assert_eq!(room.put(Side::A, first, &rtp(9, n, 8)), Ok(b()));
        }
        assert_eq!(
            room.session.filter(Side::A, 0, Component::Rtp),
            None,
            "the system must let the peer through"
        );
        assert_eq!(room.put(Side::A, a(), &rtp(1, 1, 8)), Ok(b()));
        assert_eq!(room.put(Side::A, first, &rtp(9, 20, 8)), Err(DropReason::Ssrc));
        assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), Some(a()));
    }
}
