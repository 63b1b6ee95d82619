//! How good it sounds: the E-model of ITU-T G.107, fed by what the relay can see.
//!
//! An estimate, in spans of [`SPAN`]: loss (with its burstiness), lateness, delay and codec.
//! What a relay cannot see (echo, noise, loudness) stands at the defaults of G.107.

use crate::control::CodecKind;
use std::time::Duration;

/// How long one rated span lasts.
pub(crate) const SPAN: Duration = Duration::from_secs(5);
/// Fewer expected packets than this are not rated.
pub(crate) const RATED_MIN: u64 = 10;
/// R0 less Is with all defaults (G.107 §7, table 2).
const R_DEFAULT: f32 = 93.2;

/// What a span brought.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Span {
    /// Packets lost or too late, 0.0 to 1.0.
    pub(crate) loss: f32,
    /// Mean length of a run of lost packets, at least 1.0.
    pub(crate) run: f32,
    /// Mouth to ear, milliseconds.
    pub(crate) delay_ms: f32,
}

/// Equipment impairment and packet-loss robustness (G.113 appendix I). Where G.113 has no value for
/// the narrow-band scale (G.722, Opus) a careful one is used.
fn impairment(codec: CodecKind) -> (f32, f32) {
    match codec {
        CodecKind::G711 => (0.0, 25.1),
        CodecKind::G722 => (0.0, 15.0),
        CodecKind::Opus => (0.0, 20.0),
        CodecKind::G729 | CodecKind::Other => (11.0, 19.0),
    }
}

/// Rating factor R (G.107 §7.1), 0 to 93.2.
pub(crate) fn rating(codec: CodecKind, span: Span) -> f32 {
    let (ie, bpl) = impairment(codec);
    let ppl = span.loss.clamp(0.0, 1.0) * 100.0;
    // Burst ratio (G.107 §7.4): observed mean run over that of random loss.
    let burst = (span.run * (1.0 - span.loss)).max(1.0);
    let ie_eff = if ppl > 0.0 { ie + (95.0 - ie) * ppl / (ppl / burst + bpl) } else { ie };
    (R_DEFAULT - delay_impairment(span.delay_ms) - ie_eff).clamp(0.0, R_DEFAULT)
}

/// Idd of G.107 §7.3, equation 7-27: what delay itself costs.
fn delay_impairment(ms: f32) -> f32 {
    if ms <= 100.0 {
        return 0.0;
    }
    let x = (ms / 100.0).log2();
    let sixth = |v: f32| (1.0 + v.powi(6)).powf(1.0 / 6.0);
    25.0 * (sixth(x) - 3.0 * sixth(x / 3.0) + 2.0)
}

/// Mean opinion score × 100 from R (G.107 annex B), 100 to 450.
pub(crate) fn mos_x100(r: f32) -> u16 {
    let r = r.clamp(0.0, 100.0);
    let mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    (mos.clamp(1.0, 4.5) * 100.0).round() as u16
}

/// A mean opinion score in tenths, from hundredths.
pub(crate) fn mos_tenths(x100: u16) -> u8 {
    u8::try_from((x100 + 5) / 10).unwrap_or(u8::MAX)
}

/// Lowest, mean and last of the rated spans.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Scores {
    pub(crate) min: u16,
    pub(crate) last: u16,
    /// The rating of the last span, and its mean opinion score of listening alone, without delay.
    pub(crate) r_factor: u8,
    pub(crate) listening: u16,
    sum: u64,
    count: u32,
}

impl Scores {
    pub(crate) fn add(&mut self, mos: u16) {
        self.min = if self.count == 0 { mos } else { self.min.min(mos) };
        self.last = mos;
        self.sum += u64::from(mos);
        self.count += 1;
    }

    /// Whether a span was rated.
    pub(crate) fn is_rated(&self) -> bool {
        self.count > 0
    }

    /// Mean, rounded; 0 when nothing was rated.
    pub(crate) fn mean(&self) -> u16 {
        if self.count == 0 {
            0
        } else {
            ((self.sum + u64::from(self.count) / 2) / u64::from(self.count)) as u16
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mos(codec: CodecKind, loss: f32, delay_ms: f32) -> u16 {
        mos_x100(rating(codec, Span { loss, run: 1.0, delay_ms }))
    }

    #[test]
    fn known_points_of_the_model() {
        // G.107: R = 93.2 is MOS 4.41.
        assert_eq!(mos(CodecKind::G711, 0.0, 20.0), 441);
        // G.729 without loss: R = 82.2, MOS 4.10.
        assert!((408..=412).contains(&mos(CodecKind::G729, 0.0, 20.0)));
        // Idd at 400 ms by equation 7-27: x = 2, 25(2.0052 − 3·1.0144 + 2).
        assert!((delay_impairment(400.0) - 24.1).abs() < 0.3, "{}", delay_impairment(400.0));
        assert_eq!(mos_x100(0.0), 100);
    }

    #[test]
    fn more_loss_delay_or_bursts_never_sound_better() {
        for codec in [CodecKind::G711, CodecKind::G722, CodecKind::G729, CodecKind::Opus, CodecKind::Other] {
            for n in 0..100u8 {
                let loss = f32::from(n) / 100.0;
                let now = rating(codec, Span { loss, run: 1.0, delay_ms: 50.0 });
                assert!(rating(codec, Span { loss: loss + 0.01, run: 1.0, delay_ms: 50.0 }) <= now);
                assert!(rating(codec, Span { loss, run: 4.0, delay_ms: 50.0 }) <= now);
                assert!(rating(codec, Span { loss, run: 1.0, delay_ms: 50.0 + 10.0 * f32::from(n) }) <= now);
            }
        }
    }

    #[test]
    fn scores_are_kept() {
        let mut s = Scores::default();
        assert_eq!(s.mean(), 0);
        for mos in [440, 300, 400] {
            s.add(mos);
        }
        assert_eq!((s.min, s.mean(), s.last), (300, 380, 400));
    }
}
