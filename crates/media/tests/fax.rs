//! A fax in a session: UDPTL knows no RTCP, and while a page goes one way nothing comes back.

#![allow(clippy::unwrap_used)]

use base::Time;
use ice::message::{Class, kind};
use ice::write::Writer;
use ice::{Credentials, Key};
use media::{Component, Datagram, DropReason, Remote, Reply, Session, SessionId, Side, Verdict};
use std::net::SocketAddr;

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

#[test]
fn a_page_that_goes_one_way_for_long_is_no_silence() {
    let (a, b) = (at("192.0.2.1:4000"), at("198.51.100.2:5000"));
    let mut session = Session::new(SessionId(3), Time::ZERO, 1);
    for (side, place) in [(Side::A, a), (Side::B, b)] {
        assert!(session.set(Time::ZERO, side, 0, Remote { udptl: true, ..Remote::audio(place) }));
    }
    let mut ms = 0;
    while ms < 120_000 {
        ms += 200;
        let (now, mut packet) = (Time::from_millis(ms), [0, (ms / 200) as u8, 1, 6, 0]);
        let datagram = Datagram { buffer: &mut packet, length: 5 };
        let verdict = session.on_packet(now, Side::A, 0, Component::Rtp, a, datagram);
        assert_eq!(verdict, Verdict::Relay { component: Component::Rtp, to: b, length: 5 });
        session.on_tick(now);
    }
    assert_eq!(session.poll_reply(), None, "B is silent, and the fax goes on");
    while ms < 149_800 {
        ms += 200;
        session.on_tick(Time::from_millis(ms));
    }
    assert_eq!(session.poll_reply(), None);
    session.on_tick(Time::from_millis(150_000));
    let news: Vec<Reply> = std::iter::from_fn(|| session.poll_reply()).collect();
    assert_eq!(news.len(), 2, "neither is heard any more: {news:?}");
    assert!(news.iter().all(|reply| matches!(reply, Reply::Timeout { .. })));
}

/// A session that began with ICE on side B and is a fax now.
fn fax_beside_ice() -> Session {
    let mut session = Session::new(SessionId(3), Time::ZERO, 1);
    session.set_ice(Time::ZERO, Side::B, &Credentials::new("ours", PASSWORD).unwrap());
    for (side, place) in [(Side::A, "192.0.2.1:4000"), (Side::B, "198.51.100.2:5000")] {
        session.set(Time::ZERO, side, 0, Remote::audio(at(place)));
        session.set(Time::ZERO, side, 0, Remote { udptl: true, ..Remote::audio(at(place)) });
    }
    session
}

const PASSWORD: &str = "0123456789abcdefghijkl";

/// What becomes of a datagram of B's on its port for media.
fn hand(session: &mut Session, bytes: &[u8]) -> Verdict {
    let mut buffer = [bytes, &[0; 64]].concat();
    let packet = Datagram { buffer: &mut buffer, length: bytes.len() };
    session.on_packet(Time::ZERO, Side::B, 0, Component::Rtp, at("198.51.100.2:5000"), packet)
}

/// A check of the peer's that goes on while the fax does.
fn check() -> Vec<u8> {
    let mut buffer = vec![0; 256];
    let mut writer = Writer::new(&mut buffer, Class::Request, [3; 12]);
    writer.attribute(kind::USERNAME, &[b"ours:peer"]);
    writer.attribute(kind::PRIORITY, &[&[0, 0, 1, 0]]);
    writer.integrity(&Key::new(PASSWORD.as_bytes()));
    let length = writer.finish().unwrap();
    buffer.truncate(length);
    buffer
}

/// The first byte of UDPTL is the upper half of a sequence number: it may be that of STUN, of DTLS, of anything.
#[test]
fn every_packet_of_a_fax_is_relayed_beside_an_agent_of_ice_whatever_its_number() {
    let mut session = fax_beside_ice();
    for first in 0..=255 {
        let verdict = hand(&mut session, &[first, 1, 1, 6, 0]);
        assert!(matches!(verdict, Verdict::Relay { .. }), "first byte {first}: {verdict:?}");
    }
    // One that bears STUN's cookie by chance, and one that has its length too, but not attributes that fit.
    let by_chance = [0, 1, 4, 6, 0x21, 0x12, 0xa4, 0x42, 0, 0];
    assert!(matches!(hand(&mut session, &by_chance), Verdict::Relay { .. }));
    let with_length =
        [&[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42][..], &[0; 12], &[0, 6, 0, 9, 1, 2, 3, 4]].concat();
    assert!(matches!(hand(&mut session, &with_length), Verdict::Relay { .. }));
}

#[test]
fn a_check_beside_a_fax_is_answered_and_is_none_of_its_packets() {
    let mut session = fax_beside_ice();
    assert!(matches!(hand(&mut session, &check()), Verdict::Answer { .. }));
    let mut forged = check();
    let key = forged.len() - 12;
    forged[key] ^= 1;
    // Its fingerprint is wrong now, too: it is no STUN message.
    assert!(matches!(hand(&mut session, &forged), Verdict::Relay { .. }));
    let report = session.report(Time::ZERO);
    assert_eq!(report.b[0].dropped.of(DropReason::IceCheck), 0);
}
