//! Streams that are added to an open session.

use super::*;

fn grow(bench: &mut Bench, streams: u8) -> Result<Ports, OpenError> {
    match bench.engine.execute(Command::Grow { session: ID, a: INSIDE, b: OUTSIDE, streams }) {
        Some(Reply::Grown { session: ID, ports }) => ports,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_added_stream_is_relayed_beside_the_first_with_its_control() {
    let mut bench = Bench::new(LOOPBACK, Ipv4Addr::new(127, 0, 0, 2).into(), 23_300..=23_399);
    let before = bench.open(1);
    let (a, b) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    bench.set(Side::A, a.remote(Latch::Off));
    bench.set(Side::B, b.remote(Latch::Off));
    let ports = grow(&mut bench, 2).unwrap();
    assert_eq!((ports.streams().len(), ports.streams()[0]), (2, before.streams()[0]));
    let (a2, b2) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    for (side, peer) in [(Side::A, &a2), (Side::B, &b2)] {
        let remote = peer.remote(Latch::Off);
        bench.engine.execute(Command::Set { session: ID, side, stream: 1, remote });
    }
    for (at, from, to) in [(0, &a, &b), (1, &a2, &b2)] {
        let (ours, theirs) = (ports.streams()[at].a_rtp, ports.streams()[at].b_rtp);
        from.rtp.send_to(&rtp(at as u32 + 1, 7), (LOOPBACK, ours)).unwrap();
        let us = SocketAddr::from(([127, 0, 0, 2], theirs));
        assert_eq!(receive(&to.rtp), (rtp(at as u32 + 1, 7), us));
        from.rtcp.send_to(&rtcp(at as u32 + 1), (LOOPBACK, ours + 1)).unwrap();
        assert_eq!(receive(&to.rtcp).0, rtcp(at as u32 + 1));
    }
    assert_eq!(bench.engine.status().ports[0].used, 2);
    let report = bench.close();
    assert_eq!((report.a.len(), report.a[0].packets, report.a[1].packets), (2, 1, 1));
    assert_eq!(bench.engine.status().ports[0].used, 0);
}

#[test]
fn a_session_that_cannot_grow_is_as_it_was() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 23_400..=23_403);
    assert_eq!(grow(&mut bench, 2), Err(OpenError::Unknown));
    let ports = bench.open(1);
    assert_eq!(grow(&mut bench, 2), Err(OpenError::PortsExhausted(Side::A)));
    assert_eq!(bench.engine.status().ports[0].used, 2);
    let (a, b) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    bench.set(Side::A, a.remote(Latch::Off));
    bench.set(Side::B, b.remote(Latch::Off));
    a.rtp.send_to(&rtp(1, 1), (LOOPBACK, ports.streams()[0].a_rtp)).unwrap();
    assert_eq!(receive(&b.rtp).0, rtp(1, 1));
    bench.close();
    assert_eq!(bench.engine.status().ports[0].used, 0);
    assert_eq!(grow(&mut bench, 2), Err(OpenError::Unknown), "it is over");
}
