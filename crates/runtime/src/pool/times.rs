//! How long a connection may take for what it has to do.

use super::{Pool, Whose};
use crate::poll::{Poll, Source};
use crate::stream::{Close, Stage, Stream};
use base::Time;
use std::time::Duration;

/// A TCP connect takes at most this long.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A TLS handshake takes at most this long, connect included.
pub(super) const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// A peer of no trunk is heard this long, after its handshake where there is one; it may yet become known,
/// by a name that resolves or a request inside a call.
pub(super) const STRANGER_MAX: Duration = Duration::from_secs(5);
/// A peer that connects has this long for its first whole message.
pub(super) const FIRST_MESSAGE_MAX: Duration = Duration::from_secs(30);
/// A message that has begun is whole after this long.
pub(super) const MESSAGE_MAX: Duration = Duration::from_secs(30);
/// A connection that carries nothing is closed after this long, while no call lives.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(600);
/// And after this long while calls live, one of which may need it for its end.
pub(super) const IDLE_WITH_CALLS_MAX: Duration = Duration::from_secs(7200);
/// Limits of time are looked at this often.
pub(super) const SWEEP_EVERY: Duration = Duration::from_millis(500);

impl Pool {
    /// When [`Pool::sweep`] is due; `None`: there is nothing to look at.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let nothing = self.streams.is_empty() && self.listeners.iter().all(|l| !l.muted);
        (!nothing).then_some(self.sweep_at)
    }

    /// Looks at the limits of time, and whether strangers have become known.
    pub(crate) fn sweep(&mut self, now: Time, live_calls: usize, poll: &Poll, whose: Whose<'_>) {
        if now < self.sweep_at {
            return;
        }
        self.sweep_at = now + SWEEP_EVERY;
        for (index, listener) in self.listeners.iter_mut().enumerate().filter(|(_, l)| l.muted) {
            listener.mute(poll, Source::Listener(index as u32), false);
        }
        let strangers: Vec<u32> = self.streams.iter().filter(|(_, s)| !s.known).map(|(id, _)| *id).collect();
        for id in strangers {
            self.look_closely(id, whose);
        }
        let idle_max = if live_calls == 0 { IDLE_MAX } else { IDLE_WITH_CALLS_MAX };
        let overdue: Vec<(u32, Close)> =
            self.streams.iter().filter_map(|(id, s)| Some((*id, overdue(s, now, idle_max)?))).collect();
        for (id, why) in overdue {
            self.doom(id, why);
        }
    }
}

/// Which limit of time a connection has passed.
fn overdue(stream: &Stream, now: Time, idle_max: Duration) -> Option<Close> {
    let age = now - stream.opened;
    let unfinished = |since: Time| now - since >= MESSAGE_MAX;
    match stream.stage() {
        Stage::Connecting if age >= CONNECT_MAX => Some(Close::TooSlow),
        Stage::Handshaking if age >= HANDSHAKE_MAX => Some(Close::TooSlow),
        Stage::Open if !stream.known && now - stream.ready >= STRANGER_MAX => Some(Close::Stranger),
        Stage::Open if stream.inbound && !stream.proven && age >= FIRST_MESSAGE_MAX => Some(Close::Silent),
        Stage::Open if stream.begun.is_some_and(unfinished) => Some(Close::Unfinished),
        Stage::Open if now - stream.used >= idle_max => Some(Close::Idle),
        _ => None,
    }
}
