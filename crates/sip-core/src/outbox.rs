//! Messages on their way out, in one arena, so that a message costs no allocation of its own.
//!
//! The pure house appends, the runtime sends and clears. Nothing here is kept between two turns.

use crate::flow::{ConnId, Flow};
use std::ops::Range;

/// Whom to tell when sending fails: handed back in [`crate::Transactions::send_failed`].
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct SendToken(pub u64);

/// One message to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// The way it goes.
    pub flow: Flow,
    /// Where its bytes lie in [`Outbox::bytes`].
    pub range: Range<usize>,
    /// Whom to tell when sending fails; `None`: nobody.
    pub token: Option<SendToken>,
}

/// The messages of one turn, in sending order.
#[derive(Clone, Default, Debug)]
pub struct Outbox {
    /// The bytes of all messages, one after the other.
    pub bytes: Vec<u8>,
    /// What goes where.
    pub transmits: Vec<Transmit>,
    /// Connections that are of no use any more: closed before anything of this turn leaves, so that none of it
    /// leaves on them.
    pub closes: Vec<ConnId>,
}

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Forgets all messages and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.transmits.clear();
        self.closes.clear();
    }

    /// Whether nothing is to be sent or closed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transmits.is_empty() && self.closes.is_empty()
    }

    /// The bytes of one of its messages; empty for a range that is not inside.
    #[must_use]
    pub fn message(&self, transmit: &Transmit) -> &[u8] {
        self.bytes.get(transmit.range.clone()).unwrap_or_default()
    }

    /// Adds what keeps a flow open (RFC 5626 §4.4.1); nobody is told when it cannot be sent.
    pub fn push_ping(&mut self, flow: Flow) {
        self.push(flow, b"\r\n\r\n", None);
    }

    /// Adds a message that exists already.
    pub(crate) fn push(&mut self, flow: Flow, message: &[u8], token: Option<SendToken>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.seal(start, flow, token);
    }

    /// Makes what was written to `bytes` since `start` a message.
    pub(crate) fn seal(&mut self, start: usize, flow: Flow, token: Option<SendToken>) {
        self.transmits.push(Transmit { flow, range: start..self.bytes.len(), token });
    }
}

/// Why the runtime could not send a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// The peer refused the connection, or no program listens there.
    #[error("the peer refused the connection")]
    Refused,
    /// No way to the peer's network or host.
    #[error("the peer's host or network is unreachable")]
    Unreachable,
    /// The connection did not come up in time.
    #[error("connecting to the peer took too long")]
    Timeout,
    /// The TLS handshake failed, for this reason.
    #[error("TLS with the peer failed: {0}")]
    Tls(&'static str),
    /// The peer's certificate is not believed, for this reason.
    #[error("the peer is not who it should be: {0}")]
    Untrusted(&'static str),
    /// The message does not fit the transport.
    #[error("the message is too large for the transport")]
    TooLarge,
    /// Our own sending queue is full.
    #[error("our sending queue is full")]
    QueueFull,
    /// The connection closed before the message left.
    #[error("the connection closed before the message left")]
    Closed,
}
