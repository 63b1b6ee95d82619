//! Networks whose packets come unevenly: sound goes on evenly all the same, and is not held where it need not be.

use crate::world::{A, Left, MU, OPUS, Speaker, assert_continuous, fetch, give, listen, plan, rate_of};
use base::Time;
use bridge::{Bridge, Codec, HOLD_MAX, JITTER_MAX, Tally};
use codec::{level_dbm0, tone_level_dbm0};
use std::time::Duration;

/// How often the engine looks.
const TICK: u64 = 10;
const MS: u64 = 20;

/// Numbers that are the same in every run.
fn dice(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
}

/// What leaves of `count` packets of a tone, with its time; `on_the_way` says how long each needs, none of a lost one.
fn through(
    codecs: (Codec, Codec),
    count: u64,
    on_the_way: impl Fn(u64) -> Option<u64>,
) -> (Vec<(u64, Left)>, Tally, Vec<u64>) {
    let mut speaker = Speaker::new(codecs.0, MS as u8, 210.0, -12.0);
    carried(codecs, (0..count).map(|_| speaker.packet()).collect(), on_the_way)
}

/// The same of these packets.
fn carried(
    codecs: (Codec, Codec),
    packets: Vec<Vec<u8>>,
    on_the_way: impl Fn(u64) -> Option<u64>,
) -> (Vec<(u64, Left)>, Tally, Vec<u64>) {
    let count = packets.len() as u64;
    let mut bridge = Bridge::new(plan(codecs.0, MS as u8, codecs.1, MS as u8), 3);
    let mut arrivals: Vec<(u64, u64)> =
        (0..count).filter_map(|number| Some((1_000 + number * MS + on_the_way(number)?, number))).collect();
    arrivals.sort_unstable();
    let (mut left, mut awake, mut at) = (Vec::new(), false, 0);
    for now in 1_000..1_000 + count * MS + 500 {
        while let Some((_, number)) = arrivals.get(at).filter(|(came, _)| *came == now) {
            let packet = packets[*number as usize].clone();
            left.extend(give(&mut bridge, now, packet).into_iter().map(|packet| (now, packet)));
            awake |= bridge.wakes().is_some();
            at += 1;
        }
        if awake && now % TICK == 3 {
            if bridge.wakes().is_some_and(|due| due <= Time::from_millis(now)) {
                bridge.on_tick(Time::from_millis(now));
                left.extend(fetch(&mut bridge).into_iter().map(|packet| (now, packet)));
            }
            awake = bridge.wakes().is_some();
        }
    }
    assert!(!awake, "in the end nothing is waited for");
    (left, bridge.tally(), arrivals.into_iter().map(|(came, _)| came).collect())
}

#[test]
fn sound_goes_on_evenly_over_a_network_of_forty_milliseconds_more_or_less() {
    for codecs in [(A, Codec::G722), (Codec::G722, A), (OPUS, A), (A, OPUS)] {
        let jitter = |number: u64| (!dice(number * 2).is_multiple_of(100)).then(|| dice(number * 2 + 1) % 81);
        let (left, tally, _) = through(codecs, 1_500, jitter);
        // A second to learn in.
        let learnt: Vec<(u64, Left)> =
            left.into_iter().filter(|(at, _)| (2_000..30_900).contains(at)).collect();
        let gaps: Vec<u64> = learnt.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        let even = gaps.iter().filter(|gap| gap.abs_diff(MS) <= TICK).count();
        assert!(even * 100 >= gaps.len() * 98, "{codecs:?}: {even} of {} gaps\n{tally:?}", gaps.len());
        assert!(gaps.iter().all(|gap| *gap <= 3 * MS), "{codecs:?}: a gap of {:?}", gaps.iter().max());
        let packets: Vec<Left> = learnt.into_iter().map(|(_, packet)| packet).collect();
        assert_continuous(&packets, codecs.1.clock() / 50);
        // 1 % is lost, and little more comes too late.
        assert!((8..40).contains(&tally.lost) && tally.late < 20, "{tally:?}");
        assert!((60..=100).contains(&tally.held_max_ms), "{tally:?}");
        let mean = tally.held_mean_ms().unwrap();
        assert!((40.0..=f64::from(tally.held_max_ms)).contains(&mean), "{mean}: {tally:?}");
        assert!(tally.adapted > 0 && tally.early == 0, "{tally:?}");
        let slip = tally.put_in_ms.abs_diff(tally.left_out_ms);
        assert!(slip <= 120, "{slip} ms: {tally:?}");
        let rate = rate_of(codecs.1);
        let heard = listen(codecs.1, &packets);
        let blocks: Vec<&[i16]> = heard.chunks_exact(rate as usize / 10).skip(2).collect();
        let there = |block: &&&[i16]| (tone_level_dbm0(block, 210.0, rate) + 12.0).abs() < 3.0;
        let good = blocks.iter().filter(there).count();
        assert!(good * 100 >= blocks.len() * 90, "{codecs:?}: {good} of {} are the tone", blocks.len());
        let loud = blocks.iter().filter(|block| (level_dbm0(block) + 12.0).abs() < 3.0).count();
        assert!(loud * 100 >= blocks.len() * 97, "{codecs:?}: {loud} of {} are loud", blocks.len());
    }
}

#[test]
fn a_steady_network_adds_no_delay() {
    for most in [1, 6, 16] {
        let (left, tally, came) = through((A, Codec::G722), 1_000, |number| Some(dice(number) % most));
        let left: Vec<u64> = left.iter().map(|(at, _)| *at).collect();
        assert_eq!(left, came, "up to {most} ms");
        assert_eq!((tally.held_max_ms, tally.put_in_ms, tally.left_out_ms, tally.late), (0, 0, 0, 0));
        assert_eq!((tally.held_mean_ms(), tally.adapted), (Some(0.0), 0));
    }
}

#[test]
fn one_late_packet_holds_nothing_back() {
    let (left, tally, came) =
        through((A, Codec::G722), 500, |number| Some(if number % 170 == 100 { 19 } else { 0 }));
    assert_eq!(left.iter().map(|(at, _)| *at).collect::<Vec<_>>(), came);
    let (_, other, _) =
        through((A, Codec::G722), 500, |number| Some(if number % 300 == 100 { 120 } else { 0 }));
    assert_eq!((tally.held_max_ms, other.held_max_ms), (0, 0));
}

#[test]
fn a_step_of_the_delay_is_followed_and_afterwards_sound_is_held_no_longer() {
    let slow = 100..300;
    let on_the_way = |number| Some(if slow.contains(&number) { 150 } else { 0 });
    let (left, tally, _) = through((A, Codec::G722), 1_400, on_the_way);
    assert!(tally.lost <= 3 && tally.held_ms == 0, "{tally:?}");
    assert!(Duration::from_millis(tally.held_max_ms.into()) <= JITTER_MAX && tally.held_max_ms >= 140);
    // What is held again is let go by frames that are left out, and the rest of it is spoken earlier.
    assert!((100..=160).contains(&tally.left_out_ms), "{tally:?}");
    let late = |(number, (at, _)): (usize, &(u64, Left))| *at as i64 - 1_000 - number as i64 * MS as i64;
    let delays: Vec<i64> = left.iter().enumerate().map(late).collect();
    assert!(delays[110..290].iter().all(|ms| (145..=162).contains(ms)), "{:?}", &delays[110..290]);
    // From then on each leaves as it comes: the last of them at its time.
    let last = left.iter().rev().take(300).map(|(at, _)| *at).collect::<Vec<_>>();
    assert!(last.iter().all(|at| (at - 1_000) % MS == 0), "{last:?}");
    let packets: Vec<Left> = left.into_iter().map(|(_, packet)| packet).collect();
    let heard = listen(Codec::G722, &packets[..1_380]);
    for (number, block) in heard.chunks_exact(1_600).enumerate().skip(1) {
        let level = level_dbm0(block);
        assert!((level + 12.0).abs() < 2.0, "{number}: {level}");
    }
}

#[test]
fn a_few_late_packets_of_a_busy_sender_leave_nothing_out() {
    // Four times it does nothing for 38 ms, and then sends two at once.
    let late = |number: u64| {
        Some(match number {
            60 | 75 | 90 | 110 => 38,
            61 | 76 | 91 | 111 => 18,
            _ => 0,
        })
    };
    let (left, tally, _) = through((A, Codec::G722), 600, late);
    assert_eq!((tally.left_out_ms, tally.lost, tally.late, tally.held_ms), (0, 0, 0, 0), "{tally:?}");
    let last = left.iter().rev().take(200);
    assert!(last.clone().all(|(at, _)| (at - 1_000) % MS == 0), "in the end nothing is held");
}

#[test]
fn a_sender_that_falls_silent_is_waited_for_no_longer_than_a_loss_is_made_up() {
    // Uneven for 6 s, a pause of 2 s by its clock, and 2 s more.
    let mut speaker = Speaker::new(A, MS as u8, 210.0, -12.0);
    let mut bridge = Bridge::new(plan(A, MS as u8, Codec::G722, MS as u8), 3);
    let mut left = Vec::new();
    let mut come = |bridge: &mut Bridge, range: std::ops::Range<u64>, speaker: &mut Speaker| {
        let packets: Vec<Vec<u8>> = range.clone().map(|_| speaker.packet()).collect();
        for now in range.start * MS..range.end * MS + 150 {
            for (number, packet) in range.clone().zip(&packets) {
                if number * MS + dice(number) % 60 == now {
                    left.extend(give(bridge, now, packet.clone()));
                }
            }
            if now % TICK == 0 {
                bridge.on_tick(Time::from_millis(now));
                left.extend(fetch(bridge));
            }
        }
    };
    come(&mut bridge, 0..300, &mut speaker);
    assert!(bridge.wakes().is_none(), "{:?}", bridge.tally());
    let before = bridge.tally();
    assert!(before.put_in_ms >= 60);
    speaker.header.timestamp = speaker.header.timestamp.wrapping_add(2_000 * 8);
    come(&mut bridge, 400..500, &mut speaker);
    let stamps: Vec<u32> = left.iter().map(|left| left.header.timestamp).collect();
    let ticks = stamps.last().unwrap().wrapping_sub(stamps[0]);
    // The receiver's time has gone on as the sender's, but for the frames that were put in and left out.
    let off = i64::from(ticks) - 499 * 160;
    assert!(off.abs() <= 100 * 8, "{off} ticks");
    assert!(bridge.tally().lost < 10 && HOLD_MAX < JITTER_MAX);
}

#[test]
fn timestamps_that_leap_forward_hold_nothing_for_longer() {
    let jitter = |number: u64| Some(dice(number) % 81);
    let mut speaker = Speaker::new(A, MS as u8, 210.0, -12.0);
    let mut packet = |number: u64| {
        if number == 500 {
            speaker.header.timestamp = speaker.header.timestamp.wrapping_add(8_000 * 60);
        }
        speaker.packet()
    };
    let (left, tally, _) = carried((A, Codec::G722), (0..1_000).map(&mut packet).collect(), jitter);
    let around: Vec<u64> =
        left.iter().map(|(at, _)| *at).filter(|at| (10_500..13_000).contains(at)).collect();
    let longest = around.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest.is_some_and(|gap| gap <= 120), "a gap of {longest:?} ms: {tally:?}");
    assert!((60..=100).contains(&tally.held_max_ms), "{tally:?}");
}

#[test]
fn sound_that_is_held_when_another_plan_comes_is_spoken_and_not_thrown_away() {
    let mut bridge = Bridge::new(plan(A, 20, Codec::G722, 20), 3);
    let mut speaker = Speaker::new(A, 20, 440.0, -12.0);
    let mut left = Vec::new();
    // Five packets come at a time, so that four of them are held.
    for ms in (0..5_000).step_by(10) {
        bridge.on_tick(Time::from_millis(ms));
        left.extend(fetch(&mut bridge));
        if ms % 100 == 0 {
            (0..5).for_each(|_| left.extend(give(&mut bridge, ms, speaker.packet())));
        }
    }
    for _ in 0..5 {
        left.extend(give(&mut bridge, 5_000, speaker.packet()));
    }
    let given = 51 * 5 * 20;
    assert!(given - bridge.tally().heard_ms >= 60, "{:?}", bridge.tally());
    let mut bridge = bridge.follow(plan(A, 20, MU, 20));
    assert_eq!(bridge.tally().heard_ms, given);
    assert!(bridge.tally().early >= 3, "{:?}", bridge.tally());
    let waited = fetch(&mut bridge);
    assert!(waited.iter().all(|packet| packet.header.payload_type == 9), "as they were to be");
    left.extend(waited);
    assert_continuous(&left[1..], 160);
}
