//! The journal's law: Accepted first, Ended last, each once; attempts counted from 1; one answer, and one
//! more for each transfer, whose attempts stand between its beginning and its end. A way found after the answer is
//! a transfer's, which begins next.

use b2bua::{CallKey, CallRecord, JournalEvent, TransferHow, TransferRecord};
use std::collections::{BTreeMap, BTreeSet};

/// What was read so far.
#[derive(Default)]
pub struct Journal {
    calls: BTreeMap<CallKey, Life>,
    /// The records, in the order of their ends.
    pub records: Vec<CallRecord>,
    /// What broke the law.
    pub faults: Vec<String>,
    /// Call-IDs of the accepted INVITEs.
    pub accepted: Vec<String>,
    /// Attempts may run side by side.
    pub parallel: bool,
    /// Call-IDs of attempts that have neither failed nor ended with their call.
    open: BTreeSet<String>,
}

#[derive(Default)]
struct Life {
    ended: bool,
    answered: Option<u16>,
    /// Transfers begun, and whether the last one is under way.
    transfers: u16,
    transferring: bool,
    /// A way was found after the answer.
    rerouted: bool,
    /// Call-IDs of the attempts.
    attempts: Vec<String>,
    /// Attempts that have failed or been answered.
    settled: BTreeSet<u16>,
    progressed: Vec<u16>,
    failed: Vec<u16>,
}

impl Journal {
    /// Nothing read yet; `parallel`: attempts may run side by side.
    #[must_use]
    pub fn new(parallel: bool) -> Journal {
        Journal { parallel, ..Journal::default() }
    }

    /// Reads one event.
    pub fn read(&mut self, event: JournalEvent) {
        if let JournalEvent::Accepted { call, facts, .. } = &event {
            self.accepted.push(facts.sip_call_id.to_string());
            if self.calls.insert(*call, Life::default()).is_some() {
                self.faults.push(format!("journal: {call} accepted twice"));
            }
            return;
        }
        let key = match &event {
            JournalEvent::Accepted { call, .. }
            | JournalEvent::Routed { call, .. }
            | JournalEvent::Attempt { call, .. }
            | JournalEvent::Progress { call, .. }
            | JournalEvent::Answered { call, .. }
            | JournalEvent::Transfer { call, .. }
            | JournalEvent::AttemptFailed { call, .. } => *call,
            JournalEvent::Ended { record } => record.key,
        };
        let Some(life) = self.calls.get_mut(&key) else {
            return self.faults.push(format!("journal: {event:?} before Accepted"));
        };
        let next = life.goes_the_way(&event);
        let broken = life.ended || !life.step(&event, self.parallel) || !next;
        life.follow(&event, &mut self.open);
        if broken {
            self.faults.push(format!("journal: out of order: {event:?}"));
        }
        if let JournalEvent::Ended { record } = event {
            self.records.push(*record);
        }
    }

    /// Whether an attempt with this Call-ID is or may become a call.
    #[must_use]
    pub fn is_open(&self, call_id: &str) -> bool {
        self.open.contains(call_id)
    }

    /// Calls without an end.
    #[must_use]
    pub fn unended(&self) -> usize {
        self.calls.values().filter(|c| !c.ended).count()
    }
}

impl Life {
    /// Which attempts are under way.
    fn follow(&self, event: &JournalEvent, open: &mut BTreeSet<String>) {
        match event {
            JournalEvent::Attempt { facts, .. } => drop(open.insert(facts.sip_call_id.to_string())),
            JournalEvent::AttemptFailed { attempt, .. } => {
                let failed = usize::from(*attempt).checked_sub(1).and_then(|at| self.attempts.get(at));
                failed.map(|call_id| open.remove(call_id));
            }
            JournalEvent::Ended { .. } => open.retain(|call_id| !self.attempts.contains(call_id)),
            _ => {}
        }
    }

    /// Attempts so far, and whether one is neither failed nor unknown.
    fn may_go_on(&self, attempt: u16) -> bool {
        (1..=self.attempts.len()).contains(&usize::from(attempt)) && !self.failed.contains(&attempt)
    }

    /// Whether a transfer begins, where its way was found just before.
    fn goes_the_way(&mut self, event: &JournalEvent) -> bool {
        let begins = matches!(event, JournalEvent::Transfer { transfer, .. } if transfer.status == 0);
        let late = matches!(event, JournalEvent::Routed { .. }) && self.answered.is_some();
        !std::mem::replace(&mut self.rerouted, late) || begins
    }

    fn transfer(&mut self, transfer: &TransferRecord) -> bool {
        let (status, number) = (transfer.status, transfer.number);
        let begins = status == 0 && number == self.transfers + 1;
        let ends = status >= 100 && (1..=self.transfers).contains(&number);
        self.transfers += u16::from(begins);
        self.transferring = begins;
        // One who picks a ringing call up answers it.
        let picks_up = self.answered.is_none() && transfer.how == TransferHow::Replaced;
        if picks_up && status == 200 {
            self.answered = Some(0);
        }
        (self.answered.is_some() || picks_up) && (begins || ends)
    }

    fn step(&mut self, event: &JournalEvent, parallel: bool) -> bool {
        match event {
            JournalEvent::Accepted { .. } => false,
            JournalEvent::Routed { .. } => true,
            JournalEvent::Attempt { facts, .. } => {
                let alone = parallel || self.settled.len() == self.attempts.len();
                let due = self.answered.is_none() || self.transferring;
                self.attempts.push(facts.sip_call_id.to_string());
                usize::from(facts.number) == self.attempts.len() && due && alone
            }
            JournalEvent::Progress { attempt, status, .. } => {
                let again = self.progressed.contains(attempt);
                self.progressed.push(*attempt);
                !again && self.may_go_on(*attempt) && (101..200).contains(status)
            }
            JournalEvent::Answered { attempt, .. } => {
                let due = self.answered.is_none_or(|before| self.transferring && before < *attempt);
                let good = due && self.may_go_on(*attempt);
                // All others have heard that they are not it.
                self.settled.insert(*attempt);
                let good = good && self.settled.len() == self.attempts.len();
                self.answered = Some(*attempt);
                good
            }
            JournalEvent::Transfer { transfer, .. } => self.transfer(transfer),
            JournalEvent::AttemptFailed { attempt, .. } => {
                let good = self.may_go_on(*attempt) && self.answered != Some(*attempt);
                self.failed.push(*attempt);
                self.settled.insert(*attempt);
                good
            }
            JournalEvent::Ended { record } => {
                self.ended = true;
                // Whoever takes a place is answered there.
                let answered = self.answered.is_some() || record.reason.id() == "P-TRANSFERRED";
                record.attempts.len() == self.attempts.len()
                    // An answer that was withdrawn from the caller is none.
                    && record.answer.is_some() == (answered && record.status == 200)
                    && record.transfers.len() == usize::from(self.transfers)
                    && record.attempts.iter().all(|a| a.end.is_some())
            }
        }
    }
}
