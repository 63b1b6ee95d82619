//! Who attacks the media of a call: strangers that speak into its ports all the while, and packets that are none.

use crate::phone::rtp_packet;
use crate::place::Place;
use crate::stun::Check;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a stranger's packets are filled with.
pub const FOREIGN: u8 = 0x66;
/// The source that strangers name.
pub const FOREIGN_SOURCE: u32 = 0x6666_6666;

/// A stranger at work in a thread of its own: every ten milliseconds it sends to each of its targets, and hears whether
/// anything comes back.
#[derive(Debug)]
pub struct Stranger {
    rounds: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    work: Option<JoinHandle<usize>>,
}

impl Stranger {
    /// Begins at this address; `says` makes what it sends in a round.
    ///
    /// # Panics
    /// The address is taken.
    #[must_use]
    pub fn at(
        (ip, port): (&str, u16),
        targets: Vec<SocketAddr>,
        mut says: impl FnMut(u32) -> Vec<u8> + Send + 'static,
    ) -> Stranger {
        let socket = UdpSocket::bind((ip, port)).expect("the stranger's address");
        socket.set_read_timeout(Some(Duration::from_millis(10))).expect("a read timeout");
        let (rounds, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, told) = (Arc::clone(&rounds), Arc::clone(&stop));
        let work = std::thread::spawn(move || {
            let (mut heard, mut buffer) = (0, [0; 2048]);
            while !told.load(Ordering::Relaxed) {
                let packet = says(counted.load(Ordering::Relaxed));
                for target in &targets {
                    // Closed ports answer with a refusal that a later call reports: no matter.
                    let _ = socket.send_to(&packet, target);
                }
                // Refusals end the wait, too; there are at most as many as packets.
                let waits = 0..=targets.len();
                let got = waits.map(|_| socket.recv_from(&mut buffer)).take_while(|got| !is_timeout(got));
                heard += got.filter(Result::is_ok).count();
                counted.fetch_add(1, Ordering::Relaxed);
            }
            heard
        });
        Stranger { rounds, stop, work: Some(work) }
    }

    /// One that sends plain RTP.
    #[must_use]
    pub fn speaking(at: (&str, u16), targets: Vec<SocketAddr>) -> Stranger {
        Stranger::at(at, targets, |round| rtp_packet(FOREIGN_SOURCE, round as u16, FOREIGN))
    }

    /// Waits until it has sent for half a second in all.
    ///
    /// # Panics
    /// It has stopped.
    pub fn has_begun(&self) {
        let begun = crate::await_some(|| (self.rounds.load(Ordering::Relaxed) >= 50).then_some(()));
        assert!(begun.is_some(), "the stranger does not speak");
    }

    /// Ends it; how many datagrams it heard.
    ///
    /// # Panics
    /// It failed.
    #[must_use]
    pub fn ends(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.work.take().map_or(0, |work| work.join().expect("the stranger's thread"))
    }
}

fn is_timeout(got: &std::io::Result<(usize, SocketAddr)>) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    got.as_ref().is_err_and(|e| matches!(e.kind(), TimedOut | WouldBlock))
}

/// Every port of these ranges at these addresses.
///
/// # Panics
/// An address is none.
#[must_use]
pub fn ports(place: &Place, ranges: &[(u8, std::ops::Range<u16>)]) -> Vec<SocketAddr> {
    let all = ranges.iter().flat_map(|(host, range)| {
        let ip = place.ip(*host).parse().expect("an address");
        range.clone().map(move |port| SocketAddr::new(ip, port))
    });
    all.collect()
}

/// Packets that look like RTP, RTCP, STUN and DTLS, and are broken: each another, the same from the same seed.
#[derive(Debug)]
pub struct Broken {
    state: u64,
    seeds: Vec<Vec<u8>>,
}

impl Broken {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Broken {
        let mut extended = rtp_packet(0x1111, 7, FOREIGN);
        extended[0] = 0xB2;
        extended.splice(12..12, [0, 0, 0, 1, 0, 0, 0, 2, 0xBE, 0xDE, 0, 1, 0x10, 0xFF, 0, 0]);
        let check = Check {
            username: "abcd:peer".into(),
            password: "a password that nobody has".into(),
            nominates: true,
            more: Some((0x0020, vec![0, 1, 2, 3, 4, 5, 6, 7])),
            transaction: *b"of a storm!!",
        };
        let seeds = vec![extended, rtp_packet(0x1111, 8, FOREIGN), compound(), check.bytes(), hello()];
        Broken { state: seed | 1, seeds }
    }

    /// A number below `limit` (xorshift).
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) as usize % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

impl Iterator for Broken {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let kind = self.below(self.seeds.len());
        let mut packet = self.seeds[kind].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(packet.len());
            match self.below(6) {
                0 => packet.truncate(at),
                // Where formats keep their lengths and counts.
                1 if packet.len() > 24 => {
                    let at = [0, 2, 3, 11, 12, 13, 21, 22, 23][self.below(9)];
                    packet[at] = self.byte();
                }
                // Not what a stranger says: from the phone's own socket it may be good RTP after all.
                2 => packet.extend(vec![0x77; at]),
                3 => packet = (0..at).map(|_| self.byte()).collect(),
                4 if at + 1 < packet.len() => packet[at..at + 2].copy_from_slice(&[0xFF, 0xFF]),
                _ if !packet.is_empty() => packet[at] ^= 1 << self.below(8),
                _ => packet = vec![self.byte()],
            }
        }
        Some(packet)
    }
}

/// A sender report, a description, an APP, a BYE (RFC 3550 §6).
#[must_use]
pub fn compound() -> Vec<u8> {
    let mut bytes = vec![0x81, 200, 0, 12, 0, 0, 0x11, 0x11];
    bytes.extend([0; 20]);
    bytes.extend([0, 0, 0x22, 0x22, 0, 0, 0, 0]);
    bytes.extend([0; 16]);
    bytes.extend([0x81, 202, 0, 3, 0, 0, 0x11, 0x11, 1, 4, b'n', b'a', b'm', b'e', 0, 0]);
    bytes.extend([0x80, 204, 0, 2, 0, 0, 0x11, 0x11, b't', b'e', b's', b't']);
    bytes.extend([0x81, 203, 0, 1, 0, 0, 0x11, 0x11]);
    bytes
}

/// A DTLS record with a ClientHello of one suite and `use_srtp` (RFC 6347 §4.2.2, RFC 5764 §4.1.1).
#[must_use]
pub fn hello() -> Vec<u8> {
    let mut body = vec![0xFE, 0xFD];
    body.extend([0x5A; 32]);
    body.extend([0, 0, 0, 2, 0xC0, 0x2B, 1, 0, 0, 9, 0, 14, 0, 5, 0, 2, 0, 1, 0]);
    let length = (body.len() as u32).to_be_bytes();
    let mut message =
        vec![1, length[1], length[2], length[3], 0, 0, 0, 0, 0, length[1], length[2], length[3]];
    message.extend(body);
    let mut record = vec![22, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}
