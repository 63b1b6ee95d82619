//! Samples and payloads: G.711, G.722 and Opus both ways, other rates, lost packets, pauses, tones.
//!
//! Samples are 16-bit linear; levels are in dBm0, where a sine of full scale is
//! [`tone::FULL_SCALE_DBM0`]. Nothing here keeps time: a stream is a struct fed with blocks. Enter through
//! [`g711`], [`g722`] and [`opus`] for the codecs, [`resample`], [`conceal`], [`noise`] and [`gain`] for
//! what stands between them, [`tone`] to make sound, [`detect`] to measure it, [`dtmf`] for digits in it.

pub mod conceal;
pub mod detect;
pub mod dtmf;
pub mod g711;
pub mod g722;
pub mod gain;
mod lanes;
pub mod noise;
pub mod opus;
pub mod resample;
pub mod tone;

pub use conceal::Concealer;
pub use detect::{Goertzel, level_dbm0, tone_level_dbm0};
pub use dtmf::{DtmfDetector, DtmfNews, DtmfTone, Mute};
pub use g711::Law;
pub use gain::Gain;
pub use noise::{Comfort, Hiss};
pub use resample::Resampler;
pub use tone::Tone;
