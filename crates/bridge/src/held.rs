//! Sound that comes unevenly and is spoken evenly: the jitter buffer of a bridge.
//!
//! [`crate::delay`] says how long each packet waits; here what waits is spoken at its time. Where nothing has come by
//! then, a frame is made up and put in, and all that follows is later. Where sound waits longer than it must, a frame
//! is left out: two become one, which begins as the first and ends as the second.

use crate::bridge::{Bridge, CONCEALED_MAX_MS};
use crate::hearing::scaled;
use crate::outgoing::EARLY;
use base::Time;
use rtp::Packet;
use std::time::Duration;

/// As much is put in while nothing comes; then the sender has paused, or is gone.
const PUT_IN_MAX: Duration = Duration::from_millis(60);

impl Bridge {
    /// Whether packets wait for their time.
    pub(crate) fn hold_all(&mut self, now: Time) {
        let held = self.delay.is_held();
        self.order.hold_all(now, held);
        if let Some(speaking) = &mut self.speaking {
            speaking.even = held;
        }
    }

    /// Speaks what is held and whose time has come.
    pub(crate) fn serve_held(&mut self, now: Time) {
        while self.held_due().is_some_and(|due| due <= now) {
            self.tally.early += u64::from(self.order.is_full());
            let Some((lost, bytes)) = self.order.pull() else {
                if self.put_in() {
                    continue;
                }
                return;
            };
            self.turn(now, lost, &bytes);
            self.order.give_back(bytes);
        }
    }

    /// Speaks what waits before its time, for what comes after it is read and spoken in another way.
    pub(crate) fn speak_waiting(&mut self) {
        while let Some((lost, bytes)) = self.order.pull() {
            self.tally.early += 1;
            self.turn(self.outgoing.now, lost, &bytes);
        }
    }

    /// When something of what is held may be spoken; never when all packets pass as they come.
    pub(crate) fn held_due(&self) -> Option<Time> {
        if !self.order.holds() {
            return None;
        }
        let expected = self.expected.and_then(|(timestamp, _)| self.delay.due(timestamp));
        let Some((lost, bytes)) = self.order.head() else {
            let more = self.speaking.as_ref().map(|speaking| speaking.time(self.put_in));
            let tones = self.digits.as_ref().is_some_and(|digits| digits.needs_sound());
            let goes_on = self.talks && !tones && more.is_some_and(|more| more < PUT_IN_MAX);
            return expected.filter(|_| goes_on).map(|due| due + EARLY);
        };
        let due = if self.order.is_full() { None } else { self.head_due(lost, bytes, expected) };
        // What has no time of its own is spoken at once.
        Some(due.unwrap_or(Time::ZERO))
    }

    /// When the first packet that waits is spoken; with what is missing before it, which is `expected` then.
    fn head_due(&self, lost: u16, bytes: &[u8], expected: Option<Time>) -> Option<Time> {
        let header = Packet::parse(bytes).ok()?.header();
        // What is missing may come a little after its time.
        let given_up = expected.map(|due| due + EARLY);
        let Some(codec) = self.plan.codec_of(header.payload_type) else {
            return given_up.filter(|_| lost > 0);
        };
        let (before, _) = self.expected?;
        let gap = header.timestamp.wrapping_sub(before);
        let concealed = lost > 0 && gap <= codec.clock() / 1_000 * CONCEALED_MAX_MS;
        let own =
            self.delay.due(header.timestamp).map(|due| Time(due.0.saturating_sub(EARLY.as_nanos() as u64)));
        if concealed { given_up } else { own }
    }

    /// How long sound is held; what was put in since the last may be the sender's pause.
    pub(crate) fn waits(&self) -> Duration {
        let put_in = self.speaking.as_ref().map(|speaking| speaking.time(self.put_in)).unwrap_or_default();
        self.delay.waits().saturating_sub(put_in)
    }

    /// Puts a frame in, for nothing has come; false: nothing can be made up.
    fn put_in(&mut self) -> bool {
        let ms = self.plan.speaks.ptime_ms;
        self.samples.clear();
        let Some(speaking) = &mut self.speaking else { return false };
        if !self.hearing.go_on(ms, &mut self.samples) || self.samples.is_empty() {
            return false;
        }
        speaking.say_ahead(&self.samples, &mut self.outgoing);
        self.put_in += self.samples.len();
        self.delay.grow(Duration::from_millis(u64::from(ms)));
        self.tally.put_in_ms += u64::from(ms);
        true
    }

    /// Samples are lost, and what was put in stands for as many of them: how many ticks.
    pub(crate) fn stands_for(&mut self, lost: usize, clock: u32) -> u32 {
        let put_in = std::mem::take(&mut self.put_in);
        let Some(speaking) = self.speaking.as_mut().filter(|_| put_in > 0) else { return 0 };
        let stands = put_in.min(lost);
        speaking.commit(put_in);
        self.delay.take_back(speaking.time(stands));
        let ms = scaled(stands as u32, 1_000, self.plan.rate()) as u64;
        self.tally.put_in_ms = self.tally.put_in_ms.saturating_sub(ms);
        self.tally.concealed_ms += ms;
        scaled(stands as u32, clock, self.plan.rate()) as u32
    }

    /// Whether the samples of a packet are left out; what was left out before is blended into them else.
    pub(crate) fn leave_out(&mut self, now: Time, missing: u32, quiet: bool) -> bool {
        if !self.left_out.is_empty() {
            blend(&mut self.left_out, &mut self.samples);
            return false;
        }
        let Some(speaking) = self.speaking.as_ref().filter(|_| missing == 0) else { return false };
        let frame = speaking.time(self.samples.len());
        let next = self.order.head().filter(|_| self.order.holds());
        let follows = next.is_some_and(|(lost, bytes)| {
            let sound = |packet: Packet<&[u8]>| self.plan.codec_of(packet.payload_type()).is_some();
            lost == 0 && Packet::parse(bytes).is_ok_and(sound)
        });
        if !follows || !self.delay.may_shrink(now, frame, quiet) {
            return false;
        }
        self.delay.shrink(now, frame);
        self.left_out.extend_from_slice(&self.samples);
        self.tally.left_out_ms += frame.as_millis() as u64;
        true
    }
}

/// One frame becomes another, as far as both are long; what is left of the first one goes before.
fn blend(first: &mut Vec<i16>, second: &mut Vec<i16>) {
    let length = first.len().min(second.len());
    let kept = first.len() - length;
    let steps = length.max(1) as i32;
    for (step, (old, new)) in (0..).zip(first.iter().skip(kept).zip(second.iter_mut())) {
        *new = ((i32::from(*old) * (steps - step) + i32::from(*new) * step) / steps) as i16;
    }
    second.splice(0..0, first.drain(..kept));
    first.clear();
}
