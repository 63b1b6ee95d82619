//! Keys that are replaced while packets are on their way.

use super::*;

#[test]
fn new_keys_hold_at_once_and_the_old_ones_a_short_while() {
    let mut mint = Mint::new([7; 32]);
    let suite = Suite::AesCm128Sha1_80;
    let (old, new) = (keys(&mut mint, suite), keys(&mut mint, suite));
    let (mut before, mut after) = (Peer::of(&old), Peer::of(&new));
    let mut room = Room::new(on(&old), Srtp::Off);
    room.put(Side::A, &before.says(&rtp(1, 1))).unwrap();
    room.set(Side::A, on(&new));
    assert_eq!(after.hears(&room.put(Side::B, &rtp(2, 1)).unwrap()), rtp(2, 1));
    assert_eq!(room.put(Side::A, &before.says(&rtp(1, 2))).unwrap(), rtp(1, 2), "still on its way");
    assert_eq!(room.put(Side::A, &after.says(&rtp(1, 3))).unwrap(), rtp(1, 3));
    room.pass(2_000);
    assert_eq!(room.put(Side::A, &before.says(&rtp(1, 4))), Err(DropReason::SrtpForged));
    assert_eq!(room.put(Side::A, &after.says(&rtp(1, 5))).unwrap(), rtp(1, 5));
}

#[test]
fn a_new_key_may_begin_its_counter_anew_or_go_on() {
    let mut mint = Mint::new([8; 32]);
    let suite = Suite::AesCm128Sha1_80;
    for goes_on in [true, false] {
        let (old, new) = (keys(&mut mint, suite), keys(&mut mint, suite));
        let (mut before, mut after) = (Peer::of(&old), Peer::of(&new));
        let mut room = Room::new(on(&old), Srtp::Off);
        for n in [65_534, 65_535, 0, 1] {
            room.put(Side::A, &before.says(&rtp(1, n))).unwrap();
        }
        if goes_on {
            after.out.resume(1, 1 << 16 | 1, 0);
        }
        room.set(Side::A, on(&new));
        for n in 2..200 {
            assert_eq!(room.put(Side::A, &after.says(&rtp(1, n))).unwrap(), rtp(1, n), "{goes_on}");
            room.pass(20);
        }
    }
}

#[test]
fn a_repeated_report_after_a_change_of_keys_changes_nothing() {
    let mut mint = Mint::new([11; 32]);
    for goes_on in [true, false] {
        let (old, new) = (keys(&mut mint, Suite::AeadAes128Gcm), keys(&mut mint, Suite::AeadAes128Gcm));
        let (mut before, mut after) = (Peer::of(&old), Peer::of(&new));
        let mut room = Room::new(on(&old), Srtp::Off);
        for n in [65_534, 65_535, 0, 1] {
            room.put(Side::A, &before.says(&rtp(1, n))).unwrap();
        }
        if goes_on {
            after.out.resume(1, 1 << 16 | 1, 0);
        }
        room.set(Side::A, on(&new));
        let from = at("192.0.2.1:4001");
        let early = after.reports(&rtcp(1));
        for n in 2..50 {
            let report = after.reports(&rtcp(1));
            assert_eq!(room.put_from(Side::A, Component::Rtcp, from, &report).unwrap(), rtcp(1));
            let again = room.put_from(Side::A, Component::Rtcp, from, &report);
            assert_eq!(again, Err(DropReason::SrtpReplayed), "{goes_on}");
            assert_eq!(room.put(Side::A, &after.says(&rtp(1, n))).unwrap(), rtp(1, n), "{goes_on}");
            let again = room.put_from(Side::A, Component::Rtcp, from, &report);
            assert_eq!(again, Err(DropReason::SrtpReplayed), "not after the first packet either");
            room.pass(20);
        }
        assert_eq!(room.put_from(Side::A, Component::Rtcp, from, &early).unwrap(), rtcp(1), "only late");
    }
}

#[test]
fn a_key_that_returns_goes_on_where_it_was() {
    let mut mint = Mint::new([12; 32]);
    let suite = Suite::AesCm128Sha1_80;
    let (first, second) = (keys(&mut mint, suite), keys(&mut mint, suite));
    let mut room = Room::new(on(&first), Srtp::Off);
    let mut peer = Peer::of(&first);
    let said = peer.says(&rtp(1, 1));
    room.put(Side::A, &said).unwrap();
    let sent = room.put(Side::B, &rtp(2, 1)).unwrap();
    for between in [on(&second), Srtp::Off] {
        room.set(Side::A, between);
        room.pass(5_000);
        room.set(Side::A, on(&first));
    }
    assert_eq!(room.put(Side::A, &said), Err(DropReason::SrtpReplayed));
    let mut other = rtp(2, 1);
    other[12..].fill(0);
    assert_eq!(room.put(Side::B, &other), Err(DropReason::SrtpReplayed), "its key stream was used");
    assert_eq!(peer.hears(&sent), rtp(2, 1));
    assert_eq!(room.put(Side::A, &peer.says(&rtp(1, 2))).unwrap(), rtp(1, 2));
    assert_eq!(peer.hears(&room.put(Side::B, &rtp(2, 2)).unwrap()), rtp(2, 2));
}

#[test]
fn a_stream_that_rolled_over_before_its_key_came_is_heard() {
    let mut mint = Mint::new([13; 32]);
    for suite in Suite::ALL {
        let ka = keys(&mut mint, suite);
        let mut peer = Peer::of(&ka);
        let mut room = Room::new(Srtp::Awaited, Srtp::Off);
        for n in (65_500..=65_535).chain(0..100u16) {
            assert_eq!(room.put(Side::A, &peer.says(&rtp(1, n))), Err(DropReason::SrtpKey));
        }
        room.set(Side::A, on(&ka));
        for n in 100..300 {
            assert_eq!(room.put(Side::A, &peer.says(&rtp(1, n))).unwrap(), rtp(1, n), "{suite:?}");
        }
    }
}
