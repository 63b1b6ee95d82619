//! Whether media are secured, and how.

use crate::words::words;

words! {
    /// Whether media between us and this trunk are SRTP.
    pub enum SrtpMode {
        /// Required where the signalling is TLS, else off.
        Auto = "auto",
        /// Never.
        Off = "off",
        /// Where the peer takes it.
        Optional = "optional",
        /// Always, or no call.
        Required = "required",
    }
}

words! {
    /// What becomes of SRTP where the signalling is not TLS.
    pub enum SrtpOverPlain {
        /// It is used; whoever reads the signalling has the keys.
        Allow = "allow",
        /// It is not: media are plain.
        Off = "off",
    }
}

words! {
    /// A crypto suite by its name in SDP (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.1).
    pub enum SrtpSuite {
        /// AES-256 in Galois/Counter Mode.
        AeadAes256Gcm = "AEAD_AES_256_GCM",
        /// AES-128 in Galois/Counter Mode.
        AeadAes128Gcm = "AEAD_AES_128_GCM",
        /// AES-256 in counter mode, tags of 80 bits.
        AesCm256Sha1_80 = "AES_256_CM_HMAC_SHA1_80",
        /// AES-256 in counter mode, tags of 32 bits.
        AesCm256Sha1_32 = "AES_256_CM_HMAC_SHA1_32",
        /// AES-128 in counter mode, tags of 80 bits.
        AesCm128Sha1_80 = "AES_CM_128_HMAC_SHA1_80",
        /// AES-128 in counter mode, tags of 32 bits.
        AesCm128Sha1_32 = "AES_CM_128_HMAC_SHA1_32",
    }
}

words! {
    /// How the keys of SRTP are agreed on.
    pub enum SrtpKeys {
        /// In the session descriptions (SDES, RFC 4568).
        Sdes = "sdes",
        /// By a handshake on the media ports (DTLS-SRTP, RFC 5763).
        Dtls = "dtls",
    }
}

words! {
    /// Who begins the handshake where the peer leaves it to us.
    pub enum DtlsSetup {
        /// We do, unless the peer is behind NAT and cannot be reached before it has sent.
        Auto = "auto",
        /// We do (RFC 5763 §5).
        Active = "active",
        /// The peer does.
        Passive = "passive",
    }
}

words! {
    /// What becomes of an answer that leaves open who begins the handshake (`a=setup:actpass`).
    pub enum DtlsAnswer {
        /// It is taken: whoever began goes on.
        Take = "take",
        /// It is no answer (RFC 5763 §5).
        Refuse = "refuse",
    }
}

words! {
    /// What becomes of T.38, which cannot be secured, on a leg whose media must be.
    pub enum SrtpT38 {
        /// It is refused, so that the fax goes on as secured sound.
        Refuse = "refuse",
        /// It is relayed in clear.
        Plain = "plain",
    }
}

/// Secure media of one trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SrtpPolicy {
    /// Whether.
    pub mode: SrtpMode,
    /// What holds where the signalling is plain.
    pub over_plain: SrtpOverPlain,
    /// How keys are agreed on, in order.
    pub keys: Vec<SrtpKeys>,
    /// Who begins a handshake.
    pub setup: DtlsSetup,
    /// Whether an answer may leave that open.
    pub answer: DtlsAnswer,
    /// What we offer and accept, in order.
    pub suites: Vec<SrtpSuite>,
    /// Whether T.38 may be where SRTP is required.
    pub t38: SrtpT38,
}

impl SrtpSuite {
    /// Whether handshakes can agree on it (RFC 5764 §4.1.2, RFC 7714 §14.2).
    #[must_use]
    pub fn has_profile(self) -> bool {
        !matches!(self, SrtpSuite::AesCm256Sha1_80 | SrtpSuite::AesCm256Sha1_32)
    }
}

impl SrtpPolicy {
    /// What holds on a leg whose signalling is TLS or not; never [`SrtpMode::Auto`].
    #[must_use]
    pub fn over(&self, tls: bool) -> SrtpMode {
        match (self.mode, tls) {
            (SrtpMode::Auto, true) => SrtpMode::Required,
            (SrtpMode::Auto, false) => SrtpMode::Off,
            (_, false) if self.over_plain == SrtpOverPlain::Off => SrtpMode::Off,
            (mode, _) => mode,
        }
    }
}
