//! Streams that pass untouched while their packets are as long as the receiver takes them: a bridge stands by.
//!
//! How long packets are is seen a few times a second from what was counted, whoever relays them. Enter through
//! [`Session::watch_lengths`].

use super::{Session, Stream};
use crate::control::Side;
use crate::half::Half;
use bridge::{Codec, Plan};

/// Looks in a row at which packets must have the same wrong length.
const ODD_MAX: u8 = 2;
/// Packets that a look needs.
const PACKETS_MIN: u64 = 5;
/// Bytes of a packet that are no sound: options are not looked into, and make a length that is none.
const HEADER: u64 = 12;
/// Bytes of a millisecond of G.711 and G.722, whose length is known from outside.
const BYTES_PER_MS: u64 = 8;

/// See the module text.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) plans: [Plan; 2],
    seed: u64,
    /// By side.
    seen: [Seen; 2],
    /// Bridges are at work.
    works: bool,
}

/// One side at the last look.
#[derive(Debug, Default)]
struct Seen {
    packets: u64,
    bytes: u64,
    /// Sequence number and timestamp.
    place: Option<(u16, u32)>,
    /// The wrong length of then, and looks that have seen it.
    odd: u8,
    looks: u8,
}

impl Watch {
    /// A watch for plans that ask for one; what was known goes on where they are the same.
    pub(super) fn follow(held: Option<Box<Watch>>, plans: &[Plan; 2], seed: u64) -> Option<Box<Watch>> {
        if !plans.iter().any(|plan| plan.takes.is_some_and(|takes| takes.alone)) {
            return None;
        }
        if let Some(held) = held.filter(|held| held.plans == *plans) {
            return Some(held);
        }
        Some(Box::new(Watch { plans: plans.clone(), seed, seen: Default::default(), works: false }))
    }

    pub(super) fn works(&self) -> bool {
        self.works
    }

    /// Looks at a side; the length of its packets, when it is not what the other one takes.
    fn look(&mut self, side: Side, half: &mut Half) -> Option<u8> {
        let (plan, seen) = (&self.plans[side.index()], &mut self.seen[side.index()]);
        let takes = plan.takes?;
        let (packets, bytes) = half.counted();
        let (more, length) = (packets.saturating_sub(seen.packets), bytes.saturating_sub(seen.bytes));
        if more < PACKETS_MIN {
            return None;
        }
        (seen.packets, seen.bytes) = (packets, bytes);
        let codec = half.payload_type().and_then(|pt| plan.codec_of(pt));
        let ms = match codec {
            Some(Codec::G711(_) | Codec::G722) => by_length(more, length),
            Some(codec @ Codec::Opus(_)) => seen.by_content(plan, codec, half),
            None => None,
        };
        let odd = ms.filter(|ms| !takes.takes(*ms)).unwrap_or(0);
        seen.looks = if odd > 0 && odd == seen.odd { seen.looks + 1 } else { u8::from(odd > 0) };
        seen.odd = odd;
        (seen.looks >= ODD_MAX).then_some(odd)
    }
}

/// Milliseconds of a packet of G.711 or G.722, if those of a look were alike.
fn by_length(packets: u64, bytes: u64) -> Option<u8> {
    let sound = (bytes / packets).saturating_sub(HEADER);
    let alike = bytes.is_multiple_of(packets) && sound.is_multiple_of(10 * BYTES_PER_MS);
    u8::try_from(sound / BYTES_PER_MS).ok().filter(|ms| alike && *ms > 0)
}

impl Seen {
    /// Milliseconds of a packet by what one of them says of itself (RFC 6716 §3.1); where another engine relays and none is
    /// seen here, by numbers and timestamps.
    fn by_content(&mut self, plan: &Plan, codec: Codec, half: &mut Half) -> Option<u8> {
        let (head, place) = (half.take_head(), half.place());
        let before = std::mem::replace(&mut self.place, place);
        if let Some((payload_type, head)) = head {
            return plan.codec_of(payload_type)?.packet_ms(&head);
        }
        let ((number, now), (old, then)) = place.zip(before)?;
        let (numbers, ticks) = (u32::from(number.wrapping_sub(old)), now.wrapping_sub(then));
        let per_ms = codec.clock() / 1_000;
        let each = ticks.checked_div(numbers).filter(|_| ticks.is_multiple_of(numbers * per_ms))?;
        u8::try_from(each / per_ms).ok().filter(|ms| *ms > 0)
    }
}

impl Stream {
    /// The plans of bridges that are needed from now on.
    fn watch(&mut self) -> Option<([Plan; 2], u64)> {
        let watch = self.watch.as_mut().filter(|watch| !watch.works)?;
        let odd = Side::BOTH.map(|side| watch.look(side, &mut self.halves[side.index()]));
        if odd == [None; 2] {
            return None;
        }
        watch.works = true;
        let mut plans = watch.plans.clone();
        for (plan, odd) in plans.iter_mut().zip(odd) {
            plan.hears_ptime_ms = odd.unwrap_or(plan.hears_ptime_ms);
        }
        Some((plans, watch.seed))
    }
}

impl Session {
    /// Sets bridges to work where packets are of another length than was said.
    pub(super) fn watch_lengths(&mut self) {
        for s in self.streams.iter_mut().filter(|s| !s.rejected) {
            if let Some((plans, seed)) = s.watch() {
                s.build(plans, seed);
                self.changed = true;
            }
        }
    }
}
