//! A call that is brought in shared memory is copied to a recorder: the copies leave by the rings too, whole, once and in
//! order, and a recorder whose host refuses them is told of as by sockets.

use crate::scene::{ID, OUTSIDE, PATIENCE, Scene, Stream, end, hear, hear_keyed, is_possible, key};
use bench::Host;
use fastpath::Hook;
use media::{Command, Ports, Remote, Reply, SessionId, Side};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const RECORDER: SessionId = SessionId(8);

/// Copies the call to a recorder beside the hearer, from now on.
fn record(scene: &mut Scene) -> ([UdpSocket; 2], Ports) {
    let ears = [6_000, 6_002].map(|port| scene.world.socket(Host::Hearer, port).unwrap());
    let copy = Command::Copy { session: RECORDER, of: ID, listen: OUTSIDE, streams: 1, seed: 7 };
    let Some(Reply::Opened { ports, .. }) = scene.engine.execute(copy) else { panic!("no ports") };
    for (side, ear) in Side::BOTH.into_iter().zip(&ears) {
        let remote = Remote { receive: false, ..Remote::audio(ear.local_addr().unwrap()) };
        scene.engine.execute(Command::Set { session: RECORDER, side, stream: 0, remote });
    }
    (ears, ports)
}

#[test]
fn copies_for_a_recorder_leave_by_the_rings_and_nothing_of_either_side_is_missing_in_them() {
    if !is_possible() {
        return;
    }
    let inside = || {
        let mut scene = Scene::with("copies", Hook::Xdp, false, (true, true));
        let (ears, ports) = record(&mut scene);
        scene.describe(20);
        let recorded = [hear(&ears[0]), hear(&ears[1])];
        let at_a = hear(&scene.a);
        let at_b = hear_keyed(&scene.b, Some(key(2)));
        let pace = Duration::from_millis(2);
        let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, pace);
        let back = Stream::keyed(&scene.b, scene.ours(Side::B), (2, Some(key(1))), pace);
        scene.until_relayed(1_000);
        scene.describe(30);
        scene.until_relayed(1_000);
        let said = [forth.stop(), back.stop()];
        scene.until_passed(said[0] + said[1]);
        scene.idle(Duration::from_millis(300));
        let touched = scene.engine.status().fast.touched;
        for socket in [&scene.a, &scene.b, &ears[0], &ears[1]] {
            end(socket);
        }
        let [from_a, from_b] = recorded.map(|recorded| recorded.join().unwrap());
        let heard = [at_b.join().unwrap().len() as u64, at_a.join().unwrap().len() as u64];
        assert_eq!(heard, said);
        whole(&scene, &ports, said, [&from_a, &from_b]);
        // Nearly each that was brought left twice.
        assert!(touched.sent > touched.received * 9 / 5 && touched.full + touched.lost == 0, "{touched:?}");
        drop(ears);
        refused(&mut scene);
        assert!(scene.engine.shutdown(PATIENCE));
    };
    std::thread::spawn(inside).join().unwrap();
}

/// All that a side said was recorded, once and in order, from one port of ours.
fn whole(scene: &Scene, ports: &Ports, said: [u64; 2], recorded: [&[(SocketAddr, u16)]; 2]) {
    let address = scene.world.address(Host::Relay, Host::Hearer);
    for ((side, said), recorded) in Side::BOTH.into_iter().zip(said).zip(recorded) {
        let ours = SocketAddr::new(address, ports.rtp(side, 0).unwrap());
        assert!(recorded.iter().all(|(source, _)| *source == ours), "{side:?}: one port of ours");
        let next = |two: &[(SocketAddr, u16)]| two[0].1.wrapping_add(1) == two[1].1;
        assert!(recorded.windows(2).all(next), "{side:?}: overtaken or missing");
        assert_eq!(recorded.len() as u64, said, "{side:?}");
    }
}

/// The recorder is gone, its host is not: it is told of while copies leave by the rings.
fn refused(scene: &mut Scene) {
    let before = scene.engine.status().fast.touched.sent;
    let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, Duration::from_millis(5));
    let deadline = Instant::now() + PATIENCE;
    loop {
        match scene.engine.poll_reply() {
            Some(Reply::Unreached { session }) => break assert_eq!(session, RECORDER),
            Some(_) => {}
            None => {
                assert!(Instant::now() < deadline, "nobody is told: {:?}", scene.engine.status());
                let _ = scene.bell.recv_timeout(Duration::from_millis(20));
            }
        }
    }
    forth.stop();
    assert!(scene.engine.status().fast.touched.sent > before);
}
