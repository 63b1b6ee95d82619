//! How many calls begin in a second of the node's clock.

use base::Time;

/// New calls of the present second.
#[derive(Clone, Default)]
pub struct Rate {
    second: u64,
    spent: u32,
}

impl Rate {
    /// Whether as many began as may.
    #[must_use]
    pub fn is_spent(&self, max: Option<u32>, now: Time) -> bool {
        max.is_some_and(|max| self.second == now.as_millis() / 1_000 && self.spent >= max)
    }

    /// One more begins.
    pub fn spend(&mut self, now: Time) {
        let second = now.as_millis() / 1_000;
        if self.second != second {
            *self = Rate { second, spent: 0 };
        }
        self.spent += 1;
    }
}
