//! Packets that wait for the engine, and the identity of the stream that they belong to.

use rtp::Header;

/// Packets that may wait; further ones are counted and lost. One call makes no more than a gap's worth.
pub const OUTGOING_MAX: usize = 32;
/// Bytes before the payload.
const HEADER: usize = 12;
/// The longest packet that is made.
pub(crate) const PACKET_MAX: usize = 1_500;

/// Who speaks: ours for the stream's whole life (RFC 3550 §8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    /// The timestamp of the next sample that is spoken.
    pub(crate) timestamp: u32,
}

/// See the module text.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) identity: Identity,
    bytes: Vec<u8>,
    /// Where each packet ends.
    ends: Vec<usize>,
    taken: usize,
    /// Packets made so far.
    pub(crate) packets: u32,
    pub(crate) lost: u64,
}

impl Outgoing {
    /// A stream whose identity follows from `seed` (RFC 3550 §5.1: sequence and timestamp begin anywhere).
    pub(crate) fn new(seed: u64) -> Outgoing {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed >> 29;
        let identity = Identity {
            ssrc: (mixed >> 32) as u32,
            sequence: mixed as u16 & 0x7fff,
            timestamp: (mixed ^ seed).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_shr(24) as u32,
        };
        Outgoing { identity, bytes: Vec::new(), ends: Vec::new(), taken: 0, packets: 0, lost: 0 }
    }

    /// Adds a packet with this payload, which has at most `room` bytes and is written by `write`, which tells its length.
    pub(crate) fn push(
        &mut self,
        (payload_type, marker): (u8, bool),
        timestamp: u32,
        room: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> bool {
        if self.ends.len() >= OUTGOING_MAX {
            self.lost += 1;
            return false;
        }
        let start = self.bytes.len();
        self.bytes.resize(start + (HEADER + room).min(PACKET_MAX), 0);
        let header = Header {
            marker,
            payload_type,
            sequence: self.identity.sequence,
            timestamp,
            ssrc: self.identity.ssrc,
        };
        let place = self.bytes.get_mut(start..).unwrap_or_default();
        let head = header.write(&[], place).ok();
        let made = head.and_then(|head| Some((head, write(place.get_mut(head..)?)?)));
        let Some((head, payload)) = made else {
            self.bytes.truncate(start);
            return false;
        };
        self.bytes.truncate(start + head + payload);
        self.ends.push(self.bytes.len());
        self.identity.sequence = self.identity.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        true
    }

    /// Copies the next packet to the start of `buffer`; its length.
    pub(crate) fn pop(&mut self, buffer: &mut [u8]) -> Option<usize> {
        while let Some(end) = self.ends.get(self.taken).copied() {
            let start = self.taken.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(0);
            self.taken += 1;
            let packet = self.bytes.get(start..end).unwrap_or_default();
            if let Some(place) = buffer.get_mut(..packet.len()) {
                place.copy_from_slice(packet);
                return Some(packet.len());
            }
            self.lost += 1;
        }
        self.bytes.clear();
        self.ends.clear();
        self.taken = 0;
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken >= self.ends.len()
    }
}
