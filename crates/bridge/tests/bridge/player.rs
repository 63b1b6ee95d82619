//! Sound of ours: a tone with its cadence, files of other rates, beginnings and ends without a click.

use crate::world::{A, Left, OPUS, assert_continuous, listen, read, type_of};
use base::Time;
use bridge::{Cadence, Codec, Format, Play, Player, Samples, Sine, Sound, Yields};
use codec::{Tone, level_dbm0, tone_level_dbm0};
use std::sync::Arc;
use std::time::Duration;

/// What a player says from one time to another, served every 10 ms.
fn said(player: &mut Player, from: u64, to: u64) -> Vec<Left> {
    let (mut packets, mut buffer) = (Vec::new(), [0; 1_500]);
    for now in (from..to).step_by(10) {
        player.on_tick(Time::from_millis(now));
        packets.extend(std::iter::from_fn(|| player.pop(&mut buffer).map(|n| read(&buffer[..n]))));
    }
    packets
}

fn player(sound: Sound, codec: Codec, at: u64) -> Player {
    let play = Play { sound, format: Format::new(type_of(codec), codec, 20), yields: Yields::ToTalk };
    Player::new(Time::from_millis(at), play, 9).unwrap()
}

fn ringing() -> Sound {
    let sine = |hertz| Sine { hertz, level: -13.0 };
    let turns = vec![(400, 200), (400, 2_000)];
    Sound::Tone(Arc::new(Cadence { sines: vec![sine(400.0), sine(450.0)], turns }))
}

fn file(rate: u32, hertz: f64, ms: u32) -> Arc<Samples> {
    let mut samples = vec![0; (rate * ms / 1_000) as usize];
    Tone::sine(hertz, -10.0, rate).fill(&mut samples);
    Arc::new(Samples { rate, samples: samples.into() })
}

#[test]
fn a_tone_comes_and_goes_as_its_cadence_says() {
    let packets = said(&mut player(ringing(), A, 100), 100, 3_100);
    assert_eq!(packets.len(), 150);
    assert!(packets[0].header.marker);
    assert_continuous(&packets, 160);
    let heard = listen(A, &packets);
    let piece = |from: usize, to: usize| &heard[from * 8..to * 8];
    for (from, to) in [(10, 390), (610, 990)] {
        for hertz in [400.0, 450.0] {
            let level = tone_level_dbm0(piece(from, to), hertz, 8_000);
            assert!((level + 13.0).abs() < 0.5, "{hertz} at {level} from {from}");
        }
    }
    for (from, to) in [(400, 600), (1_000, 3_000)] {
        assert!(level_dbm0(piece(from, to)) < -60.0, "{from}");
    }
}

/// Each packet's samples at its timestamp, and what is missing as silence.
fn placed(packets: &[Left]) -> Vec<i16> {
    let first = packets[0].header.timestamp;
    let mut heard = Vec::new();
    for packet in packets {
        let at = packet.header.timestamp.wrapping_sub(first) as usize;
        heard.resize(at, 0);
        heard.extend(listen(A, std::slice::from_ref(packet)));
    }
    heard
}

#[test]
fn a_tone_keeps_its_times_where_time_is_lost_and_a_file_its_words() {
    // Nobody looks from 300 to 730 ms: 30 ms into the second turn.
    let mut tone = player(ringing(), A, 0);
    let mut packets = said(&mut tone, 0, 300);
    packets.extend(said(&mut tone, 730, 3_700));
    let heard = placed(&packets);
    let level = |from: usize, to: usize| level_dbm0(&heard[from * 8..to * 8]);
    for (from, to) in [(10, 290), (740, 980), (3_010, 3_390), (3_610, 3_690)] {
        assert!(level(from, to) > -15.0, "{from}");
    }
    for (from, to) in [(1_010, 3_000), (3_410, 3_600)] {
        assert!(level(from, to) < -60.0, "{from}");
    }
    let mut words = player(Sound::Once(file(8_000, 440.0, 1_000)), A, 0);
    let mut packets = said(&mut words, 0, 300);
    packets.extend(said(&mut words, 730, 2_000));
    assert_eq!(packets.len(), 50, "the whole file");
    assert!(words.is_over());
}

#[test]
fn it_begins_and_ends_without_a_step() {
    // A step is louder than what the tone itself does from one sample to the next.
    let step = |heard: &[i16]| heard.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
    let mut player = player(ringing(), A, 0);
    let mut packets = said(&mut player, 0, 210);
    let before = step(&listen(A, &packets));
    player.stop(Time::from_millis(210));
    assert!(player.is_over());
    packets.extend(said(&mut player, 210, 400));
    assert!(player.wakes().is_none());
    let heard = listen(A, &packets);
    assert_eq!(heard.len(), 160 * 12, "one packet more, in which it dies away");
    assert!(step(&heard) <= before && heard[160 * 12 - 100..].iter().all(|s| s.unsigned_abs() < 20));
}

#[test]
fn a_file_ends_and_begins_anew_without_a_step() {
    // As loud at its ends as in between.
    let flat = Arc::new(Samples { rate: 8_000, samples: vec![8_000; 8_050].into() });
    for sound in [Sound::Once(flat.clone()), Sound::Again(flat)] {
        let heard = listen(A, &said(&mut player(sound, A, 0), 0, 1_500));
        let step = heard.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
        assert!(step < 600, "{step}");
        assert!(heard[8_040..8_060].iter().any(|sample| sample.abs() < 300));
    }
}

#[test]
fn files_are_played_once_or_over_and_over_at_any_rate() {
    for (rate, codec) in
        [(8_000, A), (16_000, A), (48_000, A), (8_000, OPUS), (48_000, OPUS), (8_000, Codec::G722)]
    {
        let once = said(&mut player(Sound::Once(file(rate, 700.0, 500)), codec, 0), 0, 2_000);
        assert_eq!(once.len(), 25, "{rate} in {codec:?}");
        let again = said(&mut player(Sound::Again(file(rate, 700.0, 500)), codec, 0), 0, 2_000);
        assert_eq!(again.len(), 100);
        let heard = listen(codec, &again);
        let level = tone_level_dbm0(&heard[heard.len() / 10..], 700.0, crate::world::rate_of(codec));
        assert!((level + 10.0).abs() < 1.0, "{rate} in {codec:?}: {level}");
    }
}

#[test]
fn a_player_that_was_not_served_leaves_out_what_is_late() {
    let mut player = player(ringing(), A, 0);
    let first = said(&mut player, 0, 20);
    let late = said(&mut player, 1_020, 1_060);
    assert_eq!((first.len(), late.len()), (1, 2), "no burst");
    let gap = late[0].header.timestamp.wrapping_sub(first[0].header.timestamp);
    assert_eq!((gap, late[0].header.marker), (160 + 8_000, true));
}

#[test]
fn nothing_to_play_makes_no_player() {
    let none = Arc::new(Samples { rate: 8_000, samples: Box::default() });
    let odd = Arc::new(Samples { rate: 44_100, samples: vec![0; 9].into() });
    let still = Cadence { sines: Vec::new(), turns: vec![(0, 0)] };
    for sound in [Sound::Once(none), Sound::Again(odd), Sound::Tone(Arc::new(still))] {
        let play = Play { sound, format: Format::new(8, A, 20), yields: Yields::Never };
        assert!(Player::new(Time::ZERO + Duration::from_secs(1), play, 1).is_none());
    }
}

#[test]
fn it_gives_way_to_the_other_peer_as_asked() {
    let asked = |yields, gap: u64| {
        let play = Play { sound: ringing(), format: Format::new(8, A, 20), yields };
        let mut player = Player::new(Time::ZERO, play, 9).unwrap();
        (1..=100).position(|n| player.meets(Time::from_millis(n * gap)))
    };
    assert_eq!(asked(Yields::AtOnce, 20), Some(0));
    assert_eq!(asked(Yields::ToTalk, 20), Some(24));
    assert_eq!(asked(Yields::ToTalk, 200), None, "comfort noise is no talk");
    assert_eq!(asked(Yields::Never, 20), None);
}
