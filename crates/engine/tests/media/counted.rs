//! What the engine counts of all calls agrees with what reports say of each.

use super::*;
use bridge::{Codec, Format, Plan};

fn longer() -> Plan {
    Plan::between(vec![(0, Codec::G722)], 20, Format::new(0, Codec::G722, 40))
}

#[test]
fn packets_of_a_bridged_call_that_cannot_be_sent_are_counted_as_dropped_and_not_as_relayed() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 23_500..=23_599);
    let ports = bench.open(1).streams()[0];
    let a = Peer::at(LOOPBACK);
    bench.set(Side::A, a.remote(Latch::Off));
    // Nothing leaves the loopback for it.
    bench.set(Side::B, Remote::audio("192.0.2.9:4000".parse().unwrap()));
    let plans = Some(Box::new([longer(), longer()]));
    bench.engine.execute(Command::Bridge { session: ID, stream: 0, plans, seed: 7 });
    a.rtp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let seen = (0..500).find(|&n| {
        a.rtp.send_to(&rtp(1, n), (LOOPBACK, ports.a_rtp)).unwrap();
        assert!(a.rtp.recv(&mut [0; 2048]).is_err());
        bench.engine.status().dropped(DropReason::SendFailed) > 5
    });
    assert!(seen.is_some(), "drops of what a bridge has made are counted: {:?}", bench.engine.status());
    let report = bench.close();
    let status = bench.engine.status();
    assert_eq!(status.dropped(DropReason::SendFailed), report.a[0].dropped.of(DropReason::SendFailed).into());
    assert_eq!(status.packets, 0, "nothing was relayed");
}
