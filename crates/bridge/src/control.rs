//! RTCP of a bridged stream: sources, times and counts of one side become those of the other.
//!
//! A sender's reports speak of a source that its receiver does not know, and in another clock. The compound
//! is changed where it lies, so what it holds besides stays. Enter through [`rewrite_control`].

use crate::bridge::{Bridge, Seen};
use crate::hearing::scaled;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// Words of a report block (RFC 3550 §6.4.1).
const BLOCK: usize = 24;

/// Rewrites a valid compound of the side whose media `spoken` carries; `heard` carries the other side's media to
/// it.
pub fn rewrite_control(bytes: &mut [u8], spoken: Option<&Bridge>, heard: Option<&Bridge>) {
    let (spoken, heard) = (spoken.and_then(Bridge::seen), heard.and_then(Bridge::seen));
    if spoken.is_none() && heard.is_none() {
        return;
    }
    let mut rest = bytes;
    while rest.len() >= 4 {
        let length = 4 * (usize::from(u16::from_be_bytes([rest[2], rest[3]])) + 1);
        let Some((packet, after)) = rest.split_at_mut_checked(length) else { return };
        rewrite(packet, spoken.as_ref(), heard.as_ref());
        rest = after;
    }
}

fn rewrite(packet: &mut [u8], spoken: Option<&Seen>, heard: Option<&Seen>) {
    let count = usize::from(packet[0] & 0x1f);
    let blocks = match packet[1] {
        SENDER_REPORT => {
            if let Some(seen) = spoken {
                sender(packet, seen);
            }
            28
        }
        RECEIVER_REPORT => 8,
        DESCRIPTION => return name(packet, 4, spoken),
        GOODBYE => {
            for at in 0..count {
                name(packet, 4 + 4 * at, spoken);
            }
            return;
        }
        _ => {
            name(packet, 4, spoken);
            return;
        }
    };
    name(packet, 4, spoken);
    for at in 0..count {
        let place = blocks + BLOCK * at;
        if let Some(seen) = heard.filter(|seen| word(packet, place) == Some(seen.ours)) {
            put(packet, place, seen.theirs);
        }
    }
}

/// A sender's name becomes the one that the receiver knows.
fn name(packet: &mut [u8], at: usize, spoken: Option<&Seen>) {
    if let Some(seen) = spoken.filter(|seen| word(packet, at) == Some(seen.theirs)) {
        put(packet, at, seen.ours);
    }
}

/// Timestamp and counts of a sender report (RFC 3550 §6.4.1).
fn sender(packet: &mut [u8], seen: &Seen) {
    if word(packet, 4) != Some(seen.theirs) {
        return;
    }
    if let (Some(timestamp), Some((expected, clock))) = (word(packet, 16), seen.expected) {
        let since = timestamp.wrapping_sub(expected);
        let back = since > u32::MAX / 2;
        let ticks = scaled(if back { since.wrapping_neg() } else { since }, seen.clock, clock) as u32;
        let moved = if back { seen.here.wrapping_sub(ticks) } else { seen.here.wrapping_add(ticks) };
        put(packet, 16, moved);
    }
    put(packet, 20, seen.packets);
    put(packet, 24, seen.octets);
}

fn word(packet: &[u8], at: usize) -> Option<u32> {
    rtp::bytes::be32(packet, at)
}

fn put(packet: &mut [u8], at: usize, value: u32) {
    if let Some(place) = packet.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}
