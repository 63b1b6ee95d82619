//! The writing side: one stream of segments, one `write(2)` for each batch of events.
//!
//! What `write` has taken belongs to the kernel and survives the end of the process; against a loss of
//! power, [`super::sync`] brings it to the disk a moment later. A refused write never stops a call: the events wait in
//! memory, up to [`HELD_MAX`], and are tried again with the next batch and by the record writer.
//! Enter through [`Journal::append`].

use super::event;
use super::files::SegmentName;
use super::frame;
use crate::error::StoreError;
use crate::stats::{Counters, add};
use b2bua::JournalEvent;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A segment that has reached this many bytes is followed by a new one.
pub(crate) const SEGMENT_BYTES: u64 = 16 << 20;
/// Most bytes of events that wait in memory while the disk refuses them (some 10,000 calls).
pub(crate) const HELD_MAX: usize = 16 << 20;
/// While the disk refuses, it is asked again this often.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Bits of the published word that hold the length.
const LENGTH_BITS: u32 = 40;

/// Appends the events of one shard. Dropping it says that the shard is done.
pub struct Journal {
    pub(crate) stream: Arc<Stream>,
}

impl Journal {
    /// Appends events in order; when this returns `Ok`, a kill of the process cannot lose them.
    ///
    /// # Errors
    /// [`StoreError::JournalHeld`] when the system refused: the events wait in memory and are
    /// tried again. [`StoreError::JournalDropped`] when too many wait. Both are counted; calls go
    /// on.
    pub fn append(&mut self, events: &[JournalEvent]) -> Result<(), StoreError> {
        self.stream.append(events)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.stream.retry(true);
        self.stream.closed.store(true, Ordering::Release);
    }
}

/// What the journal and the record writer share.
pub(crate) struct Stream {
    dir: PathBuf,
    run: u64,
    number: u16,
    /// Segment and length up to which whole frames may be read; read without the lock, so that the
    /// shard never waits for the record writer.
    published: AtomicU64,
    /// Events wait in memory.
    holding: AtomicBool,
    /// The journal was dropped.
    pub(crate) closed: AtomicBool,
    inner: Mutex<Inner>,
    counters: Arc<Counters>,
    segment_bytes: u64,
}

#[derive(Default)]
struct Inner {
    segment: u32,
    file: Option<File>,
    length: u64,
    batch: Vec<u8>,
    held: Vec<u8>,
    retry_at: Option<Instant>,
}

impl Stream {
    pub(crate) fn new(
        dir: PathBuf,
        run: u64,
        number: u16,
        segment_bytes: u64,
        counters: Arc<Counters>,
    ) -> Stream {
        Stream {
            dir,
            run,
            number,
            published: AtomicU64::new(0),
            holding: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            inner: Mutex::new(Inner::default()),
            counters,
            segment_bytes,
        }
    }

    /// The path of a segment of this stream.
    pub(crate) fn path(&self, segment: u32) -> PathBuf {
        SegmentName { run: self.run, stream: self.number, number: segment }.path(&self.dir)
    }

    /// The newest segment (from 1; 0: none yet) and its length in whole frames.
    pub(crate) fn published(&self) -> (u32, u64) {
        let word = self.published.load(Ordering::Acquire);
        (u32::try_from(word >> LENGTH_BITS).unwrap_or(u32::MAX), word & ((1 << LENGTH_BITS) - 1))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn append(&self, events: &[JournalEvent]) -> Result<(), StoreError> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let mut batch = std::mem::take(&mut inner.batch);
        batch.clear();
        self.encode(events, &mut batch);
        let result = if inner.held.is_empty() {
            match self.write(inner, &batch) {
                Ok(()) => Ok(()),
                Err(error) => self.hold(inner, &batch, events.len()).and(Err(error)),
            }
        } else {
            self.hold(inner, &batch, events.len()).and_then(|()| self.retry_held(inner, false))
        };
        inner.batch = batch;
        result.map_err(|error| self.explain(inner, error))
    }

    fn encode(&self, events: &[JournalEvent], batch: &mut Vec<u8>) {
        for event in events {
            let at = frame::begin(batch);
            add(&self.counters.fields_cut, event::encode(event, batch));
            if !frame::seal(batch, at) {
                add(&self.counters.events_dropped, 1);
            }
        }
        add(&self.counters.events, events.len());
        add(&self.counters.bytes, batch.len());
    }

    /// Tries waiting events again, when there are any and it is time (or `now` insists).
    pub(crate) fn retry(&self, now: bool) -> Result<(), StoreError> {
        if !self.holding.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut inner = self.lock();
        self.retry_held(&mut inner, now).map_err(|error| self.explain(&inner, error))
    }

    fn retry_held(&self, inner: &mut Inner, now: bool) -> Result<(), Refused> {
        if !now && inner.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(Refused::Waiting);
        }
        let held = std::mem::take(&mut inner.held);
        let result = self.write(inner, &held);
        if result.is_ok() {
            self.counters.held_bytes.fetch_sub(held.len() as u64, Ordering::Relaxed);
            self.holding.store(false, Ordering::Release);
        } else {
            inner.held = held;
        }
        result
    }

    fn hold(&self, inner: &mut Inner, batch: &[u8], events: usize) -> Result<(), Refused> {
        if inner.held.len() + batch.len() > HELD_MAX {
            add(&self.counters.events_dropped, events);
            return Err(Refused::Full(events));
        }
        inner.held.extend_from_slice(batch);
        add(&self.counters.held_bytes, batch.len());
        self.holding.store(true, Ordering::Release);
        Ok(())
    }

    /// Writes whole frames and publishes them, or leaves the segment as it was.
    fn write(&self, inner: &mut Inner, bytes: &[u8]) -> Result<(), Refused> {
        if bytes.is_empty() {
            return Ok(());
        }
        let result = self.write_frames(inner, bytes);
        if let Err(error) = result {
            add(&self.counters.append_errors, 1);
            inner.retry_at = Some(Instant::now() + RETRY_AFTER);
            return Err(Refused::Io(error));
        }
        self.published.store(u64::from(inner.segment) << LENGTH_BITS | inner.length, Ordering::Release);
        Ok(())
    }

    fn write_frames(&self, inner: &mut Inner, bytes: &[u8]) -> io::Result<()> {
        if inner.file.is_none() || inner.length >= self.segment_bytes {
            self.begin_segment(inner)?;
        }
        let Some(file) = inner.file.as_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        if let Err(error) = file.write_all(bytes) {
            // A part may have been written. When it cannot be taken back, the segment is left
            // with a torn tail, which readers pass over, and the next write begins a new one.
            if file.set_len(inner.length).is_err() {
                inner.file = None;
            }
            return Err(error);
        }
        inner.length += bytes.len() as u64;
        Ok(())
    }

    fn begin_segment(&self, inner: &mut Inner) -> io::Result<()> {
        let number = inner.segment.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let path = self.path(number);
        let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        if let Err(error) = file.write_all(&frame::HEADER) {
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        add(&self.counters.segments_opened, 1);
        (inner.file, inner.segment, inner.length) = (Some(file), number, frame::HEADER.len() as u64);
        Ok(())
    }

    fn explain(&self, inner: &Inner, refused: Refused) -> StoreError {
        let source = match refused {
            Refused::Full(dropped) => return StoreError::JournalDropped { dropped },
            Refused::Waiting => io::ErrorKind::StorageFull.into(),
            Refused::Io(source) => source,
        };
        StoreError::JournalHeld { path: self.path(inner.segment.max(1)), source, held: inner.held.len() }
    }
}

/// Why events are not on disk.
enum Refused {
    /// The system said so now.
    Io(io::Error),
    /// It said so a moment ago.
    Waiting,
    /// Too much waits: this many events were dropped.
    Full(usize),
}
