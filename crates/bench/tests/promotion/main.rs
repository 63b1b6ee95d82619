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
mod scene;
mod touched;

use bench::{DEVICES, Host};
use fastpath::Hook;
use media::Side;
use scene::{PATIENCE, Scene, Stream, end, hear, is_possible};
use std::net::SocketAddr;
use std::time::Duration;

/// A stream of 2,000 packets a second, taken back and lent again four times.
fn goes_to_the_kernel_and_back(name: &'static str, hook: Hook, six: bool) {
    if !is_possible() {
        return;
    }
    let inside = move || {
        let mut scene = Scene::new(name, hook, six);
        scene.describe(20);
        let (at_a, at_b) = (hear(&scene.a), hear(&scene.b));
        // The worker takes what it is told before it judges any packet.
        let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, Duration::from_micros(500));
        let back = Stream::start(&scene.b, scene.ours(Side::B), 2, Duration::from_millis(5));
        for turn in 1..=4 {
            scene.until_relayed(1_000);
            scene.describe(if turn % 2 == 1 { 30 } else { 20 });
        }
        scene.until_relayed(1_000);
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
        for device in DEVICES {
            let told = world.inside(Host::Relay, &format!("ip link show {device}")).unwrap();
            assert!(!told.contains("xdp"), "{told}");
        }
    };
    std::thread::spawn(inside).join().unwrap();
}
