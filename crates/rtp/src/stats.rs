//! Counting a received stream: sequence and loss (RFC 3550 §A.1, §A.3), jitter (§A.8), order.
//!
//! One [`Reception`] per synchronisation source; feed it with [`Reception::hear`]. It trusts its
//! caller to have told the source genuine, so it counts from the first packet instead of holding
//! new sources on probation as §A.1 does for sources that anyone may claim.

mod report;
mod state;

pub use state::State;

/// A forward jump of the sequence from here on is a restart, not loss (RFC 3550 §A.1).
pub const DROPOUT_MAX: u16 = 3_000;
/// A packet this late or later is a restart, not disorder (RFC 3550 §A.1).
pub const MISORDER_MAX: u16 = 100;
/// A change of transit time beyond this many seconds is a new timestamp origin, not jitter.
pub const TRANSIT_LEAP_SECONDS: u32 = 10;
/// How far back duplicates are recognised, in packets.
pub(crate) const WINDOW: u64 = 128;
const NANOS: u128 = 1_000_000_000;

/// What a packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// The first of the stream.
    First,
    /// The one expected next.
    InOrder,
    /// Ahead of the one expected; this many are missing between.
    AfterGap(u16),
    /// Later than others with higher numbers, and not heard before.
    Reordered,
    /// Heard before.
    Duplicate,
    /// Far from where the stream is; not counted unless the next one follows it.
    Stray,
    /// The second in a row at a new place: the sender began anew.
    Restarted,
}

/// Counters of one received source. All counts are over the source's whole life, restarts
/// included.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    started: bool,
    /// Extended sequence numbers of the current run.
    base: u64,
    highest: u64,
    /// Which of the [`WINDOW`] numbers up to `highest` were heard; bit 0 is `highest`.
    window: u128,
    /// The number that proves a restart when it comes next.
    restart_at: Option<u16>,
    /// Packets expected in runs that are over.
    expected_before: u64,
    received: u64,
    duplicates: u64,
    reordered: u64,
    strays: u64,
    restarts: u64,
    /// Expected and received at the last report (RFC 3550 §A.3).
    reported: (u64, u64),
    clock: u32,
    /// Arrival less timestamp in timestamp units, modulo 2^32; none before the first packet.
    transit: Option<u32>,
    timestamp: u32,
    /// Jitter in 1/16 timestamp units (RFC 3550 §A.8).
    jitter_16: u64,
    jitter_max: u32,
}

impl Reception {
    /// Takes note of a packet with this sequence number and timestamp, that arrived at
    /// `arrival_nanos` on any steady clock, in a payload of `clock` Hz (0 leaves jitter alone).
    pub fn hear(&mut self, sequence: u16, timestamp: u32, arrival_nanos: u64, clock: u32) -> Heard {
        let heard = self.count(sequence);
        match heard {
            Heard::Duplicate | Heard::Stray => return heard,
            Heard::First | Heard::Restarted => self.transit = None,
            _ => {}
        }
        self.received += 1;
        if clock != 0 {
            self.time(timestamp, arrival_nanos, clock);
        }
        heard
    }

    /// Sequence bookkeeping (RFC 3550 §A.1).
    fn count(&mut self, sequence: u16) -> Heard {
        if !self.started {
            self.begin(sequence);
            return Heard::First;
        }
        // Truncation to 16 bits is what is meant: numbers are compared modulo 2^16.
        let ahead = sequence.wrapping_sub(self.highest as u16);
        let behind = 0u16.wrapping_sub(ahead);
        if ahead == 0 {
            self.duplicates += 1;
            return Heard::Duplicate;
        }
        if ahead < DROPOUT_MAX {
            return self.advance(ahead);
        }
        if behind < MISORDER_MAX {
            return self.place_behind(behind);
        }
        if self.restart_at == Some(sequence) {
            self.expected_before = self.expected();
            self.restarts += 1;
            self.begin(sequence);
            // The stray before this one was the first of the new run after all.
            self.base -= 1;
            self.window = 0b11;
            self.strays -= 1;
            self.received += 1;
            return Heard::Restarted;
        }
        self.restart_at = Some(sequence.wrapping_add(1));
        self.strays += 1;
        Heard::Stray
    }

    fn begin(&mut self, sequence: u16) {
        self.started = true;
        // One cycle up, so that packets from before the first one have numbers too.
        self.base = (1 << 16) | u64::from(sequence);
        self.highest = self.base;
        self.window = 1;
        self.restart_at = None;
    }

    fn advance(&mut self, ahead: u16) -> Heard {
        self.highest += u64::from(ahead);
        self.window = self.window.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
        self.restart_at = None;
        match ahead - 1 {
            0 => Heard::InOrder,
            missing => Heard::AfterGap(missing),
        }
    }

    fn place_behind(&mut self, behind: u16) -> Heard {
        let bit = 1u128 << (u64::from(behind) % WINDOW);
        if self.window & bit != 0 {
            self.duplicates += 1;
            return Heard::Duplicate;
        }
        self.window |= bit;
        self.reordered += 1;
        // Older than the first one heard: the stream began there.
        self.base = self.base.min(self.highest - u64::from(behind));
        Heard::Reordered
    }

    /// Interarrival jitter (RFC 3550 §A.8).
    ///
    /// Packets that repeat the timestamp before them say nothing of pacing (events of RFC 4733,
    /// pieces of a picture) and are left out.
    fn time(&mut self, timestamp: u32, arrival_nanos: u64, clock: u32) {
        let arrival = (u128::from(arrival_nanos) * u128::from(clock) / NANOS) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        let before = if self.clock == clock { self.transit } else { None };
        if before.is_some() && timestamp == self.timestamp {
            return;
        }
        self.clock = clock;
        self.timestamp = timestamp;
        self.transit = Some(transit);
        let Some(before) = before else { return };
        let change = (transit.wrapping_sub(before) as i32).unsigned_abs();
        if u64::from(change) > u64::from(clock) * u64::from(TRANSIT_LEAP_SECONDS) {
            return;
        }
        self.jitter_16 = self.jitter_16 + u64::from(change) - ((self.jitter_16 + 8) >> 4);
        self.jitter_max = self.jitter_max.max(self.jitter());
    }

    /// Packets counted, duplicates and strays apart.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Packets that ought to have come by now.
    #[must_use]
    pub fn expected(&self) -> u64 {
        let run = if self.started { self.highest - self.base + 1 } else { 0 };
        self.expected_before + run
    }

    /// Packets that are missing; duplicates do not hide them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Packets heard more than once.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Packets that came after later ones.
    #[must_use]
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Packets far from where the stream is.
    #[must_use]
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// How often the sender began anew.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The extended highest sequence number; cycles count from 1. None before the first packet.
    #[must_use]
    pub fn highest_sequence(&self) -> Option<u64> {
        self.started.then_some(self.highest)
    }

    /// Jitter in timestamp units.
    #[must_use]
    pub fn jitter(&self) -> u32 {
        u32::try_from(self.jitter_16 >> 4).unwrap_or(u32::MAX)
    }

    /// The highest jitter so far, in timestamp units.
    #[must_use]
    pub fn jitter_max(&self) -> u32 {
        self.jitter_max
    }

    /// Jitter in nanoseconds; 0 before a clock rate is known.
    #[must_use]
    pub fn jitter_nanos(&self) -> u64 {
        match u128::from(self.clock) {
            0 => 0,
            clock => (u128::from(self.jitter()) * NANOS / clock) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn heard(numbers: &[u16]) -> (Reception, Vec<Heard>) {
        let mut reception = Reception::default();
        let results = numbers.iter().map(|number| reception.hear(*number, 0, 0, 0)).collect();
        (reception, results)
    }

    /// Feeds sequence numbers; expects received, expected, duplicates, reordered, strays, restarts.
    fn check(numbers: &[u16], counts: [u64; 6]) -> Vec<Heard> {
        let (r, results) = heard(numbers);
        let found = [r.received(), r.expected(), r.duplicates(), r.reordered(), r.strays(), r.restarts()];
        assert_eq!(found, counts, "{numbers:?} -> {results:?}");
        results
    }

    #[test]
    fn sequence_loss_order_and_duplicates() {
        use Heard::*;
        check(&[], [0; 6]);
        assert_eq!(check(&[7], [1, 1, 0, 0, 0, 0]), [First]);
        assert_eq!(check(&[7, 8, 9], [3, 3, 0, 0, 0, 0]), [First, InOrder, InOrder]);
        assert_eq!(check(&[7, 9], [2, 3, 0, 0, 0, 0]), [First, AfterGap(1)]);
        assert_eq!(check(&[7, 9, 8], [3, 3, 0, 1, 0, 0]), [First, AfterGap(1), Reordered]);
        assert_eq!(check(&[7, 8, 8, 7], [2, 2, 2, 0, 0, 0]), [First, InOrder, Duplicate, Duplicate]);
        assert_eq!(check(&[7, 9, 8, 8], [3, 3, 1, 1, 0, 0])[3], Duplicate);
        // One from before the first: the stream began with it.
        assert_eq!(check(&[7, 6], [2, 2, 0, 1, 0, 0]), [First, Reordered]);
        assert_eq!(check(&[0, 65_535], [2, 2, 0, 1, 0, 0]), [First, Reordered]);
        assert_eq!(check(&[65_535, 0, 1], [3, 3, 0, 0, 0, 0]), [First, InOrder, InOrder]);
    }

    #[test]
    fn far_numbers_are_strays_until_followed() {
        use Heard::*;
        assert_eq!(check(&[1, 30_000, 2], [2, 2, 0, 0, 1, 0]), [First, Stray, InOrder]);
        assert_eq!(check(&[1, 30_000, 30_001], [3, 3, 0, 0, 0, 1]), [First, Stray, Restarted]);
        assert_eq!(check(&[1, 30_000, 30_001, 30_001, 30_000, 30_002], [4, 4, 2, 0, 0, 1])[5], InOrder);
        assert_eq!(check(&[5_000, 4_899, 4_901], [2, 100, 0, 1, 1, 0]), [First, Stray, Reordered]);
        assert_eq!(check(&[1, 3_000], [2, 3_000, 0, 0, 0, 0]), [First, AfterGap(2_998)]);
        assert_eq!(check(&[1, 3_001], [1, 1, 0, 0, 1, 0]), [First, Stray]);
    }

    #[test]
    fn numbers_extend_over_many_cycles() {
        let mut reception = Reception::default();
        let mut number = 65_000u16;
        for _ in 0..400_000 {
            reception.hear(number, 0, 0, 0);
            number = number.wrapping_add(1);
        }
        assert_eq!((reception.received(), reception.lost()), (400_000, 0));
        assert_eq!(reception.highest_sequence(), Some((1 << 16) + 65_000 + 399_999));
        assert_eq!(reception.report(1, 0, 0).highest_sequence, 65_000 + 399_999);
    }

    #[test]
    fn a_report_speaks_of_its_interval() {
        let mut reception = Reception::default();
        for number in 0..100 {
            reception.hear(number, 0, 0, 0);
        }
        assert_eq!(reception.report(1, 0, 0).fraction_lost, 0);
        for number in (100..200).filter(|number| number % 4 != 0) {
            reception.hear(number, 0, 0, 0);
        }
        let block = reception.report(1, 2, 3);
        // 100 is missing too: 25 of 100, as 199 is the last one heard.
        assert_eq!((block.fraction_lost, block.cumulative_lost), (64, 25));
        assert_eq!((block.ssrc, block.lsr, block.dlsr), (1, 2, 3));
        // Nothing heard since: an interval without expectations.
        assert_eq!(reception.report(1, 0, 0).fraction_lost, 0);
        assert_eq!(Reception::default().report(1, 0, 0).highest_sequence, 0);
    }

    #[test]
    fn jitter_follows_the_formula() {
        // Packets 5 ms early and late in turns at 8 kHz: each transit changes by 80 units.
        let mut reception = Reception::default();
        let mut expected = 0u64;
        for number in 0..200u16 {
            let wobble = if number % 2 == 0 { 0 } else { 10 * MS };
            let arrival = u64::from(number) * 20 * MS + wobble;
            reception.hear(number, u32::from(number) * 160, arrival, 8_000);
            if number > 0 {
                expected = expected + 80 - ((expected + 8) >> 4);
            }
        }
        assert_eq!(u64::from(reception.jitter()), expected >> 4);
        assert!((75..=80).contains(&reception.jitter()));
        assert_eq!(reception.jitter_nanos(), u64::from(reception.jitter()) * 125_000);
        assert!(reception.jitter_max() >= reception.jitter());
    }

    #[test]
    fn events_leaps_and_changed_clocks_are_no_jitter() {
        let mut reception = Reception::default();
        // An event: one timestamp, many packets.
        for number in 0..10u16 {
            reception.hear(number, 5_000, u64::from(number) * 20 * MS, 8_000);
        }
        assert_eq!(reception.jitter(), 0);
        // Another origin of timestamps.
        reception.hear(10, 4_000_000_000, 200 * MS, 8_000);
        assert_eq!(reception.jitter(), 0);
        // Another clock rate.
        reception.hear(11, 9, 220 * MS, 48_000);
        reception.hear(12, 9 + 960, 240 * MS, 48_000);
        assert_eq!(reception.jitter(), 0);
        // A steady stream over the wrap of its timestamps.
        let mut steady = Reception::default();
        for number in 0..10u16 {
            let timestamp = (u32::MAX - 500).wrapping_add(u32::from(number) * 160);
            steady.hear(number, timestamp, u64::MAX / 2 + u64::from(number) * 20 * MS, 8_000);
        }
        assert!(steady.jitter() <= 1);
    }

    proptest! {
        #[test]
        fn any_shuffle_within_the_window_is_counted_whole(
            start: u16,
            keys in proptest::collection::vec(0..40u32, 1..300),
            doubles in proptest::collection::vec(any::<bool>(), 300),
        ) {
            // Each number moves by fewer than 40 places; some come twice.
            let mut order: Vec<(u32, u16)> =
                keys.iter().zip(0u16..).map(|(key, index)| (u32::from(index) + key, index)).collect();
            order.sort();
            let mut reception = Reception::default();
            let mut twice = 0;
            for (_, index) in &order {
                reception.hear(start.wrapping_add(*index), 0, 0, 0);
                if doubles[usize::from(*index)] {
                    twice += 1;
                    prop_assert_eq!(reception.hear(start.wrapping_add(*index), 0, 0, 0), Heard::Duplicate);
                }
            }
            prop_assert_eq!(reception.received(), keys.len() as u64);
            prop_assert_eq!((reception.lost(), reception.duplicates(), reception.strays()), (0, twice, 0));
        }
    }
}
