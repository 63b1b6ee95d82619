//! DTMF in the sound itself (ITU-T Q.23): heard, made, and kept from being heard twice.
//!
//! [`DtmfDetector`] finds digits among samples, [`DtmfTone`] makes them without clicks, [`Mute`] takes the
//! sound away while a digit goes another way. Nothing here knows packets or time: a stream is fed in blocks.

mod detector;
mod mute;
mod tone;

pub use detector::{DtmfDetector, DtmfNews};
pub use mute::Mute;
pub use tone::DtmfTone;
