//! The record writer: one thread that turns the journal into records, behind the calls.
//!
//! Every quarter of a second it reads what the journals appended, commits all records in one
//! transaction, writes their JSON lines, deletes segments that nothing needs, says that the
//! process lives, and once a day removes old records. When SQLite or a file refuses, it tries
//! again; what is not committed stays in the journal. Enter through [`Writer::run`].

use crate::error::StoreError;
use crate::journal::files::Alive;
use crate::journal::stream::Stream;
use crate::journal::tail::Tail;
use crate::jsonl::{INODE, Lines, POSITION};
use crate::moment::Moment;
use crate::sqlite::Database;
use crate::stats::{Counters, add};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the journals are read; records are visible after this at the latest.
const PASS_EVERY: Duration = Duration::from_millis(250);
/// How long to wait after a failure.
const FAILURE_WAIT: Duration = Duration::from_secs(1);
/// How often the alive file is written: the end of a cut call is known as exactly.
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// How often old records are removed, beside at the start.
const PURGE_EVERY: Duration = Duration::from_secs(86_400);
/// Transactions of a purge in one pass, so that new records do not wait long.
const PURGE_BATCHES: usize = 20;
/// How much nicer than the calls this thread is, in the steps of `nice(2)`: a commit of a second's thousands of
/// calls takes milliseconds, and a message that arrives meanwhile must not wait for it. A thread that may not be
/// nicer goes on as it is. It still gets about a fourth of a full processor, which is more than records need.
const BEHIND: i32 = 5;
const DAY_MICROS: u64 = 86_400_000_000;

/// What callers ask of the writer, and what it answers.
#[derive(Default)]
pub(crate) struct Control {
    state: Mutex<State>,
    wake: Condvar,
    done: Condvar,
}

#[derive(Default)]
struct State {
    new_streams: Vec<Arc<Stream>>,
    flush_asked: u64,
    flush_done: u64,
    /// Why the last pass did not finish.
    failure: Option<String>,
    stop: bool,
    gone: bool,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads this stream from now on.
    pub(crate) fn add_stream(&self, stream: Arc<Stream>) {
        self.lock().new_streams.push(stream);
    }

    /// Waits until everything that was appended before is a record.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.flush_asked += 1;
        let mine = state.flush_asked;
        self.wake.notify_one();
        while state.flush_done < mine && !state.gone {
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.flush_done < mine {
            return Err(StoreError::WriterGone);
        }
        match &state.failure {
            Some(failure) => Err(StoreError::Behind(failure.clone())),
            None => Ok(()),
        }
    }

    /// Asks the writer to end after one more pass.
    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify_one();
    }

    /// Waits for something to do; gives the flush to answer and whether to end.
    fn wait(&self, at_most: Duration) -> (u64, bool, Vec<Arc<Stream>>) {
        let mut state = self.lock();
        if state.flush_asked == state.flush_done && !state.stop {
            (state, _) = self.wake.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner);
        }
        (state.flush_asked, state.stop, std::mem::take(&mut state.new_streams))
    }

    fn answer(&self, flush: u64, failure: Option<String>) {
        let mut state = self.lock();
        state.flush_done = flush;
        state.failure = failure;
        self.done.notify_all();
    }
}

/// Wakes those who wait for a writer that has ended, even by a panic.
struct Farewell(Arc<Control>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.lock().gone = true;
        self.0.done.notify_all();
    }
}

/// The thread's own things.
pub(crate) struct Writer {
    pub(crate) control: Arc<Control>,
    pub(crate) database: Database,
    pub(crate) lines: Option<Lines>,
    pub(crate) alive: Alive,
    pub(crate) keep_days: u32,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tails: Vec<Tail>,
    pub(crate) schedule: Schedule,
}

/// When the writer's regular duties are due.
pub(crate) struct Schedule {
    beat: Instant,
    purge: Instant,
    /// The state of the JSON lines file as kept in SQLite.
    lines_kept: (i64, i64),
}

impl Schedule {
    /// Everything is due now.
    pub(crate) fn new() -> Schedule {
        let now = Instant::now();
        Schedule { beat: now, purge: now, lines_kept: (0, 0) }
    }
}

/// The wall clock.
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

impl Writer {
    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let _ = rustix::process::nice(BEHIND);
        let control = Arc::clone(&self.control);
        let _farewell = Farewell(Arc::clone(&control));
        let mut wait = PASS_EVERY;
        let mut failing = false;
        loop {
            let (flush, stop, streams) = control.wait(wait);
            let counters = Arc::clone(&self.counters);
            self.tails.extend(streams.into_iter().map(|stream| Tail::new(stream, Arc::clone(&counters))));
            let failure = self.pass().err().map(|error| error.to_string());
            self.beat();
            if failing != failure.is_some() {
                failing = !failing;
                match &failure {
                    Some(failure) => tracing::warn!(failure, "records wait in the journal"),
                    None => tracing::info!("records are written again"),
                }
            }
            wait = if failing { FAILURE_WAIT } else { PASS_EVERY };
            control.answer(flush, failure);
            if stop {
                return;
            }
        }
    }

    /// Reads and commits everything that was appended, then cleans up.
    fn pass(&mut self) -> Result<(), StoreError> {
        let mut held = Ok(());
        for tail in &self.tails {
            held = held.and(tail.stream().retry(false));
        }
        while self.fill()? > 0 {
            self.commit().inspect_err(|_| add(&self.counters.sqlite_errors, 1))?;
        }
        if let Some(lines) = &mut self.lines {
            lines.catch_up(&self.database)?;
            self.keep_lines_state()?;
        }
        self.retire()?;
        self.purge()?;
        if self.lines.as_ref().is_some_and(Lines::is_behind) {
            return Err(StoreError::Behind("the JSON lines file refuses".to_owned()));
        }
        held
    }

    fn fill(&mut self) -> Result<usize, StoreError> {
        let next_id = self.database.next_id();
        let mut bytes = 0;
        for tail in &mut self.tails {
            bytes += tail.fill(next_id)?;
        }
        Ok(bytes)
    }

    /// Commits the records in the bytes that wait, of all streams in one transaction.
    fn commit(&mut self) -> Result<(), StoreError> {
        let Writer { database, lines, tails, counters, schedule, .. } = self;
        if let Some(lines) = lines {
            lines.clear();
        }
        let state = lines.as_ref().map_or(schedule.lines_kept, Lines::state);
        let (new, repeated) = database.transaction(|inserter| {
            let (mut new, mut repeated) = (0, 0);
            for tail in tails.iter_mut() {
                tail.frames(|row| {
                    if !inserter.insert(row)? {
                        repeated += 1;
                        return Ok(());
                    }
                    new += 1;
                    lines.as_mut().map_or(Ok(()), |lines| lines.add(row))
                })?;
            }
            if new > 0 && state != schedule.lines_kept {
                inserter.set_meta(POSITION, state.0)?;
                inserter.set_meta(INODE, state.1)?;
            }
            Ok((new, repeated))
        })?;
        if new > 0 {
            schedule.lines_kept = state;
        }
        add(&counters.records, new);
        add(&counters.records_repeated, repeated);
        tails.iter_mut().for_each(Tail::advance);
        if let Some(lines) = lines {
            lines.write();
        }
        Ok(())
    }

    /// Keeps where the JSON lines file stands, when no transaction came by to do so.
    fn keep_lines_state(&mut self) -> Result<(), StoreError> {
        let Some(state) = self.lines.as_ref().map(Lines::state) else { return Ok(()) };
        if state != self.schedule.lines_kept {
            self.database.set_meta(POSITION, state.0)?;
            self.database.set_meta(INODE, state.1)?;
            self.schedule.lines_kept = state;
        }
        Ok(())
    }

    /// Deletes segments that nothing needs; what SQLite holds of them is on the disk before.
    fn retire(&mut self) -> Result<(), StoreError> {
        if self.tails.iter().any(Tail::has_idle_segments) {
            self.database.checkpoint()?;
        }
        for tail in &mut self.tails {
            tail.retire()?;
        }
        self.tails.retain(|tail| !tail.is_done());
        Ok(())
    }

    /// Removes old records, but none that a segment might bring back after a kill.
    fn purge(&mut self) -> Result<(), StoreError> {
        if self.keep_days == 0 || Instant::now() < self.schedule.purge {
            return Ok(());
        }
        let horizon = Moment(now().0.saturating_sub(u64::from(self.keep_days) * DAY_MICROS));
        let kept = self.tails.iter().filter_map(Tail::first_record_kept).min();
        for _ in 0..PURGE_BATCHES {
            let (removed, more) = self.database.purge(horizon, kept.unwrap_or(i64::MAX))?;
            add(&self.counters.purged, removed);
            if !more {
                self.schedule.purge = Instant::now() + PURGE_EVERY;
                break;
            }
        }
        Ok(())
    }

    fn beat(&mut self) {
        if Instant::now() >= self.schedule.beat {
            self.schedule.beat = Instant::now() + BEAT_EVERY;
            // A failure shows in the other writes to the same disk.
            let _ = self.alive.beat(now());
        }
    }
}
