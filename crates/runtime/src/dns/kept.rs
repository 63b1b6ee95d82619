//! The last known records, for the time when the DNS is away (RFC 8767).
//!
//! A denial is an answer too: it removes what was known. Only silence and server failures are bridged.

use hickory_resolver::proto::rr::{Name, Record, RecordType};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Questions whose records are kept, at most: limit `dns_kept`. The oldest goes first.
const QUESTIONS_MAX: usize = 4_096;
/// Records older than this are not used any more: limit `dns_age`.
const AGE_MAX: Duration = Duration::from_secs(72 * 3_600);

type Records = BTreeMap<(Name, RecordType), (Instant, Vec<Record>)>;

/// Answers by question.
#[derive(Default)]
pub(super) struct Kept(Mutex<Records>);

impl Kept {
    /// Keeps an answer.
    pub(super) fn put(&self, name: &Name, kind: RecordType, records: &[Record], now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let question = (name.clone(), kind);
        if all.len() >= QUESTIONS_MAX && !all.contains_key(&question) {
            let oldest = all.iter().min_by_key(|(_, (at, _))| *at).map(|(question, _)| question.clone());
            if let Some(oldest) = oldest {
                all.remove(&oldest);
            }
        }
        all.insert(question, (now, records.to_vec()));
    }

    /// Forgets an answer that was denied.
    pub(super) fn drop(&self, name: &Name, kind: RecordType) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(name.clone(), kind));
    }

    /// What was last known, if it is not too old.
    pub(super) fn get(&self, name: &Name, kind: RecordType, now: Instant) -> Option<Vec<Record>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, records) = all.get(&(name.clone(), kind))?;
        (now.saturating_duration_since(*at) <= AGE_MAX).then(|| records.clone())
    }
}

#[cfg(test)]
#[path = "../../tests/unit/kept.rs"]
mod tests;
