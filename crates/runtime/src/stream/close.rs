//! Why a connection ends, and what that means for messages on it.

use crate::tls::verify;
use sip_core::SendError;
use std::io;

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Close {
    /// The peer closed it.
    Ended,
    /// The peer reset it, or acknowledges nothing any more.
    Reset,
    /// The connect was refused.
    Refused,
    /// No way to the peer.
    Unreachable,
    /// The connect or the TLS handshake took too long.
    TooSlow,
    /// TLS failed, for this reason.
    Tls(&'static str),
    /// The peer's certificate is not believed, for this reason.
    Untrusted(&'static str),
    /// The bytes are no SIP messages (RFC 3261 §18.3).
    Framing,
    /// The peer reads too slowly.
    SlowReader,
    /// No whole message came in the time that a new connection has.
    Silent,
    /// It belongs to no trunk, and has had its time to become known.
    Stranger,
    /// A message began and was not whole in time.
    Unfinished,
    /// The peer answers no ping on it (RFC 5626 §4.4.1).
    Unanswered,
    /// Unused for long.
    Idle,
    /// It gave way to a newer one at a limit.
    Displaced,
    /// The node stops.
    Stopping,
}

impl Close {
    /// All, for counting; TLS reasons share a place.
    pub(crate) const NAMES: [&'static str; 15] = [
        "ended",
        "reset",
        "refused",
        "unreachable",
        "too_slow",
        "tls",
        "framing",
        "slow_reader",
        "silent",
        "idle",
        "displaced",
        "stopping",
        "stranger",
        "unfinished",
        "unanswered",
    ];

    /// Its place in [`Close::NAMES`].
    pub(crate) fn index(self) -> usize {
        match self {
            Close::Ended => 0,
            Close::Reset => 1,
            Close::Refused => 2,
            Close::Unreachable => 3,
            Close::TooSlow => 4,
            Close::Tls(_) | Close::Untrusted(_) => 5,
            Close::Framing => 6,
            Close::SlowReader => 7,
            Close::Silent => 8,
            Close::Idle => 9,
            Close::Displaced => 10,
            Close::Stopping => 11,
            Close::Stranger => 12,
            Close::Unfinished => 13,
            Close::Unanswered => 14,
        }
    }

    /// What a failed connect means.
    pub(crate) fn of_connect(error: &io::Error) -> Close {
        match error.raw_os_error() {
            Some(libc::ECONNREFUSED) => Close::Refused,
            Some(libc::ETIMEDOUT) => Close::TooSlow,
            Some(libc::ECONNRESET) => Close::Reset,
            _ => Close::Unreachable,
        }
    }

    /// What an error on a connected socket means.
    pub(crate) fn of_error(error: &io::Error) -> Close {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Close::Ended,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Close::Unreachable,
            _ => Close::Reset,
        }
    }

    /// What a failure of TLS means.
    pub(crate) fn of_tls(error: &rustls::Error) -> Close {
        let reason = verify::reason(error);
        if verify::is_distrust(error) { Close::Untrusted(reason) } else { Close::Tls(reason) }
    }

    /// What senders of messages on it are told.
    pub(crate) fn send_error(self) -> SendError {
        match self {
            Close::Refused => SendError::Refused,
            Close::Unreachable => SendError::Unreachable,
            Close::TooSlow => SendError::Timeout,
            Close::Tls(reason) => SendError::Tls(reason),
            Close::Untrusted(reason) => SendError::Untrusted(reason),
            Close::SlowReader => SendError::QueueFull,
            _ => SendError::Closed,
        }
    }

    /// Whether messages already handed to the kernel are probably lost too. After an end they are
    /// not: a peer may answer over a connection of its own (RFC 3261 §18.2.2).
    pub(crate) fn loses_what_was_sent(self) -> bool {
        let dead = matches!(self, Close::Reset | Close::Unanswered | Close::Unreachable);
        dead || matches!(self, Close::Tls(_) | Close::Untrusted(_) | Close::SlowReader)
    }

    /// Whether what was read before the end is still answered with this turn: the peer may still read, and
    /// a framing error says nothing against the messages before it.
    pub(crate) fn still_answers(self) -> bool {
        matches!(self, Close::Ended | Close::Framing)
    }

    /// Whether the peer should hear that this is the end, so that it is not taken for an attack
    /// (RFC 8446 §6.1).
    pub(crate) fn is_orderly(self) -> bool {
        let late = matches!(self, Close::Silent | Close::Stranger | Close::Unfinished | Close::Unanswered);
        late || matches!(self, Close::Ended | Close::Idle | Close::Displaced | Close::Stopping)
    }
}
