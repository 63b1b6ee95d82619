//! Pure time: instants that are given, never read.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A monotonic instant, nanoseconds since the shard was born.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// The birth of the shard.
    pub const ZERO: Time = Time(0);
    /// Later than every instant that occurs.
    pub const NEVER: Time = Time(u64::MAX);

    /// The instant `millis` milliseconds after birth.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Time {
        Time(millis * 1_000_000)
    }

    /// Whole milliseconds since birth.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Time from `earlier` until `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, d: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;
    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

/// Microseconds since 1970-01-01T00:00:00Z: what people and records see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WallTime(pub u64);

/// Turns instants into wall time: the wall clock as it stood at the shard's birth.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock {
    /// Wall time at [`Time::ZERO`].
    pub birth: WallTime,
}

impl WallClock {
    /// The wall time of an instant.
    #[must_use]
    pub fn at(self, t: Time) -> WallTime {
        WallTime(self.birth.0 + t.0 / 1_000)
    }
}
