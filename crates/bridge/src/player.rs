//! Sound of ours for one listener: a tone with a cadence, or samples, in the packets that it agreed on.
//!
//! A player is a stream of its own beside what a peer says (RFC 3550 §8), with time of its own: a packet is made
//! whenever one is due. It begins and ends with a ramp, so that nobody hears a click. Enter through [`Player::new`];
//! fetch what it makes with [`Player::pop`].

use crate::outgoing::Outgoing;
use crate::plan::Format;
use crate::speaking::Speaking;
use base::Time;
use codec::{Resampler, Tone};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Length of a ramp, milliseconds.
const RAMP_MS: u32 = 5;
/// Samples a second of a tone for a codec that takes any rate.
const TONE_RATE: u32 = 16_000;
/// Packets made at one time, when time has been lost. What is missing then is left out: of a tone, which keeps its
/// times; a file goes on where it was, so that no word is lost.
const PACKETS_AT_ONCE: u32 = 5;

/// One sine of a tone.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sine {
    /// Hertz.
    pub hertz: f64,
    /// dBm0.
    pub level: f64,
}

/// A tone that comes and goes: sines that sound together, by turns on and off.
#[derive(Clone, PartialEq, Debug)]
pub struct Cadence {
    /// What sounds.
    pub sines: Vec<Sine>,
    /// Milliseconds on and then off; again from the start behind the last.
    pub turns: Vec<(u32, u32)>,
}

/// Samples of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Samples {
    /// In a second: 8,000, 16,000 or 48,000.
    pub rate: u32,
    /// 16-bit linear, one channel.
    pub samples: Box<[i16]>,
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Samples({} at {})", self.samples.len(), self.rate)
    }
}

/// What is heard.
#[derive(Clone, PartialEq, Debug)]
pub enum Sound {
    /// A tone, until it is stopped.
    Tone(Arc<Cadence>),
    /// Samples once.
    Once(Arc<Samples>),
    /// Samples over and over.
    Again(Arc<Samples>),
}

impl Sound {
    /// The rate at which a codec that takes any is fed.
    fn rate(&self) -> u32 {
        match self {
            Sound::Tone(_) => TONE_RATE,
            Sound::Once(samples) | Sound::Again(samples) => samples.rate,
        }
    }
}

/// What a player is to do.
#[derive(Clone, PartialEq, Debug)]
pub struct Play {
    /// What is heard.
    pub sound: Sound,
    /// How it is spoken.
    pub format: Format,
    /// What happens when the other peer says something itself.
    pub yields: Yields,
}

/// When sound of ours gives way to what the other peer says itself; before, that is not heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Yields {
    /// With its first packet.
    AtOnce,
    /// When it goes on for [`TALK_PACKETS`]: what was under way when it fell silent does not count.
    ToTalk,
    /// Never.
    Never,
}

/// Packets in a row that are talk.
const TALK_PACKETS: u32 = 25;
/// Packets that are further apart are not in a row.
const ROW_GAP: Duration = Duration::from_millis(150);

/// See the module text.
#[derive(Debug)]
pub struct Player {
    play: Play,
    source: Source,
    speaking: Speaking,
    outgoing: Outgoing,
    ramp: Ramp,
    next: Time,
    /// Packets of the other peer's in a row, and when the last one came.
    met: (u32, Time),
    frame: Vec<i16>,
}

impl Player {
    /// A player whose first packet is due now; none when the codec cannot be spoken or nothing is to be heard.
    /// `seed`: what the identity of the stream follows from.
    #[must_use]
    pub fn new(now: Time, play: Play, seed: u64) -> Option<Player> {
        let rate = play.format.codec.rate().unwrap_or_else(|| play.sound.rate());
        let source = Source::new(&play.sound, rate)?;
        let speaking = Speaking::new(play.format, rate)?;
        let ramp = Ramp { length: rate * RAMP_MS / 1_000, at: 0, ending: false };
        let outgoing = Outgoing::new(seed);
        let met = (0, now);
        Some(Player { play, source, speaking, outgoing, ramp, next: now, met, frame: Vec::new() })
    }

    /// What it does.
    #[must_use]
    pub fn play(&self) -> &Play {
        &self.play
    }

    /// The other peer says something itself; whether that is heard now.
    pub fn meets(&mut self, now: Time) -> bool {
        if self.is_over() {
            return true;
        }
        let (count, last) = self.met;
        self.met = (if now.since(last) > ROW_GAP { 1 } else { count + 1 }, now);
        let yields = match self.play.yields {
            Yields::AtOnce => true,
            Yields::ToTalk => self.met.0 >= TALK_PACKETS,
            Yields::Never => false,
        };
        if yields {
            self.stop(now);
        }
        yields
    }

    /// It is to end: what is still made dies away.
    pub fn stop(&mut self, now: Time) {
        if !self.is_over() {
            self.ramp.ending = true;
            self.speak();
            self.next = now;
        }
    }

    /// Whether nothing more will be made.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ramp.ending && self.ramp.at == 0
    }

    /// Makes what is due.
    pub fn on_tick(&mut self, now: Time) {
        let time = Duration::from_millis(u64::from(self.play.format.ptime_ms));
        if now.since(self.next) >= time * PACKETS_AT_ONCE {
            let samples = self.speaking.skip(now.since(self.next), &mut self.outgoing);
            self.source.skip(samples);
            if samples > 0 && !self.ramp.ending {
                self.ramp.at = 0;
            }
            self.next = now;
        }
        while !self.is_over() && self.next <= now {
            self.speak();
            self.next = self.next + time;
        }
    }

    /// When it has something to do, or has made something that nobody has fetched.
    #[must_use]
    pub fn wakes(&self) -> Option<Time> {
        (!self.is_over() || !self.outgoing.is_empty()).then_some(self.next)
    }

    /// The next packet for the listener, at the start of `buffer`; its length.
    pub fn pop(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.outgoing.pop(buffer)
    }

    fn speak(&mut self) {
        self.frame.clear();
        self.frame.resize(self.speaking.frame(), 0);
        let more = self.source.fill(&mut self.frame);
        self.ramp.shape(&mut self.frame);
        self.speaking.say(&self.frame, &mut self.outgoing);
        if !more {
            (self.ramp.ending, self.ramp.at) = (true, 0);
        }
    }
}

/// The beginning and the end of what is played.
#[derive(Debug)]
struct Ramp {
    /// Samples.
    length: u32,
    /// How far up it is.
    at: u32,
    ending: bool,
}

impl Ramp {
    fn shape(&mut self, samples: &mut [i16]) {
        for sample in samples {
            match (self.ending, self.at) {
                (true, at) => self.at = at.saturating_sub(1),
                (false, at) if at < self.length => self.at = at + 1,
                (false, _) => return,
            }
            *sample = (i64::from(*sample) * i64::from(self.at) / i64::from(self.length.max(1))) as i16;
        }
    }
}

/// A sample that many places from an edge.
fn ramped(sample: i16, edge: usize, ramp: usize) -> i16 {
    if edge >= ramp { sample } else { (i64::from(sample) * edge as i64 / ramp as i64) as i16 }
}

/// Where samples come from.
#[derive(Debug)]
enum Source {
    Tone(Ringing),
    File(File),
}

impl Source {
    fn new(sound: &Sound, rate: u32) -> Option<Source> {
        let file = |samples: &Arc<Samples>, again| {
            let resampler = Resampler::new(samples.rate, rate);
            let fits = (resampler.is_some() || samples.rate == rate) && !samples.samples.is_empty();
            let ramp = (samples.rate * RAMP_MS / 1_000) as usize;
            let (samples, ready, piece) = (samples.clone(), Vec::new(), Vec::new());
            let file = File { samples, again, at: 0, ramp, resampler, ready, piece };
            fits.then_some(Source::File(file))
        };
        match sound {
            Sound::Tone(cadence) => Ringing::new(cadence, rate).map(Source::Tone),
            Sound::Once(samples) => file(samples, false),
            Sound::Again(samples) => file(samples, true),
        }
    }

    /// So many samples will never be heard.
    fn skip(&mut self, samples: usize) {
        if let Source::Tone(tone) = self {
            tone.skip(samples);
        }
    }

    /// Puts the next samples in; `false`: they were the last.
    fn fill(&mut self, out: &mut [i16]) -> bool {
        match self {
            Source::Tone(tone) => tone.fill(out),
            Source::File(file) => return file.fill(out),
        }
        true
    }
}

/// A tone that comes and goes.
#[derive(Debug)]
struct Ringing {
    tones: Vec<Tone>,
    /// Samples on and off.
    turns: Vec<(usize, usize)>,
    /// Which turn, and how many of its samples have been played.
    turn: usize,
    at: usize,
    /// Samples of a ramp.
    ramp: usize,
    piece: Vec<i16>,
}

impl Ringing {
    fn new(cadence: &Cadence, rate: u32) -> Option<Ringing> {
        let count = |ms: u32| (u64::from(ms) * u64::from(rate) / 1_000) as usize;
        let turns: Vec<_> = cadence.turns.iter().map(|(on, off)| (count(*on), count(*off))).collect();
        let tones = cadence.sines.iter().map(|sine| Tone::sine(sine.hertz, sine.level, rate)).collect();
        let sounds = turns.iter().any(|(on, off)| on + off > 0);
        let ramp = count(RAMP_MS).max(1);
        sounds.then(|| Ringing { tones, turns, turn: 0, at: 0, ramp, piece: Vec::new() })
    }

    fn fill(&mut self, out: &mut [i16]) {
        let mut done = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let (on, off) = self.turns.get(self.turn).copied().unwrap_or_default();
            let left = if self.at < on { on - self.at } else { (on + off).saturating_sub(self.at) };
            if left == 0 {
                (self.turn, self.at) = ((self.turn + 1) % self.turns.len(), 0);
                continue;
            }
            let count = left.min(rest.len());
            if self.at < on {
                self.sound(on, rest.get_mut(..count).unwrap_or_default());
            }
            self.at += count;
            done += count;
        }
    }

    /// The turns go on without being heard.
    fn skip(&mut self, samples: usize) {
        let whole: usize = self.turns.iter().map(|(on, off)| on + off).sum();
        let mut left = samples % whole.max(1);
        while left > 0 {
            let (on, off) = self.turns.get(self.turn).copied().unwrap_or_default();
            let step = left.min((on + off).saturating_sub(self.at));
            (self.at, left) = (self.at + step, left - step);
            if self.at >= on + off {
                (self.turn, self.at) = ((self.turn + 1) % self.turns.len(), 0);
            }
        }
    }

    /// Samples of a turn that is on, with its ramps.
    fn sound(&mut self, on: usize, out: &mut [i16]) {
        for tone in &mut self.tones {
            self.piece.clear();
            self.piece.resize(out.len(), 0);
            tone.fill(&mut self.piece);
            out.iter_mut().zip(&self.piece).for_each(|(sample, more)| *sample = sample.saturating_add(*more));
        }
        for (place, sample) in (self.at..).zip(out) {
            let edge = (place + 1).min(on - place);
            *sample = ramped(*sample, edge, self.ramp);
        }
    }
}

/// Samples of a file at the rate of whoever hears them.
#[derive(Debug)]
struct File {
    samples: Arc<Samples>,
    again: bool,
    at: usize,
    /// Samples of a ramp.
    ramp: usize,
    resampler: Option<Resampler>,
    /// Resampled and not yet played.
    ready: Vec<i16>,
    piece: Vec<i16>,
}

impl File {
    /// The next samples up to a place, where the file begins anew and where it ends with a ramp.
    fn take(&mut self, end: usize) {
        let whole = self.samples.samples.len();
        self.piece.clear();
        self.piece.extend_from_slice(self.samples.samples.get(self.at..end).unwrap_or_default());
        for (place, sample) in (self.at..).zip(&mut self.piece) {
            let start = if self.again { place + 1 } else { self.ramp };
            *sample = ramped(*sample, start.min(whole - place - 1), self.ramp);
        }
        self.at = end;
    }

    fn fill(&mut self, out: &mut [i16]) -> bool {
        while self.ready.len() < out.len() {
            if self.at >= self.samples.samples.len() {
                if !self.again {
                    break;
                }
                self.at = 0;
            }
            let end = (self.at + out.len()).min(self.samples.samples.len());
            self.take(end);
            match &mut self.resampler {
                Some(resampler) => resampler.process(&self.piece, &mut self.ready),
                None => self.ready.extend_from_slice(&self.piece),
            }
        }
        let count = self.ready.len().min(out.len());
        for (place, sample) in out.iter_mut().zip(self.ready.drain(..count)) {
            *place = sample;
        }
        self.again || !self.ready.is_empty() || self.at < self.samples.samples.len()
    }
}
