//! The four transaction machines of RFC 3261 §17 with RFC 6026, as tables.
//!
//! Each machine is one pure function from (state, input) to (next state, deed); the deeds are done by the
//! client and server rooms. Nothing here knows messages, timers' lengths or addresses. Two timers exist per
//! transaction: `Resend`, the fast one, and `Expire`, the slow one; each arm names the RFC's letter.

pub(crate) mod invite_client;
pub(crate) mod invite_server;
pub(crate) mod other_client;
pub(crate) mod other_server;

/// What the client side is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClientDeed {
    /// Nothing.
    Ignore,
    /// Send the request again and wait longer.
    Resend,
    /// Send our CANCEL again and wait longer.
    ResendCancel,
    /// Tell the TU of the response.
    Report,
    /// Acknowledge the failure and tell the TU.
    AckAndReport,
    /// Acknowledge the failure once more.
    Ack,
    /// Tell the TU that nobody answered.
    ReportTimeout,
    /// Tell the TU that the request could not be sent.
    ReportFailure,
}

/// What the server side is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ServerDeed {
    /// Nothing.
    Ignore,
    /// Send the TU's response.
    Send,
    /// Send the last response again, if there is one.
    Resend,
    /// Send the last response again and wait longer.
    ResendSlower,
    /// Send a 100, or the unacknowledged reliable provisional again.
    TryingOrReliable,
    /// Give the message to the TU.
    Pass,
}

#[cfg(test)]
mod tests;
