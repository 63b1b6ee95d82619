//! Pauses of the sender whose noise (RFC 3389) passes under another name, or is made for a receiver that knows none.

use crate::bridge::{Bridge, PAUSE_MAX_S};
use base::Time;
use codec::{Comfort, Hiss, Resampler};
use rtp::Header;
use std::time::Duration;

/// How long noise goes on without a word of the sender.
const HISS_MAX: Duration = Duration::from_secs(60);
/// Frames of noise made at one time, when time has been lost.
const HISS_AT_ONCE: usize = 3;
/// Samples a second of the sound that is described: that of the clock of its payload type, with nothing above 4 kHz.
const HISS_RATE: u32 = 8_000;
/// Its samples in the longest packet that is made, of 60 ms.
const HISS_FRAME_MAX: usize = 480;

/// Noise that we make because the receiver knows no name for it.
#[derive(Debug)]
pub(crate) struct Pause {
    hiss: Hiss,
    /// From its rate to that of the receiver's sound.
    wider: Option<Resampler>,
    pub(crate) next: Time,
    until: Time,
}

impl Pause {
    /// Adds so many samples at a rate to `out`, which is empty.
    fn fill(&mut self, count: usize, rate: u32, out: &mut Vec<i16>) {
        let Some(wider) = &mut self.wider else {
            out.resize(count, 0);
            return self.hiss.fill(out);
        };
        let mut narrow = [0; HISS_FRAME_MAX];
        let length = (count * HISS_RATE as usize / rate.max(HISS_RATE) as usize).min(HISS_FRAME_MAX);
        let Some(narrow) = narrow.get_mut(..length) else { return };
        self.hiss.fill(narrow);
        wider.process(narrow, out);
    }
}

impl Bridge {
    /// How far the sender's clock is beyond the sound that it has sent, in ticks of a clock in which both count.
    fn since_expected(&mut self, timestamp: u32, clock: u32) -> u32 {
        let (expected, known) = *self.expected.get_or_insert((timestamp, clock));
        let since = timestamp.wrapping_sub(expected);
        if known == clock && since <= clock * PAUSE_MAX_S { since } else { 0 }
    }

    /// The sender says what its pause sounds like (RFC 3389).
    pub(crate) fn pause(&mut self, now: Time, header: Header, payload: &[u8]) {
        self.talks = false;
        let Some(comfort) = Comfort::read(payload) else { return };
        let since = self.since_expected(header.timestamp, HISS_RATE);
        let Some(speaking) = &mut self.speaking else { return };
        if let Some(payload_type) = self.plan.noise.to {
            return speaking.tell(payload_type, payload, since, &mut self.outgoing);
        }
        let until = now + HISS_MAX;
        match &mut self.noise {
            Some(pause) => {
                pause.hiss.follow(comfort);
                pause.until = until;
            }
            None => {
                // One packet behind the sender's time, so that no noise stands where sound will come.
                let next = now + Duration::from_millis(u64::from(self.plan.speaks.ptime_ms));
                let (hiss, rate) = (Hiss::new(comfort, header.ssrc), self.plan.rate());
                self.noise = Some(Pause { hiss, wider: Resampler::new(HISS_RATE, rate), next, until });
            }
        }
    }

    /// Makes the noise that is due.
    pub(crate) fn hiss(&mut self, now: Time) {
        let Some(speaking) = &mut self.speaking else { return };
        let Some(pause) = &mut self.noise else { return };
        let ptime = Duration::from_millis(u64::from(self.plan.speaks.ptime_ms));
        for _ in 0..HISS_AT_ONCE {
            if now < pause.next {
                break;
            }
            self.samples.clear();
            pause.fill(speaking.frame(), self.plan.rate(), &mut self.samples);
            speaking.say_ahead(&self.samples, &mut self.outgoing);
            pause.next = pause.next + ptime;
        }
        // Time that was lost is not made up.
        if now > pause.next + ptime {
            pause.next = now;
        }
        if now >= pause.until {
            self.noise = None;
        }
    }
}
