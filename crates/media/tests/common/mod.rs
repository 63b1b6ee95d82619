//! Addresses and packets of both suites.

#![allow(dead_code)]

use std::net::SocketAddr;

pub(crate) fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

pub(crate) fn a() -> SocketAddr {
    at("192.0.2.1:4000")
}

pub(crate) fn b() -> SocketAddr {
    at("198.51.100.2:5000")
}

pub(crate) fn rtp(ssrc: u32, sequence: u16, payload_type: u8) -> Vec<u8> {
    let mut p = vec![0x80, payload_type];
    p.extend(sequence.to_be_bytes());
    p.extend((u32::from(sequence) * 160).to_be_bytes());
    p.extend(ssrc.to_be_bytes());
    p.extend([0xd5; 160]);
    p
}

/// A sender report without blocks, or a receiver report with one.
pub(crate) fn rtcp(ssrc: u32, sender_ntp: Option<u32>, block: Option<(u32, u32)>) -> Vec<u8> {
    let count = 0x80 | u8::from(block.is_some());
    let mut p = match sender_ntp {
        Some(_) => vec![count, 200, 0, if block.is_some() { 12 } else { 6 }],
        None => vec![count, 201, 0, if block.is_some() { 7 } else { 1 }],
    };
    p.extend(ssrc.to_be_bytes());
    if let Some(ntp) = sender_ntp {
        p.extend((u64::from(ntp) << 16).to_be_bytes());
        p.extend([0; 12]);
    }
    if let Some((lsr, dlsr)) = block {
        p.extend([0, 0, 0, 1, 64, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 80]);
        p.extend(lsr.to_be_bytes());
        p.extend(dlsr.to_be_bytes());
    }
    p
}
