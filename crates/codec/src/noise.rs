//! Comfort noise (RFC 3389): what a pause sounds like, told in a few bytes.
//!
//! [`Comfort::read`] takes a payload, [`Comfort::write`] makes one; [`Hiss`] makes the sound. Noise comes
//! from a plain generator whose state is part of the struct: nobody can learn anything from it.

use crate::tone::FULL_SCALE_DBM0;

/// Reflection coefficients that are kept; further ones of a payload are left out (RFC 3389 §3.2 lets a
/// receiver lower the order).
pub const ORDER_MAX: usize = 10;

/// The largest magnitude of a coefficient: a filter of lesser ones is stable.
const REFLECTION_MAX: f32 = 0.99;

/// Level and colour of a background noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comfort {
    /// In -dBov, 0 (loudest) to 127.
    level: u8,
    reflections: [f32; ORDER_MAX],
    order: usize,
}

impl Comfort {
    /// White noise at a level in dBov, -127 to 0.
    #[must_use]
    pub fn white(dbov: f64) -> Comfort {
        Comfort { level: (-dbov).round().clamp(0.0, 127.0) as u8, reflections: [0.0; ORDER_MAX], order: 0 }
    }

    /// The noise of a payload (RFC 3389 §3); none for an empty one.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Comfort> {
        let (level, coefficients) = payload.split_first()?;
        let mut reflections = [0.0; ORDER_MAX];
        for (reflection, byte) in reflections.iter_mut().zip(coefficients) {
            // §3.2: uniformly quantised, 127 is zero. 255 would be beyond 1, and the filter without end.
            *reflection =
                ((f32::from(*byte) - 127.0) * 258.0 / 32_768.0).clamp(-REFLECTION_MAX, REFLECTION_MAX);
        }
        let order = coefficients.len().min(ORDER_MAX);
        Some(Comfort { level: level & 0x7f, reflections, order })
    }

    /// What a pause sounds like: its level and, to `order`, its spectrum.
    #[must_use]
    pub fn of(samples: &[i16], order: usize) -> Comfort {
        let order = order.min(ORDER_MAX);
        let energy = correlation(samples, 0);
        let rms = (energy / samples.len().max(1) as f64).sqrt();
        let dbov = if rms > 0.0 { 20.0 * (rms / 32_768.0).log10() } else { -127.0 };
        let mut comfort = Comfort::white(dbov);
        if energy > 0.0 {
            comfort.order = order;
            comfort.reflections = reflections(samples, order);
        }
        comfort
    }

    /// Writes the payload; returns its length. As many coefficients as fit are told.
    pub fn write(&self, payload: &mut [u8]) -> usize {
        let Some((level, coefficients)) = payload.split_first_mut() else { return 0 };
        *level = self.level;
        let told = self.reflections[..self.order].iter().zip(coefficients);
        1 + told
            .map(|(reflection, byte)| {
                *byte = (reflection * 32_768.0 / 258.0 + 127.0).round().clamp(0.0, 254.0) as u8;
            })
            .count()
    }

    /// Its level in dBov.
    #[must_use]
    pub fn dbov(&self) -> f64 {
        -f64::from(self.level)
    }

    /// Its level in dBm0, as [`crate::detect::level_dbm0`] would measure it.
    #[must_use]
    pub fn dbm0(&self) -> f64 {
        // 0 dBov is a square wave of full scale, 3.01 dB above the loudest sine.
        self.dbov() + 3.01 + FULL_SCALE_DBM0
    }
}

fn correlation(samples: &[i16], lag: usize) -> f64 {
    let later = samples.get(lag..).unwrap_or(&[]);
    samples.iter().zip(later).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The recursion of Levinson and Durbin.
fn reflections(samples: &[i16], order: usize) -> [f32; ORDER_MAX] {
    let mut found = [0.0f32; ORDER_MAX];
    let mut predictor = [0.0f64; ORDER_MAX + 1];
    let mut error = correlation(samples, 0) * 1.000_1;
    for at in 1..=order {
        let mut sum = correlation(samples, at);
        for (back, coefficient) in predictor.iter().enumerate().take(at).skip(1) {
            sum += coefficient * correlation(samples, at - back);
        }
        let reflection = (-sum / error).clamp(-0.99, 0.99);
        let before = predictor;
        let mirrored = before[1..at].iter().rev();
        for (coefficient, mirror) in predictor[1..at].iter_mut().zip(mirrored) {
            *coefficient += reflection * mirror;
        }
        predictor[at] = reflection;
        error *= 1.0 - reflection * reflection;
        found[at - 1] = reflection as f32;
    }
    found
}

/// Makes the sound of a [`Comfort`].
#[derive(Clone, Debug)]
pub struct Hiss {
    state: u32,
    comfort: Comfort,
    /// Peak of the evenly spread excitation.
    peak: f32,
    lattice: [f32; ORDER_MAX + 1],
}

impl Hiss {
    /// `seed` makes two sources differ.
    #[must_use]
    pub fn new(comfort: Comfort, seed: u32) -> Hiss {
        let mut hiss = Hiss { state: seed, comfort, peak: 0.0, lattice: [0.0; ORDER_MAX + 1] };
        hiss.follow(comfort);
        hiss
    }

    /// Sounds like this from now on.
    pub fn follow(&mut self, comfort: Comfort) {
        // What the filter adds is taken off before it; an even spread's peak is √3 of its effective value.
        let kept: f64 = comfort.reflections[..comfort.order].iter().map(|k| 1.0 - f64::from(k * k)).product();
        let rms = 32_768.0 * 10f64.powf(comfort.dbov() / 20.0);
        self.peak = (rms * (3.0 * kept.max(0.0)).sqrt()) as f32;
        // What rang in another filter may be louder than anything in this one.
        if comfort.reflections != self.comfort.reflections {
            self.lattice = [0.0; ORDER_MAX + 1];
        }
        self.comfort = comfort;
    }

    /// The next samples.
    pub fn fill(&mut self, samples: &mut [i16]) {
        let order = self.comfort.order;
        for sample in samples {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let even = (self.state >> 8) as f32 / 8_388_608.0 - 1.0;
            let mut forward = even * self.peak;
            for at in (0..order).rev() {
                let reflection = self.comfort.reflections[at];
                forward -= reflection * self.lattice[at];
                self.lattice[at + 1] = self.lattice[at] + reflection * forward;
            }
            self.lattice[0] = forward;
            // `as` saturates.
            *sample = forward.round() as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::level_dbm0;

    #[test]
    fn noise_has_the_level_that_was_told() {
        for dbov in [-30.0, -50.0, -65.0] {
            let comfort = Comfort::white(dbov);
            let mut samples = [0i16; 16_000];
            Hiss::new(comfort, 1).fill(&mut samples);
            let level = level_dbm0(&samples);
            assert!((level - comfort.dbm0()).abs() < 0.5, "{dbov} dBov: {level} dBm0");
            assert!((Comfort::of(&samples, 0).dbov() - dbov).abs() <= 1.0);
        }
    }

    #[test]
    fn no_payload_makes_a_filter_that_swells() {
        for byte in [0u8, 254, 255] {
            let comfort =
                Comfort::read(&[40, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte]).unwrap();
            let mut hiss = Hiss::new(Comfort::white(-20.0), 3);
            hiss.fill(&mut [0; 800]);
            hiss.follow(comfort);
            let mut samples = [0i16; 16_000];
            hiss.fill(&mut samples);
            let level = level_dbm0(&samples[8_000..]);
            assert!(level < comfort.dbm0() + 6.0, "{byte}: {level} dBm0");
        }
    }

    #[test]
    fn a_coloured_noise_keeps_level_and_colour_through_a_payload() {
        // Low noise: each sample near the last.
        let mut white = [0i16; 16_000];
        Hiss::new(Comfort::white(-40.0), 7).fill(&mut white);
        let mut low = 0.0;
        let coloured = white.map(|sample| {
            low = 0.9 * low + 0.1 * f64::from(sample);
            low as i16
        });
        let told = Comfort::of(&coloured, 8);
        let mut payload = [0; 9];
        assert_eq!(told.write(&mut payload), 9);
        let read = Comfort::read(&payload).unwrap();
        let mut heard = [0i16; 16_000];
        Hiss::new(read, 3).fill(&mut heard);
        assert!((level_dbm0(&heard) - level_dbm0(&coloured)).abs() < 1.0);
        let likeness = |samples: &[i16]| correlation(samples, 1) / correlation(samples, 0);
        assert!((likeness(&heard) - likeness(&coloured)).abs() < 0.05, "{}", likeness(&heard));
    }

    #[test]
    fn any_payload_is_read_and_stays_in_bounds() {
        assert!(Comfort::read(&[]).is_none());
        assert_eq!(Comfort::read(&[127]).unwrap().dbov(), -127.0);
        let mut state = 1u32;
        for _ in 0..200 {
            let payload: Vec<u8> = (0..20)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let mut heard = [0i16; 800];
            Hiss::new(Comfort::read(&payload).unwrap(), state).fill(&mut heard);
        }
        assert_eq!(Comfort::of(&[], 4), Comfort::of(&[0; 80], 4));
    }
}
