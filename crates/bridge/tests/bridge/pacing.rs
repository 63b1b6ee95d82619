//! When packets leave: one long packet of the sender is several short ones, each at its own time.

use crate::world::{A, Left, OPUS, Speaker, assert_continuous, fetch, give, plan};
use base::Time;
use bridge::{Bridge, Codec};

/// How often the engine looks.
const TICK: u64 = 10;

/// What leaves of `count` packets, with its time; they come early or late by so much, and the engine looks `phase`
/// after the first.
fn departures(from_ms: u8, to: (Codec, u8), count: u64, phase: u64, off: fn(u64) -> u64) -> Vec<(u64, Left)> {
    let mut speaker = Speaker::new(A, from_ms, 440.0, -12.0);
    let mut bridge = Bridge::new(plan(A, from_ms, to.0, to.1), 3);
    let mut arrivals = (0..count).map(|at| at * u64::from(from_ms) + off(at)).peekable();
    let (mut left, mut awake) = (Vec::new(), false);
    for now in 0..count * u64::from(from_ms) + 100 {
        while arrivals.next_if_eq(&now).is_some() {
            left.extend(give(&mut bridge, now, speaker.packet()).into_iter().map(|packet| (now, packet)));
            awake |= bridge.wakes().is_some();
        }
        if awake && now % TICK == phase {
            if bridge.wakes().is_some_and(|due| due <= Time::from_millis(now)) {
                bridge.on_tick(Time::from_millis(now));
                left.extend(fetch(&mut bridge).into_iter().map(|packet| (now, packet)));
            }
            awake = bridge.wakes().is_some();
        }
    }
    assert!(!bridge.has_packets());
    left
}

#[test]
fn shorter_packets_leave_one_by_one_and_none_later_than_one_that_came() {
    for (from_ms, to_ms) in [(20, 10), (60, 20), (30, 20), (60, 10), (40, 30)] {
        for phase in 0..TICK {
            let left = departures(from_ms, (Codec::G722, to_ms), 50, phase, |_| 0);
            let (from, to) = (u64::from(from_ms), u64::from(to_ms));
            assert_eq!(left.len() as u64, 50 * from / to, "{from_ms} to {to_ms}");
            for pair in left.windows(2).skip(2) {
                let gap = pair[1].0 - pair[0].0;
                assert!(gap.abs_diff(to) <= TICK, "{from_ms} to {to_ms}, phase {phase}: {gap} ms");
            }
            for (number, (at, _)) in left.iter().enumerate() {
                // When the packet came that holds the last of its sound.
                let came = ((number as u64 + 1) * to).div_ceil(from).saturating_sub(1) * from;
                assert!(
                    at.wrapping_sub(came) <= from,
                    "{from_ms} to {to_ms}: {number} came {came}, left {at}"
                );
            }
        }
    }
}

#[test]
fn equal_and_longer_packets_leave_with_the_packet_that_fills_them() {
    for (from_ms, to_ms) in [(20, 20), (10, 20), (20, 40), (20, 30), (60, 60)] {
        // None comes at its time.
        let left = departures(from_ms, (OPUS, to_ms), 60, 3, |at| at * 7 % 9);
        for (at, _) in &left {
            let came = |number: u64| number * u64::from(from_ms) + number * 7 % 9;
            assert!((0..60).any(|number| came(number) == *at), "{from_ms} to {to_ms}: {at}");
        }
    }
}

#[test]
fn packets_that_come_in_a_heap_are_not_kept_longer_for_that() {
    // Five of 60 ms at one time.
    let left = departures(60, (A, 20), 5, 0, |at| (4 - at) * 60);
    assert_eq!(left.len(), 15);
    assert!(left.iter().all(|(at, _)| (240..=300).contains(at)), "none waits longer than one that came");
    assert_continuous(&left.into_iter().map(|(_, packet)| packet).collect::<Vec<_>>(), 160);
}

#[test]
fn what_is_no_sound_does_not_overtake_sound_that_waits() {
    let events = vec![bridge::Events { from: 101, from_clock: 8_000, to: 102, to_clock: 8_000 }];
    let mut bridge = Bridge::new(bridge::Plan { events, ..plan(A, 60, Codec::G722, 20) }, 3);
    let mut speaker = Speaker::new(A, 60, 440.0, -12.0);
    let mut left = give(&mut bridge, 0, speaker.packet());
    speaker.header.payload_type = 101;
    let event = speaker.around(&[5, 10, 0, 160]);
    left.extend(give(&mut bridge, 2, event));
    assert_eq!(left.len(), 1);
    for tick in 1..=5 {
        bridge.on_tick(Time::from_millis(tick * TICK));
        left.extend(fetch(&mut bridge));
    }
    let types: Vec<u8> = left.iter().map(|packet| packet.header.payload_type).collect();
    assert_eq!(types, [9, 9, 9, 102]);
    assert!(left.windows(2).all(|pair| pair[1].header.sequence == pair[0].header.sequence.wrapping_add(1)));
}

#[test]
fn between_the_laws_packets_of_another_length_than_was_said_are_made_anew() {
    use bridge::Takes;
    let takes = Some(Takes { from_ms: 20, to_ms: 20, alone: false });
    let mut bridge = Bridge::new(bridge::Plan { takes, ..plan(A, 20, crate::world::MU, 20) }, 3);
    assert!(bridge.plan().is_in_place() && !bridge.is_source());
    let (mut speaker, mut left) = (Speaker::new(A, 60, 440.0, -12.0), Vec::new());
    for now in 0..30 {
        left.extend(give(&mut bridge, now * 60, speaker.packet()));
        for tick in [20, 40] {
            bridge.on_tick(Time::from_millis(now * 60 + tick));
            left.extend(fetch(&mut bridge));
        }
    }
    let lengths: Vec<usize> = left.iter().map(|packet| packet.payload.len()).collect();
    assert_eq!(lengths, [vec![480; 9], vec![160; 63]].concat());
    assert!(bridge.is_source());
}
