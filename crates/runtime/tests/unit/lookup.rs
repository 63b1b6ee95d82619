//! Tests of `runtime/src/dns/lookup.rs`, which need its private parts.

use super::*;
use hickory_resolver::net::NoRecords;
use hickory_resolver::proto::op::{Query, ResponseCode};

fn denied(code: ResponseCode, ttl: Option<u32>) -> Failure {
    let mut none = NoRecords::new(Query::new(), code);
    none.negative_ttl = ttl;
    failure(&NetError::Dns(DnsError::NoRecordsFound(none)))
}

#[test]
fn a_denial_holds_as_long_as_its_soa_says_within_bounds() {
    let seconds = Duration::from_secs;
    assert_eq!(denied(ResponseCode::NXDomain, Some(30)), Failure::NoName(seconds(30)));
    assert_eq!(denied(ResponseCode::NXDomain, Some(30)).retry(), seconds(30));
    assert_eq!(denied(ResponseCode::NXDomain, Some(86_400)).retry(), NEGATIVE_TTL_MAX);
    assert_eq!(denied(ResponseCode::NoError, None), Failure::NoAddress(Duration::ZERO));
    assert_eq!(denied(ResponseCode::NoError, None).retry(), RETRY);
    assert!(denied(ResponseCode::NXDomain, None).is_denial() && !Failure::Server.is_denial());
    assert_eq!((Failure::Silent.retry(), Failure::Dangling.retry()), (RETRY, NEGATIVE_TTL_MAX));
    let refused = |holds| Failure::NotOffered(seconds(holds)).retry();
    assert_eq!([1, 30, 120, 86_400].map(refused), [5, 30, 120, 3_600].map(seconds), "any record's TTL");
}
