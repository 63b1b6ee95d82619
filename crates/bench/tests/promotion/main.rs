//! The kernel's engine under a running stream: nothing is lost, doubled or overtaken when a direction is lent and taken
//! back, and the report is that of one engine. Between namespaces, so it needs root and the kernel's leave; where
//! they are missing this is said, and `TRONCO_KERNEL_TIER=1` makes it a failure.
//!
//! No test sleeps: the stream is paced by waiting for an order to stop that comes at its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod alike;
mod copies;
mod crowd;
mod faults;
mod load;
mod remade;
mod scene;
mod touched;

use bench::{DEVICES, Host};
use fastpath::Hook;
use media::Side;
use scene::{PATIENCE, Scene, Stream, are_free, end, hear, is_possible};
use std::net::SocketAddr;
use std::time::Duration;

/// A stream of 500 packets a second, taken back and lent again four times.
fn goes_to_the_kernel_and_back(name: &'static str, hook: Hook, six: bool) {
    if !is_possible() {
        return;
    }
    let inside = move || {
        let mut scene = Scene::new(name, hook, six);
        scene.describe(20);
        let (at_a, at_b) = (hear(&scene.a), hear(&scene.b));
        // The worker takes what it is told before it judges any packet.
        let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, Duration::from_millis(2));
        let back = Stream::start(&scene.b, scene.ours(Side::B), 2, Duration::from_millis(5));
        for turn in 1..=4 {
            scene.until_relayed(400);
            scene.describe(if turn % 2 == 1 { 30 } else { 20 });
        }
        scene.until_relayed(400);
        let (sent_a, sent_b) = (forth.stop(), back.stop());
        let fast = scene.engine.status().fast_packets;
        end(&scene.a);
        end(&scene.b);
        let (heard_a, heard_b) = (at_a.join().unwrap(), at_b.join().unwrap());
        let report = scene.close();
        for (sent, heard, ours) in
            [(sent_a, heard_b, scene.ours(Side::B)), (sent_b, heard_a, scene.ours(Side::A))]
        {
            let wanted: Vec<(SocketAddr, u16)> = (0..sent).map(|n| (ours, n as u16)).collect();
            let first = wanted.iter().zip(&heard).position(|(a, b)| a != b);
            assert!(heard == wanted, "sent {sent}, heard {}, first apart at {first:?}", heard.len());
        }
        for (heard, sent) in [(&report.a[0], sent_a), (&report.b[0], sent_b)] {
            assert_eq!((heard.packets, heard.bytes, heard.expected), (sent, sent * 172, sent));
            assert_eq!((heard.lost, heard.out_of_order, heard.duplicates), (0, 0, 0));
        }
        assert!(fast > (sent_a + sent_b) / 3, "{fast} of {sent_a} and {sent_b}");
    };
    std::thread::spawn(inside).join().unwrap();
}

#[test]
fn at_the_driver_nothing_is_lost_or_overtaken() {
    goes_to_the_kernel_and_back("xdp", Hook::Xdp, false);
}

#[test]
fn behind_the_driver_nothing_is_lost_or_overtaken() {
    goes_to_the_kernel_and_back("tcx", Hook::Tcx, false);
}

#[test]
fn over_ipv6_nothing_is_lost_or_overtaken() {
    goes_to_the_kernel_and_back("six", Hook::Xdp, true);
}

#[test]
fn a_next_hop_that_moves_is_followed_and_the_devices_are_free_afterwards() {
    if !is_possible() {
        return;
    }
    let inside = || {
        let mut scene = Scene::new("hop", Hook::Xdp, false);
        scene.describe(20);
        let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, Duration::from_millis(2));
        let back = Stream::start(&scene.b, scene.ours(Side::B), 2, Duration::from_millis(2));
        scene.until_relayed(200);
        scene.world.inside(Host::Hearer, "ip link set vb address 02:00:00:00:00:77").unwrap();
        scene.world.neighbour(Host::Hearer, DEVICES[1], "02:00:00:00:00:77").unwrap();
        // What was sent to the old address is lost; from some packet on all arrive at the new one.
        scene.until_relayed(2_000);
        forth.stop();
        back.stop();
        scene.b.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut last = None;
        while let Ok(length) = scene.b.recv(&mut [0; 2048]) {
            last = Some(length);
        }
        assert_eq!(last, Some(172));
        let report = scene.close();
        let sent = report.a[0].packets;
        assert_eq!((report.a[0].lost, report.b[0].lost), (0, 0), "of {sent}: all were heard here");
        let Scene { engine, world, .. } = scene;
        assert!(world.inside(Host::Relay, "ip link show sa").unwrap().contains("xdp"));
        assert!(engine.shutdown(PATIENCE));
        are_free(&world);
    };
    std::thread::spawn(inside).join().unwrap();
}

/// A device is removed and made again under a call: the kernel relays what arrives there, and what leaves there, again.
fn is_taken_up_again(name: &'static str, hook: Hook) {
    if !is_possible() {
        return;
    }
    let inside = move || {
        let mut scene = Scene::new(name, hook, false);
        scene.describe(20);
        let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, Duration::from_millis(2));
        let back = Stream::start(&scene.b, scene.ours(Side::B), 2, Duration::from_millis(2));
        let (at_a, at_b) = (hear(&scene.a), hear(&scene.b));
        scene.until_relayed(400);
        scene.world.inside(Host::Relay, &format!("ip link delete {}", DEVICES[1])).unwrap();
        scene.until("it is still relayed there", |fast| {
            fast.devices == [(DEVICES[0].to_owned(), hook.name())]
        });
        scene.until("its direction stays lent", |fast| fast.lanes == 1);
        let fast = scene.engine.status().fast;
        assert!(fast.places[1].1.as_ref().is_err_and(|reason| reason.ends_with("on no device")), "{fast:?}");
        scene.world.mend(Host::Hearer).unwrap();
        let all = DEVICES.map(|device| (device.to_owned(), hook.name()));
        scene.until("it is not taken up", |fast| fast.devices == all && fast.lanes == 2);
        let (lent, packets) = (scene.engine.status().fast_packets, scene.engine.status().packets);
        scene.until_relayed(2_000);
        // All of both directions again, but for the first.
        let status = scene.engine.status();
        assert!(status.packets - packets < (status.fast_packets - lent) * 5 / 4, "{status:?}");
        let said = [forth.stop(), back.stop()];
        scene.idle(Duration::from_millis(300));
        [&scene.a, &scene.b].into_iter().for_each(end);
        for (heard, said) in [at_b, at_a].map(|heard| heard.join().unwrap()).into_iter().zip(said) {
            assert!(heard.windows(2).all(|two| two[0].1 < two[1].1), "overtaken or doubled");
            assert_eq!(heard.last().map(|(_, last)| u64::from(*last) + 1), Some(said));
        }
        let Scene { engine, world, .. } = scene;
        assert!(engine.shutdown(PATIENCE));
        are_free(&world);
    };
    std::thread::spawn(inside).join().unwrap();
}

#[test]
fn at_the_driver_a_device_that_is_removed_and_made_again_is_taken_up_again() {
    is_taken_up_again("again-driver", Hook::Xdp);
}

#[test]
fn behind_the_driver_a_device_that_is_removed_and_made_again_is_taken_up_again() {
    is_taken_up_again("again-behind", Hook::Tcx);
}
