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

/// RFC 3711 §3.3.1 lets counters go on under a new key; most begin them anew. We cannot ask, but see what the peer does.
#[test]
fn counters_under_our_new_key_do_as_those_of_the_peer() {
    let mut mint = Mint::new([14; 32]);
    let suite = Suite::AesCm128Sha1_80;
    for goes_on in [true, false] {
        let (old, new) = (keys(&mut mint, suite), keys(&mut mint, suite));
        let (mut before, mut after) = (Peer::of(&old), Peer::of(&new));
        let mut room = Room::new(on(&old), Srtp::Off);
        for n in [65_000, 65_535, 0, 1] {
            room.put(Side::A, &before.says(&rtp(1, n))).unwrap();
        }
        let mut number = 0;
        for _ in 0..5 {
            let sent = room.put(Side::B, &rtp(2, number)).unwrap();
            before.hears(&sent);
            number = number.wrapping_add(20_000);
        }
        if goes_on {
            after.out.resume(1, 1 << 16 | 1, 0);
            after.heard.resume(2, 1 << 16 | u64::from(number.wrapping_sub(20_000)));
        }
        room.set(Side::A, on(&new));
        if !goes_on {
            assert_eq!(after.hears(&room.put(Side::B, &rtp(2, number)).unwrap()), rtp(2, number));
        }
        room.put(Side::A, &after.says(&rtp(1, 2))).unwrap();
        for n in number + 1..number + 50 {
            assert_eq!(after.hears(&room.put(Side::B, &rtp(2, n)).unwrap()), rtp(2, n), "{goes_on}");
            room.put(Side::A, &after.says(&rtp(1, n - number + 2))).unwrap();
        }
    }
}

#[test]
fn reports_under_our_new_key_are_counted_on() {
    let mut mint = Mint::new([15; 32]);
    let suite = Suite::AeadAes128Gcm;
    let (old, new) = (keys(&mut mint, suite), keys(&mut mint, suite));
    let mut room = Room::new(on(&old), Srtp::Off);
    let from = at("198.51.100.2:5001");
    let index = |sent: &[u8]| u32::from_be_bytes(*sent.last_chunk().unwrap()) & 0x7fff_ffff;
    for n in 0..3 {
        assert_eq!(index(&room.put_from(Side::B, Component::Rtcp, from, &rtcp(2)).unwrap()), n);
    }
    room.set(Side::A, on(&new));
    assert_eq!(index(&room.put_from(Side::B, Component::Rtcp, from, &rtcp(2)).unwrap()), 3);
}

#[test]
fn numbers_of_another_are_moved_where_the_receiver_would_lose_the_stream() {
    let mut mint = Mint::new([16; 32]);
    for suite in [Suite::AesCm128Sha1_80, Suite::AeadAes256Gcm] {
        let ka = keys(&mut mint, suite);
        let mut room = Room::new(on(&ka), Srtp::Off);
        // It begins just before a rollover, and the receiver misses the first packets.
        for n in 65_530..=65_535 {
            room.put(Side::B, &rtp(2, n)).unwrap();
        }
        let mut peer = Peer::of(&ka);
        let number = |packet: &[u8]| u16::from_be_bytes([packet[2], packet[3]]);
        let mut last = 0;
        for n in 0..300 {
            let heard = peer.hears(&room.put(Side::B, &rtp(2, n)).unwrap());
            assert_eq!((number(&heard), &heard[4..]), (n + 0x8000, &rtp(2, n)[4..]), "{suite:?}");
            last = number(&heard);
        }
        // The source begins anew, behind what it has sent or far ahead.
        for begin in [50_000, 45_000, 20_000, 65_000, 64_000, 63_900] {
            assert_eq!(room.put(Side::B, &rtp(2, begin)).map_err(|_| ()), Err(()), "{begin}");
            for n in begin + 1..begin + 200 {
                let heard = peer.hears(&room.put(Side::B, &rtp(2, n)).unwrap());
                last += 1;
                assert_eq!((number(&heard), &heard[4..]), (last, &rtp(2, n)[4..]), "{begin} {suite:?}");
            }
        }
        // What the peer reports of the stream is told in the source's numbers.
        let mut report = vec![0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0];
        report.extend(u32::from(last).to_be_bytes());
        report.extend([0; 12]);
        let sent = peer.reports(&report);
        let told = room.put_from(Side::A, Component::Rtcp, at("192.0.2.1:4001"), &sent).unwrap();
        assert_eq!(told[16..20], 64_099u32.to_be_bytes());
        // Behind its own beginning, where the counter cannot go.
        let heard = [100, 60_000, 60_001, 60_002].map(|n| room.put(Side::B, &rtp(3, n)));
        let heard: Vec<u16> = heard.into_iter().flatten().map(|sent| number(&peer.hears(&sent))).collect();
        assert_eq!(heard, [100, 101, 102]);
    }
}

#[test]
fn repeated_and_late_packets_of_a_plain_source_move_no_number() {
    let mut mint = Mint::new([17; 32]);
    let ka = keys(&mut mint, Suite::AesCm128Sha1_80);
    let mut room = Room::new(on(&ka), Srtp::Off);
    let mut peer = Peer::of(&ka);
    for n in (0..400).step_by(2) {
        for (number, passes) in [(n + 1, true), (n, true), (n, false), (n + 1, false)] {
            match room.put(Side::B, &rtp(2, number)) {
                Ok(left) => assert!(passes && peer.hears(&left) == rtp(2, number)),
                Err(reason) => assert!(!passes && reason == DropReason::SrtpReplayed),
            }
        }
    }
}
