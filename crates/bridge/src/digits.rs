//! Digits that change their form on the way: named events, sound, or signalling.
//!
//! One direction of one stream. Its sender speaks of digits in one way ([`Hears`]) and its receiver is told
//! in another ([`Says`]); what is signalled goes in and out as [`Digit`]. A digit leaves once however often
//! its packets come. Time and sound come in; packets and samples are given out and numbered elsewhere. Enter
//! through `Digits::hear_event`, `Digits::hear_sound` and `Digits::say`.

use base::Time;
use codec::{DtmfDetector, DtmfNews, DtmfTone, Mute};
use rtp::Header;
use rtp::event::{EventListener, EventPacket, EventQueue, EventSender, Heard, Play, digit_of, event_of};
use std::collections::VecDeque;
use std::fmt;

/// Digits that wait for signalling, limit `digits_heard`; further ones are counted and lost.
pub const DIGITS_MAX: usize = 32;
/// The level of digits of which none is known, dBm0 below zero, both frequencies together.
const VOLUME: u8 = 10;
/// Tones are not made louder or softer than this, dBm0 below zero: a peer that says 0 means no shout.
const VOLUMES: (u8, u8) = (6, 25);
/// What one of two equal frequencies has less than both together, dB.
const HALF_DB: f64 = 3.0;
/// Pieces of sound in a second: how exactly tones begin and end.
const PIECES_PER_SECOND: u32 = 200;

/// One digit for or from signalling. It does not show itself: digits are secrets of callers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digit {
    /// The event code (RFC 4733 §3.2): 0 to 15, 16 for a flash.
    pub event: u8,
    /// How long it was, milliseconds.
    pub duration_ms: u16,
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digit(…)")
    }
}

/// How a sender tells us of digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hears {
    /// In packets of these payload types, with their clocks.
    Events(Vec<(u8, u32)>),
    /// In signalling.
    Signalled,
    /// In its sound.
    Sound,
}

/// How a receiver is told of digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    /// In packets of this payload type and clock.
    Events {
        /// As the receiver has numbered it.
        payload_type: u8,
        /// In Hz.
        clock: u32,
    },
    /// In signalling.
    Signalled,
    /// In the sound.
    Sound,
}

/// What becomes of digits in one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DigitPlan {
    /// How they come.
    pub hears: Hears,
    /// How they go.
    pub says: Says,
}

impl DigitPlan {
    /// Whether it needs the sound itself.
    #[must_use]
    pub fn touches_sound(&self) -> bool {
        self.hears == Hears::Sound || self.says == Says::Sound
    }
}

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DigitTally {
    /// Digits that came.
    pub digits: u64,
    /// Digits that could not be kept: too many waited.
    pub lost: u64,
}

#[derive(Debug)]
enum Ear {
    Events { listener: Box<EventListener>, types: Vec<(u8, u32)>, clock: u32 },
    Signalled,
    Sound { detector: Box<DtmfDetector>, mute: Mute },
}

#[derive(Debug)]
enum Mouth {
    Events { sender: Box<EventSender>, payload_type: u8 },
    Signalled(VecDeque<Digit>),
    Sound(Box<Tones>),
}

/// What an ear says of a digit.
#[derive(Clone, Copy)]
enum News {
    Began { event: u8, volume: u8 },
    Ended { event: u8, ms: u64 },
}

/// See the module text.
#[derive(Debug)]
pub(crate) struct Digits {
    ear: Ear,
    mouth: Mouth,
    tally: DigitTally,
}

impl Digits {
    /// For sound of `rate` samples per second and packets of `ptime_ms`.
    pub(crate) fn new(plan: &DigitPlan, rate: u32, ptime_ms: u8) -> Digits {
        let ear = match &plan.hears {
            Hears::Events(types) => {
                let clock = types.first().map_or(8_000, |(_, clock)| *clock);
                Ear::Events { listener: Box::default(), types: types.clone(), clock }
            }
            Hears::Signalled => Ear::Signalled,
            Hears::Sound => Ear::Sound { detector: Box::new(DtmfDetector::new(rate)), mute: Mute::new(rate) },
        };
        let mouth = match plan.says {
            Says::Events { payload_type, clock } => {
                Mouth::Events { sender: Box::new(EventSender::new(clock, ptime_ms)), payload_type }
            }
            Says::Signalled => Mouth::Signalled(VecDeque::new()),
            Says::Sound => Mouth::Sound(Box::new(Tones::new(rate))),
        };
        Digits { ear, mouth, tally: DigitTally::default() }
    }

    /// Another plan comes: what of this one goes on in `next`. Packets of an event that is over may still come, and are none
    /// of another (RFC 4733 §2.5.1.4).
    pub(crate) fn before(self, mut next: Digits) -> Digits {
        let signalled = |one: &Digits| matches!(one.mouth, Mouth::Signalled(_));
        let both = signalled(&self) && signalled(&next);
        if let (Ear::Events { listener, .. }, Ear::Events { listener: now, .. }) = (self.ear, &mut next.ear)
            && (both || listener.deadline().is_none())
        {
            *now = listener;
        }
        if let (Mouth::Signalled(waiting), Mouth::Signalled(now)) = (self.mouth, &mut next.mouth) {
            *now = waiting;
        }
        Digits { tally: self.tally, ..next }
    }

    /// Whether packets of this payload type are events of the sender's.
    pub(crate) fn is_event(&self, payload_type: u8) -> bool {
        matches!(&self.ear, Ear::Events { types, .. } if types.iter().any(|(known, _)| *known == payload_type))
    }

    /// An event packet of the sender's, whatever its place in the sequence.
    pub(crate) fn hear_event(&mut self, now: Time, header: &Header, payload: &[u8]) {
        let Ear::Events { listener, types, clock } = &mut self.ear else { return };
        let Some((_, rate)) = types.iter().find(|(known, _)| *known == header.payload_type) else { return };
        *clock = *rate;
        // Begin and end of each of the four events that are read of a packet, and the end of the one before.
        let mut heard: [Option<Heard>; 9] = [None; 9];
        let mut count = 0;
        listener.hear(now.0, header, payload, |news| {
            if let Some(slot) = heard.get_mut(count) {
                *slot = Some(news);
                count += 1;
            }
        });
        let clock = *clock;
        heard.into_iter().flatten().for_each(|news| self.tell(now, read(news, clock)));
    }

    /// Sound of the sender's on its way to the receiver: a digit in it is taken out, one that the receiver
    /// is to hear is put in.
    pub(crate) fn hear_sound(&mut self, now: Time, samples: &mut [i16]) {
        if let Ear::Sound { detector, mute } = &mut self.ear {
            let mut heard: [Option<DtmfNews>; 8] = [None; 8];
            let mut count = 0;
            detector.listen(samples, |news| {
                if let Some(slot) = heard.get_mut(count) {
                    *slot = Some(news);
                    count += 1;
                }
            });
            mute.apply(samples, detector.is_suspect());
            for news in heard.into_iter().flatten() {
                let news = match news {
                    DtmfNews::Began(digit) => {
                        event_of(digit).map(|event| News::Began { event, volume: VOLUME })
                    }
                    DtmfNews::Ended { digit, ms } => {
                        event_of(digit).map(|event| News::Ended { event, ms: u64::from(ms) })
                    }
                };
                if let Some(news) = news {
                    self.tell(now, news);
                }
            }
        }
        self.play(samples);
    }

    /// Puts what the receiver is to hear over samples.
    pub(crate) fn play(&mut self, samples: &mut [i16]) {
        if let Mouth::Sound(tones) = &mut self.mouth {
            tones.fill(samples);
        }
    }

    /// A digit that the sender has signalled; `false`: too many wait.
    pub(crate) fn say(&mut self, now: Time, digit: Digit) -> bool {
        self.tally.digits += 1;
        let length = u64::from(digit.duration_ms) * 1_000_000;
        let taken = match &mut self.mouth {
            Mouth::Events { sender, .. } => sender.queue().push(now.0, digit.event, VOLUME, length),
            Mouth::Sound(tones) => tones.push(digit.event, length),
            Mouth::Signalled(waiting) => keep(waiting, digit),
        };
        self.tally.lost += u64::from(!taken);
        taken
    }

    /// What an ear has heard goes on.
    fn tell(&mut self, now: Time, news: News) {
        let taken = match (&mut self.mouth, news) {
            (Mouth::Events { sender, .. }, News::Began { event, volume }) => {
                sender.queue().begin(now.0, event, volume)
            }
            (Mouth::Events { sender, .. }, News::Ended { ms, .. }) => {
                sender.queue().end(now.0, Some(ms * 1_000_000));
                true
            }
            (Mouth::Sound(tones), News::Began { event, volume }) => tones.begin(event, volume),
            (Mouth::Sound(tones), News::Ended { ms, .. }) => {
                tones.end(ms * 1_000_000);
                true
            }
            (Mouth::Signalled(_), News::Began { .. }) => true,
            (Mouth::Signalled(waiting), News::Ended { event, ms }) => {
                let duration_ms = u16::try_from(ms.max(1)).unwrap_or(u16::MAX);
                keep(waiting, Digit { event, duration_ms })
            }
        };
        self.tally.digits += u64::from(matches!(news, News::Began { .. }));
        self.tally.lost += u64::from(!taken);
    }

    /// Time goes on: an event whose end was lost is over.
    pub(crate) fn on_time(&mut self, now: Time) {
        let Ear::Events { listener, clock, .. } = &mut self.ear else { return };
        let (mut over, clock) = (None, *clock);
        listener.on_time(now.0, |news| over = Some(news));
        if let Some(news) = over {
            self.tell(now, read(news, clock));
        }
    }

    /// The next packet for the receiver that is due, with its payload type; call until none. `timestamp`:
    /// that of the stream now, in the clock of the events.
    pub(crate) fn packet(&mut self, now: Time, timestamp: u32) -> Option<(u8, EventPacket)> {
        let Mouth::Events { sender, payload_type } = &mut self.mouth else { return None };
        sender.poll(now.0, timestamp).map(|packet| (*payload_type, packet))
    }

    /// Whether the receiver is to hear a tone, also when the sender is silent.
    pub(crate) fn needs_sound(&self) -> bool {
        matches!(&self.mouth, Mouth::Sound(tones) if tones.is_busy())
    }

    /// The next digit for signalling.
    pub(crate) fn pop(&mut self) -> Option<Digit> {
        match &mut self.mouth {
            Mouth::Signalled(waiting) => waiting.pop_front(),
            _ => None,
        }
    }

    /// When [`Digits::on_time`] or [`Digits::packet`] has something.
    pub(crate) fn wakes(&self) -> Option<Time> {
        let ear = match &self.ear {
            Ear::Events { listener, .. } => listener.deadline(),
            Ear::Signalled | Ear::Sound { .. } => None,
        };
        let mouth = match &self.mouth {
            Mouth::Events { sender, .. } => sender.deadline(),
            Mouth::Signalled(_) | Mouth::Sound(_) => None,
        };
        ear.into_iter().chain(mouth).min().map(Time)
    }

    /// What was counted.
    pub(crate) fn tally(&self) -> DigitTally {
        self.tally
    }
}

fn keep(waiting: &mut VecDeque<Digit>, digit: Digit) -> bool {
    let room = waiting.len() < DIGITS_MAX;
    if room {
        waiting.push_back(digit);
    }
    room
}

fn read(news: Heard, clock: u32) -> News {
    match news {
        Heard::Began { event, volume } => News::Began { event, volume },
        Heard::Ended { event, duration } => {
            News::Ended { event, ms: u64::from(duration) * 1_000 / u64::from(clock.max(1)) }
        }
    }
}

/// Digits as tones in a stream of samples: their time is that of the stream.
#[derive(Debug)]
struct Tones {
    queue: EventQueue,
    tone: Option<DtmfTone>,
    rate: u32,
    piece: usize,
    /// How much has been played, in nanoseconds.
    now_ns: u64,
}

impl Tones {
    fn new(rate: u32) -> Tones {
        let piece = (rate / PIECES_PER_SECOND).max(1) as usize;
        Tones { queue: EventQueue::default(), tone: None, rate: rate.max(1), piece, now_ns: 0 }
    }

    /// Events that are no digits have no tone.
    fn begin(&mut self, event: u8, volume: u8) -> bool {
        digit_of(event).is_none() || self.queue.begin(self.now_ns, event, volume)
    }

    fn end(&mut self, length_ns: u64) {
        self.queue.end(self.now_ns, Some(length_ns));
    }

    fn push(&mut self, event: u8, length_ns: u64) -> bool {
        digit_of(event).is_none() || self.queue.push(self.now_ns, event, VOLUME, length_ns)
    }

    fn is_busy(&self) -> bool {
        self.tone.is_some() || self.queue.is_busy()
    }

    /// Plays over samples, as far as there is something to play; between digits it is quiet.
    fn fill(&mut self, samples: &mut [i16]) {
        for piece in samples.chunks_mut(self.piece) {
            self.step();
            match &mut self.tone {
                Some(tone) => {
                    tone.fill(piece);
                    if tone.is_over() {
                        self.tone = None;
                    }
                }
                None if self.queue.is_busy() => piece.fill(0),
                None => {}
            }
            self.now_ns += piece.len() as u64 * 1_000_000_000 / u64::from(self.rate);
        }
    }

    fn step(&mut self) {
        match self.queue.step(self.now_ns) {
            Play::Begin { event, volume } => {
                let dbm0 = -f64::from(volume.clamp(VOLUMES.0, VOLUMES.1)) - HALF_DB;
                self.tone = digit_of(event).and_then(|digit| DtmfTone::new(digit, dbm0, self.rate));
            }
            Play::End { .. } => {
                if let Some(tone) = &mut self.tone {
                    tone.release();
                }
            }
            Play::Sound | Play::Rest => {}
        }
    }
}
