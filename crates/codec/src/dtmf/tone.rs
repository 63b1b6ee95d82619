//! One DTMF digit as sound, with ramps so that it begins and ends without a click.
//!
//! Enter through [`DtmfTone::new`]; [`DtmfTone::release`] begins the end.

use crate::tone::Tone;
use std::f64::consts::PI;

/// Length of a ramp in samples per second of rate: 3 ms.
const RAMP_SECONDS: f64 = 0.003;

/// A digit that sounds.
#[derive(Clone, Copy, Debug)]
pub struct DtmfTone {
    tone: Tone,
    ramp: u32,
    /// How far up the ramp it is, 0 to `ramp`.
    up: u32,
    released: bool,
}

impl DtmfTone {
    /// The tone of a digit, each of its frequencies at `dbm0`, for `rate` samples per second.
    #[must_use]
    pub fn new(digit: char, dbm0: f64, rate: u32) -> Option<DtmfTone> {
        let ramp = ((f64::from(rate) * RAMP_SECONDS) as u32).max(1);
        Tone::dtmf(digit, dbm0, rate).map(|tone| DtmfTone { tone, ramp, up: 0, released: false })
    }

    /// It is to end: the ramp down begins with the next sample.
    pub fn release(&mut self) {
        self.released = true;
    }

    /// Whether it has died away.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.released && self.up == 0
    }

    /// The next samples, in place of what was there; silence once it is over.
    pub fn fill(&mut self, samples: &mut [i16]) {
        self.tone.fill(samples);
        for sample in samples {
            match (self.released, self.up) {
                (true, up) => self.up = up.saturating_sub(1),
                (false, up) if up < self.ramp => self.up = up + 1,
                (false, _) => continue,
            }
            let part = f64::from(self.up) / f64::from(self.ramp);
            let gain = (1.0 - (PI * part).cos()) / 2.0;
            *sample = (f64::from(*sample) * gain).round() as i16;
        }
    }
}
