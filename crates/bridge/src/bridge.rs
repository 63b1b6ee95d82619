//! The bridge itself: packets of one side in, packets for the other out. See the crate's text.

use crate::delay::Delay;
use crate::digits::{DigitPlan, Digits};
use crate::events::EventRelay;
use crate::hearing::{Hearing, scaled};
use crate::inplace::{InPlace, Rewritten};
use crate::order::{Order, Turn};
use crate::outgoing::Outgoing;
use crate::pauses::Pause;
use crate::plan::{Codec, Plan};
use crate::shift::{Moved, Shift};
use crate::sources::{Candidate, Source};
use crate::speaking::Speaking;
use crate::tally::{Passage, Tally};
use base::Time;
use rtp::{Header, Packet};
use std::mem::offset_of;

/// The longest gap that is made up, milliseconds; longer ones stay silent.
pub(crate) const CONCEALED_MAX_MS: u32 = 200;
/// No sample louder than this, 50 dB below full scale, is silence.
const SILENT: u16 = 103;
/// A pause longer than this is a new beginning of the sender's clock, seconds.
pub(crate) const PAUSE_MAX_S: u32 = 600;

/// See the crate's text. In this order in memory: a packet that is rewritten where it lies touches the head alone.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Bridge {
    pub(crate) digits: Option<Box<Digits>>,
    in_place: Option<InPlace>,
    /// Packets pass as they are, but for digits.
    pub(crate) shift: Option<Box<Shift>>,
    pub(crate) plan: Plan,
    /// When the sender's sound came last, when a frame of ours is due where it is silent, and when all is
    /// played that has been spoken.
    pub(crate) sounded: Time,
    pub(crate) frame_due: Time,
    pub(crate) spoken_until: Time,
    pub(crate) order: Order,
    pub(crate) delay: Delay,
    pub(crate) hearing: Hearing,
    pub(crate) speaking: Option<Speaking>,
    events: EventRelay,
    pub(crate) outgoing: Outgoing,
    /// Who is heard.
    pub(crate) source: Option<u32>,
    /// When it last was, and who else may be soon.
    pub(crate) source_heard: Time,
    pub(crate) candidate: Candidate,
    /// The timestamp of the sender's next sample, and the clock it counts in.
    pub(crate) expected: Option<(u32, u32)>,
    /// Packets lost since the last sound.
    lost: u32,
    pub(crate) noise: Option<Pause>,
    /// Sound came last, and neither noise nor an event.
    pub(crate) talks: bool,
    /// Samples that were put in since then, for nothing came.
    pub(crate) put_in: usize,
    /// A frame that is left out, until it has been blended with the next one.
    pub(crate) left_out: Vec<i16>,
    pub(crate) samples: Vec<i16>,
    pub(crate) tally: Tally,
    seed: u64,
}

impl Bridge {
    /// A bridge whose stream's identity follows from `seed`.
    #[must_use]
    pub fn new(plan: Plan, seed: u64) -> Bridge {
        let outgoing = Outgoing::new(seed);
        Bridge::made(plan, seed, outgoing)
    }

    fn made(plan: Plan, seed: u64, outgoing: Outgoing) -> Bridge {
        let rate = plan.rate();
        Bridge {
            in_place: InPlace::new(&plan),
            shift: plan.hears.is_empty().then(|| Box::new(Shift::new(plan.event_clock()))),
            digits: plan.digits.as_ref().map(|p| Box::new(Digits::new(p, rate, plan.speaks.ptime_ms))),
            sounded: Time::ZERO,
            frame_due: Time::ZERO,
            spoken_until: Time::ZERO,
            order: Order::new(),
            delay: Delay::new(),
            hearing: Hearing::new(rate, plan.gain_tenths_db),
            speaking: Speaking::new(plan.speaks, rate),
            events: EventRelay::new(plan.events.clone()),
            outgoing,
            source: None,
            source_heard: Time::ZERO,
            candidate: Candidate::default(),
            expected: None,
            lost: 0,
            noise: None,
            talks: false,
            put_in: 0,
            left_out: Vec::new(),
            samples: Vec::new(),
            tally: Tally::default(),
            seed,
            plan,
        }
    }

    /// The bridge of another plan for the same stream: the receiver hears the same source go on.
    #[must_use]
    pub fn follow(mut self, plan: Plan) -> Bridge {
        if plan == self.plan {
            return self;
        }
        self.speak_waiting();
        self.tally = self.tally();
        let (tally, sounded, shift, digits) = (self.tally, self.sounded, self.shift, self.digits);
        // A digit goes on over a change that does not concern it.
        let sound = plan.digits.as_ref().is_some_and(DigitPlan::touches_sound);
        let same = plan.digits == self.plan.digits && (plan.rate() == self.plan.rate() || !sound);
        let mut next = Bridge { tally, sounded, ..Bridge::made(plan, self.seed, self.outgoing) };
        next.digits = match (digits, next.digits) {
            (digits, _) if same => digits,
            (Some(before), Some(next)) => Some(Box::new(before.before(*next))),
            (_, next) => next,
        };
        next.shift = next.shift.map(|new| shift.unwrap_or(new));
        next
    }

    /// What it is to do.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was counted.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let ms = |time: std::time::Duration| time.as_millis() as u32;
        let (held_ms, held_max_ms) = (ms(self.waits()), ms(self.delay.longest).max(self.tally.held_max_ms));
        let adapted = self.tally.adapted.saturating_add(self.delay.adapted);
        Tally { overflowed: self.outgoing.lost, held_ms, held_max_ms, adapted, ..self.tally }
    }

    /// Where the lines of memory lie that a packet touches at once.
    #[inline]
    pub fn hot_lines(&self) -> impl Iterator<Item = *const u8> {
        let start = (&raw const *self).cast::<u8>();
        let length = if self.in_place.is_some() { offset_of!(Bridge, shift) } else { size_of::<Bridge>() };
        (0..length).step_by(64).map(move |at| start.wrapping_add(at))
    }

    /// A valid RTP packet of the sender.
    #[inline]
    pub fn on_packet(&mut self, now: Time, bytes: &mut [u8]) -> Passage {
        match self.in_place.as_mut().map(|in_place| in_place.rewrite(bytes)) {
            Some(Rewritten::Done) => return Passage::InPlace,
            Some(Rewritten::Unknown) => return self.refuse(),
            Some(Rewritten::Odd) => self.in_place = None,
            None => {}
        }
        let Ok(packet) = Packet::parse(&*bytes) else { return Passage::Refused };
        self.outgoing.at(now);
        let header = packet.header();
        let event = self.hear_digit(now, &header, packet.payload());
        if self.shift.is_some() {
            return self.shift_packet(now, event, &header, bytes);
        }
        if !event && !self.is_agreed(header.payload_type) {
            return self.refuse();
        }
        match self.judge_source(now, &header, bytes) {
            Source::Heard => {}
            Source::Waits => return Passage::Taken,
            Source::Changed(before) => {
                let begun = before.as_ref().map_or(now, |(came, ..)| *came);
                self.meet(begun, header.ssrc);
                if let Some((came, sequence, first)) = before {
                    self.take_turn(came, sequence, &first);
                }
            }
        }
        if let Some(codec) = self.plan.codec_of(header.payload_type) {
            self.delay.came(now, header.timestamp, codec.clock());
            self.hold_all(now);
        }
        self.take_turn(now, header.sequence, bytes);
        self.serve_waiting(now);
        self.serve_digits(now);
        Passage::Taken
    }

    /// A packet of whoever is heard, in its place.
    fn take_turn(&mut self, now: Time, sequence: u16, bytes: &[u8]) {
        match self.order.take(now, sequence, bytes) {
            Turn::Now { lost } => self.turn(now, lost, bytes),
            Turn::Anew => {
                self.begin_anew(now);
                self.turn(now, 0, bytes);
            }
            Turn::Waits => {}
            Turn::Late => self.tally.late += 1,
        }
    }

    #[cold]
    fn refuse(&mut self) -> Passage {
        self.tally.refused += 1;
        Passage::Refused
    }

    fn is_agreed(&self, payload_type: u8) -> bool {
        self.plan.codec_of(payload_type).is_some()
            || self.plan.noise.from == Some(payload_type)
            || self.events.of(payload_type).is_some()
    }

    /// Another source speaks.
    fn meet(&mut self, now: Time, source: u32) {
        self.source = Some(source);
        self.order = Order::new();
        self.delay.forget();
        self.hearing.reset();
        self.begin_anew(now);
    }

    /// The sender's clock says nothing about what was before: ours does.
    fn begin_anew(&mut self, now: Time) {
        self.expected = None;
        (self.lost, self.put_in) = (0, 0);
        if let Some(speaking) = &mut self.speaking {
            let idle = now.since(self.sounded).saturating_sub(self.plan.frame_time());
            speaking.rest(idle, &mut self.outgoing);
            self.sounded = now;
        }
    }

    fn serve_waiting(&mut self, now: Time) {
        if self.order.holds() {
            return self.serve_held(now);
        }
        while let Some((lost, bytes)) = self.order.ready(now) {
            self.turn(now, lost, &bytes);
            self.order.give_back(bytes);
        }
    }

    /// A packet whose turn it is.
    pub(crate) fn turn(&mut self, now: Time, lost: u16, bytes: &[u8]) {
        self.tally.lost += u64::from(lost);
        self.lost = self.lost.saturating_add(u32::from(lost));
        let Ok(packet) = Packet::parse(bytes) else { return };
        let (header, payload) = (packet.header(), packet.payload());
        if let Some(codec) = self.plan.codec_of(header.payload_type) {
            self.sound(now, codec, header, payload);
        } else if self.plan.noise.from == Some(header.payload_type) {
            self.pause(now, header, payload);
        } else if let Some(events) = self.events.of(header.payload_type) {
            self.event(events, header, payload);
        }
    }

    fn sound(&mut self, now: Time, codec: Codec, header: Header, payload: &[u8]) {
        self.noise = None;
        self.talks = true;
        let missing = self.reach(now, header.timestamp, codec.clock());
        self.sounded = now;
        self.samples.clear();
        let Some(ticks) = self.hearing.packet(codec, payload, missing, &mut self.samples) else {
            self.tally.refused += 1;
            return;
        };
        self.tally.concealed_ms += scaled(missing, 1_000, codec.clock()) as u64;
        let quiet = self.note_level(scaled(ticks, 1_000, codec.clock()) as u64);
        self.expected = Some((header.timestamp.wrapping_add(ticks), codec.clock()));
        if self.leave_out(now, missing, quiet) {
            return;
        }
        let spoken = self.sound_of_digits(now);
        if let Some(speaking) = self.speaking.as_mut().filter(|_| !spoken) {
            let heard = scaled(ticks, self.plan.rate(), codec.clock());
            speaking.say_packet(&self.samples, heard, &mut self.outgoing);
        }
    }

    /// Counts what was decoded last, and whether it is silent.
    fn note_level(&mut self, millis: u64) -> bool {
        let silent = self.samples.iter().all(|sample| sample.unsigned_abs() <= SILENT);
        self.tally.heard_ms += millis;
        if self.delay.is_held() {
            let waits = self.waits();
            self.delay.longest = self.delay.longest.max(waits);
            self.tally.held_sum += waits.as_millis() as u64 * millis;
        }
        self.tally.silent_ms += if silent { millis } else { 0 };
        silent
    }

    /// Brings the timeline to a timestamp; gives the ticks before it that are to be made up, for lost packets
    /// held them.
    fn reach(&mut self, now: Time, timestamp: u32, clock: u32) -> u32 {
        let lost = std::mem::take(&mut self.lost);
        let Some((expected, _)) = self.expected.filter(|(_, known)| *known == clock) else {
            self.begin_anew(now);
            return 0;
        };
        let Some(speaking) = &mut self.speaking else { return 0 };
        let gap = timestamp.wrapping_sub(expected);
        if gap == 0 {
            speaking.commit(std::mem::take(&mut self.put_in));
            return 0;
        }
        if gap > clock * PAUSE_MAX_S {
            self.begin_anew(now);
            return 0;
        }
        let samples = scaled(gap, self.plan.rate(), clock);
        if lost > 0 && gap <= clock / 1_000 * CONCEALED_MAX_MS {
            return gap.saturating_sub(self.stands_for(samples, clock));
        }
        self.put_in = 0;
        self.delay.settle();
        speaking.pause(samples, &mut self.outgoing);
        0
    }

    fn event(&mut self, events: crate::Events, header: Header, payload: &[u8]) {
        self.talks = false;
        let Some(speaking) = &self.speaking else { return };
        let here = speaking.timestamp(&self.outgoing);
        let expected = *self.expected.get_or_insert((header.timestamp, events.from_clock));
        let place = || {
            let since = header.timestamp.wrapping_sub(expected.0);
            let (since, back) =
                if since > u32::MAX / 2 { (since.wrapping_neg(), true) } else { (since, false) };
            let ticks = scaled(since, events.to_clock, events.from_clock) as u32;
            if back { here.wrapping_sub(ticks) } else { here.wrapping_add(ticks) }
        };
        self.events.relay(events, header, payload, place, &mut self.outgoing);
    }

    /// What is due: packets that waited long enough behind a gap or for their time, noise of a pause.
    pub fn on_tick(&mut self, now: Time) {
        self.outgoing.at(now);
        self.serve_waiting(now);
        self.serve_digits(now);
        self.hiss(now);
    }

    /// When [`Bridge::on_tick`] has something to do at the latest; never when nothing is due by time.
    #[must_use]
    pub fn wakes(&self) -> Option<Time> {
        let noise = self.noise.as_ref().map(|pause| pause.next);
        [self.order.deadline(), self.held_due(), noise, self.digits_due(), self.outgoing.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next packet for the receiver that is due, at the start of `buffer`; its length.
    pub fn pop(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.outgoing.pop(buffer)
    }

    /// Whether packets wait to be fetched, now or later.
    #[must_use]
    pub fn has_packets(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// How the numbers of a source of the sender's have been moved: the receiver's reports speak of them so, and the
    /// sender's of others.
    #[must_use]
    pub fn moved(&self, ssrc: u32) -> Moved {
        self.shift.as_ref().map_or_else(Moved::default, |shift| shift.moved(ssrc))
    }

    /// Whether the receiver hears a source of ours, which RTCP of the sender's does not know; else packets keep what
    /// identifies them.
    #[must_use]
    pub fn is_source(&self) -> bool {
        self.in_place.is_none() && self.shift.is_none()
    }
}
