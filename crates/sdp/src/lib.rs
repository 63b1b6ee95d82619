//! SDP bytes and values, and offer/answer as pure functions (RFC 8866, RFC 3264).
//!
//! A back-to-back user agent edits a few lines of a description and must keep the rest, so a
//! [`Session`] is a view: line spans over the given bytes, order and unknown lines preserved,
//! nothing decoded before it is asked for. Enter through [`parse`]; rewrite for the other leg with
//! [`anchor()`]; judge with [`can_anchor`] and [`check_answer`]; speak for ourselves with
//! [`offer()`].
//!
//! This room never resolves a name, opens a port, or remembers an earlier offer: both
//! descriptions come in as arguments. Input never panics and is bounded by [`Limits`].

pub mod address;
pub mod anchor;
pub mod answer;
pub mod change;
pub mod codec;
pub mod crypto;
pub mod direction;
mod dtls;
pub mod error;
mod events;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod ice;
mod line;
pub mod media;
mod meet;
mod numbers;
pub mod offer;
mod recast;
mod resume;
pub mod session;
mod topology;
mod woven;
mod wrap;
mod xr;

pub use address::{Address, Origin};
pub use anchor::{Anchor, anchor, anchor_answer, can_anchor, can_anchor_any, reject_all};
pub use answer::{Agreed, AgreedMedia, check_across, check_answer};
pub use change::{Change, change, keeps_agreed, narrow};
pub use codec::{Codec, CodecName, RtpMap};
pub use crypto::{Cover, Crypto, write_crypto};
pub use direction::{Direction, HoldForm};
pub use dtls::{Digest, Proof, Setup, write_proof};
pub use error::{SdpError, SdpErrorKind};
pub use events::{EventTypes, event_types, with_events};
pub use ice::{Candidate, ICE_LITE, Ice, LocalIce};
pub use line::Line;
pub use media::{Kind, Media, Proto, Rtcp};
pub use meet::meet;
pub use numbers::each_number;
pub use offer::offer;
pub use recast::{Recast, Written, recast};
pub use resume::{continued, resumed};
pub use session::{Limits, Session, parse, same_except_version};
pub use topology::Reveal;
pub use woven::with_lines;
pub use wrap::Wrap;
pub use xr::{ExtendedReports, RoundTripMode};
