//! Where journal events go, so that a kill cannot lose a call.

use b2bua::JournalEvent;

/// Takes journal events before the messages that they belong to leave the node.
pub trait JournalSink: Send {
    /// Writes events; returns when a killed process can no longer lose them (they are with the operating
    /// system; a power failure is another matter). Called on the signalling thread: at
    /// most once per turn of its loop.
    ///
    /// # Errors
    /// They could not be written. Calls go on; the failure is counted and logged.
    fn append(&mut self, events: &[JournalEvent]) -> Result<(), JournalError>;
}

/// Why events could not be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refused the write.
    #[error("the journal cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// The journal was closed, or its writer is gone.
    #[error("the journal is closed")]
    Closed,
    /// The journal itself is at its limit.
    #[error("the journal is full")]
    Full,
}

/// A journal that forgets everything: for trials without records.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl JournalSink for NoJournal {
    fn append(&mut self, _events: &[JournalEvent]) -> Result<(), JournalError> {
        Ok(())
    }
}
