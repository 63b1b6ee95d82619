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
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::RData;
    use hickory_resolver::proto::rr::rdata::A;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn record(text: &str, last: u8) -> Record {
        Record::from_rdata(name(text), 60, RData::A(A::new(127, 0, 0, last)))
    }

    #[test]
    fn what_was_known_stays_until_it_is_denied_or_too_old() {
        let (kept, now, host) = (Kept::default(), Instant::now(), name("a.test."));
        assert_eq!(kept.get(&host, RecordType::A, now), None);
        kept.put(&host, RecordType::A, &[record("a.test.", 1)], now);
        assert_eq!(kept.get(&host, RecordType::A, now + AGE_MAX), Some(vec![record("a.test.", 1)]));
        assert_eq!(kept.get(&host, RecordType::AAAA, now), None);
        assert_eq!(kept.get(&host, RecordType::A, now + AGE_MAX + Duration::from_secs(1)), None);
        kept.drop(&host, RecordType::A);
        assert_eq!(kept.get(&host, RecordType::A, now), None);
    }

    #[test]
    fn a_full_store_forgets_the_oldest() {
        let (kept, now) = (Kept::default(), Instant::now());
        for at in 0..=QUESTIONS_MAX {
            let host = name(&format!("h{at}.test."));
            kept.put(&host, RecordType::A, &[], now + Duration::from_millis(at as u64));
        }
        assert_eq!(kept.get(&name("h0.test."), RecordType::A, now), None);
        assert_eq!(kept.get(&name("h1.test."), RecordType::A, now), Some(Vec::new()));
    }
}
