//! Which RTP ports of one interface are free.
//!
//! Ports are taken in pairs: an even one for RTP, the next for RTCP (RFC 3550 §11). A pair that comes back
//! rests before it is given out again, so that a late packet of an old call meets a closed port.
//! The order is shuffled once: the next port is not to be guessed.

use base::{Limit, Rng, Time};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long a pair rests after a call.
pub(super) const REST: Duration = Duration::from_secs(2);
/// How long a pair is left alone that another program holds.
const REST_FOREIGN: Duration = Duration::from_secs(30);

/// The pairs of one interface.
#[derive(Debug)]
pub(super) struct PortRange {
    pub(super) address: IpAddr,
    pub(super) ports: RangeInclusive<u16>,
    /// Free pairs, longest unused first, and when they have rested.
    free: VecDeque<(u16, Time)>,
    /// Pairs that could not be bound, and when they are tried again.
    foreign: VecDeque<(u16, Time)>,
    used: u64,
    /// Pairs in the range, and how often none was free.
    pub(super) limit: Limit,
}

impl PortRange {
    /// All whole pairs of `ports` but those `taken`.
    pub(super) fn new(
        address: IpAddr,
        ports: RangeInclusive<u16>,
        rng: &mut Rng,
        taken: &[u16],
    ) -> PortRange {
        let first = ports.start().checked_add(ports.start() & 1).map(|p| p.max(2));
        let last = *ports.end();
        let evens = first.into_iter().flat_map(|f| (f..last).step_by(2));
        let mut free: VecDeque<(u16, Time)> = evens.map(|p| (p, Time::ZERO)).collect();
        let limit = Limit::new("media_ports", free.len() as u64);
        free.retain(|(p, _)| !taken.contains(p));
        for at in (1..free.len()).rev() {
            free.swap(at, rng.below(at as u64 + 1) as usize);
        }
        let used = limit.max - free.len() as u64;
        PortRange { address, ports, free, foreign: VecDeque::new(), used, limit }
    }

    /// Takes the pair that has rested longest; its even port. `None`, and counted, when none has
    /// rested enough.
    pub(super) fn take(&mut self, now: Time) -> Option<u16> {
        while let Some((port, _)) = self.foreign.pop_front_if(|(_, until)| *until <= now) {
            self.free.push_front((port, now));
        }
        let taken = self.free.pop_front_if(|(_, until)| *until <= now);
        match taken {
            Some((port, _)) => {
                self.used += 1;
                Some(port)
            }
            None => {
                self.limit.hits += 1;
                None
            }
        }
    }

    /// Gives a pair back after use.
    pub(super) fn give(&mut self, now: Time, port: u16) {
        if self.holds(port) {
            self.used = self.used.saturating_sub(1);
            self.free.push_back((port, now + REST));
        }
    }

    /// Gives a pair back that was taken but never bound.
    pub(super) fn give_unused(&mut self, now: Time, port: u16) {
        self.used = self.used.saturating_sub(1);
        self.free.push_front((port, now));
    }

    /// Gives a pair back that another program holds.
    pub(super) fn give_foreign(&mut self, now: Time, port: u16) {
        self.used = self.used.saturating_sub(1);
        self.foreign.push_back((port, now + REST_FOREIGN));
    }

    /// Whether the pair belongs to this range.
    pub(super) fn holds(&self, port: u16) -> bool {
        port.is_multiple_of(2) && self.ports.contains(&port) && port < *self.ports.end()
    }

    /// Pairs in use.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Pairs that other programs hold.
    pub(super) fn foreign(&self) -> u64 {
        self.foreign.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn range(ports: RangeInclusive<u16>) -> PortRange {
        PortRange::new(IpAddr::from([127, 0, 0, 1]), ports, &mut Rng::new((1, 2)), &[])
    }

    #[test]
    fn every_whole_pair_is_given_once_and_rests_before_reuse() {
        let mut r = range(20_001..=20_020);
        let ports: BTreeSet<u16> = std::iter::from_fn(|| r.take(Time::ZERO)).collect();
        assert_eq!(ports, (20_002..20_020).step_by(2).collect());
        assert_eq!((r.used(), r.limit.max, r.limit.hits), (9, 9, 1));
        r.give(Time::ZERO, 20_004);
        assert_eq!(r.take(Time::ZERO + REST / 2), None);
        assert_eq!(r.take(Time::ZERO + REST), Some(20_004));
    }

    #[test]
    fn the_ends_of_the_port_space_are_safe() {
        assert_eq!(range(65_530..=65_535).limit.max, 3);
        assert_eq!(range(65_535..=65_535).limit.max, 0);
        assert_eq!(range(0..=1).limit.max, 0);
        assert_eq!(range(0..=4).limit.max, 1);
        #[allow(clippy::reversed_empty_ranges)]
        let reversed = range(9..=3);
        assert_eq!(reversed.limit.max, 0);
    }

    #[test]
    fn a_foreign_pair_comes_back_later() {
        let mut r = range(20_000..=20_001);
        assert_eq!(r.take(Time::ZERO), Some(20_000));
        r.give_foreign(Time::ZERO, 20_000);
        assert_eq!((r.take(Time::ZERO), r.foreign(), r.used()), (None, 1, 0));
        assert_eq!(r.take(Time::ZERO + REST_FOREIGN), Some(20_000));
    }
}
