//! Packets in the order in which they were sent.
//!
//! Nothing is delayed that comes in order. Behind a gap packets wait only when late ones have been seen
//! before, and then no longer than those were late: what is lost is made up at once on a network that
//! loses, and waited for on one that reorders. Where all are held ([`crate::held`]) their time is known elsewhere.
//! Enter through [`Order::take`].

use base::Time;
use std::time::Duration;

/// The longest that a gap is waited for.
pub const HOLD_MAX: Duration = Duration::from_millis(60);
/// What is waited at least, once a packet came late.
const HOLD_MIN: Duration = Duration::from_millis(10);
/// Without a late packet for this long, the wait is halved.
const HOLD_HALVES_AFTER: Duration = Duration::from_secs(20);
/// Packets that may wait, behind a gap or for their time: those of 200 ms and more: limit
/// `bridge_waiting`.
pub(crate) const WAITING_MAX: usize = 32;
/// A jump of the sequence further than this is a new beginning if the next packet follows it (RFC 3550 §A.1:
/// MAX_DROPOUT, MAX_MISORDER).
const AHEAD_MAX: u16 = 3_000;
const BEHIND_MAX: u16 = 100;

/// A packet, and how many before it were lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// The packet that was given is the next one; so many before it are missing.
    Now {
        /// Missing.
        lost: u16,
    },
    /// It begins the sequence anew.
    Anew,
    /// It waits.
    Waits,
    /// It came too late, or twice.
    Late,
}

/// See the module text.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The next sequence number.
    expected: Option<u16>,
    /// The number behind one that leapt: if it comes next, the sequence begins anew there.
    leapt_to: Option<u16>,
    hold: Duration,
    /// When the last late packet came, or the wait was halved.
    held_since: Time,
    /// When the gap that was given up last was first seen.
    gap_seen: Time,
    waiting: Vec<(u16, Vec<u8>)>,
    deadline: Option<Time>,
    /// All wait, also those in sequence.
    holds: bool,
    spare: Vec<Vec<u8>>,
}

impl Order {
    pub(crate) fn new() -> Order {
        Order {
            expected: None,
            leapt_to: None,
            hold: Duration::ZERO,
            held_since: Time::ZERO,
            gap_seen: Time::ZERO,
            waiting: Vec::new(),
            deadline: None,
            holds: false,
            spare: Vec::new(),
        }
    }

    /// Judges a packet; keeps a copy of one that has to wait. After [`Turn::Now`] ask [`Order::ready`].
    pub(crate) fn take(&mut self, now: Time, sequence: u16, bytes: &[u8]) -> Turn {
        let Some(expected) = self.expected else {
            self.expected = Some(sequence.wrapping_add(1));
            return Turn::Anew;
        };
        let ahead = sequence.wrapping_sub(expected);
        let leapt_to = self.leapt_to.take();
        if ahead == 0 && !self.holds {
            self.expected = Some(sequence.wrapping_add(1));
            return Turn::Now { lost: 0 };
        }
        if ahead > u16::MAX - BEHIND_MAX {
            self.came_late(now);
            return Turn::Late;
        }
        if ahead > AHEAD_MAX {
            if leapt_to == Some(sequence) {
                self.begin(sequence);
                return Turn::Anew;
            }
            self.leapt_to = Some(sequence.wrapping_add(1));
            return Turn::Late;
        }
        if self.deadline.is_none() {
            self.gap_seen = now;
        }
        self.soften(now);
        if self.waiting.is_empty() && self.hold.is_zero() && !self.holds {
            self.expected = Some(sequence.wrapping_add(1));
            return Turn::Now { lost: ahead };
        }
        self.wait(now, sequence, bytes)
    }

    fn begin(&mut self, sequence: u16) {
        while let Some((_, bytes)) = self.waiting.pop() {
            self.spare.push(bytes);
        }
        self.deadline = None;
        self.expected = Some(sequence.wrapping_add(1));
    }

    fn wait(&mut self, now: Time, sequence: u16, bytes: &[u8]) -> Turn {
        let Some(expected) = self.expected else { return Turn::Late };
        let ahead = sequence.wrapping_sub(expected);
        let place = self.waiting.partition_point(|(known, _)| known.wrapping_sub(expected) < ahead);
        if self.waiting.get(place).is_some_and(|(known, _)| *known == sequence) {
            return Turn::Late;
        }
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(bytes);
        self.waiting.insert(place, (sequence, copy));
        let full = self.waiting.len() >= WAITING_MAX;
        if !self.holds {
            self.deadline = Some(if full { now } else { self.deadline.unwrap_or(now + self.hold) });
        }
        Turn::Waits
    }

    /// A packet came behind its time: the next gap is waited for as long as this one would have needed.
    fn came_late(&mut self, now: Time) {
        let late = now.since(self.gap_seen);
        if late <= HOLD_MAX {
            self.hold = self.hold.max(late + late / 4).clamp(HOLD_MIN, HOLD_MAX);
            self.held_since = now;
        }
    }

    fn soften(&mut self, now: Time) {
        if !self.hold.is_zero() && now.since(self.held_since) >= HOLD_HALVES_AFTER {
            self.held_since = now;
            self.hold /= 2;
            if self.hold < HOLD_MIN {
                self.hold = Duration::ZERO;
            }
        }
    }

    /// Whether all wait from now on; what waited for that no longer does.
    #[inline]
    pub(crate) fn hold_all(&mut self, now: Time, all: bool) {
        if self.holds != all {
            self.holds = all;
            self.deadline = (!all && !self.waiting.is_empty()).then_some(now);
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// The first that waits, and how many are missing before it.
    pub(crate) fn head(&self) -> Option<(u16, &[u8])> {
        let (sequence, bytes) = self.waiting.first()?;
        Some((sequence.wrapping_sub(self.expected?), bytes))
    }

    /// No more may wait: the first goes on whatever its time.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX
    }

    /// Takes the first that waits; what is missing before it is given up.
    pub(crate) fn pull(&mut self) -> Option<(u16, Vec<u8>)> {
        let (lost, _) = self.head()?;
        let (sequence, bytes) = self.waiting.remove(0);
        self.expected = Some(sequence.wrapping_add(1));
        Some((lost, bytes))
    }

    /// When [`Order::ready`] must be asked again at the latest.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// The next waiting packet whose turn has come, with how many before it are given up as lost.
    pub(crate) fn ready(&mut self, now: Time) -> Option<(u16, Vec<u8>)> {
        let (expected, (first, _)) = (self.expected?, self.waiting.first()?);
        let lost = first.wrapping_sub(expected);
        let due = self.deadline.is_some_and(|deadline| now >= deadline);
        if lost > 0 && !due {
            return None;
        }
        let (sequence, bytes) = self.waiting.remove(0);
        self.expected = Some(sequence.wrapping_add(1));
        // A further gap among those that wait has its own time.
        let next = self.waiting.first().map(|(next, _)| next.wrapping_sub(sequence.wrapping_add(1)));
        self.deadline = match next {
            None => None,
            Some(0) => self.deadline,
            Some(_) if lost > 0 => Some(now + self.hold),
            Some(_) => self.deadline,
        };
        Some((lost, bytes))
    }

    /// Takes back the bytes of a packet, to be used again.
    pub(crate) fn give_back(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < WAITING_MAX {
            self.spare.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn waiting(order: &mut Order, now: u64) -> Vec<(u16, u8)> {
        std::iter::from_fn(|| order.ready(at(now)).map(|(lost, bytes)| (lost, bytes[0]))).collect()
    }

    #[test]
    fn what_comes_in_order_never_waits_and_a_loss_is_told_at_once() {
        let mut order = Order::new();
        assert_eq!(order.take(at(0), 65_534, &[0]), Turn::Anew);
        for (ms, sequence) in [(20, 65_535), (40, 0), (60, 1)] {
            assert_eq!(order.take(at(ms), sequence, &[0]), Turn::Now { lost: 0 });
        }
        assert_eq!(order.take(at(100), 4, &[0]), Turn::Now { lost: 2 });
        assert_eq!(order.take(at(120), 4, &[0]), Turn::Late);
        assert_eq!(order.deadline(), None);
    }

    #[test]
    fn after_a_late_packet_the_next_gap_is_waited_for() {
        let mut order = Order::new();
        order.take(at(0), 1, &[1]);
        assert_eq!(order.take(at(40), 3, &[3]), Turn::Now { lost: 1 });
        assert_eq!(order.take(at(48), 2, &[2]), Turn::Late);
        // Now the network is known to reorder.
        assert_eq!(order.take(at(80), 5, &[5]), Turn::Waits);
        assert_eq!(order.deadline(), Some(at(90)));
        assert_eq!(order.take(at(85), 4, &[4]), Turn::Now { lost: 0 });
        assert_eq!(waiting(&mut order, 85), [(0, 5)]);
        assert_eq!(order.deadline(), None);
        // What does not come is given up in time.
        assert_eq!(order.take(at(120), 7, &[7]), Turn::Waits);
        assert_eq!(waiting(&mut order, 125), []);
        assert_eq!(waiting(&mut order, 130), [(1, 7)]);
    }

    #[test]
    fn the_wait_is_forgotten_in_quiet_times_and_never_grows_beyond_its_limit() {
        let mut order = Order::new();
        order.take(at(0), 1, &[1]);
        order.take(at(40), 3, &[3]);
        order.take(at(95), 2, &[2]);
        assert_eq!(order.take(at(100), 5, &[5]), Turn::Waits);
        assert_eq!(order.deadline(), Some(at(160)));
        assert_eq!(waiting(&mut order, 160), [(1, 5)]);
        let mut sequence = 7;
        for minute in 1..6u64 {
            order.take(at(60_000 * minute), sequence, &[0]);
            waiting(&mut order, 60_000 * minute + 60);
            sequence += 2;
        }
        assert_eq!(order.take(at(400_000), sequence, &[0]), Turn::Now { lost: 1 });
    }

    #[test]
    fn a_jump_begins_anew_and_the_room_is_bounded() {
        let mut order = Order::new();
        order.take(at(0), 1, &[1]);
        order.take(at(10), 3, &[3]);
        order.take(at(20), 2, &[2]);
        for more in 0..40u16 {
            order.take(at(21), 5 + 2 * more, &[5]);
            while order.ready(at(21)).is_some() {}
            assert!(order.waiting.len() <= WAITING_MAX);
        }
        assert_eq!(order.take(at(29), 39_999, &[9]), Turn::Late);
        assert_eq!(order.take(at(30), 40_000, &[9]), Turn::Anew);
        assert_eq!((order.waiting.len(), order.deadline()), (0, None));
        assert_eq!(order.take(at(50), 40_001, &[9]), Turn::Now { lost: 0 });
    }
}
