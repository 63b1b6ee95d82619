//! The same packets through shared memory and through sockets: the same bytes leave, and the same is counted. The call is
//! protected on one side.

use crate::scene::{Scene, is_possible, key};
use bench::{Host, rtp};
use fastpath::Hook;
use media::Side;
use srtp::Protector;
use std::net::UdpSocket;
use std::time::Duration;

/// Packets of each side before the cases, 20 ms apart: time enough to be brought in shared memory.
const BEFORE: usize = 120;
const PACE: Duration = Duration::from_millis(20);

/// The call's two ends, in step: what one says is heard before the next is said.
struct Ends {
    scene: Scene,
    protector: Protector,
    numbers: [u16; 2],
    /// What each side heard.
    heard: [Vec<Vec<u8>>; 2],
}

impl Ends {
    fn new(name: &str, touched: bool) -> Ends {
        let mut scene = Scene::with(name, Hook::Xdp, false, (true, touched));
        scene.describe(20);
        for socket in [&scene.a, &scene.b] {
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        }
        let (protector, heard) = (Protector::new(key(1)), [Vec::new(), Vec::new()]);
        Ends { scene, protector, numbers: [0, 0], heard }
    }

    fn socket(&self, side: Side) -> &UdpSocket {
        if side == Side::A { &self.scene.a } else { &self.scene.b }
    }

    /// The next packet of a side, changed, as it leaves there.
    fn packet(&mut self, side: Side, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut packet = rtp(side.index() as u32 + 1, self.numbers[side.index()]).to_vec();
        self.numbers[side.index()] += 1;
        change(&mut packet);
        if side == Side::B {
            let length = packet.len();
            packet.resize(length + 32, 0);
            // What no RTP is is said as it is.
            let length = self.protector.rtp(&mut packet, length).unwrap_or(length);
            packet.truncate(length);
        }
        packet
    }

    fn say(&self, side: Side, bytes: &[u8]) {
        self.socket(side).send_to(bytes, self.scene.ours(side)).unwrap();
    }

    /// Says the next packet as it should be, and hears all that comes until it.
    fn mark(&mut self, side: Side) {
        let number = self.numbers[side.index()].to_be_bytes();
        let packet = self.packet(side, |_| {});
        self.say(side, &packet);
        let mut buffer = [0; 4096];
        loop {
            let got = self.socket(side.other()).recv(&mut buffer).expect("the mark is heard");
            self.heard[side.other().index()].push(buffer[..got].to_vec());
            if buffer[2..4] == number {
                return;
            }
        }
    }

    fn settle(&mut self, touched: bool) {
        for _ in 0..BEFORE {
            self.mark(Side::A);
            self.mark(Side::B);
            let _ = self.scene.bell.recv_timeout(PACE);
        }
        self.must_be_brought(touched);
    }

    fn must_be_brought(&mut self, touched: bool) {
        let before = self.scene.engine.status().fast.touched.received;
        (0..20).for_each(|_| [Side::A, Side::B].into_iter().for_each(|side| self.mark(side)));
        // It is told a few times a second.
        let _ = self.scene.bell.recv_timeout(Duration::from_millis(400));
        let now = self.scene.engine.status().fast.touched;
        let brought = if touched { 40 } else { 0 };
        assert!(now.received >= before + brought && (touched || now.received == 0), "{now:?}");
    }

    /// Whatever may come from a side that is known.
    fn cases(&mut self, side: Side) {
        let again = self.packet(side, |_| {});
        let late = self.packet(side, |_| {});
        self.say(side, &again);
        self.mark(side);
        for packet in [&again, &late, &late] {
            self.say(side, packet);
        }
        self.mark(side);
        type Change = fn(&mut Vec<u8>);
        let changes: [Change; 9] = [
            |p| p[1] = 18,
            |p| p[1] |= 0x80,
            |p| p[11] = 99,
            |p| p.truncate(12),
            |p| p.resize(1_400, 7),
            |p| p[0] = 0x82,
            |p| p[0] = 0x90,
            |p| p[0] = 0xa0,
            |p| p[4..8].copy_from_slice(&[0; 4]),
        ];
        for change in changes {
            let packet = self.packet(side, change);
            self.say(side, &packet);
            self.mark(side);
        }
        self.bare_cases(side);
    }

    fn bare_cases(&mut self, side: Side) {
        // What no key protects: not RTP, of no version, like STUN and DTLS, a report, a forged packet, nothing.
        let mut forged = self.packet(side, |_| {});
        if let Some(last) = forged.last_mut() {
            *last ^= 1;
        }
        let bare: [&[u8]; 7] = [
            b"hello, who is there?",
            &[0x40; 40],
            &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            &[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &forged,
            &[],
        ];
        for bytes in bare {
            self.say(side, bytes);
            self.mark(side);
        }
    }

    /// What was heard and counted, after a packet in fragments from each side.
    fn end(mut self) -> ([Vec<Vec<u8>>; 2], Vec<String>) {
        for side in [Side::A, Side::B] {
            let packet = self.packet(side, |p| p.resize(2_000, 9));
            self.say(side, &packet);
            // It comes by its socket, and takes the direction with it: what is said meanwhile might be heard before it.
            let mut buffer = [0; 4096];
            let got = self.socket(side.other()).recv(&mut buffer).expect("the fragments are heard");
            self.heard[side.other().index()].push(buffer[..got].to_vec());
            self.mark(side);
        }
        let report = self.scene.close();
        let counted = report.a.iter().chain(&report.b).map(|s| {
            let numbers = [s.packets, s.bytes, s.expected, s.lost, s.out_of_order, s.duplicates];
            format!("{numbers:?} {:?}", s.dropped)
        });
        (self.heard, counted.collect())
    }
}

#[test]
fn packets_of_every_kind_leave_and_are_counted_as_through_sockets() {
    if !is_possible() {
        return;
    }
    let run = |touched: bool| {
        let name = if touched { "alike-rings" } else { "alike" };
        std::thread::spawn(move || {
            let mut ends = Ends::new(name, touched);
            ends.settle(touched);
            for side in [Side::A, Side::B] {
                ends.cases(side);
            }
            ends.must_be_brought(touched);
            ends.end()
        })
        .join()
        .unwrap()
    };
    let (sockets, rings) = (run(false), run(true));
    assert_eq!(sockets.1, rings.1, "counted of A and of B");
    for side in [Side::A, Side::B] {
        let [one, other] = [&sockets.0, &rings.0].map(|heard| &heard[side.index()]);
        let first = one.iter().zip(other).position(|(one, other)| one != other);
        assert!(
            one == other,
            "{side:?}: {} and {} packets, first apart at {first:?}",
            one.len(),
            other.len()
        );
    }
}

#[test]
fn a_sender_that_begins_to_leave_sums_to_a_device_is_heard_by_its_socket() {
    if !is_possible() {
        return;
    }
    let inside = || {
        let mut ends = Ends::new("sums", true);
        ends.settle(true);
        ends.scene.world.inside(Host::Speaker, "ethtool -K va tx on").unwrap();
        // It finds that the sum is not there, and gives the direction back.
        let packet = ends.packet(Side::A, |_| {});
        ends.say(Side::A, &packet);
        for _ in 0..500 {
            if ends.scene.engine.status().fast.touched.unsound > 0 {
                break;
            }
            let _ = ends.scene.bell.recv_timeout(PACE);
        }
        (0..50).for_each(|_| ends.mark(Side::A));
        let told = ends.scene.engine.status().fast.touched;
        assert_eq!((told.unsound, told.lost, told.full), (1, 0, 0));
        let report = ends.scene.close();
        assert_eq!(report.a[0].lost, 1);
    };
    std::thread::spawn(inside).join().unwrap();
}
