//! Concealing lost packets in the manner of ITU-T G.711 Appendix I: the last pitch periods go on, then fade.
//!
//! Feed every good block to [`Concealer::heard`], ask [`Concealer::fill`] for what is missing. Unlike the
//! Appendix nothing is delayed: where it blends into the last 3.75 ms before the gap, which have left
//! already here, this blends with their mirror image behind the gap's beginning.

/// Pitch periods that are believed, in milliseconds: 66 to 200 Hz (Appendix I §I.2.2).
const PITCH_MIN_MS: usize = 5;
const PITCH_MAX_MS: usize = 15;
/// What is compared to find the pitch, milliseconds.
const WINDOW_MS: usize = 20;
/// Full level until then, silence from there on; milliseconds of a gap (§I.2.7).
const FADE_FROM_MS: usize = 10;
const FADE_TO_MS: usize = 60;
/// One more period is repeated after each of these, up to [`PERIODS_MAX`].
const PERIOD_AFTER_MS: usize = 10;
const PERIODS_MAX: usize = 3;
/// The blend into good samples: a quarter of a period, this much more for each [`PERIOD_AFTER_MS`] of the
/// gap, at most so much.
const BLEND_MORE_MS: usize = 4;
const BLEND_MAX_MS: usize = 10;

/// See the module text.
#[derive(Clone, Debug)]
pub struct Concealer {
    /// Samples of a millisecond.
    ms: usize,
    /// The last that was heard or made, oldest first.
    history: Vec<i16>,
    gap: Option<Gap>,
    /// Room for what was heard before a gap.
    spare: Vec<i16>,
}

/// A gap that is being filled.
#[derive(Clone, Debug)]
struct Gap {
    /// What was heard before it.
    before: Vec<i16>,
    pitch: usize,
    periods: usize,
    /// Where in the repeated periods the next sample lies.
    at: usize,
    /// Samples made.
    made: usize,
    /// The place in the shorter repetition that fades out, while it does, and how far it has.
    leaving: Option<(usize, usize, usize)>,
}

impl Concealer {
    /// For `rate` samples per second.
    #[must_use]
    pub fn new(rate: u32) -> Concealer {
        let ms = (rate as usize / 1_000).max(1);
        // Three periods and a quarter of the longest.
        let length = (PERIODS_MAX * 4 + 1) * PITCH_MAX_MS * ms / 4;
        Concealer { ms, history: vec![0; length], gap: None, spare: Vec::new() }
    }

    /// Good samples; the first ones after a gap are blended with what filled it.
    pub fn heard(&mut self, samples: &mut [i16]) {
        if let Some(mut gap) = self.gap.take() {
            let more = gap.made / (PERIOD_AFTER_MS * self.ms) * BLEND_MORE_MS * self.ms;
            let length = (gap.pitch / 4 + more).min(BLEND_MAX_MS * self.ms).min(samples.len());
            for (at, sample) in samples.iter_mut().take(length).enumerate() {
                let made = gap.next(self.ms);
                *sample = blend(made, *sample, at + 1, length + 1);
            }
            self.spare = gap.before;
        }
        self.keep(samples);
    }

    /// Makes what is missing.
    pub fn fill(&mut self, samples: &mut [i16]) {
        let spare = &mut self.spare;
        let mut gap = self.gap.take().unwrap_or_else(|| Gap::new(&self.history, self.ms, spare));
        for sample in samples.iter_mut() {
            *sample = gap.next(self.ms);
        }
        self.gap = Some(gap);
        self.keep(samples);
    }

    /// Whether what left last was made up.
    #[must_use]
    pub fn is_filling(&self) -> bool {
        self.gap.is_some()
    }

    fn keep(&mut self, samples: &[i16]) {
        let length = self.history.len();
        let new = &samples[samples.len().saturating_sub(length)..];
        self.history.copy_within(new.len().., 0);
        self.history[length - new.len()..].copy_from_slice(new);
    }
}

impl Gap {
    fn new(history: &[i16], ms: usize, spare: &mut Vec<i16>) -> Gap {
        let pitch = pitch(history, ms);
        let mut before = std::mem::take(spare);
        before.clear();
        before.extend_from_slice(history);
        Gap { before, pitch, periods: 1, at: 0, made: 0, leaving: None }
    }

    /// The next sample, at the level that its place in the gap allows.
    fn next(&mut self, ms: usize) -> i16 {
        let quarter = self.pitch / 4;
        let wanted = (1 + self.made / (PERIOD_AFTER_MS * ms)).min(PERIODS_MAX);
        if wanted > self.periods && self.leaving.is_none() {
            self.leaving = Some((self.periods, self.at, 0));
            // The same place of the last period, seen from the longer repetition's beginning.
            self.at = (self.at + (wanted - self.periods) * self.pitch) % (wanted * self.pitch);
            self.periods = wanted;
        }
        let mut sample = self.sample(self.periods, self.at);
        self.at = (self.at + 1) % (self.periods * self.pitch);
        if let Some((periods, at, done)) = self.leaving {
            sample = blend(self.sample(periods, at), sample, done + 1, quarter + 1);
            let at = (at + 1) % (periods * self.pitch);
            self.leaving = (done + 1 < quarter).then_some((periods, at, done + 1));
        }
        if self.made < quarter {
            let mirrored = self.before[self.before.len() - 1 - self.made];
            sample = blend(mirrored, sample, self.made + 1, quarter + 1);
        }
        let level = self.level(ms);
        self.made = self.made.saturating_add(1);
        // `as` saturates.
        (f32::from(sample) * level) as i16
    }

    /// A sample of the last `periods` periods; their end flows into their beginning.
    fn sample(&self, periods: usize, at: usize) -> i16 {
        let (length, quarter) = (periods * self.pitch, self.pitch / 4);
        let start = self.before.len() - length;
        let sample = self.before[start + at];
        let into_tail = (at + quarter).checked_sub(length);
        into_tail
            .map_or(sample, |done| blend(sample, self.before[start - quarter + done], done + 1, quarter + 1))
    }

    fn level(&self, ms: usize) -> f32 {
        let (from, to) = (FADE_FROM_MS * ms, FADE_TO_MS * ms);
        to.saturating_sub(self.made.max(from)) as f32 / (to - from) as f32
    }
}

/// The lag at which the end of `history` repeats itself best.
fn pitch(history: &[i16], ms: usize) -> usize {
    let window = WINDOW_MS * ms;
    let end = history.len();
    let last = &history[end - window..];
    let mut best = (f32::NEG_INFINITY, PITCH_MAX_MS * ms);
    for lag in PITCH_MIN_MS * ms..=PITCH_MAX_MS * ms {
        let earlier = &history[end - window - lag..end - lag];
        let (mut product, mut energy) = (0i64, 1i64);
        for (a, b) in last.iter().zip(earlier) {
            product += i64::from(*a) * i64::from(*b);
            energy += i64::from(*b) * i64::from(*b);
        }
        let likeness = product as f32 / (energy as f32).sqrt();
        if likeness > best.0 {
            best = (likeness, lag);
        }
    }
    best.1
}

/// From `old` to `new`, `step` of `steps`.
#[inline]
fn blend(old: i16, new: i16, step: usize, steps: usize) -> i16 {
    let (step, steps) = (step as i32, steps.max(1) as i32);
    ((i32::from(old) * (steps - step) + i32::from(new) * step) / steps) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::level_dbm0;
    use crate::tone::Tone;

    /// A tone in blocks of 20 ms of which `lost` are missing from the tenth on.
    fn heard(hz: f64, rate: u32, lost: usize) -> (Vec<i16>, usize) {
        let block = rate as usize / 50;
        let mut tone = Tone::sine(hz, -10.0, rate);
        let mut concealer = Concealer::new(rate);
        let mut out = Vec::new();
        for number in 0..40 {
            let mut samples = vec![0i16; block];
            tone.fill(&mut samples);
            if (10..10 + lost).contains(&number) {
                concealer.fill(&mut samples);
            } else {
                concealer.heard(&mut samples);
            }
            out.extend(samples);
        }
        (out, block)
    }

    fn largest_step(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap()
    }

    #[test]
    fn a_lost_packet_of_a_voiced_sound_is_hardly_heard() {
        for rate in [8_000, 16_000] {
            for hz in [100.0, 137.0, 190.0] {
                let (out, block) = heard(hz, rate, 1);
                let level = level_dbm0(&out[10 * block..11 * block]);
                assert!((level + 10.0).abs() < 1.5, "{hz} Hz: {level}");
                assert!(largest_step(&out) < 4 * largest_step(&out[..9 * block]), "{hz} Hz");
            }
        }
    }

    #[test]
    fn a_long_gap_fades_to_silence_and_ends_softly() {
        let (out, block) = heard(137.0, 8_000, 8);
        assert!(level_dbm0(&out[11 * block..12 * block]) < -11.0);
        assert_eq!(&out[13 * block..18 * block], &vec![0; 5 * block][..]);
        assert!(largest_step(&out[18 * block..]) < 2 * largest_step(&out[..9 * block]));
        assert!((level_dbm0(&out[20 * block..]) + 10.0).abs() < 0.1);
    }

    #[test]
    fn silence_noise_and_extremes_make_no_trouble() {
        let mut concealer = Concealer::new(8_000);
        let mut samples = [0i16; 160];
        concealer.fill(&mut samples);
        assert!(concealer.is_filling() && samples == [0; 160]);
        let mut loud = [i16::MIN; 2_000];
        concealer.heard(&mut loud);
        assert!(!concealer.is_filling());
        concealer.fill(&mut samples);
        concealer.fill(&mut []);
        concealer.heard(&mut []);
        concealer.heard(&mut [7]);
    }
}
