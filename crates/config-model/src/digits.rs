//! How a trunk's peer speaks of digits.

use super::words::words;

words! {
    /// How DTMF goes between us and a trunk's peer.
    pub enum Dtmf {
        /// As the peer negotiates: named events when they are in its description, else in the sound.
        Auto = "auto",
        /// Named events (RFC 4733), also where the other side of a call has none.
        Rfc4733 = "rfc4733",
        /// INFO requests.
        Info = "info",
        /// In the sound.
        Inband = "inband",
    }
}

words! {
    /// The body of INFO requests with a digit.
    pub enum DtmfInfo {
        /// `application/dtmf-relay`: lines `Signal=` and `Duration=`.
        Relay = "dtmf-relay",
        /// `application/dtmf`: the digit alone.
        Plain = "dtmf",
    }
}

/// Digits, for one trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digits {
    /// How they go.
    pub by: Dtmf,
    /// What INFO requests hold.
    pub info: DtmfInfo,
}
