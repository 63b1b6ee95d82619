//! A stream of RTP for SIPp to play: every packet is known, and comes at a moment of its own.
//!
//! What is missing from a recording is lost on the network, what stands in it later than its turn is late: SIPp sends each
//! packet when the recording says.

use crate::audio;
use std::net::Ipv4Addr;
use std::path::Path;

/// Its source.
pub const SSRC: u32 = 0x511E_4CE5;
/// Comfort noise (RFC 3551 §6).
pub const NOISE: u8 = 13;
const PCMA: u8 = 8;

/// A packet, and when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Microseconds since the beginning.
    pub at: u64,
    /// Its payload type.
    pub payload_type: u8,
    /// Its sequence number.
    pub sequence: u16,
    /// Its timestamp.
    pub timestamp: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// Sound as A-law in packets of so many milliseconds, each sent in its time.
#[must_use]
pub fn a_law(samples: &[i16], ptime: u32) -> Vec<Packet> {
    let length = ptime * audio::RATE / 1_000;
    let codes = audio::a_law(samples);
    let packets = codes.chunks_exact(length as usize).zip(0u32..);
    let packet = |(payload, number): (&[u8], u32)| Packet {
        at: u64::from(number * ptime) * 1_000,
        payload_type: PCMA,
        sequence: number as u16,
        timestamp: number * length,
        payload: payload.to_vec(),
    };
    packets.map(packet).collect()
}

/// Numbers that are the same in every run.
#[must_use]
pub fn dice(number: u32) -> u32 {
    (number + 1).wrapping_mul(0x9e37_79b9).wrapping_mul(0x85eb_ca6b) >> 12
}

/// Writes a recording (libpcap) of Ethernet frames.
///
/// # Panics
/// The file cannot be written.
pub fn record(path: &Path, packets: &[Packet]) {
    let mut file: Vec<u8> = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for packet in packets {
        let frame = frame(packet);
        let length = frame.len() as u32;
        for word in [(packet.at / 1_000_000) as u32 + 1, (packet.at % 1_000_000) as u32, length, length] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&frame);
    }
    std::fs::write(path, file).expect("a recording");
}

fn frame(packet: &Packet) -> Vec<u8> {
    let udp = (8 + 12 + packet.payload.len()) as u16;
    let mut frame = vec![0; 12];
    frame.extend_from_slice(&0x0800_u16.to_be_bytes());
    frame.extend_from_slice(&[0x45, 0]);
    frame.extend_from_slice(&(20 + udp).to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0]);
    frame.extend_from_slice(&Ipv4Addr::LOCALHOST.octets());
    frame.extend_from_slice(&Ipv4Addr::LOCALHOST.octets());
    for word in [40_000, 40_000, udp, 0] {
        frame.extend_from_slice(&u16::to_be_bytes(word));
    }
    frame.extend_from_slice(&[0x80, packet.payload_type]);
    frame.extend_from_slice(&packet.sequence.to_be_bytes());
    frame.extend_from_slice(&packet.timestamp.to_be_bytes());
    frame.extend_from_slice(&SSRC.to_be_bytes());
    frame.extend_from_slice(&packet.payload);
    frame
}
