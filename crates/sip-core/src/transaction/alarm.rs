//! One deadline of a transaction, kept in the shard's wheel with as few entries as can be.
//!
//! The wheel cancels lazily: an alarm remembers its next entry and enters the wheel anew only when it must
//! ring earlier than that.

use super::{ClientTxn, ServerTxn};
use base::{Time, Wheel};

/// Which transaction, and which of its two alarms, an entry of the wheel means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    ServerFast(ServerTxn),
    ServerSlow(ServerTxn),
    ClientFast(ClientTxn),
    ClientSlow(ClientTxn),
}

/// A deadline that can be moved and cleared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alarm {
    at: Time,
    queued: Time,
}

impl Alarm {
    /// One that never rings.
    pub(crate) const OFF: Alarm = Alarm { at: Time::NEVER, queued: Time::NEVER };

    /// Rings at `at` and not before.
    pub(crate) fn set(&mut self, wheel: &mut Wheel<Key>, key: Key, at: Time) {
        self.at = at;
        if at < self.queued {
            self.queued = at;
            wheel.insert(at, key);
        }
    }

    /// Rings no more.
    pub(crate) fn clear(&mut self) {
        self.at = Time::NEVER;
    }

    /// An entry of the wheel came up: whether the alarm rings now. It is off afterwards.
    pub(crate) fn came_up(&mut self, wheel: &mut Wheel<Key>, key: Key, now: Time) -> bool {
        if self.at <= now {
            *self = Alarm::OFF;
            return true;
        }
        if self.queued <= now {
            self.queued = Time::NEVER;
            if self.at != Time::NEVER {
                self.set(wheel, key, self.at);
            }
        }
        false
    }
}
