//! The reading side: follows one stream behind its writer, and deletes what is no longer needed.
//!
//! The journal itself is the queue of records: what the record writer has not committed stays on
//! disk, however far it is behind. A segment is deleted when it was read to its end and every
//! call with events in it is over and committed; a segment that long calls hold back is rewritten
//! with only their events. Enter through [`Tail::fill`], [`Tail::frames`], [`Tail::advance`],
//! [`Tail::retire`].

use super::decode::{self, Body, Event};
use super::event::{ACCEPTED, ENDED};
use super::files;
use super::frame::{self, Opening, Step};
use super::stream::Stream;
use crate::error::StoreError;
use crate::row::CallRow;
use crate::stats::{Counters, add};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bytes that are read at once; a frame that is larger is read whole.
const CHUNK: u64 = 1 << 20;
/// A segment this many behind the present one is rewritten when calls still hold it.
const COMPACT_AFTER: u32 = 4;

/// One stream being read.
pub(crate) struct Tail {
    stream: Arc<Stream>,
    segment: u32,
    offset: u64,
    file: Option<File>,
    /// Read and not yet committed; whole frames up to `whole`.
    buffer: Vec<u8>,
    whole: usize,
    segments: BTreeMap<u32, Held>,
    live: HashMap<u128, Span>,
    ended: Vec<u128>,
    counters: Arc<Counters>,
}

/// A segment that still exists.
#[derive(Default)]
struct Held {
    /// Calls that are not over and have events in it.
    calls: usize,
    /// Records with this id and above may come from it.
    first_record: i64,
    compacted: bool,
}

/// The segments that hold the events of a live call.
#[derive(Clone, Copy)]
struct Span {
    first: u32,
    last: u32,
}

impl Tail {
    pub(crate) fn new(stream: Arc<Stream>, counters: Arc<Counters>) -> Tail {
        Tail {
            stream,
            segment: 1,
            offset: 0,
            file: None,
            buffer: Vec::new(),
            whole: 0,
            segments: BTreeMap::new(),
            live: HashMap::new(),
            ended: Vec::new(),
            counters,
        }
    }

    /// The stream that is read.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Reads the next bytes that were published, when none wait; gives how many wait.
    ///
    /// `next_record` is the id that the next record will have.
    pub(crate) fn fill(&mut self, next_record: i64) -> Result<usize, StoreError> {
        if self.whole > 0 {
            return Ok(self.whole);
        }
        let (newest, length) = self.stream.published();
        while self.segment <= newest && newest > 0 {
            let path = self.stream.path(self.segment);
            if self.file.is_none() {
                match File::open(&path) {
                    Ok(file) => self.file = Some(file),
                    // A number that was given up because the file could not be begun.
                    Err(error) if error.kind() == io::ErrorKind::NotFound && self.segment < newest => {
                        self.segment += 1;
                        continue;
                    }
                    Err(error) => return Err(StoreError::file(path)(error)),
                }
                self.offset = 0;
                let first = Held { first_record: next_record, ..Held::default() };
                self.segments.entry(self.segment).or_insert(first);
            }
            let Some(file) = &self.file else { break };
            let end = if self.segment == newest {
                length
            } else {
                file.metadata().map_err(StoreError::file(&path))?.len()
            };
            if self.offset >= end {
                if self.segment == newest {
                    break;
                }
                self.segment += 1;
                self.file = None;
                continue;
            }
            self.read(end).map_err(StoreError::file(&path))?;
            return Ok(self.whole);
        }
        Ok(0)
    }

    /// Reads from `offset` towards `end` until there is a whole frame or damage to pass over.
    fn read(&mut self, end: u64) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut want = (end - self.offset).min(CHUNK);
        loop {
            self.buffer.resize(usize::try_from(want).unwrap_or(usize::MAX), 0);
            file.read_exact_at(&mut self.buffer, self.offset)?;
            self.whole = self.measure();
            let all = self.offset + want >= end;
            if self.whole > 0 || all {
                if all {
                    // Nothing more will complete what is left: it is damage or a torn tail.
                    self.whole = self.buffer.len();
                }
                return Ok(());
            }
            want = (end - self.offset).min(want * 4);
        }
    }

    /// Bytes at the front of the buffer that need nothing after them to be understood.
    fn measure(&self) -> usize {
        let mut at = match (self.offset, frame::opening(&self.buffer)) {
            (0, Opening::Frames(start)) => start,
            _ => 0,
        };
        let mut budget = CHUNK as usize;
        while let Some(rest) = self.buffer.get(at..).filter(|rest| !rest.is_empty()) {
            match frame::step(rest) {
                Step::Frame { size, .. } => at += size,
                Step::Short => break,
                Step::Bad => match frame::next_frame(&self.buffer, at + 1, &mut budget) {
                    // The next whole frame may lie beyond what was read so far.
                    next if next == self.buffer.len() => break,
                    next => at = next,
                },
            }
        }
        at
    }

    /// Gives the record of every call that ended in the bytes that wait, and notes which calls
    /// live. It may be called again for the same bytes when the records could not be committed.
    pub(crate) fn frames(
        &mut self,
        mut record: impl FnMut(&mut CallRow<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.ended.clear();
        let start = if self.offset == 0 { frame::HEADER.len().min(self.whole) } else { 0 };
        let mut failed = Ok(());
        let buffer = std::mem::take(&mut self.buffer);
        let lost = frame::scan(&buffer[start..self.whole], |payload| {
            let Ok((kind, call)) = decode::peek(payload) else { return ControlFlow::Continue(()) };
            if kind != ENDED {
                self.note(kind, call.0);
                return ControlFlow::Continue(());
            }
            if let Ok(Event { body: Body::Ended(mut row), .. }) = decode::decode(payload) {
                if let Err(error) = record(&mut row) {
                    failed = Err(error);
                    return ControlFlow::Break(());
                }
            } else {
                add(&self.counters.corrupt_bytes, payload.len());
            }
            self.ended.push(call.0);
            ControlFlow::Continue(())
        });
        self.buffer = buffer;
        if failed.is_ok() {
            add(&self.counters.corrupt_bytes, lost);
        }
        failed
    }

    /// Remembers which segments a live call needs. Events of calls that are not known to live
    /// (their end was read before) hold nothing.
    fn note(&mut self, kind: u8, call: u128) {
        let segment = self.segment;
        let from = match self.live.get_mut(&call) {
            Some(span) if span.last < segment => {
                let from = span.last + 1;
                span.last = segment;
                from
            }
            Some(_) => return,
            None if kind == ACCEPTED => {
                self.live.insert(call, Span { first: segment, last: segment });
                segment
            }
            None => return,
        };
        for (_, held) in self.segments.range_mut(from..=segment) {
            held.calls += 1;
        }
    }

    /// The records of the bytes that wait are committed: goes past them.
    pub(crate) fn advance(&mut self) {
        for call in self.ended.drain(..) {
            if let Some(span) = self.live.remove(&call) {
                for (_, held) in self.segments.range_mut(span.first..=span.last) {
                    held.calls = held.calls.saturating_sub(1);
                }
            }
        }
        self.offset += self.whole as u64;
        self.whole = 0;
        self.buffer.clear();
    }

    /// Whether there are segments that [`Tail::retire`] would delete.
    pub(crate) fn has_idle_segments(&self) -> bool {
        self.segments.iter().any(|(&number, held)| held.calls == 0 && self.is_past(number))
    }

    /// Everything in the segment was read and nothing more will be appended to it.
    fn is_past(&self, number: u32) -> bool {
        number < self.segment
            || (self.stream.closed.load(Ordering::Acquire)
                && self.stream.published() == (number, self.offset))
    }

    /// Deletes segments that nothing needs, oldest first, and rewrites those held for long.
    pub(crate) fn retire(&mut self) -> Result<(), StoreError> {
        let idle: Vec<u32> = self
            .segments
            .iter()
            .filter(|&(&number, held)| held.calls == 0 && self.is_past(number))
            .map(|(&number, _)| number)
            .collect();
        for number in idle {
            files::remove(&self.stream.path(number))?;
            self.segments.remove(&number);
            add(&self.counters.segments_deleted, 1);
        }
        let newest_old = self.segment.saturating_sub(COMPACT_AFTER);
        let long: Vec<u32> = self
            .segments
            .range(..newest_old)
            .filter(|(_, held)| held.calls > 0 && !held.compacted)
            .map(|(&number, _)| number)
            .collect();
        for number in long {
            self.compact(number)?;
        }
        Ok(())
    }

    /// Whether the journal was dropped and nothing of it is left to read or keep.
    pub(crate) fn is_done(&self) -> bool {
        self.stream.closed.load(Ordering::Acquire) && self.segments.is_empty() && {
            let (newest, length) = self.stream.published();
            newest == 0 || (self.segment, self.offset) == (newest, length)
        }
    }

    /// Records from this id on may be read again after a kill.
    pub(crate) fn first_record_kept(&self) -> Option<i64> {
        self.segments.values().map(|held| held.first_record).min()
    }

    /// Rewrites a segment with only the events of calls that live. The new file takes the old
    /// one's place in one step, so that a kill leaves one or the other.
    fn compact(&mut self, number: u32) -> Result<(), StoreError> {
        let path = self.stream.path(number);
        let bytes = fs::read(&path).map_err(StoreError::file(&path))?;
        let Opening::Frames(start) = frame::opening(&bytes) else { return Ok(()) };
        let mut kept = frame::HEADER.to_vec();
        frame::scan(&bytes[start..], |payload| {
            if decode::peek(payload).is_ok_and(|(_, call)| self.live.contains_key(&call.0)) {
                let at = frame::begin(&mut kept);
                kept.extend_from_slice(payload);
                let _ = frame::seal(&mut kept, at);
            }
            ControlFlow::Continue(())
        });
        let new = path.with_extension("journal.new");
        // What takes a file's place is on the disk before, or a loss of power would leave an empty one.
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&kept)?;
            file.sync_data()
        });
        written.map_err(StoreError::file(&new))?;
        fs::rename(&new, &path).map_err(StoreError::file(&path))?;
        add(&self.counters.segments_compacted, 1);
        if let Some(held) = self.segments.get_mut(&number) {
            held.compacted = true;
        }
        Ok(())
    }
}
