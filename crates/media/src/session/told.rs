//! News of a session for signalling, while nobody has fetched them.

use super::Session;
use crate::control::Reply;

impl Session {
    /// News for signalling; fetch until `None`.
    pub fn poll_reply(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// Whether news waits.
    #[must_use]
    pub fn has_replies(&self) -> bool {
        !self.replies.is_empty()
    }

    /// News lost because nobody fetched them.
    #[must_use]
    pub fn replies_lost(&self) -> u64 {
        self.replies_lost
    }
}
