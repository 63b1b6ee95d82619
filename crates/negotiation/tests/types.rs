//! Which payload types a peer may send, by its description and ours.

mod common;

use common::{audio, config, end, remote};
use media::Remote;

/// What may come of a peer that named these formats and was told those, under a rule.
fn types(rule: &str, theirs: &str, ours: Option<&str>) -> [u64; 2] {
    let said = |formats: &str| audio("", formats, "");
    remote(&end(&config(rule)), &said(theirs), &ours.map(said).unwrap_or_default()).payload_types
}

#[test]
fn a_peer_may_send_by_our_numbers_and_by_its_own_and_noise_under_its_fixed_one() {
    // The number of the events differs by direction (RFC 3264 §5.1); of 120 nothing is said.
    let may = types("", "8 9 101", Some("8 97 120"));
    assert_eq!(may, Remote::bitmap([8, 9, 101, 97, 120, 13]));
}

#[test]
fn anything_passes_before_an_answer_of_ours_and_where_a_trunk_wants_it_so() {
    assert_eq!(types("", "8 101", None), Remote::ANY_PAYLOAD_TYPE);
    assert_eq!(types("payload_types = \"any\"", "8 101", Some("8 101")), Remote::ANY_PAYLOAD_TYPE);
}
