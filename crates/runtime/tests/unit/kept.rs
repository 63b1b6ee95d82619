//! Tests of `runtime/src/dns/kept.rs`, which need its private parts.

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
