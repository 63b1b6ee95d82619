//! Why a handshake did not succeed.

use std::fmt;

/// Why a handshake did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Nobody began, or somebody did not go on.
    Silent,
    /// The certificate is not the one that signalling named.
    Fingerprint,
    /// A signature or a checksum is wrong.
    Signature,
    /// The peer has no cipher suite, group, signature or SRTP profile that we have.
    NothingInCommon,
    /// The peer has chosen more than one SRTP profile, or one that was not offered, or a master key of its own.
    IllegalParameter,
    /// A message that cannot be read, or is out of place.
    Malformed,
    /// The peer ended it with this alert (RFC 5246 §7.2).
    Alert(u8),
    /// The cryptographic library failed.
    Internal,
}

impl Trouble {
    /// The alert that says so to the peer (RFC 5246 §7.2.2).
    #[must_use]
    pub(crate) fn alert(self) -> Option<u8> {
        match self {
            Trouble::Silent | Trouble::Alert(_) => None,
            Trouble::Fingerprint => Some(42),
            Trouble::Signature => Some(51),
            Trouble::NothingInCommon => Some(40),
            Trouble::IllegalParameter => Some(47),
            Trouble::Malformed => Some(50),
            Trouble::Internal => Some(80),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Silent => f.write_str("the peer said nothing"),
            Trouble::Fingerprint => {
                f.write_str("the peer's certificate is not the one that its description names")
            }
            Trouble::Signature => f.write_str("the peer's signature or checksum is wrong"),
            Trouble::NothingInCommon => {
                f.write_str("the peer shares no cipher, group, signature or SRTP profile")
            }
            Trouble::IllegalParameter => f.write_str("the peer chose several SRTP profiles, or named a key"),
            Trouble::Malformed => f.write_str("the peer sent what cannot be read"),
            Trouble::Alert(code) => write!(f, "the peer refused with alert {code}"),
            Trouble::Internal => f.write_str("the cryptographic library failed"),
        }
    }
}

impl std::error::Error for Trouble {}
