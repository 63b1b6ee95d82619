//! Secure RTP and RTCP (RFC 3711, RFC 6188, RFC 7714): packets made unreadable and unforgeable, and back.
//!
//! Pure: packets are changed in place, keys come in as bytes, nothing is drawn. [`Protector`] is one
//! direction out, [`Opener`] one direction in; each has a master key of its own. What an attacker sends
//! changes no state: a packet counts only once its tag is right.

mod cipher;
mod error;
mod keys;
mod mint;
mod open;
mod protect;
mod replay;
mod state;
mod streams;
mod suite;
#[cfg(test)]
mod tests;

pub use error::SrtpError;
pub use keys::{KEYS_MAX, MASTER_KEY_MAX, MASTER_SALT_MAX, MKI_MAX, MasterKey};
pub use mint::Mint;
pub use open::Opener;
pub use protect::Protector;
pub use replay::Window;
pub use state::{State, StreamState};
pub use suite::Suite;
