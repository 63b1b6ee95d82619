//! Tests of `b2bua/src/forking/refused.rs`, which need its private parts.

use super::*;
use base::ReasonId;

fn heard(statuses: &[u16]) -> u16 {
    let refused = |status: &u16| Refused {
        trunk: TrunkId(0),
        failure: Failure::ours(ReasonId::from_sip_status(*status)),
        status: *status,
        rows: Some(Box::default()),
    };
    let best = statuses.iter().map(refused).reduce(Refused::or_better);
    best.map_or(0, |best| best.status)
}

#[test]
fn the_caller_hears_6xx_before_all_and_else_the_lowest_class() {
    assert_eq!(heard(&[503, 404, 486]), 404);
    assert_eq!(heard(&[486, 404]), 486, "the earlier of one class");
    assert_eq!(heard(&[486, 484, 404]), 484, "what helps to ask anew");
    assert_eq!(heard(&[404, 302, 500]), 302);
    assert_eq!(heard(&[302, 603]), 603);
}

#[test]
fn what_a_peer_said_comes_before_what_we_found() {
    let silent = Refused::ours(TrunkId(0), Failure::ours(ReasonId::FailoverSilent));
    let said =
        Refused { status: 503, rows: Some(Box::default()), ..Refused::ours(TrunkId(1), silent.failure) };
    assert_eq!(silent.or_better(said).status, 503);
}
