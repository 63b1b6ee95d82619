//! A hierarchical timer wheel: the one place where a shard keeps its deadlines.
//!
//! Cancellation is lazy: owners check, when a key fires, whether it still means anything (our
//! keys carry a generation). Ticks are 4 ms; a timer fires at its deadline or up to one tick
//! later, never before.

use crate::time::Time;

const TICK_NANOS: u64 = 4_000_000;
const SLOT_BITS: u32 = 8;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = 3;
/// The furthest a timer may lie ahead, in ticks (about 18 hours); later ones fire then.
const HORIZON: u64 = (1 << (SLOT_BITS * LEVELS as u32)) - 1;

struct Level<K> {
    slots: Vec<Vec<(u64, K)>>,
    used: [u64; SLOTS / 64],
}

impl<K> Level<K> {
    fn new() -> Level<K> {
        Level { slots: (0..SLOTS).map(|_| Vec::new()).collect(), used: [0; SLOTS / 64] }
    }

    fn push(&mut self, slot: usize, entry: (u64, K)) {
        self.slots[slot].push(entry);
        self.used[slot / 64] |= 1 << (slot % 64);
    }

    fn take(&mut self, slot: usize) -> Vec<(u64, K)> {
        self.used[slot / 64] &= !(1 << (slot % 64));
        std::mem::take(&mut self.slots[slot])
    }

    /// How many slots after `from` (0 = itself) the next used one lies.
    fn next_used(&self, from: usize) -> Option<usize> {
        (0..SLOTS).find(|&d| {
            let s = (from + d) % SLOTS;
            self.used[s / 64] & (1 << (s % 64)) != 0
        })
    }
}

/// Deadlines with keys; see the module text.
pub struct Wheel<K> {
    levels: [Level<K>; LEVELS],
    /// The next tick that has not been handed out.
    tick: u64,
    due: Vec<K>,
    len: usize,
    next: Option<u64>,
}

impl<K> Default for Wheel<K> {
    fn default() -> Self {
        Wheel::new()
    }
}

impl<K> Wheel<K> {
    /// An empty wheel, standing at [`Time::ZERO`].
    #[must_use]
    pub fn new() -> Wheel<K> {
        Wheel { levels: std::array::from_fn(|_| Level::new()), tick: 0, due: Vec::new(), len: 0, next: None }
    }

    /// How many timers wait, stale ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no timer waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Lets `key` fire at `at`, or at the next [`Wheel::pop`] when that is past.
    pub fn insert(&mut self, at: Time, key: K) {
        let tick = at.0.div_ceil(TICK_NANOS).max(self.tick).min(self.tick + HORIZON);
        self.len += 1;
        self.next = Some(self.next.map_or(tick, |n| n.min(tick)));
        self.place(tick, key);
    }

    fn place(&mut self, tick: u64, key: K) {
        let ahead = tick - self.tick;
        let level =
            (0..LEVELS as u32).find(|l| ahead < 1 << (SLOT_BITS * (l + 1))).unwrap_or(LEVELS as u32 - 1);
        let slot = (tick >> (SLOT_BITS * level)) as usize % SLOTS;
        self.levels[level as usize].push(slot, (tick, key));
    }

    /// One key whose deadline is not after `now`; call until `None`.
    pub fn pop(&mut self, now: Time) -> Option<K> {
        let target = now.0 / TICK_NANOS;
        while self.due.is_empty() {
            match self.next {
                Some(next) if next <= target => self.advance(next),
                _ => return None,
            }
        }
        self.len -= 1;
        self.due.pop()
    }

    /// When the next timer may be due: never later than it is, possibly earlier by a cascade.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        if !self.due.is_empty() {
            return Some(Time(self.tick * TICK_NANOS));
        }
        self.next.map(|t| Time(t * TICK_NANOS))
    }

    /// Moves to `tick` (nothing lies before it), cascades, and collects what is due there.
    fn advance(&mut self, tick: u64) {
        self.tick = tick;
        for level in (1..LEVELS).rev() {
            let shift = SLOT_BITS * level as u32;
            let slot = (tick >> shift) as usize % SLOTS;
            for (at, key) in self.levels[level].take(slot) {
                self.place(at.max(tick), key);
            }
        }
        let slot = tick as usize % SLOTS;
        let mut late = Vec::new();
        for (at, key) in self.levels[0].take(slot) {
            if at <= tick { self.due.push(key) } else { late.push((at, key)) }
        }
        for (at, key) in late {
            self.levels[0].push(slot, (at, key));
        }
        self.due.reverse();
        self.tick = tick + 1;
        self.next = self.scan();
    }

    /// The next tick at which something may be due or must cascade.
    fn scan(&self) -> Option<u64> {
        let mut best: Option<u64> = None;
        for (level, wheel) in self.levels.iter().enumerate() {
            let shift = SLOT_BITS * level as u32;
            let here = self.tick >> shift;
            // The slot that stands at the current position of an upper level has been
            // cascaded unless the position was entered just now (low bits are zero).
            let fresh = level == 0 || self.tick & ((1 << shift) - 1) == 0;
            let from = if fresh { here } else { here + 1 };
            if let Some(d) = wheel.next_used(from as usize % SLOTS) {
                let tick = ((from + d as u64) << shift).max(self.tick);
                best = Some(best.map_or(tick, |b: u64| b.min(tick)));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn every_timer_fires_once_in_order_and_never_early() {
        let mut rng = Rng::new((7, 9));
        let mut wheel = Wheel::new();
        let mut now = Time::ZERO;
        let mut waiting = std::collections::BTreeMap::new();
        let mut fired = 0;
        for round in 0..3_000u64 {
            for n in 0..rng.below(4) {
                let spans = [50_000_000, 5_000_000_000, 400_000_000_000, 9_000_000_000_000];
                let span = spans[rng.below(4) as usize];
                let at = Time(now.0 + rng.below(span));
                wheel.insert(at, (round, n));
                waiting.insert((round, n), at);
            }
            let jumps = [1_000_000, 40_000_000, 2_000_000_000, 90_000_000_000];
            let jump = jumps[rng.below(4) as usize];
            now = Time(now.0 + rng.below(jump));
            while let Some(k) = wheel.pop(now) {
                let at = waiting.remove(&k).expect("fires once");
                assert!(at <= now, "not early");
                fired += 1;
            }
            let late = waiting.values().filter(|at| at.0 + TICK_NANOS <= now.0).count();
            assert_eq!(late, 0, "nothing is forgotten");
            assert_eq!(wheel.len(), waiting.len());
            if let (Some(next), Some(first)) = (wheel.next_deadline(), waiting.values().min()) {
                assert!(next.0 <= first.0 + TICK_NANOS);
            }
        }
        assert!(fired > 1_000);
    }
}
