//! RTP and RTCP formats: views over the bytes of a packet, and the sums of RFC 3550.
//!
//! Everything here is a pure function or a small plain struct; nothing allocates, nothing reads a
//! clock: arrival times come in as nanoseconds. Enter through [`classify`] for a datagram of
//! unknown kind, [`Packet`] for RTP, [`Compound`] for RTCP, [`xr`] for its extended reports, [`Reception`] for counting
//! a stream.
//!
//! A view is validated once, when it is made; its accessors then cannot fail. Input never panics.

pub mod burst;
pub mod bytes;
pub mod clock;
pub mod demux;
pub mod drift;
pub mod error;
pub mod event;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod ntp;
pub mod packet;
pub mod rtcp;
pub mod stats;
pub mod xr;

pub use burst::{BurstReport, Bursts};
pub use clock::static_clock;
pub use demux::{Datagram, classify};
pub use drift::Drift;
pub use error::{RtcpError, RtpError};
pub use event::TelephoneEvent;
pub use ntp::Ntp;
pub use packet::{Header, Packet};
pub use rtcp::{Compound, Form, ReportBlock, RtcpPacket, SenderInfo};
pub use stats::{Heard, Reception};
