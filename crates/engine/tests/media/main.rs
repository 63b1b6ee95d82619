//! The engine with real sockets on loopback: relaying, attackers, ports, ends.
//!
//! No test sleeps: sockets block with a deadline, and an absence is shown by a later packet that arrives.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod again;
mod counted;
mod grown;

use base::ListenId;
use engine::{Engine, MediaListen, Status};
use media::{Command, DropReason, Latch, OpenError, Ports, Remote, Reply, Report, SessionId, Side};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const ID: SessionId = SessionId(7);
const INSIDE: ListenId = ListenId(0);
const OUTSIDE: ListenId = ListenId(1);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine and its bell.
struct Bench {
    engine: Engine,
    bell: Receiver<()>,
}

impl Bench {
    fn new(inside: IpAddr, outside: IpAddr, range: RangeInclusive<u16>) -> Bench {
        let (ring, bell) = channel();
        let ring = std::sync::Mutex::new(ring);
        let listen = |id, address| MediaListen { id, address, range: range.clone(), dscp: 46 };
        let notify = Box::new(move || {
            let _ = ring.lock().unwrap().send(());
        });
        let certificate = std::sync::Arc::new(dtls::Certificate::make().unwrap());
        let listens = vec![listen(INSIDE, inside), listen(OUTSIDE, outside)];
        let engine = Engine::new(listens, 2, certificate, notify).unwrap();
        Bench { engine, bell }
    }

    fn open(&mut self, streams: u8) -> Ports {
        match self.engine.execute(Command::Open { session: ID, a: INSIDE, b: OUTSIDE, streams }) {
            Some(Reply::Opened { session: ID, ports }) => ports,
            other => panic!("{other:?}"),
        }
    }

    fn set(&mut self, side: Side, remote: Remote) {
        assert_eq!(self.engine.execute(Command::Set { session: ID, side, stream: 0, remote }), None);
    }

    fn reply(&mut self) -> Reply {
        loop {
            if let Some(reply) = self.engine.poll_reply() {
                return reply;
            }
            self.bell.recv_timeout(PATIENCE).unwrap();
        }
    }

    fn close(&mut self) -> Report {
        self.engine.execute(Command::Close { session: ID });
        loop {
            if let Reply::Closed { session: ID, report } = self.reply() {
                return *report;
            }
        }
    }
}

/// A phone: RTP and RTCP sockets.
struct Peer {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Peer {
    fn at(ip: IpAddr) -> Peer {
        loop {
            let rtp = UdpSocket::bind((ip, 0)).unwrap();
            let port = rtp.local_addr().unwrap().port();
            if let Some(Ok(rtcp)) = port.checked_add(1).map(|p| UdpSocket::bind((ip, p))) {
                rtp.set_read_timeout(Some(PATIENCE)).unwrap();
                rtcp.set_read_timeout(Some(PATIENCE)).unwrap();
                return Peer { rtp, rtcp };
            }
        }
    }

    fn remote(&self, latch: Latch) -> Remote {
        Remote { latch, ..Remote::audio(self.rtp.local_addr().unwrap()) }
    }
}

fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut p = vec![0x80, 0];
    p.extend(sequence.to_be_bytes());
    p.extend((u32::from(sequence) * 160).to_be_bytes());
    p.extend(ssrc.to_be_bytes());
    p.extend([0xd5; 160]);
    p
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut p = vec![0x80, 201, 0, 1];
    p.extend(ssrc.to_be_bytes());
    p
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2048];
    let (n, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..n].to_vec(), from)
}

/// Whether nothing waits on a socket.
fn is_empty(socket: &UdpSocket) -> bool {
    socket.set_nonblocking(true).unwrap();
    let got = socket.recv(&mut [0; 2048]);
    socket.set_nonblocking(false).unwrap();
    got.is_err()
}

/// Sends until the other end hears: what is sent before the worker has its orders is lost, as in life. Nothing is under
/// way when this returns.
fn establish(from: &UdpSocket, to: SocketAddr, at: &UdpSocket, ssrc: u32) -> u16 {
    at.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let heard = (0..500u16).find_map(|n| {
        from.send_to(&rtp(ssrc, n), to).unwrap();
        number(at).map(|heard| (n, heard))
    });
    at.set_read_timeout(Some(PATIENCE)).unwrap();
    let (sent, mut heard) = heard.unwrap();
    // A worker that was held up hands over several at once.
    while heard < sent {
        heard = number(at).unwrap();
    }
    sent + 1
}

/// The sequence number of the next packet.
fn number(at: &UdpSocket) -> Option<u16> {
    let mut buffer = [0; 2048];
    at.recv(&mut buffer).ok()?;
    Some(u16::from_be_bytes([buffer[2], buffer[3]]))
}

fn relays_both_ways(inside: IpAddr, outside: IpAddr, range: RangeInclusive<u16>) {
    let mut bench = Bench::new(inside, outside, range);
    let ports = bench.open(1);
    let (a, b) = (Peer::at(inside), Peer::at(outside));
    bench.set(Side::A, a.remote(Latch::Off));
    bench.set(Side::B, b.remote(Latch::Off));
    let us = |side, add: u16| {
        let ip = if side == Side::A { inside } else { outside };
        SocketAddr::new(ip, ports.rtp(side, 0).unwrap() + add)
    };
    let from_a = establish(&a.rtp, us(Side::A, 0), &b.rtp, 1);
    let from_b = establish(&b.rtp, us(Side::B, 0), &a.rtp, 2);
    for n in 0..50 {
        a.rtp.send_to(&rtp(1, from_a + n), us(Side::A, 0)).unwrap();
        b.rtp.send_to(&rtp(2, from_b + n), us(Side::B, 0)).unwrap();
        assert_eq!(receive(&b.rtp), (rtp(1, from_a + n), us(Side::B, 0)));
        assert_eq!(receive(&a.rtp), (rtp(2, from_b + n), us(Side::A, 0)));
    }
    a.rtcp.send_to(&rtcp(1), us(Side::A, 1)).unwrap();
    assert_eq!(receive(&b.rtcp), (rtcp(1), us(Side::B, 1)));
    // Multiplexed on the RTP port it still reaches the RTCP port of a peer that does not multiplex.
    b.rtp.send_to(&rtcp(2), us(Side::B, 0)).unwrap();
    assert_eq!(receive(&a.rtcp), (rtcp(2), us(Side::A, 1)));
    let report = bench.close();
    let (ra, rb) = (&report.a[0], &report.b[0]);
    assert!(ra.packets >= 51 && rb.packets >= 51, "{report:?}");
    assert_eq!((ra.lost, rb.lost, ra.rtcp_packets, rb.rtcp_packets), (0, 0, 1, 1));
    assert_eq!(ra.source, Some(a.rtp.local_addr().unwrap()));
    // A packet that a busy machine holds up costs a little.
    assert!((400..=441).contains(&ra.mos_last), "{}", ra.mos_last);
    assert!(bench.engine.shutdown(PATIENCE));
}

#[test]
fn media_and_control_cross_in_both_directions() {
    relays_both_ways(LOOPBACK, LOOPBACK, 21_000..=21_099);
}

#[test]
fn ipv4_and_ipv6_meet() {
    relays_both_ways(LOOPBACK, Ipv6Addr::LOCALHOST.into(), 21_100..=21_199);
}

#[test]
fn many_calls_share_one_remote_address() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 21_200..=21_299);
    let (a, b) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    let mut ours = Vec::new();
    for n in 0..8 {
        let session = SessionId(n);
        let opened = bench.engine.execute(Command::Open { session, a: INSIDE, b: OUTSIDE, streams: 1 });
        let Some(Reply::Opened { ports, .. }) = opened else { panic!("{opened:?}") };
        for (side, peer) in [(Side::A, &a), (Side::B, &b)] {
            bench.engine.execute(Command::Set { session, side, stream: 0, remote: peer.remote(Latch::Off) });
        }
        ours.push(ports.streams()[0]);
    }
    for (n, ports) in (1..).zip(&ours) {
        let next = establish(&a.rtp, (LOOPBACK, ports.a_rtp).into(), &b.rtp, n);
        a.rtp.send_to(&rtp(n, next), (LOOPBACK, ports.a_rtp)).unwrap();
        assert_eq!(receive(&b.rtp), (rtp(n, next), (LOOPBACK, ports.b_rtp).into()));
    }
}

/// RELIABILITY S4: an attacker that shoots before the call and during it gets nothing through and hears
/// nothing; afterwards `packets` of the victim are still relayed.
fn attacked(latch: Latch, attacker_ip: IpAddr, range: RangeInclusive<u16>) -> Status {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, range);
    let ports = bench.open(1).streams()[0];
    let (a, b) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    let attacker = Peer::at(attacker_ip);
    let us_a = SocketAddr::new(LOOPBACK, ports.a_rtp);
    let us_b = SocketAddr::new(LOOPBACK, ports.b_rtp);
    let shoot = |count: u16| {
        for n in 0..count {
            attacker.rtp.send_to(&rtp(666, n), us_a).unwrap();
            attacker.rtp.send_to(&rtp(666, n), us_b).unwrap();
            attacker.rtcp.send_to(&rtcp(666), (LOOPBACK, ports.a_rtp + 1)).unwrap();
        }
    };
    shoot(50);
    bench.set(Side::A, a.remote(latch));
    bench.set(Side::B, b.remote(latch));
    shoot(50);
    let next_a = establish(&a.rtp, us_a, &b.rtp, 1);
    let next_b = establish(&b.rtp, us_b, &a.rtp, 2);
    // Long enough for every state of a socket's filter.
    let until = Instant::now() + Duration::from_millis(700);
    for n in (0..u16::MAX).take_while(|&n| n < 50 || Instant::now() < until) {
        shoot(3);
        let (from_a, from_b) = (rtp(1, next_a.wrapping_add(n)), rtp(2, next_b.wrapping_add(n)));
        a.rtp.send_to(&from_a, us_a).unwrap();
        b.rtp.send_to(&from_b, us_b).unwrap();
        assert_eq!(receive(&b.rtp).0, from_a, "only the victim's packets, all of them");
        assert_eq!(receive(&a.rtp).0, from_b);
    }
    assert!(is_empty(&attacker.rtp) && is_empty(&attacker.rtcp), "nothing bled");
    assert!(is_empty(&b.rtcp));
    let report = bench.close();
    assert_eq!(report.a[0].lost + report.b[0].lost, 0);
    assert!(report.a[0].dropped.of(DropReason::ForeignSource) >= 50, "{report:?}");
    bench.engine.status()
}

#[test]
fn an_attacker_on_another_port_fails_against_exact_sources() {
    let status = attacked(Latch::Off, LOOPBACK, 21_300..=21_399);
    assert!(status.dropped(DropReason::ForeignSource) >= 150);
}

#[test]
fn an_attacker_from_another_host_fails_against_the_signalled_address() {
    attacked(Latch::Signalled, Ipv4Addr::new(127, 0, 0, 9).into(), 21_400..=21_499);
}

#[test]
fn a_latched_source_is_used_and_its_rebind_followed() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 21_500..=21_599);
    let ports = bench.open(1).streams()[0];
    let (a, b) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    let (behind_nat, rebound) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    let us_a = SocketAddr::new(LOOPBACK, ports.a_rtp);
    bench.set(Side::A, a.remote(Latch::Signalled));
    bench.set(Side::B, b.remote(Latch::Off));
    let mut next = establish(&behind_nat.rtp, us_a, &b.rtp, 1);
    let learnt = behind_nat.rtp.local_addr().unwrap();
    assert_eq!(bench.reply(), Reply::Latched { session: ID, side: Side::A, stream: 0, source: learnt });
    establish(&b.rtp, (LOOPBACK, ports.b_rtp).into(), &behind_nat.rtp, 2);
    assert!(is_empty(&a.rtp), "audio goes to the true source only");
    // The mapping changes: same stream, new port. Within a second it is followed.
    rebound.rtp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    b.rtp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let followed = (0..100).find(|_| {
        next += 1;
        rebound.rtp.send_to(&rtp(1, next), us_a).unwrap();
        b.rtp.recv(&mut [0; 2048]).is_ok()
    });
    assert!(followed.is_some());
    let moved = rebound.rtp.local_addr().unwrap();
    assert_eq!(bench.reply(), Reply::Latched { session: ID, side: Side::A, stream: 0, source: moved });
    let report = bench.close();
    assert_eq!((report.a[0].rebinds, report.a[0].source), (1, Some(moved)));
}

#[test]
fn ports_run_out_and_come_back() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 21_600..=21_603);
    let open = |bench: &mut Bench, id, a, b| {
        bench.engine.execute(Command::Open { session: SessionId(id), a, b, streams: 1 })
    };
    let nowhere = open(&mut bench, 3, INSIDE, ListenId(9));
    let reason = OpenError::NoRange(ListenId(9));
    assert_eq!(nowhere, Some(Reply::OpenFailed { session: SessionId(3), reason }));
    // Both interfaces name the same range and share it: two pairs, one call.
    assert!(matches!(open(&mut bench, 1, INSIDE, OUTSIDE), Some(Reply::Opened { .. })));
    let reason = OpenError::PortsExhausted(Side::A);
    let refused = open(&mut bench, 2, INSIDE, OUTSIDE);
    assert_eq!(refused, Some(Reply::OpenFailed { session: SessionId(2), reason }));
    let duplicate = open(&mut bench, 1, INSIDE, OUTSIDE);
    assert_eq!(duplicate, Some(Reply::OpenFailed { session: SessionId(1), reason: OpenError::Duplicate }));
    bench.engine.execute(Command::Close { session: SessionId(1) });
    assert!(matches!(bench.reply(), Reply::Closed { session: SessionId(1), .. }));
    assert_eq!(bench.engine.status().sessions, 0);
    assert_eq!(bench.engine.status().ports[0].used, 0);
}

#[test]
fn a_port_held_by_another_program_is_passed_over() {
    let squatter = UdpSocket::bind("127.0.0.1:21700").unwrap();
    let mut bench = Bench::new(LOOPBACK, Ipv4Addr::new(127, 0, 0, 2).into(), 21_700..=21_703);
    let ports = bench.open(1);
    assert_eq!(ports.rtp(Side::A, 0), Some(21_702));
    let again =
        bench.engine.execute(Command::Open { session: SessionId(8), a: INSIDE, b: OUTSIDE, streams: 1 });
    assert!(matches!(again, Some(Reply::OpenFailed { .. })));
    assert_eq!(bench.engine.status().ports[0].foreign, 1);
    drop(squatter);
}

#[test]
fn a_rejected_stream_frees_its_ports_and_keeps_its_place_in_the_report() {
    let mut bench = Bench::new(LOOPBACK, Ipv4Addr::new(127, 0, 0, 2).into(), 21_800..=21_899);
    let ports = bench.open(2);
    assert_eq!(bench.engine.status().ports[0].used, 2);
    bench.engine.execute(Command::Reject { session: ID, stream: 1 });
    let report = bench.close();
    assert_eq!((report.a.len(), report.b.len()), (2, 2));
    assert_eq!(bench.engine.status().ports[0].used, 0);
    assert_eq!(ports.streams().len(), 2);
    let late = Peer::at(LOOPBACK).rtp;
    late.connect((LOOPBACK, ports.streams()[1].a_rtp)).unwrap();
    late.send(&rtp(1, 1)).unwrap();
    assert_eq!(late.recv(&mut [0; 64]).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn silence_is_reported_once() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 21_900..=21_999);
    bench.open(1);
    let a = Peer::at(LOOPBACK);
    bench.set(Side::A, Remote { timeout: Some(Duration::from_millis(300)), ..a.remote(Latch::Off) });
    assert!(matches!(bench.reply(), Reply::Timeout { session: ID, side: Side::A, .. }));
    bench.close();
}

#[test]
fn malformed_packets_from_the_right_source_harm_nobody() {
    let mut bench = Bench::new(LOOPBACK, LOOPBACK, 42_000..=42_099);
    let ports = bench.open(1).streams()[0];
    let (a, b) = (Peer::at(LOOPBACK), Peer::at(LOOPBACK));
    bench.set(Side::A, Remote { payload_types: Remote::bitmap([0, 101]), ..a.remote(Latch::Off) });
    bench.set(Side::B, b.remote(Latch::Off));
    let us_a = SocketAddr::new(LOOPBACK, ports.a_rtp);
    let next = establish(&a.rtp, us_a, &b.rtp, 1);
    let mut rng = base::Rng::new((1, 2));
    for n in 0..2000u16 {
        let mut bad = rtp(1, next + n);
        bad.truncate(rng.below(64) as usize);
        bad.iter_mut().for_each(|byte| *byte = rng.next_u64() as u8);
        if let Some(first) = bad.first_mut() {
            *first &= 0x3f;
        }
        a.rtp.send_to(&bad, us_a).unwrap();
        let _ = a.rtcp.send_to(&bad, (LOOPBACK, ports.a_rtp + 1));
        if n % 10 == 0 {
            a.rtp.send_to(&rtp(1, next + n / 10), us_a).unwrap();
            assert_eq!(receive(&b.rtp).0, rtp(1, next + n / 10));
        }
    }
    a.rtp.send_to(&[rtp(1, 0), vec![0; 9300]].concat(), us_a).unwrap();
    let mut other = rtp(1, 0);
    other[1] = 8;
    a.rtp.send_to(&other, us_a).unwrap();
    let last = rtp(1, next + 200);
    a.rtp.send_to(&last, us_a).unwrap();
    assert_eq!(receive(&b.rtp).0, last);
    let report = bench.close();
    let dropped = report.a[0].dropped;
    assert_eq!((dropped.of(DropReason::Oversize), dropped.of(DropReason::PayloadType)), (1, 1));
    assert_eq!(report.a[0].lost, 0);
    assert!(dropped.total() > 2000);
    assert_eq!(bench.engine.status().panics, 0);
}
