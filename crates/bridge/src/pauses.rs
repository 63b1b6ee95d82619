//! Pauses of the sender whose noise (RFC 3389) passes under another name, or is made for a receiver that knows none.

use crate::bridge::Bridge;
use base::Time;
use codec::{Comfort, Hiss};
use rtp::Header;
use std::time::Duration;

/// How long noise goes on without a word of the sender.
const HISS_MAX: Duration = Duration::from_secs(60);
/// Frames of noise made at one time, when time has been lost.
const HISS_AT_ONCE: usize = 3;

/// Noise that we make because the receiver knows no name for it.
#[derive(Debug)]
pub(crate) struct Pause {
    hiss: Hiss,
    pub(crate) next: Time,
    until: Time,
}

impl Bridge {
    /// The sender says what its pause sounds like (RFC 3389).
    pub(crate) fn pause(&mut self, now: Time, header: Header, payload: &[u8]) {
        self.talks = false;
        let Some(comfort) = Comfort::read(payload) else { return };
        let Some(speaking) = &mut self.speaking else { return };
        if let Some(payload_type) = self.plan.noise.to {
            return speaking.tell(payload_type, payload, &mut self.outgoing);
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
                self.noise = Some(Pause { hiss: Hiss::new(comfort, header.ssrc), next, until });
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
            self.samples.resize(speaking.frame(), 0);
            pause.hiss.fill(&mut self.samples);
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
