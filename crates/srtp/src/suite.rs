//! Crypto suites: what is used, how long its parts are, and their names in SDP.

/// A crypto suite (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`.
    AesCm128Sha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`; RTCP keeps a tag of 80 bits (RFC 4568 §6.2.2).
    AesCm128Sha1_32,
    /// `AES_256_CM_HMAC_SHA1_80`.
    AesCm256Sha1_80,
    /// `AES_256_CM_HMAC_SHA1_32`.
    AesCm256Sha1_32,
    /// `AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM`.
    AeadAes256Gcm,
}

impl Suite {
    /// All, the strongest first within each kind.
    pub const ALL: [Suite; 6] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm256Sha1_80,
        Suite::AesCm256Sha1_32,
        Suite::AesCm128Sha1_80,
        Suite::AesCm128Sha1_32,
    ];

    /// The name in `a=crypto` (RFC 4568 §9.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Suite::AesCm128Sha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128Sha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::AesCm256Sha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::AesCm256Sha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The suite of a name, compared without case.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Suite> {
        Suite::ALL.into_iter().find(|suite| suite.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Bytes of the master key, and of the encryption key derived from it.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Suite::AesCm128Sha1_80 | Suite::AesCm128Sha1_32 | Suite::AeadAes128Gcm => 16,
            Suite::AesCm256Sha1_80 | Suite::AesCm256Sha1_32 | Suite::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of the master salt, and of the salts derived from it.
    #[must_use]
    pub const fn salt_length(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Bytes of the tag of an RTP packet.
    #[must_use]
    pub const fn rtp_tag_length(self) -> usize {
        match self {
            Suite::AesCm128Sha1_80 | Suite::AesCm256Sha1_80 => 10,
            Suite::AesCm128Sha1_32 | Suite::AesCm256Sha1_32 => 4,
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 16,
        }
    }

    /// Bytes of the tag of an RTCP packet.
    #[must_use]
    pub const fn rtcp_tag_length(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }

    /// Whether encryption and authentication are one.
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Suite::AeadAes128Gcm | Suite::AeadAes256Gcm)
    }
}
