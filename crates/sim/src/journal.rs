//! The journal's law: Accepted first, Ended last, each once; attempts counted from 1; one answer, and one
//! more for each transfer, whose attempts stand between its beginning and its end.

use b2bua::{CallKey, CallRecord, JournalEvent};
use std::collections::BTreeMap;

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
}

#[derive(Default)]
struct Life {
    ended: bool,
    answered: Option<u16>,
    /// Transfers begun, and whether the last one is under way.
    transfers: u16,
    transferring: bool,
    attempts: u16,
    progressed: Vec<u16>,
    failed: Vec<u16>,
}

impl Journal {
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
        let broken = life.ended || !life.step(&event);
        if broken {
            self.faults.push(format!("journal: out of order: {event:?}"));
        }
        if let JournalEvent::Ended { record } = event {
            self.records.push(*record);
        }
    }

    /// Calls without an end.
    #[must_use]
    pub fn unended(&self) -> usize {
        self.calls.values().filter(|c| !c.ended).count()
    }
}

impl Life {
    fn step(&mut self, event: &JournalEvent) -> bool {
        match event {
            JournalEvent::Accepted { .. } => false,
            JournalEvent::Routed { .. } => self.answered.is_none(),
            JournalEvent::Attempt { facts, .. } => {
                self.attempts += 1;
                facts.number == self.attempts && (self.answered.is_none() || self.transferring)
            }
            JournalEvent::Progress { attempt, status, .. } => {
                let again = self.progressed.contains(attempt) || self.failed.contains(attempt);
                self.progressed.push(*attempt);
                !again && *attempt == self.attempts && (101..200).contains(status)
            }
            JournalEvent::Answered { attempt, .. } => {
                let due = self.answered.is_none_or(|before| self.transferring && before < *attempt);
                let good = due && *attempt == self.attempts && !self.failed.contains(attempt);
                self.answered = Some(*attempt);
                good
            }
            JournalEvent::Transfer { transfer, .. } => {
                let begins = transfer.status == 0 && transfer.number == self.transfers + 1;
                let ends = transfer.status >= 100 && (1..=self.transfers).contains(&transfer.number);
                self.transfers += u16::from(begins);
                self.transferring = begins;
                self.answered.is_some() && (begins || ends)
            }
            JournalEvent::AttemptFailed { attempt, .. } => {
                let again = self.failed.contains(attempt);
                self.failed.push(*attempt);
                !again && (1..=self.attempts).contains(attempt) && self.answered != Some(*attempt)
            }
            JournalEvent::Ended { record } => {
                self.ended = true;
                record.attempts.len() == usize::from(self.attempts)
                    && record.answer.is_some() == self.answered.is_some()
                    && record.transfers.len() == usize::from(self.transfers)
                    && record.attempts.iter().all(|a| a.end.is_some())
            }
        }
    }
}
