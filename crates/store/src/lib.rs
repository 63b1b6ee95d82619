//! What outlives the process: the journal of live calls and their records.
//!
//! Floor 5. Events are appended to a journal before the messages that they belong to leave
//! ([`Journal::append`]); a thread behind the calls turns ended calls into records in SQLite and,
//! where asked, in a JSON lines file; people read them through [`Store::query`],
//! [`Store::tail`] and [`Store::export`]. After a kill, [`Store::open`] makes records of the calls
//! that were cut, so that every accepted INVITE has exactly one. Nothing here ever stops a call:
//! a disk that refuses is counted and tried again. The store knows nothing of SIP and decides
//! nothing about calls. Enter at [`Store::open`].
//!
//! On disk, below one directory: `records.sqlite`, `journal/`, and `lock` against a second
//! process.

mod error;
mod export;
mod journal;
mod jsonl;
mod moment;
mod quality;
mod recover;
mod registered;
mod row;
mod sent;
mod sqlite;
mod stats;
mod writer;

pub use error::StoreError;
pub use export::Format;
pub use journal::stream::Journal;
pub use moment::{Moment, NotAMoment};
pub use quality::QualityRow;
pub use recover::Recovered;
pub use registered::{read_registered, write_registered};
pub use row::{AttemptRow, CallRow, DirectionRow, FORMAT, MediaRow, StoredCall, TransferRow};
pub use sent::SentRow;
pub use sqlite::select::{LIMIT_DEFAULT, LIMIT_MAX, Query};
pub use stats::StoreStats;

use journal::files::{self, Alive};
use journal::stream::{SEGMENT_BYTES, Stream};
use journal::sync::{Syncing, System};
use jsonl::Lines;
use rusqlite::Connection;
use sqlite::Database;
use stats::Counters;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use writer::{Control, Schedule, Writer};

/// Most journals of one store: one for each shard.
pub const JOURNALS_MAX: u16 = 1_024;
/// Records that [`Store::export`] reads at once.
const EXPORT_PAGE: usize = 500;

/// How a store is to be opened.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// Where to write records as JSON lines, beside SQLite; rotation is noticed.
    pub jsonl: Option<PathBuf>,
    /// Records that began longer ago are removed at the start and once a day; 0 keeps all.
    pub keep_days: u32,
    /// The node's name, for records of cut calls whose beginning is lost.
    pub node: String,
    /// Bytes after which a journal segment is followed by a new one; 0 for the default, 16 MiB.
    pub segment_bytes: u64,
    /// The journal is brought to the disk this often, so that a loss of power costs no more than that; `None`
    /// leaves it to the system, which takes half a minute or so.
    pub sync: Option<Duration>,
}

/// An open store. Dropping it ends the record writer after a last pass.
pub struct Store {
    journal_directory: PathBuf,
    run: u64,
    next_stream: AtomicU16,
    segment_bytes: u64,
    control: Arc<Control>,
    counters: Arc<Counters>,
    reader: Mutex<Connection>,
    thread: Option<JoinHandle<()>>,
    syncing: Option<Syncing>,
    /// Holds the directory against other processes.
    _lock: File,
}

impl Store {
    /// Opens or makes a store, and turns what a killed process left into records.
    ///
    /// # Errors
    /// The directory is in use by another process, cannot be made or written, or SQLite refuses.
    /// A damaged database is set aside (with a warning in the log) and begun anew.
    pub fn open(directory: &Path, options: StoreOptions) -> Result<(Store, Recovered), StoreError> {
        let journal_directory = directory.join("journal");
        fs::create_dir_all(&journal_directory).map_err(StoreError::file(&journal_directory))?;
        let lock = lock(directory)?;
        let counters = Arc::new(Counters::default());
        let now = writer::now();
        let path = directory.join("records.sqlite");
        let (mut database, damaged) = Database::open(&path, now)?;
        if let Some(aside) = damaged {
            tracing::warn!(aside = %aside.display(), "records.sqlite was damaged: set aside, begun anew");
        }
        let run = next_run(&journal_directory, now)?;
        let recovered = recover::recover(&mut database, &journal_directory, &options.node, &counters)?;
        let open_lines = |path| Lines::open(path, &database, Arc::clone(&counters));
        let mut lines = options.jsonl.as_ref().map(|path| open_lines(path)).transpose()?;
        if let Some(lines) = &mut lines {
            lines.catch_up(&database)?;
        }
        let reader = Mutex::new(sqlite::reader(&path)?);
        let control = Arc::new(Control::default());
        let writer = Writer {
            control: Arc::clone(&control),
            database,
            lines,
            alive: Alive::create(&journal_directory, run)?,
            keep_days: options.keep_days,
            counters: Arc::clone(&counters),
            tails: Vec::new(),
            schedule: Schedule::new(),
        };
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || writer.run())
            .map_err(StoreError::file(directory))?;
        let segment_bytes = if options.segment_bytes == 0 { SEGMENT_BYTES } else { options.segment_bytes };
        let syncing = syncing(options.sync, &journal_directory, &counters)?;
        let store = Store {
            journal_directory,
            run,
            next_stream: AtomicU16::new(0),
            segment_bytes,
            control,
            counters,
            reader,
            thread: Some(thread),
            syncing,
            _lock: lock,
        };
        Ok((store, recovered))
    }

    /// A new journal, for one shard. Files are made with its first event.
    ///
    /// # Errors
    /// More than [`JOURNALS_MAX`] were asked for.
    pub fn journal(&self) -> Result<Journal, StoreError> {
        let number = self
            .next_stream
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < JOURNALS_MAX).then_some(n + 1))
            .map_err(|_| StoreError::TooManyJournals(JOURNALS_MAX))?;
        let directory = self.journal_directory.clone();
        let stream = Arc::new(Stream::new(
            directory,
            self.run,
            number,
            self.segment_bytes,
            Arc::clone(&self.counters),
        ));
        self.control.add_stream(Arc::clone(&stream));
        if let Some(syncing) = &self.syncing {
            syncing.add_stream(Arc::clone(&stream));
        }
        Ok(Journal { stream })
    }

    /// Records that match, of those that are committed (a quarter of a second behind the calls;
    /// see [`Store::flush`]).
    ///
    /// # Errors
    /// SQLite refused.
    pub fn query(&self, query: &Query) -> Result<Vec<StoredCall>, StoreError> {
        let connection = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        sqlite::select::select(&connection, query)
    }

    /// The records stored after the one with this id, oldest first, at most
    /// [`LIMIT_MAX`]: ask again with the last id for what came since.
    ///
    /// # Errors
    /// SQLite refused.
    pub fn tail(&self, after: i64) -> Result<Vec<StoredCall>, StoreError> {
        self.query(&Query { after: Some(after), limit: LIMIT_MAX, ..Query::default() })
    }

    /// The id of the newest record; 0 when there is none.
    ///
    /// # Errors
    /// SQLite refused.
    pub fn last_id(&self) -> Result<i64, StoreError> {
        let newest = self.query(&Query { newest_first: true, limit: 1, ..Query::default() })?;
        Ok(newest.first().map_or(0, |call| call.id))
    }

    /// Writes the records that match, all of them or up to the query's limit (0: all), and gives
    /// their number.
    ///
    /// # Errors
    /// SQLite or `out` refused.
    pub fn export(&self, query: &Query, format: Format, out: &mut dyn Write) -> Result<u64, StoreError> {
        let mut table = export::Table::begin(format, out)?;
        let mut left = if query.limit == 0 { usize::MAX } else { query.limit };
        let mut page = query.clone();
        let mut written = 0;
        while left > 0 {
            page.limit = left.min(EXPORT_PAGE);
            let calls = self.query(&page)?;
            for call in &calls {
                table.put(call)?;
            }
            written += calls.len() as u64;
            left -= calls.len().min(left);
            let Some(last) = calls.last().filter(|_| calls.len() == page.limit) else { break };
            *(if query.newest_first { &mut page.before } else { &mut page.after }) = Some(last.id);
        }
        Ok(written)
    }

    /// Waits until the records of all events that were appended before are committed.
    ///
    /// # Errors
    /// The writer is behind because something refuses (nothing is lost), or it has ended.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.control.flush()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.counters.read()
    }

    /// Commits what was appended and ends the writer. Journals should be dropped before.
    ///
    /// # Errors
    /// As [`Store::flush`]; what could not be committed is found in the journal by the next open.
    pub fn close(self) -> Result<(), StoreError> {
        self.flush()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the record writer panicked; its records are in the journal");
        }
    }
}

/// The thread that syncs the journal, when it is wanted.
fn syncing(
    every: Option<Duration>,
    journal: &Path,
    counters: &Arc<Counters>,
) -> Result<Option<Syncing>, StoreError> {
    let start = |every| Syncing::start(journal.to_owned(), every, Box::new(System), Arc::clone(counters));
    every.map(start).transpose().map_err(StoreError::file(journal))
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(StoreError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(StoreError::File { path, source }),
    }
}

/// A number for this run, above those of all runs that left files.
fn next_run(directory: &Path, now: Moment) -> Result<u64, StoreError> {
    let listing = files::list(directory)?;
    let newest = listing.segments.iter().map(|s| s.run).chain(listing.alive).max();
    Ok(newest.map_or(now.0, |run| now.0.max(run.saturating_add(1))))
}
