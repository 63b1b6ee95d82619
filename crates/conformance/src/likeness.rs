//! Whether two phones hear what the other one says: how alike, how loud, how late, and without a slip.
//!
//! A stall of the machine, of a phone or of our server makes jitter buffers put in or leave out some of the sound. So sound
//! is judged at further moments too, but only where somebody was seen to stand still: without that the first ones count.

use crate::audio::{self, find, level};
use crate::baresip::Baresip;
use std::time::{Duration, Instant};

/// Samples of a second.
const SECOND: usize = audio::RATE as usize;
/// How loud it may be beside what was said, either way.
const GAIN_MAX_DB: f64 = 1.5;
/// How many samples two moments of a call may be nearer or further than they were said.
const SLIP_MAX: i64 = 4;
/// How late it may be: packets of 40 ms, the phone's jitter buffer of up to five, and a busy machine. (Negative: the
/// phones write their files packet by packet, so either end may be a packet further.)
const DELAY_MS: std::ops::Range<i64> = -60..400;
/// How far apart the two moments of a pair are, and how long each is.
const APART: usize = 3 * SECOND / 2;
const MOMENT: usize = SECOND / 2;
/// How many pairs are judged at most, each a second behind the one before.
const PAIRS: usize = 8;
/// For how long a phone's file may stay as long as it is, for packets of 60 ms and a busy machine.
const STILL: Duration = Duration::from_millis(150);

/// Like [`judge_at`], of sound whose level nothing changes.
///
/// # Panics
/// See there.
pub fn judge(caller: &Baresip, callee: &Baresip, likeness_min: f64) {
    judge_at(caller, callee, likeness_min, [0.0, 0.0]);
}

/// Judges, at two moments of a call that has just begun, what the caller and then the callee hear of what the other one
/// gives to its encoder.
///
/// # Panics
/// One hears it less alike than `likeness_min` (0 to 1), not louder by its gain in dB, too late, or with a slip.
pub fn judge_at(caller: &Baresip, callee: &Baresip, likeness_min: f64, gains: [f64; 2]) {
    let ways = [("the caller", caller, callee), ("the callee", callee, caller)];
    let length = |pair: usize| (1 + pair) * SECOND + APART + MOMENT + SECOND / 2;
    let mut still = still_until([caller, callee], length(0));
    for ((who, phone, other), gain) in ways.into_iter().zip(gains) {
        let mut told = Vec::new();
        let fits = (0..PAIRS).find_map(|pair| {
            still |= still_until([caller, callee], length(pair));
            match pair_fits((phone, other), (1 + pair) * SECOND, likeness_min, gain) {
                Ok(fits) => Some(fits),
                Err(wrong) => {
                    told.push(wrong);
                    assert!(still, "{who}, and nobody stood still: {told:?}");
                    None
                }
            }
        });
        let (fits, behind) = fits.unwrap_or_else(|| panic!("{who}: {told:?}"));
        // The files are read one after the other, and their phones may stand still between: a delay that stays is there
        // whenever they are read.
        let mut late = 0;
        let in_time = crate::await_some(|| {
            late = delay(phone, other, behind);
            DELAY_MS.contains(&late).then_some(())
        });
        assert!(in_time.is_some(), "{who}: {late} ms late");
        println!("{who}: {fits}, {late} ms late {told:?}");
    }
}

/// Waits until both phones have heard so much; whether one of them stopped hearing or saying meanwhile.
fn still_until(phones: [&Baresip; 2], length: usize) -> bool {
    let files = || phones.map(Baresip::sizes).concat();
    let mut sizes: Vec<_> = files().into_iter().map(|size| (size, Instant::now())).collect();
    let (mut still, mut looks) = (false, 0);
    let enough = crate::await_some(|| {
        for ((size, since), now) in sizes.iter_mut().zip(files()) {
            // What has not begun does not stand still.
            still |= *size > 0 && since.elapsed() > STILL;
            if *size != now {
                (*size, *since) = (now, Instant::now());
            }
        }
        // To read all of the sound takes its time.
        looks += 1;
        (looks % 10 == 1 && phones.iter().all(|phone| phone.heard().len() >= length)).then_some(())
    });
    let [one, two] =
        phones.map(|phone| format!("{} samples\n{}", phone.heard().len(), phone.process().tail()));
    assert!(enough.is_some(), "the caller: {one}\nthe callee: {two}");
    still
}

/// Judges two moments of what a phone hears, of which the first begins at `first`; and how far what is heard lies behind
/// what was said.
fn pair_fits(
    (phone, other): (&Baresip, &Baresip),
    first: usize,
    likeness_min: f64,
    gain_db: f64,
) -> Result<(String, i64), String> {
    let (heard, said, second) = (phone.heard(), other.said(), first + APART);
    let part = |at: usize| &heard[at..at + MOMENT];
    let ((at_first, one), (at_second, two)) = (find(part(first), &said), find(part(second), &said));
    let slip = at_second as i64 - at_first as i64 - APART as i64;
    let gain = 20.0 * (level(part(first)) / level(&said[at_first..at_first + MOMENT])).log10();
    let told = format!("alike by {one:.3} and {two:.3}, {gain:+.2} dB, slip {slip}");
    let fits = one > likeness_min && two > likeness_min && slip.abs() <= SLIP_MAX;
    let fits = fits && (gain - gain_db).abs() < GAIN_MAX_DB;
    if fits { Ok((told, at_second as i64 - second as i64)) } else { Err(told) }
}

/// How late a phone hears, in milliseconds: both files end now.
fn delay(phone: &Baresip, other: &Baresip, behind: i64) -> i64 {
    let (heard, said) = (phone.heard().len() as i64, other.said().len() as i64);
    (said - heard - behind) * 1_000 / SECOND as i64
}
