//! Ethernet frames around packets, made and read by themselves: nothing of the program under test.

use std::net::{IpAddr, SocketAddr};

/// What may be unusual about a frame.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) ttl: u8,
    pub(crate) checksum: Checksum,
    /// Flags and offset of IPv4.
    pub(crate) fragment: u16,
    /// Words of IPv4 options.
    pub(crate) options: usize,
    /// Bytes behind the packet, as short frames have them.
    pub(crate) behind: usize,
    /// Bytes that the UDP length says more than there are.
    pub(crate) udp_excess: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Checksum {
    Right,
    None,
    Wrong,
}

impl Default for Manner {
    fn default() -> Manner {
        let checksum = Checksum::Right;
        Manner { ttl: 61, checksum, fragment: 0, options: 0, behind: 0, udp_excess: 0 }
    }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// The one's complement sum of RFC 1071 over big-endian words, folded.
fn sum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut all: u64 =
        words.map(|two| u64::from(two[0]) << 8 | two.get(1).map_or(0, |&b| u64::from(b))).sum();
    while all > 0xffff {
        all = (all & 0xffff) + (all >> 16);
    }
    all as u16
}

fn pseudo(from: IpAddr, to: IpAddr, length: usize) -> Vec<u8> {
    let mut head = octets(from);
    head.extend(octets(to));
    head.extend((length as u32).to_be_bytes());
    head.extend([0, 0, 0, 17]);
    head
}

/// A UDP datagram in a frame.
pub(crate) fn frame(from: SocketAddr, to: SocketAddr, payload: &[u8], manner: &Manner) -> Vec<u8> {
    let length = payload.len() + 8;
    let mut udp = from.port().to_be_bytes().to_vec();
    udp.extend(to.port().to_be_bytes());
    udp.extend((length as u16 + manner.udp_excess).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(payload);
    let right = match !sum(&[&pseudo(from.ip(), to.ip(), length), &udp]) {
        0 => 0xffff,
        right => right,
    };
    let written = match manner.checksum {
        Checksum::Right => right,
        Checksum::None => 0,
        Checksum::Wrong => right ^ 0x0101,
    };
    udp[6..8].copy_from_slice(&written.to_be_bytes());
    enveloped(from, to, udp, manner)
}

/// A UDP datagram in the headers below it.
fn enveloped(from: SocketAddr, to: SocketAddr, udp: Vec<u8>, manner: &Manner) -> Vec<u8> {
    let length = udp.len();
    let mut frame = vec![9, 9, 9, 9, 9, 9, 8, 8, 8, 8, 8, 8];
    if from.is_ipv4() {
        frame.extend([8, 0]);
        let head = 20 + 4 * manner.options;
        let mut ip = vec![0x40 | (head / 4) as u8, 0x28];
        ip.extend(((head + length) as u16).to_be_bytes());
        ip.extend([0x12, 0x34]);
        ip.extend(manner.fragment.to_be_bytes());
        ip.extend([manner.ttl, 17, 0, 0]);
        ip.extend(octets(from.ip()));
        ip.extend(octets(to.ip()));
        ip.resize(head, 1);
        let check = !sum(&[&ip]);
        ip[10..12].copy_from_slice(&check.to_be_bytes());
        frame.extend(ip);
    } else {
        frame.extend([0x86, 0xdd, 0x61, 0x23, 0x45, 0x67]);
        frame.extend((length as u16).to_be_bytes());
        frame.extend([17, manner.ttl]);
        frame.extend(octets(from.ip()));
        frame.extend(octets(to.ip()));
    }
    frame.extend(udp);
    frame.resize(frame.len() + manner.behind, 0);
    frame
}

/// What a frame that left must be: addresses, code point and hops ours, the payload as it came, sums right.
pub(crate) fn assert_left(out: &[u8], from: SocketAddr, to: SocketAddr, payload: &[u8], came_with: Checksum) {
    assert_eq!(&out[..12], &[2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4]);
    let udp = if from.is_ipv4() {
        let ip = &out[14..34];
        assert_eq!((ip[0], ip[1], ip[8], ip[9]), (0x45, 46 << 2, 64, 17));
        assert_eq!(usize::from(u16::from_be_bytes([ip[2], ip[3]])), 28 + payload.len());
        assert_eq!(ip[4..8], [0, 0, 0x40, 0], "an atomic datagram (RFC 6864 §4.1)");
        assert_eq!(sum(&[ip]), 0xffff, "the sum of the IPv4 header");
        assert_eq!((&ip[12..16], &ip[16..20]), (&octets(from.ip())[..], &octets(to.ip())[..]));
        &out[34..]
    } else {
        let ip = &out[14..54];
        assert_eq!(ip[..4], (6u32 << 28 | 46 << 22).to_be_bytes());
        assert_eq!((ip[6], ip[7]), (17, 64));
        assert_eq!((&ip[8..24], &ip[24..40]), (&octets(from.ip())[..], &octets(to.ip())[..]));
        &out[54..]
    };
    let datagram = &udp[..8 + payload.len()];
    assert_eq!(datagram[..2], from.port().to_be_bytes());
    assert_eq!(datagram[2..4], to.port().to_be_bytes());
    assert_eq!(usize::from(u16::from_be_bytes([datagram[4], datagram[5]])), datagram.len());
    assert_eq!(&datagram[8..], payload);
    let check = u16::from_be_bytes([datagram[6], datagram[7]]);
    let whole = sum(&[&pseudo(from.ip(), to.ip(), datagram.len()), datagram]);
    match came_with {
        Checksum::None => assert_eq!(check, 0),
        Checksum::Right => assert!(check != 0 && whole == 0xffff, "the sum of UDP: {check:04x}"),
        // What was wrong stays wrong by as much: the receiver finds it.
        Checksum::Wrong => assert_ne!(whole, 0xffff),
    }
}
