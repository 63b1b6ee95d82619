//! Which call each media session belongs to.

use crate::tag::CallRef;
use base::ShardId;
use base::hash::Fast;
use media::SessionId;
use std::collections::HashMap;

/// Which call a media session belongs to.
#[derive(Default)]
pub struct Sessions {
    next: u64,
    calls: HashMap<u64, CallRef, Fast>,
}

impl Sessions {
    /// A new session for a call; the id carries the shard.
    pub fn open(&mut self, shard: ShardId, call: CallRef) -> SessionId {
        self.next += 1;
        let id = u64::from(shard.0) << 56 | self.next;
        self.calls.insert(id, call);
        SessionId(id)
    }

    /// Another call has the session from here on.
    pub fn hand(&mut self, session: SessionId, call: CallRef) {
        self.calls.insert(session.0, call);
    }

    /// The call that has a session.
    #[must_use]
    pub fn call_of(&self, session: SessionId) -> Option<CallRef> {
        self.calls.get(&session.0).copied()
    }

    /// Sessions whose end is not yet known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// A session has ended.
    pub fn close(&mut self, session: SessionId) {
        self.calls.remove(&session.0);
    }
}
