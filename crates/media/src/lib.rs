//! One media session, sans-IO: who may send, where it goes, and how good it sounds.
//!
//! Floor 2. It knows neither SIP nor SDP, only its control commands; it reads no clock and opens
//! no socket: an engine in `runtime` (or in the kernel) brings packets and time, and does what
//! the verdict says. Enter through [`control`] to ask for media, through [`session`] to build an
//! engine, through [`flow`] to build one that runs without asking for each packet.

mod beside;
mod care;
mod checks;
pub mod control;
pub mod fast;
pub mod flow;
mod guard;
mod half;
mod latch;
pub mod lendings;
mod one_way;
mod open_error;
mod ports;
mod quality;
mod reception;
mod renumbered;
pub mod report;
mod reports;
mod secured;
pub mod session;
mod sound;
mod status;
pub mod token;
mod wire;

pub use bridge::{Digit, Play, Recoded, Sound, Tally, Why, Yields};
pub use care::{Care, Extended, Keepalive, RoundTrip};
pub use control::{CodecKind, Command, Latch, MAX_STREAMS, Remote, Reply, SessionId, Side};
pub use fast::{Arrived, Home, Leaving, Rings, TouchedQueue, TouchedStatus, TouchedWorker};
pub use fast::{FastPath, FastStatus, Lane, Ledger, Opening, Road, Unfit};
pub use flow::{Action, Check, Component, Flow};
pub use guard::Datagram;
pub use lendings::Lendings;
pub use one_way::{NotHeard, OneWay};
pub use open_error::OpenError;
pub use ports::{Ports, StreamPorts};
pub use report::{DropReason, Drops, Report, StreamReport};
pub use rtp::BurstReport;
pub use rtp::static_clock;
pub use rtp::xr::VoipMetrics;
pub use secured::{Association, Dtls, Fingerprint, Hash, Keys, Security, Spot, Srtp};
pub use session::{Sending, Session, Silence, UNREACHED_AFTER, Verdict, lines_of};
pub use status::{PortStatus, Status};
