//! What is said of profiles.

use super::words::words;

words! {
    /// How far a profile is known to work.
    pub enum ProfileStatus {
        /// Its values are taken from documents; nobody has yet placed calls with such a peer.
        FromDocuments = "from-documents",
        /// Calls in both directions were placed with such a peer.
        Proven = "proven",
    }
}
