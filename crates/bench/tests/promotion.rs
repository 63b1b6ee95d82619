//! The kernel's engine under a running stream: nothing is lost, doubled or overtaken when a direction is lent and taken
//! back, and the report is that of one engine. Between namespaces, so it needs root and the kernel's leave; where
//! they are missing this is said, and `TRONCO_KERNEL_TIER=1` makes it a failure.
//!
//! No test sleeps: the stream is paced by waiting for an order to stop that comes at its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use base::ListenId;
use bench::{DEVICES, Host, World, rtp};
use engine::{Engine, MediaListen};
use fastpath::{Hook, Kernel, Wish};
use media::{Command, Ports, Remote, Reply, Report, SessionId, Side};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const ID: SessionId = SessionId(7);
const INSIDE: ListenId = ListenId(0);
const OUTSIDE: ListenId = ListenId(1);
const PATIENCE: Duration = Duration::from_secs(20);

fn is_possible() -> bool {
    match Kernel::load(2) {
        Ok(_) => true,
        Err(reason) => {
            let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
            assert!(!declared, "the kernel's engine is declared to work here: {reason}");
            println!("skipped, the kernel's engine does not work here: {reason}");
            false
        }
    }
}

/// A relay in its namespace, and sockets at both ends.
struct Scene {
    engine: Engine,
    bell: Receiver<()>,
    ports: Ports,
    a: UdpSocket,
    b: UdpSocket,
    world: World,
}

impl Scene {
    /// The calling thread stays on the relay's host.
    fn new(name: &str, hook: Hook, six: bool) -> Scene {
        let world = World::new(name, six).unwrap();
        let (a, b) = (world.socket(Host::Speaker, 4000).unwrap(), world.socket(Host::Hearer, 5000).unwrap());
        world.enter(Host::Relay).unwrap();
        let (inside, outside) =
            (world.address(Host::Relay, Host::Speaker), world.address(Host::Relay, Host::Hearer));
        let wish = Wish { addresses: vec![inside, outside], hook: Some(hook), lanes: 64 };
        let kernel = Kernel::start(&wish).unwrap();
        let listen = |id, address| MediaListen { id, address, range: 20_000..=20_099, dscp: 46 };
        let (ring, bell) = channel();
        let ring = std::sync::Mutex::new(ring);
        let notify = Box::new(move || {
            let _ = ring.lock().unwrap().send(());
        });
        let listens = vec![listen(INSIDE, inside), listen(OUTSIDE, outside)];
        let certificate = Arc::new(dtls::Certificate::make().unwrap());
        let mut engine =
            Engine::with_fast_path(listens, 1, certificate, notify, Ok(Arc::new(kernel))).unwrap();
        let opened = engine.execute(Command::Open { session: ID, a: INSIDE, b: OUTSIDE, streams: 1 });
        let Some(Reply::Opened { ports, .. }) = opened else { panic!("{opened:?}") };
        Scene { engine, bell, ports, a, b, world }
    }

    /// Says where the peers are; `ptime_ms` so that something has changed.
    fn describe(&mut self, ptime_ms: u8) {
        for (side, socket) in [(Side::A, &self.a), (Side::B, &self.b)] {
            let remote = Remote { ptime_ms, ..Remote::audio(socket.local_addr().unwrap()) };
            self.engine.execute(Command::Set { session: ID, side, stream: 0, remote });
        }
    }

    /// Our port towards a side.
    fn ours(&self, side: Side) -> SocketAddr {
        let host = if side == Side::A { Host::Speaker } else { Host::Hearer };
        SocketAddr::new(self.world.address(Host::Relay, host), self.ports.rtp(side, 0).unwrap())
    }

    /// Waits until the kernel has relayed `more` packets from now on.
    fn until_relayed(&mut self, more: u64) {
        let (goal, deadline) = (self.engine.status().fast_packets + more, Instant::now() + PATIENCE);
        while self.engine.status().fast_packets < goal {
            assert!(Instant::now() < deadline, "the kernel relays nothing: {:?}", self.engine.status());
            let _ = self.bell.recv_timeout(Duration::from_millis(20));
            while self.engine.poll_reply().is_some() {}
        }
    }

    fn close(&mut self) -> Report {
        self.engine.execute(Command::Close { session: ID });
        loop {
            if let Some(Reply::Closed { report, .. }) = self.engine.poll_reply() {
                return *report;
            }
            self.bell.recv_timeout(PATIENCE).unwrap();
        }
    }
}

/// A stream from a socket, until told to stop; how many packets it had.
struct Stream {
    stop: Sender<()>,
    thread: JoinHandle<u64>,
}

impl Stream {
    fn start(socket: &UdpSocket, to: SocketAddr, ssrc: u32, pace: Duration) -> Stream {
        let socket = socket.try_clone().unwrap();
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut sent = 0u64;
            while stopped.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                socket.send_to(&rtp(ssrc, sent as u16), to).unwrap();
                sent += 1;
            }
            sent
        });
        Stream { stop, thread }
    }

    fn stop(self) -> u64 {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

/// What comes to a socket, until a packet of another kind: sources and sequence numbers, in order.
fn hear(socket: &UdpSocket) -> JoinHandle<Vec<(SocketAddr, u16)>> {
    let socket = socket.try_clone().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    std::thread::spawn(move || {
        let (mut heard, mut buffer) = (Vec::new(), [0; 2048]);
        loop {
            let (length, source) = socket.recv_from(&mut buffer).unwrap();
            let number = u16::from_be_bytes([buffer[2], buffer[3]]);
            if length != 172 {
                return heard;
            }
            assert_eq!(buffer[12..172], [0xd5; 160], "the payload of packet {number}");
            heard.push((source, number));
        }
    })
}

fn end(socket: &UdpSocket) {
    let itself = socket.try_clone().unwrap();
    itself.send_to(&[0; 4], socket.local_addr().unwrap()).unwrap();
}

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
