//! The clock and the dice: the only places where the signalling side learns time and entropy.
//!
//! Monotonic time is counted from the node's birth; the wall clock is read once, at that birth, so
//! that a step of the wall clock neither stretches nor shrinks a call. Enter through [`Clock`].

use base::time::{Time, WallClock, WallTime};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Time since the node's birth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    birth: Instant,
    wall: WallClock,
}

impl Clock {
    /// A clock that is born now.
    pub(crate) fn start() -> Clock {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX);
        Clock { birth: Instant::now(), wall: WallClock { birth: WallTime(micros) } }
    }

    /// Now (CLOCK_MONOTONIC, without a system call on usual machines).
    pub(crate) fn now(&self) -> Time {
        Time(u64::try_from(self.birth.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The wall clock as it stood at birth.
    pub(crate) fn wall(&self) -> WallClock {
        self.wall
    }
}

/// A secret from the operating system.
///
/// # Errors
/// The operating system gives no entropy.
pub(crate) fn secret() -> Result<[u8; 32], getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(secret)
}

/// A seed from the operating system.
///
/// # Errors
/// The operating system gives no entropy.
pub(crate) fn seed() -> Result<(u64, u64), getrandom::Error> {
    Ok((getrandom::u64()?, getrandom::u64()?))
}
