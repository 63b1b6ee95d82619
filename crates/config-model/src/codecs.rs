//! Which codecs cross, and what is done where the sides have none in common.

use super::words::words;

words! {
    /// Whether sound is turned from one codec into another.
    pub enum Transcode {
        /// Never: who has no codec in common has no call.
        Never = "never",
        /// Where the sides differ.
        Needed = "needed",
    }
}

words! {
    /// Which payload types a peer may send.
    pub enum PayloadTypes {
        /// Those that either description names, and comfort noise.
        Agreed = "agreed",
        /// All.
        Any = "any",
    }
}

/// Codecs of one trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Codecs {
    /// Those that its calls may use, in order of preference; empty: whatever the peers have.
    pub allowed: Vec<String>,
    /// An answer of ours to this trunk names one codec alone.
    pub locked: bool,
    /// Milliseconds of packets from and to this trunk; none: as the peers say.
    pub ptime_ms: Option<u8>,
    /// How much louder sound becomes on its way to this trunk, in dB.
    pub gain_db: i8,
    /// Whether sound is transcoded for it.
    pub transcode: Transcode,
    /// Which payload types its peers may send.
    pub payload_types: PayloadTypes,
}
