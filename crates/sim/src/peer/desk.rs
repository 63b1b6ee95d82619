//! What a peer's turn is given and causes.

use super::Alarm;
use base::Time;
use std::net::SocketAddr;

/// A datagram or stream message on its way.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Sender.
    pub from: SocketAddr,
    /// Receiver.
    pub to: SocketAddr,
    /// Over a stream.
    pub stream: bool,
    /// The message.
    pub bytes: Vec<u8>,
}

/// What an agent's turn causes.
pub struct Desk {
    /// Now.
    pub now: Time,
    /// What it sends.
    pub letters: Vec<Letter>,
    /// When it wants to be woken.
    pub alarms: Vec<(Time, Alarm)>,
    /// What the house did wrong.
    pub faults: Vec<String>,
    /// The dialogs of all peers, where somebody is to name one.
    pub others: Vec<Other>,
}

/// A dialog as somebody else may name it.
pub struct Other {
    /// Which call of the plan.
    pub call: usize,
    /// Of its caller, or of a callee.
    pub caller: bool,
    /// It has no answer yet.
    pub early: bool,
    /// The value of a Replaces for it.
    pub replaces: String,
}

impl Desk {
    /// An empty one.
    #[must_use]
    pub fn new(now: Time) -> Desk {
        Desk { now, letters: Vec::new(), alarms: Vec::new(), faults: Vec::new(), others: Vec::new() }
    }
}
