//! Sounds of ours that the peers of a trunk hear, or have others hear.

use super::words::words;

words! {
    /// Whether a caller hears a ringing tone of ours.
    pub enum RingingTone {
        /// It does not.
        Off = "off",
        /// Until the callee's side sends media or answers.
        Auto = "auto",
        /// Until the callee answers; its media before are not heard.
        Always = "always",
    }
}

/// Most announcements of one trunk.
pub const ANNOUNCEMENTS_MAX: usize = 32;

/// A file that a caller hears before its call is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    /// The status that it hears then.
    pub status: u16,
    /// The name of the file as it is written.
    pub file: Box<str>,
}

/// Sounds of a trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrunkSounds {
    /// The ringing tone for its callers.
    pub ringing: RingingTone,
    /// The country whose tone that is; empty: none in particular.
    pub country: Box<str>,
    /// What its callers hear before a refusal, by status.
    pub announce: Vec<Announcement>,
    /// The file that others hear while a peer of it holds them.
    pub hold_music: Option<Box<str>>,
}

impl TrunkSounds {
    /// The file for a status.
    #[must_use]
    pub fn announcement(&self, status: u16) -> Option<&str> {
        self.announce.iter().find(|one| one.status == status).map(|one| &*one.file)
    }

    /// All files that are named.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.announce.iter().map(|one| &*one.file).chain(self.hold_music.as_deref())
    }
}
