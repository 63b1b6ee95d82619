//! What becomes of a redirected call.

use super::words::words;

words! {
    /// What a 3xx to a call of ours gets.
    pub enum Redirect {
        /// The attempt has failed.
        Refuse = "refuse",
        /// The numbers in its Contacts are routed here.
        Follow = "follow",
        /// It goes to the caller, its numbers at our own address.
        Pass = "pass",
    }
}

/// Redirects, for one trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redirects {
    /// What a 3xx of this trunk gets.
    pub then: Redirect,
    /// How many redirects a call may have had when one of this trunk is followed, that one included.
    pub max: u32,
    /// Whether this trunk's peer takes a 3xx as the answer to its own calls.
    pub taken: bool,
}
