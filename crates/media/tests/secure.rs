//! SRTP as an engine sees it: opened from one side, protected for the other, and nothing for an attacker.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "secure/forks.rs"]
mod forks;
#[path = "secure/handshakes.rs"]
mod handshakes;
#[path = "secure/renewed.rs"]
mod renewed;

use base::{Rng, Time};
use common::{a, at, b};
use media::{Component, Datagram, DropReason, Keys, Latch, Remote, Session, SessionId, Side, Srtp, Verdict};
use srtp::{MasterKey, Mint, Opener, Protector, Suite};
use std::net::SocketAddr;
use std::time::Duration;

fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut p = vec![0x80, 8];
    p.extend(sequence.to_be_bytes());
    p.extend((u32::from(sequence) * 160).to_be_bytes());
    p.extend(ssrc.to_be_bytes());
    p.extend((0..160u32).map(|n| (n ^ u32::from(sequence)) as u8));
    p
}

/// A sender report.
fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut p = vec![0x80, 200, 0, 6];
    p.extend(ssrc.to_be_bytes());
    p.extend([7; 20]);
    p
}

/// The other end of a secured side.
struct Peer {
    out: Protector,
    heard: Opener,
}

impl Peer {
    /// The peer of these keys: it sends with what we receive with.
    fn of(keys: &Keys) -> Peer {
        Peer { out: Protector::new(keys.receive.clone()), heard: Opener::new(keys.send.clone()) }
    }

    fn says(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = [packet, &[0; 64]].concat();
        let length = self.out.rtp(&mut buffer, packet.len()).unwrap();
        buffer.truncate(length);
        buffer
    }

    fn reports(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = [packet, &[0; 64]].concat();
        let length = self.out.rtcp(&mut buffer, packet.len()).unwrap();
        buffer.truncate(length);
        buffer
    }

    fn hears(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = packet.to_vec();
        let length = self.heard.rtp(&mut buffer).unwrap();
        buffer.truncate(length);
        buffer
    }
}

fn keys(mint: &mut Mint, suite: Suite) -> Keys {
    Keys { receive: mint.draw(suite).unwrap(), send: mint.draw(suite).unwrap() }
}

struct Room {
    session: Session,
    now: Time,
}

impl Room {
    fn new(a: Srtp, b: Srtp) -> Room {
        let mut room = Room { session: Session::new(SessionId(1), Time::ZERO, 1), now: Time::ZERO };
        room.set(Side::A, a);
        room.set(Side::B, b);
        room
    }

    fn set(&mut self, side: Side, srtp: Srtp) {
        let place = if side == Side::A { a() } else { b() };
        assert!(self.session.set(self.now, side, 0, Remote { srtp, ..Remote::audio(place) }));
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.session.on_tick(self.now);
    }

    /// What left of a packet, or why nothing did.
    fn put_from(
        &mut self,
        side: Side,
        component: Component,
        source: SocketAddr,
        packet: &[u8],
    ) -> Result<Vec<u8>, DropReason> {
        let mut buffer = [packet, &[0; 64]].concat();
        let datagram = Datagram { buffer: &mut buffer, length: packet.len() };
        match self.session.on_packet(self.now, side, 0, component, source, datagram) {
            Verdict::Relay { length, .. } => Ok(buffer[..length].to_vec()),
            Verdict::Taken | Verdict::Handshake => Ok(Vec::new()),
            Verdict::Drop(reason) => Err(reason),
            Verdict::Answer { .. } => unreachable!("nothing is answered"),
        }
    }

    fn put(&mut self, side: Side, packet: &[u8]) -> Result<Vec<u8>, DropReason> {
        let source = if side == Side::A { a() } else { b() };
        self.put_from(side, Component::Rtp, source, packet)
    }
}

fn on(keys: &Keys) -> Srtp {
    Srtp::On(Box::new(keys.clone()))
}

#[test]
fn every_pair_of_suites_is_translated_both_ways() {
    let mut mint = Mint::new([3; 32]);
    for first in Suite::ALL {
        for second in Suite::ALL {
            let (ka, kb) = (keys(&mut mint, first), keys(&mut mint, second));
            let (mut pa, mut pb) = (Peer::of(&ka), Peer::of(&kb));
            let mut room = Room::new(on(&ka), on(&kb));
            for n in 0..20 {
                let left = room.put(Side::A, &pa.says(&rtp(1, n))).unwrap();
                assert_eq!(pb.hears(&left), rtp(1, n));
                let left = room.put(Side::B, &pb.says(&rtp(2, n))).unwrap();
                assert_eq!(pa.hears(&left), rtp(2, n));
            }
            let control = pa.reports(&rtcp(1));
            let mut left = room.put_from(Side::A, Component::Rtcp, at("192.0.2.1:4001"), &control).unwrap();
            let length = pb.heard.rtcp(&mut left).unwrap();
            assert_eq!(left[..length], rtcp(1));
        }
    }
}

#[test]
fn plain_and_secured_sides_are_joined() {
    let mut mint = Mint::new([4; 32]);
    let ka = keys(&mut mint, Suite::AesCm128Sha1_80);
    let mut pa = Peer::of(&ka);
    let mut room = Room::new(on(&ka), Srtp::Off);
    assert_eq!(room.put(Side::A, &pa.says(&rtp(1, 1))).unwrap(), rtp(1, 1));
    let left = room.put(Side::B, &rtp(2, 1)).unwrap();
    assert_ne!(left[12..172], rtp(2, 1)[12..], "what leaves is not readable");
    assert_eq!(pa.hears(&left), rtp(2, 1));
    assert!(room.session.flow(Side::A, 0, Component::Rtp).is_none(), "no engine may relay it unseen");
    assert!(room.session.flow(Side::B, 0, Component::Rtp).is_none());
}

#[test]
fn nothing_passes_a_secured_side_without_keys() {
    let mut room = Room::new(Srtp::Awaited, Srtp::Off);
    assert_eq!(room.put(Side::A, &rtp(1, 1)), Err(DropReason::SrtpKey), "it may not send in clear");
    assert_eq!(room.put(Side::B, &rtp(2, 1)), Err(DropReason::SrtpKey), "nor be sent to in clear");
    let control = room.put_from(Side::B, Component::Rtcp, at("198.51.100.2:5001"), &rtcp(2));
    assert_eq!(control, Err(DropReason::SrtpKey));
}

#[test]
fn wrong_keys_plain_packets_and_replays_are_counted_and_change_nothing() {
    let mut mint = Mint::new([5; 32]);
    let ka = keys(&mut mint, Suite::AeadAes128Gcm);
    let mut room = Room::new(on(&ka), Srtp::Off);
    let (mut right, mut wrong) = (Peer::of(&ka), Peer::of(&keys(&mut mint, Suite::AeadAes128Gcm)));
    for n in 0..100 {
        assert_eq!(room.put(Side::A, &wrong.says(&rtp(1, n))), Err(DropReason::SrtpForged));
        assert_eq!(room.put(Side::A, &rtp(1, n)), Err(DropReason::SrtpForged), "plain");
        let good = right.says(&rtp(1, n));
        assert_eq!(room.put(Side::A, &good).unwrap(), rtp(1, n));
        assert_eq!(room.put(Side::A, &good), Err(DropReason::SrtpReplayed));
        let stranger = room.put_from(Side::A, Component::Rtp, at("192.0.2.1:4001"), &good);
        assert_eq!(stranger, Err(DropReason::ForeignSource));
    }
    let report = room.session.report(room.now);
    let dropped = report.a[0].dropped;
    assert_eq!((dropped.of(DropReason::SrtpForged), dropped.of(DropReason::SrtpReplayed)), (200, 100));
    assert_eq!(report.a[0].packets, 100, "only what was right is heard");
}

#[test]
fn the_same_keys_said_again_keep_counters_and_window() {
    let mut mint = Mint::new([6; 32]);
    let (ka, kb) = (keys(&mut mint, Suite::AesCm256Sha1_80), keys(&mut mint, Suite::AesCm128Sha1_32));
    let (mut pa, mut pb) = (Peer::of(&ka), Peer::of(&kb));
    let mut room = Room::new(on(&ka), on(&kb));
    let mut last = Vec::new();
    for n in 65_500..=65_535u16 {
        last = pa.says(&rtp(1, n));
        assert_eq!(pb.hears(&room.put(Side::A, &last).unwrap())[4..], rtp(1, n)[4..]);
    }
    for n in 0..40 {
        assert_eq!(
            pb.hears(&room.put(Side::A, &pa.says(&rtp(1, n))).unwrap())[4..],
            rtp(1, n)[4..],
            "rolled over"
        );
    }
    room.set(Side::A, Srtp::Awaited);
    room.set(Side::A, on(&ka));
    room.set(Side::B, on(&kb));
    assert_eq!(room.put(Side::A, &last), Err(DropReason::SrtpReplayed));
    assert_eq!(pb.hears(&room.put(Side::A, &pa.says(&rtp(1, 40))).unwrap())[4..], rtp(1, 40)[4..]);
}

#[test]
fn an_identifier_of_another_key_is_refused() {
    let mut mint = Mint::new([9; 32]);
    let named = |key: MasterKey, mki: &[u8]| key.with_mki(mki).unwrap();
    let Keys { receive, send } = keys(&mut mint, Suite::AesCm128Sha1_80);
    let right = Keys { receive: named(receive.clone(), &[0, 0, 0, 1]), send };
    let other = Keys { receive: named(receive, &[0, 0, 0, 2]), ..right.clone() };
    let mut room = Room::new(on(&right), Srtp::Off);
    assert_eq!(room.put(Side::A, &Peer::of(&other).says(&rtp(1, 1))), Err(DropReason::SrtpKey));
    assert_eq!(room.put(Side::A, &Peer::of(&right).says(&rtp(1, 1))).unwrap(), rtp(1, 1));
}

#[test]
fn a_forged_packet_from_anywhere_moves_no_source() {
    let mut mint = Mint::new([10; 32]);
    let ka = keys(&mut mint, Suite::AesCm128Sha1_80);
    let (mut right, mut wrong) = (Peer::of(&ka), Peer::of(&keys(&mut mint, Suite::AesCm128Sha1_80)));
    let mut room = Room::new(Srtp::Off, Srtp::Off);
    let nat = Remote { latch: Latch::Nat, srtp: on(&ka), ..Remote::audio(a()) };
    assert!(room.session.set(room.now, Side::A, 0, nat));
    let (thief, seen) = (at("203.0.113.66:6666"), at("203.0.113.5:1024"));
    for n in 0..50 {
        let forged = room.put_from(Side::A, Component::Rtp, thief, &wrong.says(&rtp(1, n)));
        assert_eq!(forged, Err(DropReason::SrtpForged));
        assert_eq!(room.put_from(Side::A, Component::Rtp, thief, &rtp(1, n)), Err(DropReason::SrtpForged));
    }
    assert_eq!(room.session.report(room.now).a[0].source, None);
    room.put_from(Side::A, Component::Rtp, seen, &right.says(&rtp(1, 1))).unwrap();
    assert_eq!(room.session.report(room.now).a[0].source, Some(seen));
}

/// Whatever is done to packets on their way: no panic, what comes out is what went in, and what was forged leaves
/// the genuine stream as it was.
#[test]
fn random_forgeries_never_change_a_state() {
    let mut rng = Rng::new((21, 4));
    for round in 0..60 {
        let mut mint = Mint::new([round; 32]);
        let suite = Suite::ALL[usize::from(round) % Suite::ALL.len()];
        let (ka, kb) = (keys(&mut mint, suite), keys(&mut mint, suite));
        let (mut pa, mut pb) = (Peer::of(&ka), Peer::of(&kb));
        let mut room = Room::new(on(&ka), on(&kb));
        let start = rng.below(65_536) as u16;
        for n in 0..200u16 {
            let packet = rtp(1, start.wrapping_add(n));
            let good = pa.says(&packet);
            for _ in 0..rng.below(4) {
                let mut bad = good.clone();
                match rng.below(3) {
                    0 => bad.truncate(rng.below(bad.len() as u64) as usize),
                    1 => bad.push(rng.next_u64() as u8),
                    _ => {
                        let spot = rng.below(bad.len() as u64) as usize;
                        bad[spot] ^= 1 << rng.below(8);
                    }
                }
                let component = if rng.below(4) == 0 { Component::Rtcp } else { Component::Rtp };
                let source = if component == Component::Rtp { a() } else { at("192.0.2.1:4001") };
                assert!(room.put_from(Side::A, component, source, &bad).is_err());
            }
            let left = room.put(Side::A, &good).unwrap();
            assert_eq!(pb.hears(&left)[4..], packet[4..]);
        }
    }
}
