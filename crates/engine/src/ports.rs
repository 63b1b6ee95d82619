//! Which RTP ports of one interface are free.
//!
//! Ports are taken in pairs: an even one for RTP, the next for RTCP (RFC 3550 §11). A pair that comes back
//! rests before it is given out again, so that a late packet of an old call meets a closed port.
//! The order is shuffled once: the next port is not to be guessed. Some pairs come back with their sockets still
//! bound, deaf to all: opening and closing four sockets is much of what a call costs. They are drawn at random,
//! from many, and closed when no call wants them.

use super::sockets::Pair;
use base::{Limit, Rng, Time};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long a pair rests after a call.
pub(super) const REST: Duration = Duration::from_secs(2);
/// How long a pair is left alone that another program holds.
const REST_FOREIGN: Duration = Duration::from_secs(30);

/// So many pairs are kept bound before one of them is used again, so that the next port remains hard to guess.
/// Where fewer may be kept, none is.
pub(super) const READY_LEAST: usize = 512;
/// So many pairs are kept bound between calls at most; two sockets each.
pub(super) const READY_MAX: usize = 2048;
/// How long a pair stays bound that no call wants.
pub(super) const KEPT: Duration = Duration::from_secs(30);

/// A pair that was given out.
#[derive(Debug)]
pub(super) struct Taken {
    /// Its even port.
    pub(super) port: u16,
    /// Its sockets, when they are still bound.
    pub(super) bound: Option<Pair>,
}

/// The pairs of one interface.
#[derive(Debug)]
pub(super) struct PortRange {
    pub(super) address: IpAddr,
    pub(super) ports: RangeInclusive<u16>,
    /// Free pairs, longest unused first, and when they have rested.
    free: VecDeque<(u16, Time)>,
    /// Free pairs that are still bound, roughly the longest unused first, and when they have rested.
    ready: VecDeque<(u16, Time, Pair)>,
    ready_max: usize,
    rng: Rng,
    /// Pairs that could not be bound, and when they are tried again.
    foreign: VecDeque<(u16, Time)>,
    used: u64,
    /// Pairs in the range, and how often none was free.
    pub(super) limit: Limit,
}

impl PortRange {
    /// All whole pairs of `ports` but those `taken`; `ready_max` of them stay bound between calls.
    pub(super) fn new(
        address: IpAddr,
        ports: RangeInclusive<u16>,
        rng: &mut Rng,
        taken: &[u16],
        ready_max: usize,
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
        PortRange {
            address,
            ports,
            free,
            ready: VecDeque::new(),
            ready_max: if ready_max < READY_LEAST { 0 } else { ready_max.min(READY_MAX) },
            rng: Rng::new(rng.next_pair()),
            foreign: VecDeque::new(),
            used,
            limit,
        }
    }

    /// Takes a pair that has rested: of the bound ones when there are many, else the one that was unused
    /// longest. `None`, and counted, when none has rested enough.
    pub(super) fn take(&mut self, now: Time) -> Option<Taken> {
        while let Some((port, _)) = self.foreign.pop_front_if(|(_, until)| *until <= now) {
            self.free.push_front((port, now));
        }
        let many = self.ready.len() >= READY_LEAST;
        let taken = many.then(|| self.take_ready(now)).flatten();
        let taken = taken.or_else(|| {
            let (port, _) = self.free.pop_front_if(|(_, until)| *until <= now)?;
            Some(Taken { port, bound: None })
        });
        let taken = taken.or_else(|| self.take_ready(now));
        match taken {
            Some(_) => self.used += 1,
            None => self.limit.hits += 1,
        }
        taken
    }

    /// Any of the bound pairs that have rested.
    fn take_ready(&mut self, now: Time) -> Option<Taken> {
        let rested = self.ready.partition_point(|(_, until, _)| *until <= now);
        let at = if rested == 0 { return None } else { self.rng.below(rested as u64) };
        // The first takes its place: both have rested, so that those that have stay in front.
        let (port, _, pair) = self.ready.swap_remove_front(usize::try_from(at).ok()?)?;
        Some(Taken { port, bound: Some(pair) })
    }

    /// Closes the pairs that no call has wanted for [`KEPT`]; when the next one is due.
    pub(super) fn close_unwanted(&mut self, now: Time) -> Option<Time> {
        while let Some((port, until, _)) = self.ready.pop_front_if(|(_, until, _)| *until + KEPT <= now) {
            self.free.push_back((port, until));
        }
        self.ready.front().map(|(_, until, _)| *until + KEPT)
    }

    /// Gives a pair back after use, with its sockets when they may be used again.
    pub(super) fn give(&mut self, now: Time, port: u16, bound: Option<Pair>) {
        if !self.holds(port) {
            return;
        }
        self.used = self.used.saturating_sub(1);
        match bound {
            Some(pair) if self.ready.len() < self.ready_max => self.ready.push_back((port, now + REST, pair)),
            _ => self.free.push_back((port, now + REST)),
        }
    }

    /// Closes the sockets of pairs that are not in use: the process has too few descriptors.
    pub(super) fn close_ready(&mut self) {
        let closed = self.ready.drain(..).map(|(port, until, _)| (port, until));
        self.free.extend(closed);
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
#[path = "../tests/unit/ports.rs"]
mod tests;
