//! Many calls at once between one speaker and one hearer, whose sound is of the one law of G.711 on the one side and
//! protected and of the other on the other. What a call says is told from what any other says, and each packet's is its own.

use crate::scene::{INSIDE, OUTSIDE, PATIENCE, key, relay};
use bench::{Host, World};
use bridge::{Codec, Format, Plan};
use codec::Law;
use engine::Engine;
use fastpath::Hook;
use media::{Command, Keys, Ports, Remote, Reply, Report, SessionId, Side, Srtp};
use srtp::{Opener, Protector};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Packets of one side under way at a time.
const WINDOW: usize = 16;
/// Payload types by side: PCMU and PCMA.
const TYPES: [u8; 2] = [0, 8];

/// See the module text.
pub(crate) struct Crowd {
    pub(crate) engine: Engine,
    pub(crate) bell: Receiver<()>,
    pub(crate) world: World,
    ports: Vec<Ports>,
    ends: [UdpSocket; 2],
}

impl Crowd {
    /// The calling thread stays on the relay's host.
    pub(crate) fn new(name: &str, calls: u64, (workers, queues): (usize, u32)) -> Crowd {
        let world = World::with_queues(name, false, queues).unwrap();
        let ends = [world.socket(Host::Speaker, 4000).unwrap(), world.socket(Host::Hearer, 5000).unwrap()];
        let (mut engine, bell) = relay(&world, Hook::Xdp, (true, workers));
        let open = |n| {
            let session = SessionId(n);
            let opened = engine.execute(Command::Open { session, a: INSIDE, b: OUTSIDE, streams: 1 });
            let Some(Reply::Opened { ports, .. }) = opened else { panic!("{opened:?}") };
            ports
        };
        let ports = (0..calls).map(open).collect();
        Crowd { engine, bell, world, ports, ends }
    }

    /// Says who the peers of all calls are, and what is to be done; `ptime_ms` so that something has changed.
    pub(crate) fn describe(&mut self, ptime_ms: u8) {
        let codec = |n: usize| Codec::G711([Law::Mu, Law::A][n]);
        let plan = |from: usize, to: usize| {
            Plan::between(vec![(TYPES[from], codec(from))], 20, Format::new(TYPES[to], codec(to), 20))
        };
        for session in (0..self.ports.len() as u64).map(SessionId) {
            for side in Side::BOTH {
                let at = self.ends[side.index()].local_addr().unwrap();
                let mut remote = Remote { ptime_ms, ..Remote::audio(at) };
                if side == Side::B {
                    remote.srtp = Srtp::On(Box::new(Keys { receive: key(1), send: key(2) }));
                }
                self.engine.execute(Command::Set { session, side, stream: 0, remote });
            }
            let plans = Some(Box::new([plan(0, 1), plan(1, 0)]));
            self.engine.execute(Command::Bridge { session, stream: 0, plans, seed: session.0 });
        }
        while self.engine.poll_reply().is_some() {}
    }

    /// Begins to let a side of all calls talk.
    pub(crate) fn talk(&self, side: Side) -> Talk {
        let ours = |of: Side| {
            let host = if of == Side::A { Host::Speaker } else { Host::Hearer };
            let address = self.world.address(Host::Relay, host);
            let at = |ports: &Ports| SocketAddr::new(address, ports.rtp(of, 0).unwrap());
            self.ports.iter().map(at).collect::<Vec<_>>()
        };
        let [mouth, ear] = [side, side.other()].map(|of| self.ends[of.index()].try_clone().unwrap());
        ear.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut talker = Talker {
            side,
            mouth,
            ear,
            ours: [ours(side), ours(side.other())],
            protectors: self.ports.iter().map(|_| Protector::new(key(1))).collect(),
            openers: self.ports.iter().map(|_| Opener::new(key(2))).collect(),
            rounds: 0,
        };
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Timeout) {
                talker.round();
            }
            talker.rounds
        });
        Talk { stop, thread }
    }

    /// Waits until so many packets more have been brought.
    pub(crate) fn until_brought(&mut self, more: u64) {
        let brought = |engine: &Engine| engine.status().fast.touched.received;
        let (goal, deadline) = (brought(&self.engine) + more, Instant::now() + PATIENCE);
        while brought(&self.engine) < goal {
            assert!(Instant::now() < deadline, "nothing is brought: {:?}", self.engine.status());
            let _ = self.bell.recv_timeout(Duration::from_millis(20));
            while self.engine.poll_reply().is_some() {}
        }
    }

    /// Ends all calls; what was counted of them.
    pub(crate) fn close(&mut self) -> Vec<Report> {
        let (mut reports, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        for session in (0..self.ports.len() as u64).map(SessionId) {
            self.engine.execute(Command::Close { session });
        }
        while reports.len() < self.ports.len() {
            assert!(Instant::now() < deadline, "only {} have ended", reports.len());
            match self.engine.poll_reply() {
                Some(Reply::Closed { report, .. }) => reports.push(*report),
                Some(_) => {}
                None => _ = self.bell.recv_timeout(Duration::from_millis(20)),
            }
        }
        reports
    }
}

/// A side that talks, until told to stop; how many packets each call had.
pub(crate) struct Talk {
    stop: Sender<()>,
    thread: JoinHandle<u64>,
}

impl Talk {
    pub(crate) fn stop(self) -> u64 {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

struct Talker {
    side: Side,
    mouth: UdpSocket,
    ear: UdpSocket,
    /// Our ports, by call: towards who talks, and towards who hears.
    ours: [Vec<SocketAddr>; 2],
    protectors: Vec<Protector>,
    openers: Vec<Opener>,
    rounds: u64,
}

impl Talker {
    /// The next packet of each call, a few under way at a time, and each heard as it must be.
    fn round(&mut self) {
        let calls = self.protectors.len();
        for first in (0..calls).step_by(WINDOW) {
            let some = first..(first + WINDOW).min(calls);
            for call in some.clone() {
                self.say(call);
            }
            let mut awaited: Vec<usize> = some.collect();
            while !awaited.is_empty() {
                let call = self.hear();
                let at = awaited.iter().position(|awaited| *awaited == call);
                awaited.remove(at.unwrap_or_else(|| panic!("{:?}: call {call} is heard twice", self.side)));
            }
        }
        self.rounds += 1;
    }

    fn say(&mut self, call: usize) {
        let mut packet = packet(call, self.rounds, self.side, self.side);
        if self.side == Side::B {
            packet.resize(172 + 32, 0);
            let length = self.protectors[call].rtp(&mut packet, 172).unwrap();
            packet.truncate(length);
        }
        self.mouth.send_to(&packet, self.ours[0][call]).unwrap();
    }

    /// Hears a packet of this round; of which call.
    fn hear(&mut self) -> usize {
        let mut buffer = [0; 2048];
        let heard = self.ear.recv_from(&mut buffer);
        let (length, source) = heard.unwrap_or_else(|error| {
            panic!("{:?}: a packet of round {} is not heard: {error}", self.side, self.rounds)
        });
        let call = self.ours[1].iter().position(|ours| *ours == source).expect("from a port of a call");
        let mut heard = buffer[..length].to_vec();
        if self.side == Side::A {
            let length = self.openers[call].rtp(&mut heard).expect("protected rightly");
            heard.truncate(length);
        }
        let said = packet(call, self.rounds, self.side, self.side.other());
        assert!(heard == said, "{:?}: call {call}, round {}: {heard:?}", self.side, self.rounds);
        call
    }
}

/// A packet of a call as `from` says it, in the law of `law`: every code in turn, another first one each time.
fn packet(call: usize, round: u64, from: Side, law: Side) -> Vec<u8> {
    let mut packet = vec![0x80, TYPES[law.index()]];
    packet.extend((round as u16).to_be_bytes());
    packet.extend((round as u32).wrapping_mul(160).to_be_bytes());
    packet.extend((2 * call as u32 + from.index() as u32 + 1).to_be_bytes());
    let said = [Law::Mu, Law::A][from.index()];
    let mut codes: Vec<u8> = (0..160).map(|n| (call as u8).wrapping_mul(31) ^ (round + n) as u8).collect();
    if law != from {
        said.convert_in_place(&mut codes);
    }
    packet.extend(codes);
    packet
}

/// Each of these calls had so many packets from each side, all were heard, and none was made up.
pub(crate) fn judge(reports: &[Report], said: [u64; 2]) {
    for (call, report) in reports.iter().enumerate() {
        for (heard, said) in [(&report.a[0], said[0]), (&report.b[0], said[1])] {
            assert_eq!((heard.packets, heard.expected), (said, said), "{call}: {heard:?}");
            let wrong = [heard.lost, heard.out_of_order, heard.duplicates];
            assert_eq!(wrong, [0; 3], "{call}: {heard:?}");
        }
    }
}
