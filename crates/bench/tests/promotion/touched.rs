//! The same of packets that the process must touch, which are brought to it in shared memory and leave it so: of a call
//! that is protected on one side.

use crate::scene::{PATIENCE, Scene, Stream, are_free, end, hear, hear_keyed, is_possible, key};
use fastpath::Hook;
use media::Side;
use std::net::SocketAddr;
use std::time::Duration;

/// What a side heard: sources and sequence numbers.
type Heard = Vec<(SocketAddr, u16)>;

/// A stream of 2,000 packets a second and one back, taken back and lent again four times.
fn goes_by_the_rings_and_back(name: &'static str, six: bool) {
    if !is_possible() {
        return;
    }
    let inside = move || {
        let mut scene = Scene::with(name, Hook::Xdp, six, (true, true));
        let touched = scene.engine.status().fast.touched;
        assert_eq!((touched.reason, touched.devices.len()), (None, 2));
        scene.describe(20);
        let (at_a, at_b) = (hear(&scene.a), hear_keyed(&scene.b, Some(key(2))));
        let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, Duration::from_millis(2));
        let key = Some(key(1));
        let back = Stream::keyed(&scene.b, scene.ours(Side::B), (2, key), Duration::from_millis(5));
        for turn in 1..=4 {
            scene.until_relayed(400);
            scene.describe(if turn % 2 == 1 { 30 } else { 20 });
        }
        scene.until_relayed(400);
        let sent = [forth.stop(), back.stop()];
        scene.until_passed(sent[0] + sent[1]);
        end(&scene.a);
        end(&scene.b);
        judge(scene, sent, [at_a.join().unwrap(), at_b.join().unwrap()]);
    };
    std::thread::spawn(inside).join().unwrap();
}

/// What was said was heard once and in order, by the rings, and the devices are free afterwards.
fn judge(mut scene: Scene, [sent_a, sent_b]: [u64; 2], [heard_a, heard_b]: [Heard; 2]) {
    let report = scene.close();
    let status = scene.engine.status();
    let touched = status.fast.touched;
    for (sent, heard, ours) in
        [(sent_a, heard_b, scene.ours(Side::B)), (sent_b, heard_a, scene.ours(Side::A))]
    {
        let wanted: Heard = (0..sent).map(|n| (ours, n as u16)).collect();
        let first = wanted.iter().zip(&heard).position(|(a, b)| a != b);
        assert!(heard == wanted, "sent {sent}, heard {}, first apart at {first:?}: {touched:?}", heard.len());
    }
    for (heard, sent) in [(&report.a[0], sent_a), (&report.b[0], sent_b)] {
        assert_eq!((heard.packets, heard.expected), (sent, sent));
        assert_eq!((heard.lost, heard.out_of_order, heard.duplicates), (0, 0, 0));
    }
    assert!(touched.received > (sent_a + sent_b) / 3, "{touched:?} of {sent_a} and {sent_b}");
    assert_eq!((touched.full, touched.unsound, touched.lost), (0, 0, 0));
    // What was still on its way in when it was taken back has left by a socket.
    assert!(touched.sent <= touched.received && touched.sent + 200 > touched.received, "{touched:?}");
    assert_eq!((status.packets, status.fast_packets), (sent_a + sent_b, 0));
    let Scene { engine, world, .. } = scene;
    assert!(engine.shutdown(PATIENCE));
    are_free(&world);
}

#[test]
fn what_is_protected_goes_by_the_rings_and_nothing_is_lost_or_overtaken() {
    goes_by_the_rings_and_back("keyed", false);
}

#[test]
fn over_ipv6_what_is_protected_goes_by_the_rings_and_nothing_is_lost_or_overtaken() {
    goes_by_the_rings_and_back("keyed-six", true);
}
