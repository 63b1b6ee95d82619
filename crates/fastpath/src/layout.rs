//! What the kernel's program and this process say to each other, byte for byte: the other side is `bpf/relay.c`.
#![allow(unsafe_code)]

use crate::hops::Hop;
use crate::rings::Hand;
use media::{Lane, Ledger, Road};
use std::net::{IpAddr, SocketAddr};

/// Hops that an outgoing packet may take, as the system gives its own (RFC 1700).
pub(crate) const TTL: u8 = 64;
pub(crate) const UDP: u8 = 17;

/// Modes of a gate; its low byte.
pub(crate) mod gate {
    pub(crate) const CLOSED: u64 = 0;
    pub(crate) const OPEN: u64 = 1;
    pub(crate) const BUSY: u64 = 2;
    pub(crate) const WATCH: u64 = 3;
    pub(crate) const UNSOUND: u64 = 4;
    pub(crate) const HANDED: u64 = 5;

    pub(crate) const fn mode(gate: u64) -> u64 {
        gate & 0xff
    }

    /// The last sequence number that a watched lane has seen; none before one.
    pub(crate) fn seen(gate: u64) -> Option<u16> {
        (gate >> 32 > 0).then_some((gate >> 16) as u16)
    }
}

/// Where packets of a lane arrive: the key of the map of lanes.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    address: [u8; 16],
    port: [u8; 2],
    family: u16,
}

// SAFETY: plain bytes without padding.
unsafe impl aya::Pod for Place {}

impl Place {
    pub(crate) fn new(local: SocketAddr) -> Place {
        let family = if local.is_ipv4() { 4 } else { 6 };
        Place { address: octets(local.ip()), port: local.port().to_be_bytes(), family }
    }
}

/// A lane as the program has it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawLane {
    pub(crate) gate: u64,
    pub(crate) birth: u64,
    changed: u64,
    payload_types: [u64; 2],
    expect: [u8; 16],
    from: [u8; 16],
    to: [u8; 16],
    expect_port: [u8; 2],
    from_port: [u8; 2],
    to_port: [u8; 2],
    tos: u8,
    ttl: u8,
    hop: [u8; 12],
    device: u32,
    mtu: u32,
    ssrc: [u8; 4],
    rate: u32,
    head_sum: u32,
    gain_addresses: u32,
    gain_ports: u32,
    pub(crate) spans: u32,
    pub(crate) hand: u32,
    arrival: u32,
    queues: u32,
    pub(crate) ledger: Ledger,
}

impl RawLane {
    /// A closed lane; `birth` is the system's time at which the owner's began. `hand`: where its packets are handed to the
    /// process, if they are.
    pub(crate) fn new(lane: &Lane, road: &Road, hop: &Hop, birth: u64, hand: Hand) -> RawLane {
        let (from, to) = (octets(road.from.ip()), octets(lane.to.ip()));
        let (expect, local) = (octets(lane.expect.ip()), octets(road.local.ip()));
        let port = |address: SocketAddr| address.port().to_be_bytes();
        let tos = road.dscp.min(63) << 2;
        let head = [0x45, tos, 0, 0, 0, 0, 0x40, 0, TTL, UDP, 0, 0];
        let mut macs = [0; 12];
        macs[..6].copy_from_slice(&hop.to);
        macs[6..].copy_from_slice(&hop.from);
        let old_ports = sum(&port(lane.expect), !0) + sum(&port(road.local), !0);
        RawLane {
            gate: gate::CLOSED,
            birth,
            changed: lane.changed.0,
            payload_types: lane.payload_types,
            expect,
            from,
            to,
            expect_port: port(lane.expect),
            from_port: port(road.from),
            to_port: port(lane.to),
            tos,
            ttl: TTL,
            hop: macs,
            device: hop.device,
            mtu: hop.mtu,
            ssrc: lane.ssrc.to_be_bytes(),
            rate: lane.rate,
            head_sum: sum(&head, 0) + sum(&from, 0) + sum(&to, 0),
            gain_addresses: sum(&expect, !0) + sum(&local, !0) + sum(&from, 0) + sum(&to, 0),
            gain_ports: old_ports + sum(&port(road.from), 0) + sum(&port(lane.to), 0),
            spans: 0,
            hand: hand.first,
            arrival: hand.device,
            queues: hand.queues,
            ledger: Ledger::default(),
        }
    }
}

/// The address, filled up with zeros.
pub(crate) fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(four) => {
            let mut all = [0; 16];
            all[..4].copy_from_slice(&four.octets());
            all
        }
        IpAddr::V6(six) => six.octets(),
    }
}

/// Sum of 16-bit words as the machine reads them, each turned by `turn` (RFC 1071 §2: the order of bytes is free).
pub(crate) fn sum(bytes: &[u8], turn: u16) -> u32 {
    bytes.as_chunks::<2>().0.iter().map(|&two| u32::from(u16::from_ne_bytes(two) ^ turn)).sum()
}
