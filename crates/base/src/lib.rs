//! Shared vocabulary of the whole house: ids, pure time, timers, bounded things, redaction.
//!
//! Floor 0. Nothing here reads a clock, draws entropy or does I/O: time and seeds come in as
//! arguments. Enter through the module that names what you need.

pub mod base64;
pub mod cause;
pub mod hash;
pub mod id;
pub mod limit;
pub mod pace;
mod place;
pub mod reason;
pub mod redact;
pub mod rng;
pub mod time;
pub mod transport;
pub mod wheel;

pub use cause::{q850_text, q850_to_sip, sip_to_q850};
pub use id::{GatewayId, ListenId, ShardId, TrunkId};
pub use limit::Limit;
pub use place::{holds_address, names_place};
pub use reason::{Blame, ReasonId};
pub use redact::Redacted;
pub use rng::Rng;
pub use time::{Time, WallTime};
pub use transport::Transport;
pub use wheel::Wheel;
