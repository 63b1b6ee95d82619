//! DTLS 1.2 handshakes that agree on keys for SRTP (RFC 6347, RFC 5764), and nothing else: no data is carried.
//!
//! Sans-IO: datagrams and time come in, datagrams and keys come out. [`Shake`] is one handshake in either role; what a
//! session's streams need of them stands in [`Associations`], which an engine drives. Who a peer is says the
//! fingerprint of its certificate in signalling (RFC 8122); no authority is asked. Own code because of what it must
//! be able to do: believe certificates with RSA keys (baresip, FreeSWITCH and old border controllers have no other),
//! on the one cryptographic library of the house, which is AWS-LC. That library draws its own entropy.
//!
//! Narrow on purpose: ECDHE with AES-GCM, both sides certified, no resumption, no renegotiation, no compression, no
//! application data. Lengths, numbers and times are bounded here by name.

mod associations;
mod certificate;
mod client;
mod cookie;
mod crypto;
mod desk;
mod early;
mod flight;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod gathering;
mod hello;
mod keys;
mod messages;
mod reader;
mod reassembly;
mod record;
mod server;
mod shake;
mod trouble;

pub use associations::Associations;
pub use certificate::Certificate;
pub use cookie::{Answered, Doorman};
pub use desk::Desk;
pub use shake::{Agreed, Shake, Terms};
pub use trouble::Trouble;
