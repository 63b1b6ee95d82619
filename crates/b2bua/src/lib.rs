//! All calls: the only place that knows that a call has two legs.
//!
//! Floor 4, pure: one input, then the outputs are drained. Enter at [`Switchboard::handle`]:
//! bytes from a socket, a media reply, a resolved name, a command or the passing of time go in;
//! messages to send, media commands, journal events, names to resolve and notes come out in an
//! [`Outbox`]. Nothing here reads a clock, opens a socket or waits.

mod answer;
mod attempt;
mod call;
mod candidates;
mod challenge;
mod context;
mod copy;
mod digits;
mod early;
mod ending;
mod epoch;
mod expiry;
mod forking;
mod gateways;
mod inner;
mod invite;
mod leg;
mod links;
mod local;
mod offer;
mod parting;
mod ports;
mod prack;
mod recorded;
mod redirect;
mod refusal;
mod registrar;
mod registrations;
mod relay;
mod secure;
mod session;
mod setup;
mod showing;
mod stray;
mod switchboard;
mod telling;
mod transfer;
mod views;

pub use contract::{Command, Input, Note, Outbox, ResolveRequest, input, output, view};
pub use peers::{Choice, Duty, Resolution, Target, Voucher};
pub(crate) use records::tag;
pub use records::{
    AttemptFacts, AttemptRecord, CallFacts, CallKey, CallRecord, JournalEvent, MediaRecord, ReleasedBy, SENT,
    Sent, TransferHow, TransferRecord, journal, record,
};
pub use routing::Snapshot;
pub use switchboard::{Setup, Switchboard};
