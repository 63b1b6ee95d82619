//! Tests of `engine/src/ports.rs`, which need its private parts.

use super::*;
use std::collections::BTreeSet;

fn range(ports: RangeInclusive<u16>) -> PortRange {
    PortRange::new(IpAddr::from([127, 0, 0, 1]), ports, &mut Rng::new((1, 2)), &[], READY_MAX)
}

fn take(range: &mut PortRange, now: Time) -> Option<u16> {
    range.take(now).map(|t| t.port)
}

fn secs(seconds: u64) -> Time {
    Time::from_millis(1_000 * seconds)
}

fn pair() -> Pair {
    let pair = Pair::bind(IpAddr::from([127, 0, 0, 1]), 0, 46);
    pair.expect("two ports that the system chooses")
}

#[test]
fn bound_pairs_are_used_again_once_they_are_many_and_have_rested() {
    let mut r = range(20_000..=29_999);
    let late = Time::ZERO + REST;
    let few = READY_LEAST - 1;
    for _ in 0..few {
        let taken = r.take(Time::ZERO).expect("a pair");
        assert!(taken.bound.is_none());
    }
    let given: Vec<u16> = (0..few as u16).map(|n| 20_000 + 2 * n).collect();
    given.iter().for_each(|&port| r.give(Time::ZERO, port, Some(pair())));
    assert!(r.take(late).expect("a pair").bound.is_none(), "too few to choose from");
    r.give(Time::ZERO, 29_000, Some(pair()));
    assert!(r.take(Time::ZERO + REST / 2).expect("a pair").bound.is_none(), "not rested");
    let first = r.take(late).expect("a pair");
    assert!(first.bound.is_some() && first.port != 29_000);
}

#[test]
fn bound_pairs_are_drawn_at_random() {
    let mut r = range(20_000..=29_999);
    let given: Vec<u16> = (0..READY_LEAST as u16 + 40).map(|n| 20_000 + 2 * n).collect();
    given.iter().for_each(|&port| r.give(Time::ZERO, port, Some(pair())));
    let drawn: Vec<u16> = (0..40).filter_map(|_| take(&mut r, Time::ZERO + REST)).collect();
    let in_order = drawn.windows(2).filter(|two| two[1] == two[0] + 2).count();
    assert!(drawn.len() == 40 && in_order < 10, "{drawn:?}");
}

#[test]
fn bound_pairs_that_no_call_wants_are_closed() {
    let mut r = range(20_000..=29_999);
    (0..10).for_each(|n| r.give(secs(n), 20_000 + 2 * n as u16, Some(pair())));
    let due = r.close_unwanted(secs(9));
    assert_eq!(due, Some(Time::ZERO + REST + KEPT));
    assert_eq!(r.close_unwanted(secs(4) + REST + KEPT), Some(secs(5) + REST + KEPT));
    assert_eq!(r.ready.len(), 5);
    assert_eq!(r.close_unwanted(secs(900)), None);
}

#[test]
fn where_few_may_stay_bound_none_does() {
    let address = IpAddr::from([127, 0, 0, 1]);
    let mut r = PortRange::new(address, 20_000..=29_999, &mut Rng::new((1, 2)), &[], READY_LEAST - 1);
    r.give(Time::ZERO, 20_000, Some(pair()));
    assert!(r.ready.is_empty());
}

#[test]
fn bound_pairs_are_used_when_all_others_are_taken_and_can_all_be_closed() {
    let mut r = range(20_000..=20_003);
    let late = Time::ZERO + REST;
    assert!(r.take(Time::ZERO).is_some() && r.take(Time::ZERO).is_some());
    r.give(Time::ZERO, 20_000, Some(pair()));
    r.give(Time::ZERO, 20_002, Some(pair()));
    assert!(r.take(late).expect("a pair").bound.is_some());
    r.close_ready();
    assert!(r.take(late).expect("a pair").bound.is_none());
    assert!(r.take(late).is_none());
}

#[test]
fn every_whole_pair_is_given_once_and_rests_before_reuse() {
    let mut r = range(20_001..=20_020);
    let ports: BTreeSet<u16> = std::iter::from_fn(|| take(&mut r, Time::ZERO)).collect();
    assert_eq!(ports, (20_002..20_020).step_by(2).collect());
    assert_eq!((r.used(), r.limit.max, r.limit.hits), (9, 9, 1));
    r.give(Time::ZERO, 20_004, None);
    assert_eq!(take(&mut r, Time::ZERO + REST / 2), None);
    assert_eq!(take(&mut r, Time::ZERO + REST), Some(20_004));
}

#[test]
fn the_ends_of_the_port_space_are_safe() {
    assert_eq!(range(65_530..=65_535).limit.max, 3);
    assert_eq!(range(65_535..=65_535).limit.max, 0);
    assert_eq!(range(0..=1).limit.max, 0);
    assert_eq!(range(0..=4).limit.max, 1);
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = range(9..=3);
    assert_eq!(reversed.limit.max, 0);
}

#[test]
fn a_foreign_pair_comes_back_later() {
    let mut r = range(20_000..=20_001);
    assert_eq!(take(&mut r, Time::ZERO), Some(20_000));
    r.give_foreign(Time::ZERO, 20_000);
    assert_eq!((take(&mut r, Time::ZERO), r.foreign(), r.used()), (None, 1, 0));
    assert_eq!(take(&mut r, Time::ZERO + REST_FOREIGN), Some(20_000));
}
