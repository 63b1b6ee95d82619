//! A fixed change of level.

/// The largest change either way, in dB.
pub const GAIN_MAX_DB: f64 = 24.0;

/// Makes everything louder or softer by the same factor; what becomes too loud is clipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain {
    /// In units of 1/4096.
    factor: i32,
}

impl Gain {
    /// A change in dB, held to ±[`GAIN_MAX_DB`]; none for no change.
    #[must_use]
    pub fn of_db(db: f64) -> Option<Gain> {
        let factor = (4_096.0 * 10f64.powf(db.clamp(-GAIN_MAX_DB, GAIN_MAX_DB) / 20.0)).round() as i32;
        (factor != 4_096).then_some(Gain { factor })
    }

    /// Changes samples in place.
    pub fn apply(self, samples: &mut [i16]) {
        for sample in samples {
            let louder = (i32::from(*sample) * self.factor + 2_048) >> 12;
            *sample = louder.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::level_dbm0;
    use crate::tone::Tone;

    #[test]
    fn the_level_moves_by_what_was_asked() {
        for db in [-24.0, -6.0, -1.0, 3.0, 12.0] {
            let mut samples = [0i16; 800];
            Tone::sine(1_000.0, -20.0, 8_000).fill(&mut samples);
            let before = level_dbm0(&samples);
            Gain::of_db(db).unwrap().apply(&mut samples);
            assert!((level_dbm0(&samples) - before - db).abs() < 0.1, "{db} dB");
        }
        assert!(Gain::of_db(0.0).is_none());
        let mut loud = [i16::MIN, i16::MAX];
        Gain::of_db(200.0).unwrap().apply(&mut loud);
        assert_eq!(loud, [i16::MIN, i16::MAX]);
    }
}
