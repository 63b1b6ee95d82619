//! Where digits meet the packets of a bridge: events are taken out of the stream, events of ours put in, tones
//! are spoken also when the sender is silent. How a digit changes its form is told in [`crate::digits`].

use crate::bridge::Bridge;
use crate::digits::{Digit, DigitTally};
use crate::hearing::scaled;
use crate::tally::Passage;
use base::Time;
use rtp::{Header, Packet};
use std::time::Duration;

/// Frames of a tone made at one time, when time has been lost.
const TONES_AT_ONCE: usize = 3;
/// Bytes of a frame of G.729, and of one that describes silence.
const G729_FRAME: usize = 10;
const SILENCE: usize = 2;

impl Bridge {
    /// A digit that the sender has signalled; `false`: it cannot be said here, or too many wait.
    pub fn say(&mut self, now: Time, digit: Digit) -> bool {
        self.outgoing.at(now);
        let said = self.digits.as_mut().is_some_and(|digits| digits.say(now, digit));
        self.serve_digits(now);
        said
    }

    /// The next digit that the receiver wants in signalling.
    pub fn pop_digit(&mut self) -> Option<Digit> {
        self.digits.as_mut()?.pop()
    }

    /// What was counted of digits.
    #[must_use]
    pub fn digit_tally(&self) -> DigitTally {
        self.digits.as_ref().map_or_else(DigitTally::default, |digits| digits.tally())
    }

    /// Hears a packet if it is an event that changes its form.
    pub(crate) fn hear_digit(&mut self, now: Time, header: &Header, payload: &[u8]) -> bool {
        let Some(digits) = &mut self.digits else { return false };
        let event = digits.is_event(header.payload_type);
        if event {
            digits.hear_event(now, header, payload);
        }
        event
    }

    /// A packet of a stream that passes as it is.
    pub(crate) fn shift_packet(
        &mut self,
        now: Time,
        event: bool,
        header: &Header,
        bytes: &mut [u8],
    ) -> Passage {
        let Some(shift) = &mut self.shift else { return Passage::Refused };
        let may_be_silent = self.plan.annex_b == Some(header.payload_type);
        let octets = match event || may_be_silent {
            true => Packet::parse(&*bytes).map_or(0, |packet| packet.payload().len()),
            false => 0,
        };
        let passage = match () {
            () if event => Passage::Taken,
            () if may_be_silent => silent(bytes, octets),
            () => Passage::InPlace,
        };
        match passage {
            Passage::Taken | Passage::Silence => shift.skip(header, octets),
            Passage::Cut(silence) => {
                shift.cut(silence);
                shift.pass(now, header, bytes);
            }
            Passage::InPlace | Passage::Refused => shift.pass(now, header, bytes),
        }
        self.serve_digits(now);
        passage
    }

    /// Digits in the samples that are to be spoken. `true`: tones that were spoken ahead stand for them.
    pub(crate) fn sound_of_digits(&mut self, now: Time) -> bool {
        let Some(digits) = &mut self.digits else { return false };
        self.frame_due = now + self.plan.frame_time() * 2;
        self.spoken_until = now + self.plan.frame_time();
        let tone = digits.needs_sound();
        let length = self.samples.len();
        if tone && self.speaking.as_mut().is_some_and(|speaking| speaking.catch_up(length)) {
            return true;
        }
        digits.hear_sound(now, &mut self.samples);
        false
    }

    /// What is due of digits: events for the receiver, tones while the sender is silent.
    pub(crate) fn serve_digits(&mut self, now: Time) {
        if self.digits.is_none() {
            return;
        }
        let timestamp = self.event_timestamp(now);
        let Some(digits) = &mut self.digits else { return };
        digits.on_time(now);
        while let Some((payload_type, packet)) = digits.packet(now, timestamp) {
            let place = self.shift.as_mut().and_then(|shift| shift.place());
            if let Some((ssrc, sequence)) = place {
                (self.outgoing.identity.ssrc, self.outgoing.identity.sequence) = (ssrc, sequence);
            }
            let (head, room) = ((payload_type, packet.marker), packet.payload.len());
            let made = self.outgoing.push(head, packet.timestamp, room, |out| {
                out.get_mut(..packet.payload.len())?.copy_from_slice(&packet.payload);
                Some(packet.payload.len())
            });
            if let Some(shift) = self.shift.as_mut().filter(|_| made) {
                shift.put_in(room);
            }
        }
        self.speak_tones(now);
    }

    /// The timestamp of the receiver's stream now, in the clock of the events: it goes on while the sender is
    /// silent.
    fn event_timestamp(&self, now: Time) -> u32 {
        if let Some(shift) = &self.shift {
            return shift.timestamp(now);
        }
        let Some(speaking) = &self.speaking else { return 0 };
        let (clock, events) = (self.plan.speaks.codec.clock(), self.plan.event_clock());
        let since = now.since(self.sounded).as_nanos() * u128::from(clock) / 1_000_000_000;
        // Wraps, as timestamps do.
        let here = speaking.timestamp(&self.outgoing).wrapping_add(since as u32);
        scaled(here, events, clock) as u32
    }

    /// Tones while the sender's sound does not come.
    fn speak_tones(&mut self, now: Time) {
        let Some(digits) = self.digits.as_mut().filter(|digits| digits.needs_sound()) else { return };
        let Some(speaking) = &mut self.speaking else { return };
        let frame = self.plan.frame_time();
        if now < self.frame_due {
            return;
        }
        let idle = now.since(self.spoken_until);
        if idle >= frame {
            // Nothing was said meanwhile: time has passed for the receiver too.
            let _ = speaking.skip(idle, &mut self.outgoing);
            (self.frame_due, self.spoken_until) = (now, now);
        }
        for _ in 0..TONES_AT_ONCE {
            if now < self.frame_due || !digits.needs_sound() {
                return;
            }
            self.samples.clear();
            self.samples.resize(speaking.frame(), 0);
            digits.play(&mut self.samples);
            speaking.say_ahead(&self.samples, &mut self.outgoing);
            self.frame_due = self.frame_due + frame;
            self.spoken_until = self.spoken_until + frame;
        }
    }

    /// When digits have something to do.
    pub(crate) fn digits_due(&self) -> Option<Time> {
        let digits = self.digits.as_ref()?;
        let tone = digits.needs_sound().then_some(self.frame_due);
        digits.wakes().into_iter().chain(tone).min()
    }
}

/// What becomes of a packet of G.729, whose frames have ten bytes, and a description of silence behind them two (RFC 3551
/// §4.5.6). One with padding keeps it.
fn silent(bytes: &[u8], octets: usize) -> Passage {
    match octets % G729_FRAME {
        SILENCE if octets == SILENCE => Passage::Silence,
        SILENCE if Packet::parse(bytes).is_ok_and(|packet| !packet.has_padding()) => Passage::Cut(SILENCE),
        _ => Passage::InPlace,
    }
}

impl crate::plan::Plan {
    /// The time of a packet for the receiver.
    pub(crate) fn frame_time(&self) -> Duration {
        Duration::from_millis(u64::from(self.speaks.ptime_ms))
    }
}
