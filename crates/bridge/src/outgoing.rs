//! Packets that wait for the engine, and the identity of the stream that they belong to.
//!
//! Each has a time at which it leaves: now, but for the later ones of several that one packet of the sender held.

use base::Time;
use rtp::Header;
use std::time::Duration;

/// Packets that may wait; further ones are counted and lost. One call makes no more than a gap's worth: limit `packets_made`.
pub const OUTGOING_MAX: usize = 32;
/// A packet leaves so much before its time at the most: the worker that fetches it looks every 10 ms, and leaves it
/// at the look that is nearest.
pub(crate) const EARLY: Duration = Duration::from_millis(5);
/// Bytes before the payload.
const HEADER: usize = 12;
/// The longest packet that is made: limit `packet_made`.
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
    /// Where each packet ends, and when it leaves.
    ends: Vec<(usize, Time)>,
    taken: usize,
    /// The time of the last word to the bridge, and when what is made next leaves.
    pub(crate) now: Time,
    pub(crate) leaves: Time,
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
        let (now, leaves) = (Time::ZERO, Time::ZERO);
        Outgoing { identity, bytes: Vec::new(), ends: Vec::new(), taken: 0, now, leaves, packets: 0, lost: 0 }
    }

    /// Time goes on; what is made leaves at once.
    #[inline]
    pub(crate) fn at(&mut self, now: Time) {
        (self.now, self.leaves) = (now, now);
    }

    /// Adds a packet with this payload, which has at most `room` bytes and is written by `write`, which tells its length.
    pub(crate) fn push(
        &mut self,
        (payload_type, marker): (u8, bool),
        timestamp: u32,
        room: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> bool {
        if self.taken > 0 {
            self.close_up();
        }
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
        // None overtakes another.
        let leaves = self.ends.last().map_or(self.leaves, |(_, before)| self.leaves.max(*before));
        self.ends.push((self.bytes.len(), leaves));
        self.identity.sequence = self.identity.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        true
    }

    /// Copies the next packet to the start of `buffer`; its length.
    pub(crate) fn pop(&mut self, buffer: &mut [u8]) -> Option<usize> {
        while let Some((end, leaves)) = self.ends.get(self.taken).copied() {
            if leaves > self.now + EARLY {
                return None;
            }
            let start = self.start();
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

    /// Where the next packet begins.
    fn start(&self) -> usize {
        self.taken.checked_sub(1).and_then(|at| self.ends.get(at)).map_or(0, |(end, _)| *end)
    }

    /// Forgets what has been fetched, where some have not.
    fn close_up(&mut self) {
        let start = self.start();
        self.bytes.drain(..start);
        self.ends.drain(..self.taken);
        self.ends.iter_mut().for_each(|(end, _)| *end -= start);
        self.taken = 0;
    }

    /// When the next packet may be fetched.
    pub(crate) fn due(&self) -> Option<Time> {
        self.ends.get(self.taken).map(|(_, leaves)| Time(leaves.0.saturating_sub(EARLY.as_nanos() as u64)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken >= self.ends.len()
    }
}
