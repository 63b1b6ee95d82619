//! What an ear has heard of a voice, judged at some moments.

use super::{End, PACKET, Voice, Word};
use conformance::audio::{self, RATE, level};
use conformance::stalls::{meets, stalled};
use std::collections::BTreeMap;
use std::time::Instant;

/// Moments that are judged, half a second apart, but those in which somebody stood still, of which some must be left; and
/// how many samples each has.
const MOMENTS: usize = 9;
const LEFT_MIN: usize = 3;
const MOMENT: usize = RATE as usize / 4;
/// How late sound may be, milliseconds: two transcodings, a jitter buffer, and a busy machine.
const DELAY_MS: std::ops::Range<i64> = 0..500;
/// And by how much more for each second that somebody stood still, for what rtpengine transcodes stays as late as it was
/// once.
const DELAY_STILL_MS: f64 = 1_200.0;
/// How loud it may be beside what is wanted, either way.
const GAIN_MAX_DB: f64 = 1.5;
/// rtpengine spreads one channel over Opus' two, each at 1/√2, as ffmpeg does.
const SPREAD_DB: f64 = -3.01;

/// How alike what is heard must be to what was said, by the codecs on its way from the first end to the second.
fn likeness_min(ends: [End; 2]) -> f64 {
    let has = |codec: &str| ends.iter().any(|end| end.0 == codec);
    match (has("opus"), has("G722")) {
        (true, _) => 0.75,
        (_, true) => 0.93,
        _ => 0.99,
    }
}

/// What was heard in time: its samples, and when the packets came, by where they begin in them.
fn placed(words: &[Word]) -> (Vec<i16>, BTreeMap<usize, Instant>) {
    let (mut heard, mut came): (Vec<i16>, _) = (Vec::new(), BTreeMap::new());
    for (time, timestamp, samples) in words {
        let at = timestamp.wrapping_sub(words[0].1) as usize;
        // What came after the one behind it, or after a break without end, is not judged.
        if (heard.len()..heard.len() + RATE as usize).contains(&at) {
            heard.resize(at, 0);
            heard.extend(samples);
            came.insert(at, *time);
        }
    }
    (heard, came)
}

/// What is judged of a moment: how alike it is, how much louder, and how late, in milliseconds.
type Judged = (f64, f64, i64);

/// Judges what one ear has heard of a voice at some moments, each by itself: a busy machine loses one of them.
pub(crate) fn judge(
    voice: &Voice,
    said: &[Instant],
    words: &[Word],
    ends: [End; 2],
) -> Result<String, String> {
    let (heard, came) = placed(words);
    let (ease, second) = (RATE as usize / 2, RATE as usize);
    if heard.len() < ease + MOMENTS * second / 2 {
        return Err(format!("{} packets", words.len()));
    }
    let seconds = |time: &Instant| time.saturating_duration_since(said[0]).as_secs_f64();
    let stalls = stalled(&came.values().map(seconds).collect::<Vec<_>>());
    let at_ease = |at: &usize| {
        let time = |at: usize| came.range(..=at).next_back().map_or(0.0, |(_, time)| seconds(time));
        !meets(&stalls, &(time(at.saturating_sub(PACKET)) - 0.01..time(at + MOMENT) + 0.01))
    };
    let moments: Vec<usize> = (0..MOMENTS).map(|moment| ease + moment * second / 2).filter(at_ease).collect();
    if moments.len() < LEFT_MIN {
        return Err(format!("{} moments without a stall, and {stalls:.2?}", moments.len()));
    }
    let judged: Vec<Judged> =
        moments.iter().map(|at| moment_judged(voice, said, (&heard, &came), *at)).collect();
    let middle = judged.len() / 2;
    let sorted = |of: fn(&Judged) -> f64| {
        let mut values: Vec<f64> = judged.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    // A third of the moments is alike, where a busy machine puts joints into the others.
    let alike = sorted(|judged| judged.0)[judged.len() * 2 / 3];
    let (gain, late) = (sorted(|judged| judged.1)[middle], sorted(|judged| judged.2 as f64)[middle] as i64);
    let stood = stalls.iter().map(|stall| stall.end - stall.start).sum::<f64>();
    let late_max = DELAY_MS.end + (stood * DELAY_STILL_MS) as i64;
    let wanted = if ends[0].0 == "opus" { SPREAD_DB } else { 0.0 };
    let fits = alike > likeness_min(ends)
        && (gain - wanted).abs() < GAIN_MAX_DB
        && (DELAY_MS.start..late_max).contains(&late);
    let told = format!("alike by {alike:.3}, {gain:+.2} dB, {late} ms late, {stalls:.2?}");
    if fits { Ok(told) } else { Err(format!("{told} {judged:.3?}")) }
}

/// Judges one moment of what was heard.
fn moment_judged(
    voice: &Voice,
    said: &[Instant],
    (heard, came): (&[i16], &BTreeMap<usize, Instant>),
    at: usize,
) -> Judged {
    let part = &heard[at..at + MOMENT];
    let (place, time) = came.range(..=at).next_back().expect("a packet");
    // It is looked for among what was said in the time before it came.
    let spoken = said.partition_point(|said| said < time) * PACKET;
    let from = spoken.saturating_sub(3 * RATE as usize / 2);
    let (found, likeness) = audio::find(part, &voice.samples[from..spoken + MOMENT]);
    let found = from + found;
    let when = said[(found / PACKET).min(said.len() - 1)];
    let apart = (at - place) as i64 - (found % PACKET) as i64;
    let late = time.saturating_duration_since(when).as_millis() as i64;
    let gain = 20.0 * (level(part) / level(&voice.samples[found..found + MOMENT])).log10();
    (likeness, gain, late + apart * 1_000 / i64::from(RATE))
}
