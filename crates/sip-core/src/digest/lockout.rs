//! Who tries passwords: wrong credentials are counted by source, and too many lock it out for a while.

use base::{Limit, Time};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Sources whose failures are remembered: limit `failing_sources`. Further ones are not counted.
pub const SOURCES_MAX: u64 = 4_096;

#[derive(Clone, Copy, Debug)]
struct Entry {
    failures: u32,
    /// The last failure is forgotten then.
    until: Time,
    locked: bool,
}

/// See the module text.
#[derive(Debug)]
pub struct Lockout {
    sources: BTreeMap<IpAddr, Entry>,
    limit: Limit,
}

impl Default for Lockout {
    fn default() -> Lockout {
        Lockout { sources: BTreeMap::new(), limit: Limit::new("failing_sources", SOURCES_MAX) }
    }
}

impl Lockout {
    /// The limit and its hits.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// How much longer a source is locked out.
    #[must_use]
    pub fn left(&self, source: IpAddr, now: Time) -> Option<Duration> {
        let entry = self.sources.get(&group(source)).filter(|entry| entry.locked && entry.until > now)?;
        Some(entry.until.since(now))
    }

    /// Wrong credentials came from a source; `true`: it is locked out from now on. After `max` failures, none
    /// of them later than `pause` after the one before, it is locked out for `pause`.
    pub fn failed(&mut self, source: IpAddr, now: Time, max: u32, pause: Duration) -> bool {
        let source = group(source);
        if !self.sources.contains_key(&source) && !self.limit.admit(self.sources.len() as u64) {
            self.sources.retain(|_, entry| entry.until > now);
            if self.sources.len() as u64 >= self.limit.max {
                return false;
            }
        }
        let fresh = Entry { failures: 0, until: now, locked: false };
        let entry = self.sources.entry(source).or_insert(fresh);
        if entry.until <= now {
            *entry = fresh;
        }
        entry.failures = entry.failures.saturating_add(1);
        entry.until = now + pause;
        let locks = !entry.locked && entry.failures >= max;
        entry.locked |= locks;
        locks
    }

    /// A source proved a user: its failures are forgotten.
    pub fn proved(&mut self, source: IpAddr) {
        if !self.sources.is_empty() {
            self.sources.remove(&group(source));
        }
    }
}

/// An IPv6 host has a whole /64 to itself.
fn group(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    #[test]
    fn the_third_failure_in_a_row_locks_a_source_for_a_while() {
        let mut lockout = Lockout::default();
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let fails = |lockout: &mut Lockout, now| lockout.failed(one, at(now), 3, PAUSE);
        assert!(!fails(&mut lockout, 0) && !fails(&mut lockout, 59));
        assert_eq!(lockout.left(one, at(59)), None);
        assert!(fails(&mut lockout, 100));
        assert_eq!(lockout.left(one, at(120)), Some(Duration::from_secs(40)));
        assert_eq!(lockout.left("192.0.2.2".parse().unwrap(), at(120)), None);
        assert_eq!(lockout.left(one, at(160)), None);
        assert!(!fails(&mut lockout, 160), "counted anew");
        assert!(!fails(&mut lockout, 221), "the one before is forgotten");
        lockout.proved(one);
        assert!(!fails(&mut lockout, 222) && !fails(&mut lockout, 223) && fails(&mut lockout, 224));
    }

    #[test]
    fn an_ipv6_host_cannot_change_its_address_to_go_on_and_the_table_is_bounded() {
        let mut lockout = Lockout::default();
        let host = |last: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last));
        assert!(!lockout.failed(host(1), at(0), 2, PAUSE) && lockout.failed(host(2), at(0), 2, PAUSE));
        assert!(lockout.left(host(3), at(1)).is_some());
        lockout.limit.max = 1;
        let other = "192.0.2.1".parse().unwrap();
        assert!(!lockout.failed(other, at(1), 1, PAUSE));
        assert_eq!(lockout.limit().hits, 1);
        assert!(lockout.failed(other, at(60), 1, PAUSE), "the old entry has made room");
    }
}
