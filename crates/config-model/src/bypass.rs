//! Which calls have their media between the peers.

use super::words::words;

words! {
    /// Which of an interface's addresses a peer is told for media.
    pub enum MediaLocation {
        /// That which the interface advertises.
        Advertised = "advertised",
        /// Its own, to users that are inside as the peer's headers say (Microsoft Teams).
        Teams = "teams",
    }
}

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
