//! What one side says is heard by the other: every codec, every packet time, level and delay.

use crate::world::{
    A, Left, MU, OPUS, Speaker, assert_continuous, fetch, give, listen, plan, rate_of, type_of,
};
use base::Time;
use bridge::{Bridge, Codec, PTIMES_MS};
use codec::{level_dbm0, tone_level_dbm0};

const CODECS: [Codec; 4] = [A, MU, Codec::G722, OPUS];

/// Two seconds of a tone from one telephone to the other.
fn call(from: Codec, from_ms: u8, to: Codec, to_ms: u8, hz: f64) -> Vec<Left> {
    let mut speaker = Speaker::new(from, from_ms, hz, -12.0);
    let mut bridge = Bridge::new(plan(from, from_ms, to, to_ms), 42);
    let mut left = Vec::new();
    for number in 0..2_000 / u64::from(from_ms) {
        let begin = number * u64::from(from_ms);
        left.extend(give(&mut bridge, begin, speaker.packet()));
        for tick in (10..u64::from(from_ms)).step_by(10) {
            bridge.on_tick(Time::from_millis(begin + tick));
            left.extend(fetch(&mut bridge));
        }
    }
    let tally = bridge.tally();
    assert_eq!((tally.lost, tally.late, tally.refused, tally.overflowed), (0, 0, 0, 0));
    left
}

#[test]
fn every_codec_is_heard_in_every_other_at_its_level() {
    for from in CODECS {
        for to in CODECS.into_iter().filter(|to| !to.is_same(from)) {
            for hz in [400.0, 1_004.0, 2_600.0] {
                let left = call(from, 20, to, 20, hz);
                let heard = listen(to, &left);
                let rate = rate_of(to);
                let level = tone_level_dbm0(&heard[rate as usize / 2..], hz, rate);
                assert!((level + 12.0).abs() < 1.5, "{from:?} to {to:?}: {hz} Hz at {level} dBm0");
                assert_continuous(&left, to.clock() / 50);
            }
        }
    }
}

#[test]
fn nothing_is_held_back_longer_than_a_packet_time_and_the_filters() {
    for from in CODECS {
        for to in CODECS.into_iter().filter(|to| !to.is_same(from)) {
            // Silence, then a tone from the 25th packet on.
            let mut silent = Speaker::new(from, 20, 1_000.0, -90.0);
            let mut loud = Speaker::new(from, 20, 1_000.0, -6.0);
            let mut bridge = Bridge::new(plan(from, 20, to, 20), 1);
            let mut left = Vec::new();
            for number in 0..50u64 {
                loud.header = silent.header;
                let packet = if number < 25 { silent.packet() } else { loud.packet() };
                if number >= 25 {
                    silent.header = loud.header;
                }
                left.extend(give(&mut bridge, number * 20, packet));
            }
            let heard = listen(to, &left);
            let block = rate_of(to) as usize / 1_000;
            let first = heard.chunks(block).position(|ms| level_dbm0(ms) > -20.0).unwrap();
            // The tone began at 500 ms of the sender's time.
            assert!((500..=520).contains(&first), "{from:?} to {to:?}: heard after {first} ms");
        }
    }
}

#[test]
fn packet_times_change_and_no_sample_is_lost() {
    for from_ms in PTIMES_MS {
        for to_ms in PTIMES_MS {
            let left = call(A, from_ms, A, to_ms, 440.0);
            if from_ms != to_ms {
                assert_continuous(&left, u32::from(to_ms) * 8);
            }
            assert!(left.iter().all(|packet| packet.payload.len() == usize::from(to_ms) * 8));
            let heard = listen(A, &left);
            assert!(
                heard.len() + usize::from(to_ms) * 8
                    > 2_000 / usize::from(from_ms) * usize::from(from_ms) * 8
            );
            assert!((level_dbm0(&heard) + 12.0).abs() < 0.2, "{from_ms} to {to_ms}");
        }
    }
    for to_ms in PTIMES_MS {
        let left = call(Codec::G722, 20, OPUS, to_ms, 440.0);
        let made = match to_ms {
            30 => 20,
            50 => 40,
            ms => ms,
        };
        assert_continuous(&left, u32::from(made) * 48);
    }
}

#[test]
fn between_the_laws_only_codes_and_type_change() {
    let mut speaker = Speaker::new(MU, 20, 700.0, -10.0);
    let mut bridge = Bridge::new(plan(MU, 20, A, 20), 5);
    for number in 0..10 {
        let packet = speaker.packet();
        let before = crate::world::read(&packet);
        let left = give(&mut bridge, number * 20, packet);
        let [after] = &left[..] else { panic!("{left:?}") };
        assert_eq!(after.header, rtp::Header { payload_type: type_of(A), ..before.header });
        let codes: Vec<u8> =
            before.payload.iter().map(|code| codec::g711::MU_TO_A[usize::from(*code)]).collect();
        assert_eq!(after.payload, codes);
    }
}

#[test]
fn a_gain_moves_the_level() {
    let mut speaker = Speaker::new(A, 20, 1_000.0, -20.0);
    let mut bridge = Bridge::new(bridge::Plan { gain_tenths_db: 60, ..plan(A, 20, A, 20) }, 5);
    let left: Vec<Left> = (0..50).flat_map(|at| give(&mut bridge, at * 20, speaker.packet())).collect();
    assert!((level_dbm0(&listen(A, &left)) + 14.0).abs() < 0.2);
}
