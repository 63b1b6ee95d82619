//! Taking sound away and giving it back without a click. Enter through [`Mute::apply`].

/// Time in which the sound goes or comes back: 2 ms.
const FADES_PER_SECOND: u32 = 500;

/// A gain that is all or nothing, with short ways between.
#[derive(Clone, Copy, Debug)]
pub struct Mute {
    gain: f32,
    step: f32,
}

impl Mute {
    /// For `rate` samples per second.
    #[must_use]
    pub fn new(rate: u32) -> Mute {
        Mute { gain: 1.0, step: FADES_PER_SECOND as f32 / rate.max(FADES_PER_SECOND) as f32 }
    }

    /// Passes samples, or silence while `muted`.
    pub fn apply(&mut self, samples: &mut [i16], muted: bool) {
        let (goal, step) = if muted { (0.0, -self.step) } else { (1.0, self.step) };
        for sample in samples {
            if self.gain != goal {
                self.gain = (self.gain + step).clamp(0.0, 1.0);
            }
            if self.gain < 1.0 {
                // `as` saturates.
                *sample = (f32::from(*sample) * self.gain) as i16;
            }
        }
    }
}
