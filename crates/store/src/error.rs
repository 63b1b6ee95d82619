//! What can go wrong with the store, a variant per cause.

use std::io;
use std::path::PathBuf;

/// Why the store could not do what was asked.
///
/// None of these ends a call: an append that failed keeps its events in memory and tries again,
/// a record that could not be written stays in the journal.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it could not be made, opened, read or removed.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the directory open.
    #[error("{}: in use by another process", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// SQLite refused.
    #[error("records.sqlite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The records were written by a newer version of this program.
    #[error("records.sqlite has schema {found}, this version knows up to {known}; use the newer program")]
    SchemaTooNew {
        /// In the file.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// Events could not be appended; they are held in memory and tried again.
    #[error("journal {}: {source}; {held} bytes held in memory", path.display())]
    JournalHeld {
        /// The segment.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// How much waits.
        held: usize,
    },
    /// As above, and memory for waiting events is spent: the newest events were dropped.
    #[error("journal: {dropped} events dropped, the disk has refused writes for too long")]
    JournalDropped {
        /// How many events of this batch.
        dropped: usize,
    },
    /// More journals were asked for than one store may have.
    #[error("more than {0} journals in one process")]
    TooManyJournals(u16),
    /// A result could not be written to where it was to go.
    #[error("export: {0}")]
    Export(io::Error),
    /// A record could not be turned into JSON.
    #[error("record as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The writer is behind because SQLite or the JSON lines file refuses; nothing is lost.
    #[error("records are behind: {0}")]
    Behind(String),
    /// The writer thread has ended.
    #[error("the record writer has stopped")]
    WriterGone,
}

impl StoreError {
    /// A file error with its path.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.into();
        move |source| StoreError::File { path, source }
    }
}
