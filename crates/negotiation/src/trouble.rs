//! Why a session description cannot be used.

use base::ReasonId;
use sdp::{SdpError, Session};

/// Why a session description cannot be used, with the Warning that says so (RFC 3261 §20.43).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SdpTrouble {
    /// The reason, for answer and record.
    pub reason: ReasonId,
    /// Code and text.
    pub warning: (u16, &'static str),
}

impl SdpTrouble {
    pub(crate) fn of(reason: ReasonId, error: SdpError) -> SdpTrouble {
        SdpTrouble { reason, warning: error.warning() }
    }
}

impl From<SdpError> for SdpTrouble {
    fn from(error: SdpError) -> SdpTrouble {
        SdpTrouble::of(ReasonId::SdpBad, error)
    }
}

/// Reads a description within the ordinary limits.
///
/// # Errors
/// [`ReasonId::SdpBad`].
pub fn parse(text: &[u8]) -> Result<Session<'_>, SdpTrouble> {
    Ok(sdp::parse(text, &sdp::Limits::default())?)
}

/// What one offer has that answers another (RFC 3264 §6): each peer has offered without knowing of the other.
///
/// # Errors
/// One of them cannot be read, or they share nothing.
pub fn met(text: &[u8], offer: &[u8]) -> Result<Vec<u8>, SdpTrouble> {
    let none = || SdpTrouble { reason: ReasonId::SdpAnswerBad, warning: (305, "no common codec") };
    sdp::meet(&parse(text)?, &parse(offer)?).ok_or_else(none)
}
