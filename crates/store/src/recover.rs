//! Recovery: what earlier runs left in the journal becomes records, before calls are taken.
//!
//! Records that had ended but were not committed are inserted. A call without an end was cut by
//! the end of the process: its record is made from its events, with reason `X-CRASHED`. Its end
//! is the last moment at which its run is known to have lived: the later of its own last event
//! and the run's alive file, which is written every second; never the time of the restart, since
//! the node may have been down for long. Enter through [`recover`].

use crate::error::StoreError;
use crate::journal::decode::{self, Body, Event, Routed};
use crate::journal::files::{self, SegmentName};
use crate::journal::frame::{self, Opening};
use crate::moment::Moment;
use crate::row::{AttemptRow, StoredCall, TransferRow};
use crate::sent::SentRow;
use crate::sqlite::Database;
use crate::stats::{Counters, add};
use b2bua::CallKey;
use base::ReasonId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Records that are inserted in one transaction.
const BATCH: usize = 2_000;
/// A record and the acceptance of its call lie at most this far apart, microseconds.
const START_SLACK: u64 = 60_000_000;
/// As above for calls whose acceptance is not known any more.
const UNKNOWN_START_SLACK: u64 = 86_400_000_000;

/// What recovery found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    /// Calls that the end of the process had cut, now recorded as `X-CRASHED`.
    pub crashed_calls: usize,
    /// Records of ended calls that had not been committed.
    pub replayed_records: usize,
    /// Journal bytes that could not be understood: torn tails and damage.
    pub corrupt_bytes: usize,
    /// Journal files of a newer version, left alone.
    pub unknown_segments: usize,
}

/// A call without an end so far.
struct Cut {
    row: StoredCall,
    run: u64,
    last_event: Moment,
    accepted: bool,
    routed: bool,
}

impl Cut {
    /// The facts of its birth; what was read before them stays.
    fn accept(&mut self, row: StoredCall) {
        let known = std::mem::replace(&mut self.row, row);
        (self.row.attempts, self.row.transfers) = (known.attempts, known.transfers);
        (self.row.progress, self.row.answer) = (known.progress, known.answer);
        (self.row.caller, self.row.called) = (known.caller, known.called);
        (self.row.route, self.row.decision) = (known.route, known.decision);
        self.accepted = true;
    }

    fn follow(&mut self, found: Routed<'_>) {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        (self.row.caller, self.row.called) = (own(found.caller), own(found.called));
        (self.row.route, self.row.decision) = (own(found.route), own(found.decision));
        self.routed = true;
    }
}

struct Recovery<'d> {
    database: &'d mut Database,
    counters: &'d Arc<Counters>,
    cut: BTreeMap<u128, Cut>,
    found: Recovered,
}

/// Turns everything in the journal directory into records and empties it; gives what was found.
///
/// # Errors
/// The directory, a file or SQLite refused; nothing was deleted then, and the next try finds all
/// of it again.
pub(crate) fn recover(
    database: &mut Database,
    directory: &Path,
    node: &str,
    counters: &Arc<Counters>,
) -> Result<Recovered, StoreError> {
    let listing = files::list(directory)?;
    let mut recovery = Recovery { database, counters, cut: BTreeMap::new(), found: Recovered::default() };
    let mut read = Vec::new();
    for &segment in &listing.segments {
        if recovery.segment(directory, segment)? {
            read.push(segment);
        }
    }
    recovery.record_cut_calls(directory, node)?;
    let found = recovery.found;
    database.checkpoint()?;
    for segment in read {
        files::remove(&segment.path(directory))?;
    }
    for run in listing.alive {
        files::remove(&files::alive_path(directory, run))?;
    }
    for path in listing.unfinished {
        files::remove(&path)?;
    }
    Ok(found)
}

impl Recovery<'_> {
    /// Reads one segment; false when it is of a version that is not known.
    fn segment(&mut self, directory: &Path, name: SegmentName) -> Result<bool, StoreError> {
        let path = name.path(directory);
        let bytes = fs::read(&path).map_err(StoreError::file(&path))?;
        let start = match frame::opening(&bytes) {
            Opening::Frames(start) => start,
            Opening::Empty => return Ok(true),
            Opening::Unknown(version) => {
                tracing::warn!(path = %path.display(), version, "journal segment of an unknown version left alone");
                add(&self.counters.segments_unknown, 1);
                self.found.unknown_segments += 1;
                return Ok(false);
            }
        };
        let mut ended = Vec::new();
        let mut failed = Ok(());
        let lost = frame::scan(&bytes[start..], |payload| {
            match decode::decode(payload) {
                Ok(Event { call, body: Body::Ended(row), .. }) => {
                    self.cut.remove(&call.0);
                    ended.push(row.into_owned());
                    if ended.len() >= BATCH {
                        failed = self.insert(&mut ended);
                    }
                }
                Ok(event) => self.note(event, name.run),
                Err(_) => self.found.corrupt_bytes += payload.len(),
            }
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        failed?;
        self.insert(&mut ended)?;
        self.found.corrupt_bytes += lost;
        add(&self.counters.corrupt_bytes, lost);
        Ok(true)
    }

    fn insert(&mut self, rows: &mut Vec<StoredCall>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let inserted = self.database.transaction(|inserter| {
            rows.iter_mut().try_fold(0, |sum, row| Ok(sum + usize::from(inserter.insert(row)?)))
        })?;
        add(&self.counters.records, inserted);
        self.found.replayed_records += inserted;
        rows.clear();
        Ok(())
    }

    /// Adds what an event tells to the picture of its call.
    fn note(&mut self, event: Event<'_>, run: u64) {
        let Event { call, at, body } = event;
        if matches!(body, Body::Unknown) && !self.cut.contains_key(&call.0) {
            return;
        }
        let cut = self.cut.entry(call.0).or_insert_with(|| Cut {
            row: decode::blank(call, at),
            run,
            last_event: at,
            accepted: false,
            routed: false,
        });
        cut.last_event = cut.last_event.max(at);
        match body {
            Body::Accepted(row) => cut.accept(row.into_owned()),
            Body::Routed(routed) => cut.follow(*routed),
            Body::Attempt(attempt) => {
                let known = attempt_of(&mut cut.row, attempt.number, at);
                let (progress, answer, end) = (known.progress, known.answer, known.end);
                *known = AttemptRow { progress, answer, end, ..attempt.into_owned() };
            }
            Body::Progress { attempt } => {
                attempt_of(&mut cut.row, attempt, at).progress.get_or_insert(at);
                cut.row.progress.get_or_insert(at);
            }
            Body::Answered { attempt } => {
                let attempt = attempt_of(&mut cut.row, attempt, at);
                attempt.answer.get_or_insert(at);
                attempt.status = 200;
                cut.row.answer.get_or_insert(at);
            }
            Body::AttemptFailed { attempt, status, reason } => {
                let attempt = attempt_of(&mut cut.row, attempt, at);
                attempt.end = Some(at);
                attempt.status = status;
                attempt.reason = Cow::Owned(reason.into_owned());
            }
            Body::Transfer(transfer) => take_transfer(&mut cut.row, transfer.into_owned(), at),
            Body::Ended(_) | Body::Unknown => {}
        }
    }

    /// Records the calls that have no end, unless their record is already there: the segment with
    /// their end may have been deleted before one that another call held.
    fn record_cut_calls(&mut self, directory: &Path, node: &str) -> Result<(), StoreError> {
        let mut beats: BTreeMap<u64, Option<Moment>> = BTreeMap::new();
        let mut rows = Vec::new();
        for (key, cut) in std::mem::take(&mut self.cut) {
            let slack = if cut.accepted { START_SLACK } else { UNKNOWN_START_SLACK };
            if self.database.has_call(CallKey(key), cut.row.start, slack)? {
                continue;
            }
            let beat = *beats.entry(cut.run).or_insert_with(|| files::last_beat(directory, cut.run));
            rows.push(close(cut, beat, node));
        }
        let crashed = rows.len();
        for chunk in rows.chunks_mut(BATCH) {
            self.database.transaction(|inserter| {
                chunk.iter_mut().try_for_each(|row| inserter.insert(row).map(|_| ()))
            })?;
        }
        add(&self.counters.records, crashed);
        self.found.crashed_calls = crashed;
        Ok(())
    }
}

/// A transfer as it stands by its last event.
fn take_transfer(row: &mut StoredCall, transfer: TransferRow<'static>, at: Moment) {
    // Whoever picks a ringing call up has answered it.
    if transfer.status == 200 {
        row.answer.get_or_insert(at);
    }
    match row.transfers.iter_mut().find(|known| known.number == transfer.number) {
        Some(known) => *known = transfer,
        None => row.transfers.push(transfer),
    }
}

/// The attempt of that number, made blank when its beginning is not known.
fn attempt_of(row: &mut StoredCall, number: u16, at: Moment) -> &mut AttemptRow<'static> {
    let place = row.attempts.partition_point(|a| a.number < number);
    if row.attempts.get(place).is_none_or(|a| a.number != number) {
        row.attempts.insert(place, blank_attempt(number, at));
    }
    &mut row.attempts[place]
}

fn blank_attempt(number: u16, at: Moment) -> AttemptRow<'static> {
    const NONE: Cow<'static, str> = Cow::Borrowed("");
    AttemptRow {
        number,
        tier: 0,
        trunk: NONE,
        site: NONE,
        gateway: NONE,
        target: NONE,
        transport: NONE,
        sip_call_id: NONE,
        caller_sent: NONE,
        called_sent: NONE,
        sent: SentRow::default(),
        start: at,
        progress: None,
        answer: None,
        end: None,
        status: 0,
        q850: None,
        reason: NONE,
    }
}

/// Ends a cut call at the last moment at which its run is known to have lived.
fn close(cut: Cut, beat: Option<Moment>, node: &str) -> StoredCall {
    let Cut { mut row, last_event, routed, .. } = cut;
    let reason = ReasonId::Crashed;
    row.end = last_event.max(beat.unwrap_or_default());
    row.end_estimated = true;
    row.status = if row.answer.is_some() { 200 } else { 0 };
    row.q850 = reason.q850();
    row.reason = Cow::Borrowed(reason.id());
    row.released_by = Cow::Borrowed(b2bua::ReleasedBy::Us.word());
    if routed {
        row.decision.to_mut().push_str("; ");
    } else {
        // What a call is before its route is found.
        row.caller = row.caller_received.clone();
        row.called = row.called_received.clone();
    }
    row.decision.to_mut().push_str("written from the journal at the next start");
    if row.node.is_empty() {
        row.node = Cow::Owned(node.to_owned());
    }
    for attempt in row.attempts.iter_mut().filter(|a| a.end.is_none()) {
        attempt.end = Some(row.end);
        attempt.reason = Cow::Borrowed(reason.id());
    }
    row.follow_last_attempt();
    row.derive();
    row
}
