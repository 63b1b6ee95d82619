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
/// Bytes of a millisecond: of G.711 and G.722 alone the length is known from outside.
const BYTES_PER_MS: u64 = 8;

/// See the module text.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) plans: [Plan; 2],
    seed: u64,
    /// By side: packets and bytes at the last look, the wrong length of then, and looks that have seen it.
    seen: [(u64, u64, u8, u8); 2],
    /// Bridges are at work.
    works: bool,
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
    fn look(&mut self, side: Side, half: &Half) -> Option<u8> {
        let (plan, seen) = (&self.plans[side.index()], &mut self.seen[side.index()]);
        let takes = plan.takes?;
        let (packets, bytes) = half.counted();
        let (more, length) = (packets.saturating_sub(seen.0), bytes.saturating_sub(seen.1));
        if more < PACKETS_MIN {
            return None;
        }
        (seen.0, seen.1) = (packets, bytes);
        let codec = half.payload_type().and_then(|pt| plan.codec_of(pt));
        let known = matches!(codec, Some(Codec::G711(_) | Codec::G722));
        let sound = (length / more).saturating_sub(HEADER);
        let alike = length % more == 0 && sound % (10 * BYTES_PER_MS) == 0;
        let ms = u8::try_from(sound / BYTES_PER_MS).ok().filter(|ms| known && alike && *ms > 0);
        let odd = ms.filter(|ms| !takes.takes(*ms)).unwrap_or(0);
        seen.3 = if odd > 0 && odd == seen.2 { seen.3 + 1 } else { u8::from(odd > 0) };
        seen.2 = odd;
        (seen.3 >= ODD_MAX).then_some(odd)
    }
}

impl Stream {
    /// The plans of bridges that are needed from now on.
    fn watch(&mut self) -> Option<([Plan; 2], u64)> {
        let watch = self.watch.as_mut().filter(|watch| !watch.works)?;
        let odd = Side::BOTH.map(|side| watch.look(side, &self.halves[side.index()]));
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
