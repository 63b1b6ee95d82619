//! What a trunk's peer is told of recordings of its calls, and what it may say to them (RFC 7866).

use super::words::words;

words! {
    /// Which peers hear in their session descriptions whether their call is recorded.
    pub enum RecordNotice {
        /// Those that say that they know of it.
        Aware = "aware",
        /// All.
        Always = "always",
        /// None.
        Never = "never",
    }
}

impl RecordNotice {
    /// Whether a peer hears of it; `aware`: it says that it knows.
    #[must_use]
    pub fn reaches(self, aware: bool) -> bool {
        self == RecordNotice::Always || self == RecordNotice::Aware && aware
    }
}

words! {
    /// What a peer's preference about recordings is worth.
    pub enum RecordPreference {
        /// Nothing.
        Ignore = "ignore",
        /// What it does not want is not recorded.
        Honour = "honour",
    }
}

/// Recordings as one trunk's peer has to do with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordManners {
    /// Whether it hears of them.
    pub notice: RecordNotice,
    /// Whether it has a say.
    pub preference: RecordPreference,
}
