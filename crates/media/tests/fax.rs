//! A fax in a session: UDPTL knows no RTCP, and while a page goes one way nothing comes back.

#![allow(clippy::unwrap_used)]

use base::Time;
use media::{Component, Datagram, Remote, Reply, Session, SessionId, Side, Verdict};
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
