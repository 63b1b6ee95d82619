//! DTMF detection by the figures of ITU-T Q.24, and what a mute leaves of a tone.

#![allow(clippy::unwrap_used, clippy::panic)]

use codec::{DtmfDetector, DtmfNews, DtmfTone, Law, Mute, Tone, level_dbm0};

const RATE: u32 = 8_000;
const ALL: &str = "1234567890*#ABCD";

/// Numbers from 0 to 1 that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.roll()
    }

    /// White noise of this standard deviation.
    fn noise(&mut self, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.roll()).sum();
        (sum - 6.0) * deviation
    }
}

fn news(samples: &[i16], rate: u32) -> Vec<DtmfNews> {
    let (mut detector, mut heard) = (DtmfDetector::new(rate), Vec::new());
    samples.chunks(160).for_each(|block| detector.listen(block, |news| heard.push(news)));
    detector.reset(|news| heard.push(news));
    heard
}

fn digits(samples: &[i16]) -> String {
    digits_at(samples, RATE)
}

fn digits_at(samples: &[i16], rate: u32) -> String {
    let began = |news: &DtmfNews| match news {
        DtmfNews::Began(digit) => Some(*digit),
        DtmfNews::Ended { .. } => None,
    };
    news(samples, rate).iter().filter_map(began).collect()
}

fn samples_of(ms: usize) -> usize {
    ms * RATE as usize / 1_000
}

/// Two sines with levels of their own.
fn pair(low: (f64, f64), high: (f64, f64), ms: usize) -> Vec<i16> {
    let (mut first, mut second) = (vec![0; samples_of(ms)], vec![0; samples_of(ms)]);
    Tone::sine(low.0, low.1, RATE).fill(&mut first);
    Tone::sine(high.0, high.1, RATE).fill(&mut second);
    first.iter().zip(&second).map(|(a, b)| a.saturating_add(*b)).collect()
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; samples_of(ms)]
}

fn dialled(text: &str, dbm0: f64, on: usize, off: usize) -> Vec<i16> {
    let mut stream = silence(off);
    for digit in text.chars() {
        let mut sound = silence(on);
        Tone::dtmf(digit, dbm0, RATE).unwrap().fill(&mut sound);
        stream.extend(sound);
        stream.extend(silence(off));
    }
    stream
}

fn through(law: Law, samples: &mut [i16]) {
    samples.iter_mut().for_each(|sample| *sample = law.decode(law.encode(*sample)));
}

#[test]
fn every_digit_is_heard_once_at_every_level_through_both_laws() {
    for dbm0 in [-1.0, -4.0, -10.0, -20.0, -25.0, -30.0] {
        for law in [Law::A, Law::Mu] {
            let mut stream = dialled("1234567890*#ABCD1122", dbm0, 50, 50);
            through(law, &mut stream);
            assert_eq!(digits(&stream), "1234567890*#ABCD1122", "{dbm0} dBm0 through {law:?}");
        }
    }
    assert_eq!(digits(&dialled(ALL, -42.0, 100, 100)), "", "too soft");
}

/// Whatever the place of a tone against the hops.
#[test]
fn forty_milliseconds_are_enough_and_twenty_three_too_few() {
    for offset in 0..80 {
        let start = vec![0i16; offset];
        let long = [start.clone(), dialled("159D", -12.0, 40, 40)].concat();
        assert_eq!(digits(&long), "159D", "offset {offset}");
        let short = [start, dialled("159D", -12.0, 23, 60)].concat();
        assert_eq!(digits(&short), "", "offset {offset}");
    }
}

#[test]
fn a_break_of_twenty_milliseconds_is_none_and_a_pause_of_forty_divides() {
    let tone = dialled("7", -12.0, 60, 0);
    for offset in 0..40 {
        let start = vec![0i16; offset];
        for (gap, expected) in [(5, "7"), (10, "7"), (20, "7"), (40, "77"), (50, "77")] {
            let stream = [start.clone(), tone.clone(), silence(gap), tone.clone(), silence(60)].concat();
            assert_eq!(digits(&stream), expected, "{gap} ms, offset {offset}");
        }
    }
    // Without any pause, another digit is another digit.
    assert_eq!(digits(&dialled("1596", -12.0, 60, 0)), "1596");
}

#[test]
fn twist_is_borne_as_far_as_lines_have_it() {
    for (low, high, heard) in [
        (-20.0, -14.0, true),
        (-10.0, -20.0, true),
        (-12.0, -20.0, true),
        (-24.0, -12.0, false),
        (-8.0, -23.0, false),
    ] {
        let stream = pair((770.0, low), (1_336.0, high), 80);
        assert_eq!(digits(&stream), if heard { "5" } else { "" }, "{low} and {high} dBm0");
    }
}

#[test]
fn a_frequency_may_be_off_by_what_sets_have_and_no_more() {
    for (row, low) in codec::tone::DTMF_ROWS.into_iter().enumerate() {
        for (column, high) in codec::tone::DTMF_COLUMNS.into_iter().enumerate() {
            let digit = codec::tone::DTMF_DIGITS[row][column].to_string();
            for (a, b) in [(1.018, 1.018), (0.982, 0.982), (1.018, 0.982), (0.985, 1.015)] {
                let stream = pair((low * a, -12.0), (high * b, -12.0), 60);
                assert_eq!(digits(&stream), digit, "{a} {b}");
            }
            for (a, b) in [(1.035, 1.0), (0.965, 1.0), (1.0, 1.035), (1.0, 0.965)] {
                let stream = pair((low * a, -12.0), (high * b, -12.0), 500);
                assert_eq!(digits(&stream), "", "{digit}: {a} {b}");
            }
        }
    }
}

#[test]
fn noise_hides_no_digit_and_is_none() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for below in [24.0, 18.0, 15.0] {
        let peak = codec::tone::peak_of_dbm0(-15.0 + 3.0 - below);
        for _ in 0..10 {
            let mut stream = dialled(ALL, -15.0, 50, 50);
            for sample in &mut stream {
                *sample = sample.saturating_add(dice.noise(peak / 2f64.sqrt()) as i16);
            }
            assert_eq!(digits(&stream), ALL, "noise {below} dB below");
        }
    }
    let loud: Vec<i16> = (0..RATE * 60).map(|_| dice.noise(3_000.0) as i16).collect();
    assert_eq!(digits(&loud), "");
}

/// Two poles: one formant.
#[derive(Clone, Copy, Default)]
struct Formant {
    last: f64,
    before: f64,
}

impl Formant {
    fn pass(&mut self, input: f64, hz: f64, width: f64) -> f64 {
        let radius = (-std::f64::consts::PI * width / f64::from(RATE)).exp();
        let angle = std::f64::consts::TAU * hz / f64::from(RATE);
        let next =
            (1.0 - radius) * input + 2.0 * radius * angle.cos() * self.last - radius * radius * self.before;
        self.before = self.last;
        self.last = next;
        next
    }
}

/// Sound made as speech is: pulses or noise through moving formants, in syllables, men to children, also
/// held long and sung.
fn speech(seconds: usize, dice: &mut Dice) -> Vec<i16> {
    let mut out = Vec::with_capacity(seconds * RATE as usize);
    while out.len() < seconds * RATE as usize {
        let ms = dice.between(60.0, 600.0);
        let voiced = dice.roll() < 0.85;
        let (f0, glide) = (dice.between(75.0, 420.0), dice.between(-0.2, 0.2));
        let from =
            [dice.between(250.0, 1_000.0), dice.between(800.0, 2_400.0), dice.between(1_900.0, 3_400.0)];
        let to = [dice.between(250.0, 1_000.0), dice.between(800.0, 2_400.0), dice.between(1_900.0, 3_400.0)];
        let still = dice.roll() < 0.3;
        let width = dice.between(40.0, 140.0);
        let count = samples_of(ms as usize);
        let (mut formants, mut phase, mut block) = ([Formant::default(); 3], 0.0, Vec::with_capacity(count));
        for at in 0..count {
            let part = at as f64 / count as f64;
            phase += f0 * (1.0 + glide * part) / f64::from(RATE);
            let pulse = phase >= 1.0;
            phase = phase.fract();
            let source = if voiced { f64::from(u8::from(pulse)) * 40.0 } else { dice.noise(1.0) };
            let source = source + dice.noise(0.02);
            let part = if still { 0.0 } else { part };
            let sum: f64 = (0..3)
                .map(|n| {
                    let hz = from[n] + (to[n] - from[n]) * part;
                    formants[n].pass(source, hz, width * (n as f64 + 1.0)) / (n as f64 + 1.0)
                })
                .sum();
            let envelope = (std::f64::consts::PI * at as f64 / count as f64).sin().sqrt();
            block.push(sum * envelope);
        }
        let loudest = block.iter().fold(1e-9f64, |peak, value| peak.max(value.abs()));
        let level = dice.between(1_500.0, 20_000.0) / loudest;
        out.extend(block.iter().map(|value| (value * level) as i16));
        out.extend(silence(dice.between(0.0, 120.0) as usize));
    }
    out
}

#[test]
fn forty_minutes_of_speech_hold_no_digit() {
    for seed in 1..=4 {
        let mut talk = speech(600, &mut Dice(0x5eed_0000 + seed));
        assert!(level_dbm0(&talk) > -30.0);
        assert_eq!(digits(&talk), "", "voice {seed}");
        through(Law::A, &mut talk);
        assert_eq!(digits(&talk), "", "voice {seed} through A-law");
    }
}

#[test]
fn the_tones_of_the_network_are_no_digits() {
    for (low, high) in [(350.0, 440.0), (480.0, 620.0), (440.0, 480.0), (425.0, 425.0), (1_100.0, 2_100.0)] {
        assert_eq!(digits(&pair((low, -13.0), (high, -13.0), 3_000)), "", "{low} {high}");
    }
    for hz in [697.0, 941.0, 1_004.0, 1_209.0, 1_633.0, 2_100.0] {
        let mut tone = silence(3_000);
        Tone::sine(hz, -10.0, RATE).fill(&mut tone);
        assert_eq!(digits(&tone), "", "{hz}");
    }
    assert_eq!(digits(&silence(1_000)), "");
}

#[test]
fn digits_are_heard_at_every_rate() {
    for rate in [8_000, 16_000, 48_000] {
        let mut stream = Vec::new();
        for digit in ALL.chars() {
            let mut sound = vec![0i16; rate as usize / 20];
            DtmfTone::new(digit, -10.0, rate).unwrap().fill(&mut sound);
            stream.extend(sound);
            stream.extend(vec![0i16; rate as usize / 20]);
        }
        assert_eq!(digits_at(&stream, rate), ALL, "{rate} Hz");
    }
}

#[test]
fn the_length_of_a_digit_is_told_to_ten_milliseconds() {
    for length in [40usize, 75, 100, 160, 500, 2_000] {
        let heard = news(&dialled("8", -10.0, length, 60), RATE);
        match heard[..] {
            [DtmfNews::Began('8'), DtmfNews::Ended { digit: '8', ms }] => {
                assert!((ms as usize).abs_diff(length) <= 10, "{length} ms told as {ms}");
            }
            ref other => panic!("{length} ms: {other:?}"),
        }
    }
}

#[test]
fn a_tone_begins_and_ends_without_a_step() {
    let mut tone = DtmfTone::new('1', -10.0, RATE).unwrap();
    let mut sound = vec![0i16; 800];
    tone.fill(&mut sound[..400]);
    tone.release();
    tone.fill(&mut sound[400..]);
    assert!(tone.is_over() && sound[424..].iter().all(|sample| *sample == 0));
    assert!(sound[0].abs() < 50 && sound[423].abs() < 50);
    let level = level_dbm0(&sound[80..380]);
    assert!((level + 7.0).abs() < 0.3, "{level}");
    assert!(DtmfTone::new('x', -10.0, RATE).is_none());
}

/// What passes of a tone, in packets of 20 ms, wherever it begins in one: it is too short to be heard as
/// a digit at the far end, and nothing comes after it.
#[test]
fn a_muted_digit_leaks_less_than_what_counts() {
    let mut most = 0;
    for offset in (0..160).step_by(8) {
        let stream = [silence(40), vec![0; offset], dialled("6", -10.0, 200, 0), silence(100)].concat();
        let (mut detector, mut mute) = (DtmfDetector::new(RATE), Mute::new(RATE));
        let mut passed = Vec::new();
        for block in stream.chunks(160) {
            detector.listen(block, |_| {});
            let mut block = block.to_vec();
            mute.apply(&mut block, detector.is_suspect());
            passed.extend(block);
        }
        assert_eq!(digits(&passed), "", "offset {offset}");
        most = most.max(passed.iter().filter(|sample| **sample != 0).count() * 1_000 / RATE as usize);
    }
    assert!(most <= 23, "{most} ms leak");
}

#[test]
fn speech_is_hardly_ever_taken_away() {
    let talk = speech(300, &mut Dice(77));
    let mut detector = DtmfDetector::new(RATE);
    let mut muted = 0;
    for block in talk.chunks(160) {
        detector.listen(block, |_| {});
        muted += usize::from(detector.is_suspect());
    }
    let blocks = talk.len() / 160;
    assert!(muted * 1_000 <= blocks, "{muted} of {blocks} packets");
}
