//! Finding DTMF digits in a stream of samples by the figures of ITU-T Q.24.
//!
//! Eight bins are measured in hops of 5 ms and judged over a window of three. A window holds a digit when
//! one low and one high frequency are loud enough, near enough to each other in level, make up nearly all
//! that sounds, and turn at the speed of the digit's frequencies: the phase between two windows tells the
//! frequency far more sharply than the bins could. Enter through [`DtmfDetector::listen`].

use crate::tone::{DTMF_COLUMNS, DTMF_DIGITS, DTMF_ROWS, peak_of_dbm0};
use std::f32::consts::{PI, TAU};

/// Hops in a second.
const HOPS_PER_SECOND: u32 = 200;
/// Milliseconds of a hop.
const HOP_MS: u32 = 1_000 / HOPS_PER_SECOND;
/// Hops in a window.
const WINDOW: usize = 3;
/// Windows in a row that make a digit. One is full enough of a tone when it holds 12 ms of it, so that a
/// tone of 40 ms fills six and one of 23 ms, which Q.24 wants refused, four.
const HITS: u32 = 5;
/// Windows in a row that raise suspicion.
const SUSPECT_HITS: u32 = 2;
/// Windows in a row without the digit that end it: a pause of 30 ms gives seven, a break of 20 ms six.
const MISSES: u32 = 7;
/// Below this one frequency of a pair counts as silence, in dBm0: tones of -30 are to be heard, and a
/// window may be filled to four fifths only.
const FLOOR_DBM0: f64 = -33.0;
/// How much louder than the low frequency the high one may be: 6 dB, and a little for the measurement.
const HIGH_OVER_LOW: f32 = 4.5;
/// How much louder than the high frequency the low one may be: 10 dB, and what a loud low one takes from its
/// measured level.
const LOW_OVER_HIGH: f32 = 14.0;
/// The share of all power that the pair must have; speech has less.
const PURITY: f32 = 0.8;
/// The share that it has in windows that are full of it, and how many of a digit's windows must be such: a
/// tone of 40 ms fills five whole, and noise 15 dB below it takes a thirtieth.
const CLEAR: f32 = 0.92;
const CLEAR_HITS: u32 = 3;
/// How far a frequency may be off in one window.
const OFF_ONCE: f32 = 0.035;
/// How far it may be off on the whole: 1.8 % is to be heard, 3 % not.
const OFF: f32 = 0.025;
/// Beyond this a frequency's power is not made up for being off.
const MADE_UP: f32 = 0.02;

/// What is told of a digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtmfNews {
    /// It sounds: told 31 to 37 ms after its beginning.
    Began(char),
    /// It is over: told 35 to 45 ms after its end.
    Ended {
        /// Which.
        digit: char,
        /// How long it sounded, to a hop or two.
        ms: u32,
    },
}

/// A complex number.
#[derive(Clone, Copy, Debug, Default)]
struct Complex {
    re: f32,
    im: f32,
}

impl Complex {
    fn turn(angle: f32) -> Complex {
        Complex { re: angle.cos(), im: angle.sin() }
    }

    fn add(self, other: Complex) -> Complex {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }

    fn times(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    fn conjugate(self) -> Complex {
        Complex { re: self.re, im: -self.im }
    }

    fn squared(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    fn angle(self) -> f32 {
        self.im.atan2(self.re)
    }
}

/// One frequency.
#[derive(Clone, Copy, Debug)]
struct Bin {
    hz: f32,
    coefficient: f32,
    /// Turn of a sample and of a hop.
    sample: Complex,
    hop: Complex,
    last: f32,
    before: f32,
    hops: [Complex; WINDOW],
    /// The window that is judged, and how it stands to the one before.
    window: Complex,
    step: Complex,
}

impl Bin {
    fn new(hz: f64, rate: u32, hop: usize) -> Bin {
        let angle = TAU * hz as f32 / rate as f32;
        Bin {
            hz: hz as f32,
            coefficient: 2.0 * angle.cos(),
            sample: Complex::turn(-angle),
            hop: Complex::turn((angle * hop as f32) % TAU),
            last: 0.0,
            before: 0.0,
            hops: [Complex::default(); WINDOW],
            window: Complex::default(),
            step: Complex::default(),
        }
    }

    #[inline]
    fn push(&mut self, sample: f32) {
        let next = sample + self.coefficient * self.last - self.before;
        self.before = self.last;
        self.last = next;
    }

    /// A hop is over: its sum joins the window.
    fn close_hop(&mut self) {
        let [_, second, third] = self.hops;
        let last =
            Complex { re: self.last + self.sample.re * -self.before, im: self.sample.im * -self.before };
        self.hops = [second, third, last];
        (self.last, self.before) = (0.0, 0.0);
        let [first, second, third] = self.hops;
        // All sums as seen from the window's last sample.
        let window = first.times(self.hop).add(second).times(self.hop).add(third);
        self.step = window.times(self.window.times(self.hop).conjugate());
        self.window = window;
    }

    /// How far the sound is off this frequency, in Hz, by its step from window to window.
    fn off(&self, step: Complex) -> f32 {
        step.angle() / TAU * HOPS_PER_SECOND as f32
    }

    /// Mean power of the sine in the window of `samples`, made up for what being off takes away.
    fn power(&self, samples: f32) -> f32 {
        let found = 2.0 * self.window.squared() / (samples * samples);
        let off = self.off(self.step).abs().min(MADE_UP * self.hz);
        let x = PI * off * WINDOW as f32 / HOPS_PER_SECOND as f32;
        let kept = if x < 0.01 { 1.0 } else { x.sin() / x };
        found / (kept * kept)
    }
}

/// A digit's row and column.
type Pair = (usize, usize);

/// What one window holds.
#[derive(Clone, Copy, Debug)]
struct Found {
    pair: Pair,
    /// Nothing else sounds.
    clear: bool,
}

/// Windows of one digit in a row.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    pair: Pair,
    hits: u32,
    /// Those of them in which nothing else sounded.
    clear: u32,
    /// Steps of both frequencies, summed.
    row: Complex,
    column: Complex,
}

/// A digit that was told.
#[derive(Clone, Copy, Debug)]
struct Sounding {
    pair: Pair,
    /// Windows from its first to its last.
    windows: u32,
    misses: u32,
}

/// Finds DTMF digits; see the module text.
#[derive(Clone, Debug)]
pub struct DtmfDetector {
    rows: [Bin; 4],
    columns: [Bin; 4],
    energy: f32,
    energies: [f32; WINDOW],
    count: usize,
    hop: usize,
    floor: f32,
    candidate: Option<Candidate>,
    sounding: Option<Sounding>,
}

impl DtmfDetector {
    /// Listens among `rate` samples per second (at least 4,000 to hear all columns).
    #[must_use]
    pub fn new(rate: u32) -> DtmfDetector {
        let rate = rate.max(HOPS_PER_SECOND);
        let hop = (rate / HOPS_PER_SECOND) as usize;
        DtmfDetector {
            rows: DTMF_ROWS.map(|hz| Bin::new(hz, rate, hop)),
            columns: DTMF_COLUMNS.map(|hz| Bin::new(hz, rate, hop)),
            energy: 0.0,
            energies: [0.0; WINDOW],
            count: 0,
            hop,
            floor: (peak_of_dbm0(FLOOR_DBM0).powi(2) / 2.0) as f32,
            candidate: None,
            sounding: None,
        }
    }

    /// Takes samples and tells of each digit that begins or ends among them.
    pub fn listen(&mut self, samples: &[i16], mut tell: impl FnMut(DtmfNews)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(self.hop - self.count));
            rest = after;
            self.count += part.len();
            for sample in part {
                let sample = f32::from(*sample);
                self.energy += sample * sample;
                self.rows.iter_mut().chain(&mut self.columns).for_each(|bin| bin.push(sample));
            }
            if self.count == self.hop {
                self.count = 0;
                self.close_hop(&mut tell);
            }
        }
    }

    /// Whether what sounds now is a digit, or begins like one: 17 to 22 ms after its beginning.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.sounding.is_some() || self.candidate.is_some_and(|candidate| candidate.hits >= SUSPECT_HITS)
    }

    /// The stream has ended or jumps: a digit that sounds is over.
    pub fn reset(&mut self, mut tell: impl FnMut(DtmfNews)) {
        self.end(&mut tell);
        self.candidate = None;
        let rate = self.hop as u32 * HOPS_PER_SECOND;
        self.rows = DTMF_ROWS.map(|hz| Bin::new(hz, rate, self.hop));
        self.columns = DTMF_COLUMNS.map(|hz| Bin::new(hz, rate, self.hop));
        (self.energy, self.energies, self.count) = (0.0, [0.0; WINDOW], 0);
    }

    fn close_hop(&mut self, tell: &mut impl FnMut(DtmfNews)) {
        self.rows.iter_mut().chain(&mut self.columns).for_each(Bin::close_hop);
        let [_, second, third] = self.energies;
        self.energies = [second, third, std::mem::take(&mut self.energy)];
        let found = self.judge();
        self.note_candidate(found);
        if let Some(sounding) = &mut self.sounding {
            sounding.windows += 1;
            let same = found.is_some_and(|found| found.pair == sounding.pair);
            sounding.misses = if same { 0 } else { sounding.misses + 1 };
        }
        let ready = self.candidate.filter(|candidate| self.is_digit(candidate));
        match (ready, self.sounding) {
            (Some(found), Some(sounding)) if found.pair == sounding.pair => {}
            (Some(found), _) => {
                self.end(tell);
                self.sounding = Some(Sounding { pair: found.pair, windows: found.hits, misses: 0 });
                tell(DtmfNews::Began(digit_of(found.pair)));
            }
            (None, Some(sounding)) if sounding.misses >= MISSES => self.end(tell),
            _ => {}
        }
    }

    fn end(&mut self, tell: &mut impl FnMut(DtmfNews)) {
        if let Some(sounding) = self.sounding.take() {
            let windows = sounding.windows.saturating_sub(sounding.misses);
            // A tone fills one window more for each hop, from 12 ms on.
            tell(DtmfNews::Ended { digit: digit_of(sounding.pair), ms: windows * HOP_MS + 9 });
        }
    }

    fn note_candidate(&mut self, found: Option<Found>) {
        let Some(Found { pair, clear }) = found else {
            self.candidate = None;
            return;
        };
        let before = self.candidate.filter(|candidate| candidate.pair == pair);
        let step = |bins: &[Bin; 4], at: usize| bins.get(at).map_or(Complex::default(), |bin| bin.step);
        let (row, column) = (step(&self.rows, pair.0), step(&self.columns, pair.1));
        let clear = u32::from(clear);
        self.candidate = Some(match before {
            // The first step leads from a window that held little of the tone.
            None => Candidate { pair, hits: 1, clear, row: Complex::default(), column: Complex::default() },
            Some(so_far) => Candidate {
                pair,
                hits: so_far.hits.saturating_add(1),
                clear: so_far.clear.saturating_add(clear),
                row: so_far.row.add(row),
                column: so_far.column.add(column),
            },
        });
    }

    /// Whether windows in a row are enough of one digit, and its frequencies near enough.
    fn is_digit(&self, candidate: &Candidate) -> bool {
        let near = |bins: &[Bin; 4], at: usize, step| {
            bins.get(at).is_some_and(|bin| bin.off(step).abs() <= OFF * bin.hz)
        };
        candidate.hits >= HITS
            && candidate.clear >= CLEAR_HITS
            && near(&self.rows, candidate.pair.0, candidate.row)
            && near(&self.columns, candidate.pair.1, candidate.column)
    }

    /// What the window holds.
    fn judge(&self) -> Option<Found> {
        let samples = (self.hop * WINDOW) as f32;
        let mean = self.energies.iter().sum::<f32>() / samples;
        if mean < self.floor {
            return None;
        }
        let (row, low) = loudest(&self.rows)?;
        let (column, high) = loudest(&self.columns)?;
        let near = |bin: &Bin| bin.off(bin.step).abs() <= OFF_ONCE * bin.hz;
        if !near(low) || !near(high) {
            return None;
        }
        let (low, high) = (low.power(samples), high.power(samples));
        let loud = low >= self.floor && high >= self.floor;
        let level = high <= HIGH_OVER_LOW * low && low <= LOW_OVER_HIGH * high;
        let share = (low + high) / mean;
        let clear = share >= CLEAR;
        (loud && level && share >= PURITY).then_some(Found { pair: (row, column), clear })
    }
}

fn digit_of((row, column): Pair) -> char {
    DTMF_DIGITS.get(row).and_then(|digits| digits.get(column)).copied().unwrap_or('?')
}

fn loudest(bins: &[Bin; 4]) -> Option<(usize, &Bin)> {
    bins.iter().enumerate().max_by(|(_, a), (_, b)| a.window.squared().total_cmp(&b.window.squared()))
}
