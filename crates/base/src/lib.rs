//! Shared vocabulary of the whole house: ids, pure time, timers, bounded things, redaction.
//!
//! Floor 0. Nothing here reads a clock, draws entropy or does I/O: time and seeds come in as
//! arguments. Enter through the module that names what you need.

pub mod hash;
pub mod id;
pub mod limit;
pub mod redact;
pub mod rng;
pub mod time;
pub mod transport;
pub mod wheel;

pub use id::{GatewayId, ListenId, ShardId, TrunkId};
pub use limit::Limit;
pub use redact::Redacted;
pub use rng::Rng;
pub use time::{Time, WallTime};
pub use transport::Transport;
pub use wheel::Wheel;
