//! Pauses, comfort noise, and DTMF as named events.

use crate::world::{A, Left, MU, OPUS, Speaker, fetch, give, listen, plan};
use base::Time;
use bridge::{Bridge, Codec, DigitPlan, Events, Hears, Noise, Plan, Says};
use codec::{Comfort, level_dbm0};
use rtp::TelephoneEvent;

#[test]
fn a_pause_of_the_sender_is_one_for_the_receiver() {
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut bridge = Bridge::new(plan(A, 20, Codec::G722, 30), 3);
    let mut left: Vec<Left> = (0..5).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())).collect();
    // 100 ms are three packets of 30 ms and 10 ms that wait.
    assert_eq!(left.len(), 3);
    speaker.header.timestamp = speaker.header.timestamp.wrapping_add(8_000);
    speaker.header.marker = true;
    left.extend((55..60).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())));
    let stamps: Vec<u32> =
        left.iter().map(|packet| packet.header.timestamp.wrapping_sub(left[0].header.timestamp)).collect();
    // What waited left filled up; the sound came back 1,100 ms after its beginning.
    assert_eq!(stamps, [0, 240, 480, 720, 8_800, 9_040, 9_280]);
    assert!(left[4].header.marker && !left[5].header.marker);
}

fn with_noise(to: Option<u8>) -> Plan {
    Plan { noise: Noise { from: Some(13), to }, ..plan(A, 20, Codec::G722, 20) }
}

/// 100 ms of sound, 400 ms of a pause with comfort noise, 100 ms of sound; ticks every 20 ms.
fn pausing(bridge: &mut Bridge, comfort: &[u8]) -> Vec<Left> {
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut left: Vec<Left> = (0..5).flat_map(|at| give(bridge, at * 20, speaker.packet())).collect();
    speaker.header.payload_type = 13;
    let packet = speaker.around(comfort);
    left.extend(give(bridge, 100, packet));
    for tick in 6..25 {
        bridge.on_tick(Time::from_millis(tick * 20));
        left.extend(fetch(bridge));
    }
    speaker.header.payload_type = 8;
    speaker.header.timestamp = speaker.header.timestamp.wrapping_add(3_200);
    left.extend((25..30).flat_map(|at| give(bridge, at * 20, speaker.packet())));
    left
}

#[test]
fn comfort_noise_keeps_its_name_where_it_is_known() {
    let mut bridge = Bridge::new(with_noise(Some(77)), 3);
    let left = pausing(&mut bridge, &[50, 127]);
    assert_eq!(left.len(), 11);
    let noise = &left[5];
    assert_eq!((noise.header.payload_type, &noise.payload[..]), (77, &[50, 127][..]));
    let since = |packet: &Left| packet.header.timestamp.wrapping_sub(left[0].header.timestamp);
    assert_eq!((since(noise), since(&left[6])), (800, 4_000));
    assert!(left[6].header.marker);
}

/// RFC 3389 §4: a description that is renewed has the time of its own.
#[test]
fn comfort_noise_that_is_told_again_has_a_timestamp_of_its_own() {
    for ptime in [20, 30] {
        let mut bridge = Bridge::new(
            Plan { noise: Noise { from: Some(13), to: Some(77) }, ..plan(A, 20, Codec::G722, ptime) },
            3,
        );
        let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
        let mut left: Vec<Left> =
            (0..5).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())).collect();
        speaker.header.payload_type = 13;
        for at in [5, 15, 25] {
            left.extend(give(&mut bridge, at * 20, speaker.around(&[50, 127])));
            speaker.header.timestamp = speaker.header.timestamp.wrapping_add(1_600);
        }
        speaker.header.payload_type = 8;
        left.extend((35..40).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())));
        let since = |packet: &Left| packet.header.timestamp.wrapping_sub(left[0].header.timestamp);
        let noise: Vec<u32> = left.iter().filter(|left| left.header.payload_type == 77).map(since).collect();
        // What waited for a packet of 30 ms was filled up, and the noise begins behind that.
        let first = if ptime == 20 { 800 } else { 960 };
        assert_eq!(noise, [first, 2_400, 4_000], "{ptime} ms");
        assert_eq!(left.iter().rfind(|left| left.header.marker).map(since), Some(5_600), "{ptime} ms");
    }
}

#[test]
fn comfort_noise_becomes_sound_where_it_is_not_known() {
    let mut bridge = Bridge::new(with_noise(None), 3);
    let left = pausing(&mut bridge, &[50]);
    // One packet of noise for each 20 ms of the pause, but the last: it would stand in the sound's way.
    assert_eq!(left.len(), 5 + 19 + 5);
    for pair in left.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.wrapping_add(1));
    }
    let since = |packet: &Left| packet.header.timestamp.wrapping_sub(left[0].header.timestamp);
    assert_eq!((since(&left[5]), since(&left[23]), since(&left[24])), (800, 23 * 160, 4_000));
    let heard = listen(Codec::G722, &left[6..24]);
    let level = level_dbm0(&heard);
    assert!((level - Comfort::white(-50.0).dbm0()).abs() < 1.5, "{level} dBm0");
    // It is noise of a telephone: nothing of it lies above 4 kHz, wherein its level would be missing.
    let above: f64 = heard.windows(2).map(|pair| f64::from(pair[1] - pair[0]).powi(2)).sum::<f64>().sqrt();
    let whole: f64 = heard.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>().sqrt();
    assert!(above < whole * 1.05, "{above:.0} of {whole:.0}");
}

#[test]
fn noise_without_end_ends() {
    let mut bridge = Bridge::new(with_noise(None), 3);
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    give(&mut bridge, 0, speaker.packet());
    speaker.header.payload_type = 13;
    give(&mut bridge, 20, speaker.around(&[40]));
    let mut count = 0;
    for tick in 0..5_000u64 {
        bridge.on_tick(Time::from_millis(tick * 20));
        count += fetch(&mut bridge).len();
    }
    assert!((2_990..3_010).contains(&count), "{count}");
    assert!(bridge.wakes().is_none());
}

#[test]
fn a_digit_keeps_one_timestamp_and_gets_the_receivers_type_and_clock() {
    let events = vec![Events { from: 101, from_clock: 8_000, to: 110, to_clock: 48_000 }];
    let mut bridge = Bridge::new(Plan { events, ..plan(A, 20, OPUS, 20) }, 3);
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut left: Vec<Left> = (0..5).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())).collect();
    speaker.header.payload_type = 101;
    speaker.header.marker = true;
    for (at, end) in [(1u16, false), (2, false), (3, true), (3, true), (3, true)] {
        let event = TelephoneEvent { event: 5, end, volume: 10, duration: at * 160 };
        let packet = speaker.around(&event.to_bytes());
        left.extend(give(&mut bridge, 100 + u64::from(at) * 20, packet));
    }
    speaker.header.payload_type = 8;
    speaker.header.timestamp = speaker.header.timestamp.wrapping_add(480);
    left.extend(give(&mut bridge, 180, speaker.packet()));
    assert_eq!(left.len(), 11);
    let since = |packet: &Left| packet.header.timestamp.wrapping_sub(left[0].header.timestamp);
    for (packet, duration) in left[5..10].iter().zip([960, 1_920, 2_880, 2_880, 2_880]) {
        assert_eq!((packet.header.payload_type, since(packet)), (110, 5 * 960));
        assert_eq!(TelephoneEvent::parse(&packet.payload).unwrap().duration, duration);
    }
    assert!(left[5].header.marker && !left[6].header.marker);
    assert_eq!(since(&left[10]), 8 * 960);
}

#[test]
fn the_end_of_a_digit_that_is_repeated_after_a_change_of_the_codec_is_no_second_digit() {
    let digits = Some(DigitPlan { hears: Hears::Events(vec![(101, 8_000)]), says: Says::Signalled });
    let with = |plan: Plan, digits: &Option<DigitPlan>| Plan { digits: digits.clone(), ..plan };
    let renumbered = Some(DigitPlan { hears: Hears::Events(vec![(96, 8_000)]), says: Says::Signalled });
    for (after, number) in [(&digits, 101), (&renumbered, 96)] {
        let mut bridge = Bridge::new(with(plan(A, 20, MU, 20), &digits), 3);
        let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
        give(&mut bridge, 0, speaker.packet());
        speaker.header.payload_type = 101;
        for (ms, payload) in [(20, [5, 10, 0, 160]), (40, [5, 10, 1, 64]), (60, [5, 0x8a, 1, 64])] {
            give(&mut bridge, ms, speaker.around(&payload));
        }
        let heard = std::iter::from_fn(|| bridge.pop_digit()).count();
        assert_eq!(heard, 1);
        let mut bridge = bridge.follow(with(plan(Codec::G722, 20, OPUS, 20), after));
        speaker.header.payload_type = number;
        for ms in [80, 100] {
            give(&mut bridge, ms, speaker.around(&[5, 0x8a, 1, 64]));
        }
        let heard = std::iter::from_fn(|| bridge.pop_digit()).count();
        assert_eq!((heard, bridge.digit_tally().digits), (0, 1), "as {number}");
    }
}
