//! What is known of a lane whose packets are brought to the process: whose they are, and the headers that they leave with.

use super::ring::PLACE;
use crate::hops::Hop;
use crate::layout::{TTL, UDP, octets, sum};
use media::{Home, Lane, Road};
use std::net::{IpAddr, SocketAddr};

const ETHERNET: usize = 14;
const UDP_HEADER: usize = 8;
/// Headers of Ethernet, IPv6 and UDP.
pub(super) const HEADERS_MAX: usize = ETHERNET + 40 + UDP_HEADER;

/// See the module text.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(super) token: u64,
    pub(super) source: SocketAddr,
    pub(super) to: SocketAddr,
    /// Number of the device that its packets leave by, and the largest that do: one has a place of the memory.
    pub(super) device: u32,
    mtu: usize,
    /// Sum of the addresses and the protocol of what comes.
    coming: u64,
    /// The headers of what leaves, without lengths and sums, and how many bytes they are.
    headers: [u8; HEADERS_MAX],
    length: usize,
    /// Sums of what stands in them: of IPv4, and of UDP with the addresses.
    head: u64,
    leaving: u64,
}

impl Guest {
    /// Of what only leaves.
    pub(crate) fn leaving(to: SocketAddr, road: &Road, hop: &Hop) -> Guest {
        Guest::between([to, to], road, hop, Home::default())
    }

    pub(crate) fn new(lane: &Lane, road: &Road, hop: &Hop, home: Home) -> Guest {
        Guest::between([lane.expect, lane.to], road, hop, home)
    }

    fn between([source, to]: [SocketAddr; 2], road: &Road, hop: &Hop, home: Home) -> Guest {
        let (six, tos) = (to.is_ipv6(), road.dscp.min(63) << 2);
        let mut headers = Vec::with_capacity(HEADERS_MAX);
        headers.extend(hop.to);
        headers.extend(hop.from);
        let (from, peer) = (octets(road.from.ip()), octets(to.ip()));
        if six {
            headers.extend([0x86, 0xdd]);
            headers.extend((6_u32 << 28 | u32::from(tos) << 20).to_be_bytes());
            headers.extend([0, 0, UDP, TTL]);
            headers.extend(from);
            headers.extend(peer);
        } else {
            headers.extend([8, 0]);
            headers.extend([0x45, tos, 0, 0, 0, 0, 0x40, 0, TTL, UDP, 0, 0]);
            headers.extend(&from[..4]);
            headers.extend(&peer[..4]);
        }
        let head = sums(headers.get(ETHERNET..).unwrap_or_default());
        let ports = [road.from, to].map(|at| at.port().to_be_bytes());
        headers.extend(ports.as_flattened());
        headers.extend([0; 4]);
        let length = headers.len();
        headers.resize(HEADERS_MAX, 0);
        Guest {
            token: home.token,
            source,
            to,
            device: hop.device,
            mtu: (hop.mtu as usize).min(PLACE - ETHERNET),
            coming: pseudo(source.ip(), road.local.ip()),
            headers: headers.try_into().unwrap_or([0; HEADERS_MAX]),
            length,
            head,
            leaving: pseudo(road.from.ip(), to.ip()) + sums(ports.as_flattened()),
        }
    }

    /// What a frame carries; none where its headers or its sum are not right. The program has looked at all else.
    #[inline]
    pub(super) fn payload<'f>(&self, frame: &'f [u8]) -> Option<&'f [u8]> {
        let head = if self.source.is_ipv6() { 40 } else { 20 };
        let udp = frame.get(ETHERNET + head..)?;
        let length = usize::from(u16::from_be_bytes([*udp.get(4)?, *udp.get(5)?]));
        let datagram = udp.get(..length)?;
        let payload = datagram.get(UDP_HEADER..)?;
        // None has been made (RFC 768); over IPv6 the program asks for one.
        if udp[6..8] == [0, 0] {
            return Some(payload);
        }
        let all = self.coming + u64::from((length as u16).to_be()) + sums(datagram);
        (fold(all) == 0xffff).then_some(payload)
    }

    /// Whether a packet can leave whole.
    #[inline]
    pub(super) fn is_fit(&self, payload: &[u8]) -> bool {
        self.length - ETHERNET + payload.len() <= self.mtu
    }

    /// The headers for a payload.
    #[inline]
    pub(super) fn headers(&self, payload: &[u8]) -> ([u8; HEADERS_MAX], usize) {
        let mut all = self.headers;
        let datagram = (UDP_HEADER + payload.len()) as u16;
        let udp = self.length - UDP_HEADER;
        if udp == ETHERNET + 40 {
            all[ETHERNET + 4..ETHERNET + 6].copy_from_slice(&datagram.to_be_bytes());
        } else {
            let total = datagram + 20;
            all[ETHERNET + 2..ETHERNET + 4].copy_from_slice(&total.to_be_bytes());
            let sum = !fold(self.head + u64::from(total.to_be()));
            all[ETHERNET + 10..ETHERNET + 12].copy_from_slice(&sum.to_ne_bytes());
        }
        // The length counts twice: in the header, and in what is summed besides (RFC 768).
        let sum = !fold(self.leaving + 2 * u64::from(datagram.to_be()) + sums(payload));
        let sum = if sum == 0 { 0xffff } else { sum };
        if let Some(fields) = all.get_mut(udp + 4..udp + 8) {
            fields[..2].copy_from_slice(&datagram.to_be_bytes());
            fields[2..].copy_from_slice(&sum.to_ne_bytes());
        }
        (all, self.length)
    }
}

/// Sum of two addresses and the protocol.
fn pseudo(from: IpAddr, to: IpAddr) -> u64 {
    u64::from(sum(&octets(from), 0) + sum(&octets(to), 0)) + u64::from(u16::from(UDP).to_be())
}

/// Sum of bytes as words of the machine (RFC 1071 §2), not yet folded.
#[inline]
fn sums(bytes: &[u8]) -> u64 {
    let (fours, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    fours.iter().chain([&last]).map(|four| u64::from(u32::from_ne_bytes(*four))).sum()
}

#[inline]
fn fold(sum: u64) -> u16 {
    let mut sum = sum;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
