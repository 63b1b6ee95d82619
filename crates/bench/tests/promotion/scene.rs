//! A relay in its namespace, with peers at sockets on both sides of it.

use base::ListenId;
use bench::{Host, World, rtp};
use engine::{Engine, MediaListen};
use fastpath::{Hook, Kernel, Wish};
use media::{Command, FastStatus, Keys, Ports, Remote, Reply, Report, SessionId, Side, Srtp};
use srtp::{MasterKey, Opener, Protector, Suite};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) const ID: SessionId = SessionId(7);
pub(crate) const INSIDE: ListenId = ListenId(0);
pub(crate) const OUTSIDE: ListenId = ListenId(1);
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Keys of the hearer's side: one for each direction.
pub(crate) fn key(fill: u8) -> MasterKey {
    MasterKey::new(Suite::AesCm128Sha1_80, &[fill; 30]).unwrap()
}

pub(crate) fn is_possible() -> bool {
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
pub(crate) struct Scene {
    pub(crate) engine: Engine,
    pub(crate) bell: Receiver<()>,
    ports: Ports,
    pub(crate) a: UdpSocket,
    pub(crate) b: UdpSocket,
    pub(crate) world: World,
    /// What goes to the hearer and comes from there is protected, and so the process's to touch.
    pub(crate) secured: bool,
}

/// The relay of a world with so many workers, on whose host the calling thread stays.
pub(crate) fn relay(world: &World, hook: Hook, (touched, workers): (bool, usize)) -> (Engine, Receiver<()>) {
    world.enter(Host::Relay).unwrap();
    let towards = [Host::Speaker, Host::Hearer].map(|host| world.address(Host::Relay, host));
    let wish = Wish { addresses: towards.to_vec(), hook: Some(hook), lanes: 1_024, touched, workers };
    let kernel = Kernel::start(&wish).unwrap();
    let listen = |n: usize| MediaListen {
        id: [INSIDE, OUTSIDE][n],
        address: towards[n],
        range: 20_000..=21_999,
        dscp: 46,
    };
    let (ring, bell) = channel();
    let ring = std::sync::Mutex::new(ring);
    let notify = Box::new(move || {
        let _ = ring.lock().unwrap().send(());
    });
    let certificate = Arc::new(dtls::Certificate::make().unwrap());
    let listens = vec![listen(0), listen(1)];
    let engine = Engine::with_fast_path(listens, workers, certificate, notify, Ok(Arc::new(kernel))).unwrap();
    (engine, bell)
}

/// The program has left all devices of the relay. What another test starts at this very moment has our descriptors, and holds
/// the program where it was, until it has become another program.
pub(crate) fn are_free(world: &World) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = world.inside(Host::Relay, "ip link show").unwrap();
        if !told.contains("prog/xdp") {
            break;
        }
        assert!(Instant::now() < deadline, "{told}");
    }
}

impl Scene {
    /// The calling thread stays on the relay's host.
    pub(crate) fn new(name: &str, hook: Hook, six: bool) -> Scene {
        Scene::with(name, hook, six, (false, false))
    }

    /// The same of a call that is protected on one side, `secured`; its packets come in shared memory, `touched`.
    pub(crate) fn with(name: &str, hook: Hook, six: bool, (secured, touched): (bool, bool)) -> Scene {
        let world = World::new(name, six).unwrap();
        let (a, b) = (world.socket(Host::Speaker, 4000).unwrap(), world.socket(Host::Hearer, 5000).unwrap());
        let (mut engine, bell) = relay(&world, hook, (touched, 1));
        let opened = engine.execute(Command::Open { session: ID, a: INSIDE, b: OUTSIDE, streams: 1 });
        let Some(Reply::Opened { ports, .. }) = opened else { panic!("{opened:?}") };
        Scene { engine, bell, ports, a, b, world, secured }
    }

    /// Says where the peers are; `ptime_ms` so that something has changed.
    pub(crate) fn describe(&mut self, ptime_ms: u8) {
        for (side, socket) in [(Side::A, &self.a), (Side::B, &self.b)] {
            let mut remote = Remote { ptime_ms, ..Remote::audio(socket.local_addr().unwrap()) };
            if self.secured && side == Side::B {
                remote.srtp = Srtp::On(Box::new(Keys { receive: key(1), send: key(2) }));
            }
            self.engine.execute(Command::Set { session: ID, side, stream: 0, remote });
        }
    }

    /// Our port towards a side.
    pub(crate) fn ours(&self, side: Side) -> SocketAddr {
        let host = if side == Side::A { Host::Speaker } else { Host::Hearer };
        SocketAddr::new(self.world.address(Host::Relay, host), self.ports.rtp(side, 0).unwrap())
    }

    /// Packets that the kernel has relayed, or brought to the process.
    pub(crate) fn relayed(&self) -> u64 {
        let status = self.engine.status();
        if self.secured { status.fast.touched.received } else { status.fast_packets }
    }

    /// Waits until the kernel has relayed `more` packets from now on.
    pub(crate) fn until_relayed(&mut self, more: u64) {
        let (goal, deadline) = (self.relayed() + more, Instant::now() + PATIENCE);
        while self.relayed() < goal {
            assert!(Instant::now() < deadline, "the kernel relays nothing: {:?}", self.engine.status());
            let _ = self.bell.recv_timeout(Duration::from_millis(20));
            while self.engine.poll_reply().is_some() {}
        }
    }

    /// Waits until so many packets in all have left for the other side.
    pub(crate) fn until_passed(&mut self, all: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.engine.status().packets < all {
            assert!(Instant::now() < deadline, "{all} packets were sent: {:?}", self.engine.status());
            let _ = self.bell.recv_timeout(Duration::from_millis(20));
        }
    }

    /// Waits until the kernel's engine is as it must be.
    pub(crate) fn until(&mut self, what: &str, is_it: impl Fn(&FastStatus) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_it(&self.engine.status().fast) {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.engine.status());
            let _ = self.bell.recv_timeout(Duration::from_millis(20));
        }
    }

    /// Lets time go by.
    pub(crate) fn idle(&self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            let _ = self.bell.recv_timeout(left);
        }
    }

    pub(crate) fn close(&mut self) -> Report {
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
pub(crate) struct Stream {
    stop: Sender<()>,
    thread: JoinHandle<u64>,
}

impl Stream {
    pub(crate) fn start(socket: &UdpSocket, to: SocketAddr, ssrc: u32, pace: Duration) -> Stream {
        Stream::keyed(socket, to, (ssrc, None), pace)
    }

    /// The same, protected.
    pub(crate) fn keyed(
        socket: &UdpSocket,
        to: SocketAddr,
        (ssrc, key): (u32, Option<MasterKey>),
        pace: Duration,
    ) -> Stream {
        let mut protector = key.map(Protector::new);
        let socket = socket.try_clone().unwrap();
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut sent = 0u64;
            while stopped.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                let mut packet = rtp(ssrc, sent as u16).to_vec();
                if let Some(protector) = &mut protector {
                    packet.resize(packet.len() + 32, 0);
                    let length = protector.rtp(&mut packet, 172).unwrap();
                    packet.truncate(length);
                }
                // What does not leave here is missing there.
                let _ = socket.send_to(&packet, to);
                sent += 1;
            }
            sent
        });
        Stream { stop, thread }
    }

    pub(crate) fn stop(self) -> u64 {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

/// What comes to a socket, until a packet of another kind: sources and sequence numbers, in order.
pub(crate) fn hear(socket: &UdpSocket) -> JoinHandle<Vec<(SocketAddr, u16)>> {
    hear_keyed(socket, None)
}

/// The same of what is protected.
pub(crate) fn hear_keyed(socket: &UdpSocket, key: Option<MasterKey>) -> JoinHandle<Vec<(SocketAddr, u16)>> {
    let mut opener = key.map(Opener::new);
    let socket = socket.try_clone().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    std::thread::spawn(move || {
        let (mut heard, mut buffer) = (Vec::new(), [0; 2048]);
        loop {
            let (mut length, source) = socket.recv_from(&mut buffer).unwrap();
            if let (Some(opener), true) = (&mut opener, length > 4) {
                length = opener.rtp(&mut buffer[..length]).expect("protected rightly");
            }
            let number = u16::from_be_bytes([buffer[2], buffer[3]]);
            if length != 172 {
                return heard;
            }
            assert_eq!(buffer[12..172], [0xd5; 160], "the payload of packet {number}");
            heard.push((source, number));
        }
    })
}

pub(crate) fn end(socket: &UdpSocket) {
    let itself = socket.try_clone().unwrap();
    itself.send_to(&[0; 4], socket.local_addr().unwrap()).unwrap();
}
