//! ICE as its lite side sees it (RFC 8445 §2.5), and the STUN messages it is spoken in (RFC 8489).
//!
//! Pure: bytes, sources and the time come in, answers are written into the caller's buffer; nothing is drawn and
//! nothing is asked of the peer. A server with a reachable address needs no candidates but its own: it answers
//! checks, and believes the address that a check with the right credentials came from. Enter through [`Agent`];
//! [`message`] reads STUN, [`write`] writes it.

pub mod agent;
mod budget;
mod credentials;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod integrity;
pub mod message;
mod peer;
#[cfg(test)]
mod tests;
pub mod write;

pub use agent::{Agent, Event, Refusal};
pub use credentials::{Credentials, RANDOM_BYTES, is_password, is_ufrag};
pub use integrity::Key;
pub use message::{Message, StunError};
pub use peer::{CANDIDATES_MAX, Candidates, PeerDescription};

/// Components of a stream: RTP and RTCP (RFC 8445 §4), ours by index 0 and 1.
pub const COMPONENTS: usize = 2;
