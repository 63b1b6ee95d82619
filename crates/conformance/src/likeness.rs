//! Whether one phone hears what the other one says: how alike, how loud, how late, and without a slip.

use crate::audio::{self, find, level};
use crate::baresip::Baresip;

/// Samples of a second.
const SECOND: usize = audio::RATE as usize;
/// How loud it may be beside what was said, either way.
const GAIN_MAX_DB: f64 = 1.5;
/// How many samples two moments of a call may be nearer or further than they were said.
const SLIP_MAX: i64 = 4;
/// How late it may be: packets of 40 ms, the phone's jitter buffer of up to five, and a busy machine. (Negative: the
/// phones write their files packet by packet, so either end may be a packet further.)
const DELAY_MS: std::ops::Range<i64> = -60..400;

/// Like [`judge_at`], of sound whose level nothing changes.
///
/// # Panics
/// See there.
pub fn judge(who: &str, phone: &Baresip, other: &Baresip, likeness_min: f64) {
    judge_at(who, phone, other, likeness_min, 0.0);
}

/// Judges, at two moments of a call, what a phone hears of what the other one gave to its encoder.
///
/// # Panics
/// It hears it less alike than `likeness_min` (0 to 1), not louder by `gain_db`, too late, or with a slip.
pub fn judge_at(who: &str, phone: &Baresip, other: &Baresip, likeness_min: f64, gain_db: f64) {
    let enough = 7 * SECOND / 2;
    let heard = crate::await_some(|| Some(phone.heard()).filter(|s| s.len() >= enough));
    let heard = heard.unwrap_or_else(|| phone.heard());
    assert!(heard.len() >= enough, "{who}: {} samples\n{}", heard.len(), phone.process().tail());
    let said = &other.said();
    let (first, second) = (SECOND, 5 * SECOND / 2);
    let part = |at: usize| &heard[at..at + SECOND / 2];
    let ((at_first, one), (at_second, two)) = (find(part(first), said), find(part(second), said));
    assert!(one > likeness_min && two > likeness_min, "{who}: alike by {one:.3} and {two:.3}");
    let slip = at_second as i64 - at_first as i64 - (second - first) as i64;
    assert!(slip.abs() <= SLIP_MAX, "{who}: {slip} samples between two moments of one call");
    let gain = 20.0 * (level(part(first)) / level(&said[at_first..at_first + SECOND / 2])).log10();
    assert!((gain - gain_db).abs() < GAIN_MAX_DB, "{who}: {gain:.2} dB");
    // Both files end now.
    let behind = (said.len() - at_second) as i64 - (heard.len() - second) as i64;
    let delay = behind * 1_000 / SECOND as i64;
    assert!(DELAY_MS.contains(&delay), "{who}: {delay} ms late");
    println!("{who}: alike by {one:.3} and {two:.3}, {gain:+.2} dB, slip {slip}, {delay} ms late");
}
