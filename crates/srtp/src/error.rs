//! Why a packet was not protected or opened.

use std::fmt;

/// Each is counted by whoever drops the packet; none changes the state of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SrtpError {
    /// No RTP or RTCP packet, or too short to carry a tag.
    Malformed,
    /// The tag is wrong: another key, or a forgery (RFC 3711 §3.3).
    Forged,
    /// It was received before, or is too old to tell (RFC 3711 §3.3.2).
    Replayed,
    /// Its master key identifier is not ours (RFC 3711 §3.1).
    OtherKey,
    /// The buffer has no room for the tag.
    NoRoom,
    /// The key has protected as many packets as it may (RFC 3711 §9.2), or as many streams.
    Exhausted,
}

impl SrtpError {
    /// A stable id for counters.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            SrtpError::Malformed => "srtp_malformed",
            SrtpError::Forged => "srtp_forged",
            SrtpError::Replayed => "srtp_replayed",
            SrtpError::OtherKey => "srtp_other_key",
            SrtpError::NoRoom => "srtp_no_room",
            SrtpError::Exhausted => "srtp_exhausted",
        }
    }
}

impl fmt::Display for SrtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SrtpError::Malformed => "no SRTP or SRTCP packet",
            SrtpError::Forged => "the authentication tag is wrong",
            SrtpError::Replayed => "received before, or too old",
            SrtpError::OtherKey => "another master key identifier",
            SrtpError::NoRoom => "no room for the authentication tag",
            SrtpError::Exhausted => "the key has protected as many packets as it may",
        })
    }
}

impl std::error::Error for SrtpError {}
