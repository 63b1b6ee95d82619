//! Networks that lose, repeat and reorder; senders that begin anew; anything at all.

use crate::world::{A, Left, MU, OPUS, Speaker, assert_continuous, fetch, give, listen, plan};
use base::Time;
use bridge::{Bridge, Codec, Events, HOLD_MAX, Noise, OUTGOING_MAX, Plan};
use codec::level_dbm0;

#[test]
fn a_lost_packet_is_made_up_so_that_nobody_hears_it() {
    for (from, to) in [(A, Codec::G722), (Codec::G722, A), (OPUS, A), (A, OPUS)] {
        let mut speaker = Speaker::new(from, 20, 190.0, -12.0);
        let mut bridge = Bridge::new(plan(from, 20, to, 20), 3);
        let mut left = Vec::new();
        for number in 0..60u64 {
            let packet = speaker.packet();
            if number != 20 && number != 40 {
                left.extend(give(&mut bridge, number * 20, packet));
            }
        }
        assert_eq!(left.len(), 60, "{from:?} to {to:?}");
        assert_continuous(&left, to.clock() / 50);
        assert_eq!((bridge.tally().lost, bridge.tally().concealed_ms), (2, 40));
        let heard = listen(to, &left);
        for (number, block) in heard.chunks(heard.len() / 60).enumerate().skip(10) {
            let level = level_dbm0(block);
            // Opus fades a lone tone faster than speech.
            let loss = if from.is_same(OPUS) { 10.0 } else { 4.0 };
            assert!((level + 12.0).abs() < loss, "{from:?} to {to:?}: packet {number} at {level} dBm0");
        }
    }
}

#[test]
fn a_long_gap_is_silence_and_time_goes_on() {
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut bridge = Bridge::new(plan(A, 20, Codec::G722, 20), 3);
    let mut left = Vec::new();
    for number in 0..60u64 {
        let packet = speaker.packet();
        if !(20..40).contains(&number) {
            left.extend(give(&mut bridge, number * 20, packet));
        }
    }
    assert_eq!((left.len(), bridge.tally().lost), (40, 20));
    let [before, after] = [left[19].header, left[20].header];
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 21 * 160);
    assert!(after.marker && after.sequence == before.sequence.wrapping_add(1));
}

#[test]
fn a_network_that_reorders_is_waited_for_once_it_is_known() {
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut bridge = Bridge::new(plan(A, 20, Codec::G722, 20), 3);
    let mut left = Vec::new();
    for round in 0..10u64 {
        let packets: Vec<Vec<u8>> = (0..4).map(|_| speaker.packet()).collect();
        let now = round * 80;
        for (ms, number) in [(0, 0), (40, 2), (45, 1), (60, 3)] {
            left.extend(give(&mut bridge, now + ms, packets[number].clone()));
            bridge.on_tick(Time::from_millis(now + ms + 5));
            left.extend(fetch(&mut bridge));
        }
    }
    for tick in 0..3 {
        bridge.on_tick(Time::from_millis(800 + tick * 10));
        left.extend(fetch(&mut bridge));
    }
    // The first exchange cost a packet, which was made up.
    assert_eq!((bridge.tally().lost, bridge.tally().late), (1, 1));
    assert_continuous(&left, 160);
    assert_eq!(left.len(), 40);
    (0..10).for_each(|tick| bridge.on_tick(Time::from_millis(830 + tick * 10)));
    fetch(&mut bridge);
    assert!(bridge.wakes().is_none());
}

#[test]
fn what_waits_leaves_in_time() {
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut bridge = Bridge::new(plan(A, 20, Codec::G722, 20), 3);
    let packets: Vec<Vec<u8>> = (0..8).map(|_| speaker.packet()).collect();
    for (ms, number) in [(0, 0), (40, 2), (50, 1)] {
        give(&mut bridge, ms, packets[number].clone());
    }
    assert_eq!(give(&mut bridge, 80, packets[4].clone()), []);
    let due = bridge.wakes().unwrap();
    assert!(due <= Time::from_millis(80) + HOLD_MAX);
    bridge.on_tick(due);
    assert_eq!(fetch(&mut bridge).len(), 2);
    assert!(bridge.wakes().is_none());
}

#[test]
fn another_source_goes_on_in_our_stream() {
    let mut bridge = Bridge::new(plan(MU, 20, Codec::G722, 20), 3);
    let mut speaker = Speaker::new(MU, 20, 440.0, -12.0);
    let mut left: Vec<Left> = (0..5).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())).collect();
    let mut speaker = Speaker::new(MU, 20, 440.0, -12.0);
    speaker.header.ssrc = 99;
    speaker.header.timestamp = 5;
    left.extend((5..10).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())));
    assert_eq!(left.len(), 10);
    for pair in left.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.wrapping_add(1));
        assert_eq!(pair[1].header.timestamp, pair[0].header.timestamp.wrapping_add(160));
        assert_eq!(pair[1].header.ssrc, pair[0].header.ssrc);
    }
    assert!(left[0].header.marker && left[5].header.marker && !left[6].header.marker);
}

#[test]
fn a_pause_before_another_source_speaks_is_one_in_our_timestamps() {
    let mut bridge = Bridge::new(plan(MU, 20, Codec::G722, 20), 3);
    let mut speaker = Speaker::new(MU, 20, 440.0, -12.0);
    let mut left: Vec<Left> = (0..5).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())).collect();
    // A hold of a second; then, by another plan of the same call, somebody else.
    let mut bridge = bridge.follow(plan(MU, 20, Codec::G722, 40)).follow(plan(MU, 20, Codec::G722, 20));
    let mut speaker = Speaker::new(MU, 20, 440.0, -12.0);
    speaker.header.ssrc = 99;
    left.extend(give(&mut bridge, 80 + 1_000, speaker.packet()));
    let ticks = left[5].header.timestamp.wrapping_sub(left[4].header.timestamp);
    assert_eq!((ticks, left[5].header.marker), (1_000 * 8, true));
}

#[test]
fn one_stray_number_begins_nothing_two_in_a_row_do() {
    let mut bridge = Bridge::new(plan(MU, 20, Codec::G722, 20), 3);
    let mut speaker = Speaker::new(MU, 20, 440.0, -12.0);
    let mut left: Vec<Left> = (0..5).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())).collect();
    let mut stray = Speaker::new(MU, 20, 440.0, -12.0);
    stray.header.sequence = speaker.header.sequence.wrapping_add(20_000);
    left.extend(give(&mut bridge, 90, stray.packet()));
    assert_eq!(left.len(), 5, "it may be anything");
    left.extend((5..8).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())));
    assert_eq!((left.len(), bridge.tally().lost), (8, 0), "the true ones go on");
    left.extend((8..11).flat_map(|at| give(&mut bridge, at * 20, stray.packet())));
    assert_eq!(left.len(), 8 + 2, "a new beginning is believed at its second packet (RFC 3550 §A.1)");
}

#[test]
fn one_stray_packet_takes_no_place_though_packets_are_long_and_come_late() {
    let mut speaker = Speaker::new(MU, 60, 440.0, -12.0);
    let mut stray = Speaker::new(MU, 60, 440.0, -12.0);
    stray.header.ssrc = 99;
    let mut bridge = Bridge::new(plan(MU, 60, Codec::G722, 60), 1);
    let mut left: Vec<Left> = (0..8).flat_map(|at| give(&mut bridge, at * 60, speaker.packet())).collect();
    left.extend(give(&mut bridge, 7 * 60 + 75, stray.packet()));
    left.extend((8..16).flat_map(|at| give(&mut bridge, at * 60 + 15, speaker.packet())));
    assert_eq!((left.len(), bridge.tally().refused), (16, 1), "{:?}", bridge.tally());
    assert_continuous(&left, 480);
}

#[test]
fn another_plan_goes_on_in_the_same_stream() {
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut bridge = Bridge::new(plan(A, 20, Codec::G722, 20), 3);
    let before = give(&mut bridge, 0, speaker.packet()).remove(0).header;
    let same = bridge.plan().clone();
    let mut bridge = bridge.follow(same);
    let next = give(&mut bridge, 20, speaker.packet()).remove(0).header;
    assert!(!next.marker);
    let mut bridge = bridge.follow(plan(A, 20, OPUS, 20));
    let after = give(&mut bridge, 40, speaker.packet()).remove(0).header;
    assert_eq!((after.ssrc, after.sequence), (before.ssrc, before.sequence.wrapping_add(2)));
    assert_eq!((after.payload_type, after.marker), (96, true));
}

#[test]
fn anything_may_come_and_little_is_kept() {
    let events = vec![Events { from: 101, from_clock: 8_000, to: 102, to_clock: 48_000 }];
    let noise = Noise { from: Some(13), to: None };
    let hears = vec![(0, MU), (8, A), (9, Codec::G722), (96, OPUS)];
    let speaks = bridge::Format::new(96, OPUS, 40);
    let plan = Plan { events, noise, gain_tenths_db: 30, ..Plan::between(hears, 20, speaks) };
    let mut bridge = Bridge::new(plan, 9);
    let mut state = 4u32;
    let mut draw = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    for step in 0..3_000u64 {
        let now = step * 7;
        let types = [0, 8, 9, 96, 101, 13, 55];
        speaker.header.payload_type = types[draw(7) as usize];
        match draw(20) {
            0 => speaker.header.timestamp = draw(1 << 24) << 8,
            1 => speaker.header.sequence = draw(65_536) as u16,
            2 => speaker.header.ssrc = draw(3),
            3 => speaker.header.sequence = speaker.header.sequence.wrapping_sub(2),
            4 => speaker.header.sequence = speaker.header.sequence.wrapping_add(draw(4) as u16),
            _ => speaker.header.timestamp = speaker.header.timestamp.wrapping_add(draw(400)),
        }
        let payload: Vec<u8> = (0..draw(400)).map(|at| (at * 7 + step as u32) as u8).collect();
        let mut packet = speaker.around(&payload);
        bridge.on_packet(Time::from_millis(now), &mut packet);
        if draw(3) == 0 {
            bridge.on_tick(Time::from_millis(now));
            assert!(fetch(&mut bridge).len() <= OUTGOING_MAX);
        }
    }
    assert!(bridge.tally().refused > 0);
}

#[test]
fn of_two_sources_between_each_other_one_is_heard_without_a_break() {
    let mut bridge = Bridge::new(plan(A, 20, Codec::G722, 20), 3);
    let (mut one, mut two) = (Speaker::new(A, 20, 440.0, -12.0), Speaker::new(A, 20, 1_800.0, -12.0));
    two.header.ssrc = 99;
    let mut left = Vec::new();
    for number in 0..100 {
        left.extend(give(&mut bridge, number * 20, one.packet()));
        left.extend(give(&mut bridge, number * 20 + 7, two.packet()));
    }
    assert_eq!((left.len(), bridge.tally().refused), (100, 99));
    assert_continuous(&left, 160);
    let heard = listen(Codec::G722, &left);
    assert!((codec::tone_level_dbm0(&heard[3_200..], 440.0, 16_000) + 12.0).abs() < 0.5);
    // When the first one ends the other is heard with its second packet, and nothing of it is lost from then on.
    left.clear();
    left.extend((100..110).flat_map(|number| give(&mut bridge, number * 20 + 7, two.packet())));
    assert_eq!((left.len(), bridge.tally().refused), (10 + 1, 99));
}
