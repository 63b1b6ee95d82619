//! How many answers may leave within a time: a bucket that fills by itself.

use base::Time;
use std::time::Duration;

/// See the module text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    left: u32,
    filled: Time,
    most: u32,
    /// How long one takes to come back.
    every: Duration,
}

impl Budget {
    /// Full: `most` at once, `per_second` after that.
    pub(crate) fn new(now: Time, most: u32, per_second: u32) -> Budget {
        Budget { left: most, filled: now, most, every: Duration::from_secs(1) / per_second.max(1) }
    }

    /// Takes one; false when none is left.
    pub(crate) fn take(&mut self, now: Time) -> bool {
        let every = self.every.as_nanos().max(1);
        let back = now.since(self.filled).as_nanos() / every;
        if back > 0 {
            let back = u32::try_from(back).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(back).min(self.most);
            self.filled = if self.left == self.most { now } else { self.filled + self.every * back };
        }
        let any = self.left > 0;
        self.left -= u32::from(any);
        any
    }
}
