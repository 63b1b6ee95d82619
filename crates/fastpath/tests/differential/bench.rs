//! Two sessions and the program, side by side: the same packets for all.

use crate::frames::{Manner, assert_left, frame};
use base::Time;
use fastpath::{Hook, Kernel, Tried};
use media::{Component, Datagram, FastPath, Latch, Opening, Remote, Road, Session, SessionId, Side, Verdict};
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const MTU: u32 = 1500;
pub(crate) const SSRC: u32 = 0xfeed_0001;

pub(crate) fn kernel(whole: bool) -> Option<Kernel> {
    match Kernel::load_where(1024, if whole { Ok(()) } else { Err("not wanted".to_owned()) }) {
        Ok(kernel) => Some(kernel),
        Err(reason) => {
            let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
            assert!(!declared, "the kernel's engine is declared to work here: {reason}");
            println!("skipped, the kernel's engine does not work here: {reason}");
            None
        }
    }
}

pub(crate) fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// Who speaks, who hears, and our ports towards them.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) a: SocketAddr,
    pub(crate) b: SocketAddr,
    pub(crate) road: Road,
}

pub(crate) fn ends(six: bool) -> Ends {
    let (a, b, local, from) = if six {
        ("[2001:db8::1]:4000", "[2001:db8:1::2]:5000", "[2001:db8::100]:20000", "[2001:db8:1::100]:30000")
    } else {
        ("192.0.2.1:4000", "198.51.100.2:5000", "192.0.2.100:20000", "198.51.100.100:30000")
    };
    Ends { a: at(a), b: at(b), road: Road { local: at(local), from: at(from), dscp: 46, home: None } }
}

pub(crate) fn rtp(ssrc: u32, sequence: u16, payload_type: u8, timestamp: u32) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..160).map(|n| (n as u8) ^ sequence as u8));
    packet
}

pub(crate) fn session(ends: &Ends) -> Session {
    let mut session = Session::new(SessionId(1), Time::ZERO, 1);
    let types = Remote::bitmap([0, 8, 101]);
    let remote = |rtp| Remote { payload_types: types, latch: Latch::Signalled, ..Remote::audio(rtp) };
    session.set(Time::ZERO, Side::A, 0, remote(ends.a));
    session.set(Time::ZERO, Side::B, 0, remote(ends.b));
    session
}

pub(crate) fn hear(
    session: &mut Session,
    now: Time,
    side: Side,
    source: SocketAddr,
    payload: &[u8],
) -> Verdict {
    let mut buffer = payload.to_vec();
    buffer.resize(payload.len() + 32, 0);
    let packet = Datagram { buffer: &mut buffer, length: payload.len() };
    session.on_packet(now, side, 0, Component::Rtp, source, packet)
}

/// The two sessions and the program.
pub(crate) struct Bench<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) hook: Hook,
    pub(crate) ends: Ends,
    /// Its direction from A is lent while there is a lane.
    pub(crate) lender: Session,
    pub(crate) alone: Session,
    pub(crate) lane: Option<u32>,
    pub(crate) now: Time,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) relayed: usize,
    pub(crate) up: usize,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(kernel: &'a Kernel, hook: Hook, six: bool) -> Bench<'a> {
        let ends = ends(six);
        let (lender, alone) = (session(&ends), session(&ends));
        let now = Time::from_millis(100);
        let (sequence, timestamp) = (65_500, u32::MAX - 2_000);
        let mut bench = Bench {
            kernel,
            hook,
            ends,
            lender,
            alone,
            lane: None,
            now,
            sequence,
            timestamp,
            relayed: 0,
            up: 0,
        };
        for n in 0..12 {
            bench.now = bench.now + Duration::from_millis(20);
            let back = rtp(2, n, 8, u32::from(n) * 160);
            for session in [&mut bench.lender, &mut bench.alone] {
                assert!(matches!(hear(session, bench.now, Side::B, ends.b, &back), Verdict::Relay { .. }));
            }
            let packet = bench.next(8);
            bench.both_hear(ends.a, &packet);
        }
        bench.lend();
        bench
    }

    /// The next packet of a steady stream.
    pub(crate) fn next(&mut self, payload_type: u8) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        rtp(SSRC, self.sequence, payload_type, self.timestamp)
    }

    /// Both sessions judge a packet by themselves, and alike.
    pub(crate) fn both_hear(&mut self, source: SocketAddr, payload: &[u8]) -> Verdict {
        let alone = hear(&mut self.alone, self.now, Side::A, source, payload);
        let lender = hear(&mut self.lender, self.now, Side::A, source, payload);
        assert_eq!(lender, alone);
        alone
    }

    /// Lends the direction, which takes a packet that the program sees go up.
    pub(crate) fn lend(&mut self) {
        let lane = self.lender.lane(Side::A, 0).expect("fit to be lent");
        let number = self.kernel.watch_by(&lane, &self.ends.road, (1, MTU), self.now).expect("a lane");
        assert_eq!(self.kernel.open(number, &self.lender.ledger(Side::A, 0).unwrap()), Opening::NotYet);
        let packet = self.next(8);
        let sent = frame(self.ends.a, self.ends.road.local, &packet, &Manner::default());
        assert_eq!(self.kernel.attempt(self.hook, &sent), Ok(Tried::Up(sent.clone())));
        assert_eq!(self.kernel.open(number, &self.lender.ledger(Side::A, 0).unwrap()), Opening::NotYet);
        self.both_hear(self.ends.a, &packet);
        // The program's clock goes on from the session's.
        let opened = self.kernel.open(number, &self.lender.ledger(Side::A, 0).unwrap());
        assert_eq!(opened, Opening::Opened);
        self.lane = Some(number);
    }

    /// Takes the direction back.
    pub(crate) fn recall(&mut self) {
        if let Some(lane) = self.lane.take() {
            let ledger = self.kernel.close(lane).expect("of an open lane");
            self.lender.follow(Side::A, 0, &ledger);
        }
    }

    /// Lets a datagram arrive, after `pause`; whether the program relayed it.
    pub(crate) fn arrive(
        &mut self,
        source: SocketAddr,
        payload: &[u8],
        manner: &Manner,
        pause: Duration,
    ) -> bool {
        let lane = self.lane.expect("lent");
        self.kernel.pass_time(lane, pause);
        let sent = frame(source, self.ends.road.local, payload, manner);
        match self.kernel.attempt(self.hook, &sent).unwrap() {
            Tried::Relayed(out) => {
                let ledger = self.kernel.read(lane);
                self.now = Time(ledger.last);
                let verdict = hear(&mut self.alone, self.now, Side::A, source, payload);
                let length = payload.len();
                let to = self.ends.b;
                assert_eq!(verdict, Verdict::Relay { component: Component::Rtp, to, length });
                assert_left(&out, self.ends.road.from, to, payload, manner.checksum);
                assert_eq!(Some(ledger), self.alone.ledger(Side::A, 0));
                self.relayed += 1;
                true
            }
            Tried::Up(out) => {
                assert_eq!(out, sent, "what goes up is as it came");
                // As a worker does: the session goes on from what was counted, and judges.
                self.recall();
                self.now = Time(self.alone.ledger(Side::A, 0).unwrap().last) + Duration::from_millis(1);
                self.both_hear(source, payload);
                assert_eq!(self.lender.ledger(Side::A, 0), self.alone.ledger(Side::A, 0));
                self.up += 1;
                false
            }
        }
    }

    /// The direction is lent again, its stream where it was.
    pub(crate) fn lend_again(&mut self) {
        if self.lane.is_none() {
            // Whatever came in between: its own source is heard again.
            for _ in 0..120 {
                self.now = self.now + TWENTY;
                let packet = self.next(8);
                self.both_hear(self.ends.a, &packet);
            }
            self.lend();
        }
    }

    /// A span of rating ends.
    pub(crate) fn end_span(&mut self) {
        let lane = self.lane.expect("lent");
        self.lender.follow(Side::A, 0, &self.kernel.read(lane));
        self.now = self.now + Duration::from_secs(6);
        self.lender.on_tick(self.now);
        self.alone.on_tick(self.now);
        self.kernel.end_spans(lane, self.lender.spans(Side::A, 0));
        self.kernel.pass_time(lane, Duration::from_secs(6));
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        if let Some(lane) = self.lane {
            self.kernel.close(lane);
        }
    }
}

pub(crate) const TWENTY: Duration = Duration::from_millis(20);
