//! Which calls have their media between the peers.

use super::words::words;

words! {
    /// Which calls whose trunks say `media = "direct"` have their media between the peers.
    pub enum Bypass {
        /// None.
        Off = "off",
        /// All.
        Always = "always",
        /// Those whose trunks share an id.
        Match = "match",
    }
}
