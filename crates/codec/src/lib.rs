//! Samples and payloads: G.711 both ways, tones, and telling what is heard.
//!
//! Samples are 16-bit linear; levels are in dBm0, where a sine of full scale is
//! [`tone::FULL_SCALE_DBM0`]. Nothing here allocates or keeps time: a stream is a struct fed with
//! blocks. Enter through [`g711`] for the companding laws, [`tone`] to make sound, [`detect`] to
//! measure it, [`dtmf`] for digits in it.

pub mod detect;
pub mod dtmf;
pub mod g711;
pub mod tone;

pub use detect::{Goertzel, level_dbm0, tone_level_dbm0};
pub use dtmf::{DtmfDetector, DtmfNews, DtmfTone, Mute};
pub use g711::Law;
pub use tone::Tone;
