//! Sockets that serve one call after another.

use super::*;

/// Opens a call as soon as the only two pairs have rested.
fn open_again(bench: &mut Bench) -> Ports {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let open = Command::Open { session: ID, a: INSIDE, b: OUTSIDE, streams: 1 };
        if let Some(Reply::Opened { ports, .. }) = bench.engine.execute(open) {
            return ports;
        }
        let _ = bench.bell.recv_timeout(Duration::from_millis(20));
    }
    panic!("the ports did not come back");
}

#[test]
fn a_later_call_on_the_same_ports_hears_its_own_peers_only() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 23_180..=23_183);
    let old = [Peer::at(LOOPBACK), Peer::at(LOOPBACK)];
    let new = [Peer::at(LOOPBACK), Peer::at(LOOPBACK)];
    for (peers, ghosts) in [(&old, &[][..]), (&new, &old[..])] {
        let ports = open_again(&mut bench);
        let [a, b] = peers;
        bench.set(Side::A, a.remote(Latch::Off));
        bench.set(Side::B, b.remote(Latch::Off));
        let ours = ports.streams()[0];
        let next = establish(&a.rtp, (LOOPBACK, ours.a_rtp).into(), &b.rtp, 1);
        for ghost in ghosts {
            ghost.rtp.send_to(&rtp(9, 1), (LOOPBACK, ours.a_rtp)).unwrap();
        }
        a.rtp.send_to(&rtp(1, next), (LOOPBACK, ours.a_rtp)).unwrap();
        assert_eq!(receive(&b.rtp), (rtp(1, next), (LOOPBACK, ours.b_rtp).into()));
        assert_eq!(bench.close().a[0].source, Some(a.rtp.local_addr().unwrap()));
    }
}
