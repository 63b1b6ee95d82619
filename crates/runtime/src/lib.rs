//! Sockets, clock, threads, entropy, DNS, TLS of signalling: with [`engine`] the only place that does I/O for calls.
//!
//! It drives the pure house and decides nothing about SIP or media. [`Node`] is a running
//! node: one signalling thread with its loop (`shard`), the media engine's workers ([`engine`]) and
//! the resolver's thread (`dns`). Enter through [`Node::start`].

mod brain;
mod clock;
mod dns;
mod journal;
mod mailbox;
mod node;
mod poll;
mod pool;
mod secrets;
mod shard;
mod socket;
mod status;
mod stream;
mod tls;
mod udp;

pub use dns::DnsServers;
pub use journal::{JournalError, JournalSink, NoJournal};
pub use mailbox::{ANSWER_MAX, NodeGone, Stopped};
pub use node::{ApplyError, LocalAddress, Node, NodeHandle, NodeOptions, StartError, default_workers};
pub use secrets::{PasswordError, SecretError, Secrets};
pub use status::{ListenStatus, ShardCounters, StreamCounters, StreamCounts, TransportStatus};
pub use tls::{TlsError, tls_faults};
pub use udp::DatagramCounters;
