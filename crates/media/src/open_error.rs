//! Why the engine has no ports for a session or for further streams of it.

use crate::control::Side;
use base::ListenId;
use std::fmt;

/// Why a session could not be opened. All are ours; a later attempt may succeed except with
/// [`OpenError::NoRange`] and [`OpenError::Duplicate`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// Every port of the range of that side's interface is taken or rests before reuse.
    PortsExhausted(Side),
    /// No port of that side could be bound; the last operating system error number.
    Bind(Side, i32),
    /// The process may hold no more descriptors.
    Descriptors,
    /// The interface has no RTP range.
    NoRange(ListenId),
    /// The media workers are behind; their queue of commands is full.
    Busy,
    /// A session of that id is open.
    Duplicate,
    /// No session of that id is open, so that it cannot grow.
    Unknown,
}

impl OpenError {
    /// A stable id for records and metrics.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            OpenError::PortsExhausted(_) => "media_ports_exhausted",
            OpenError::Bind(..) => "media_bind_failed",
            OpenError::Descriptors => "media_descriptors_exhausted",
            OpenError::NoRange(_) => "media_no_range",
            OpenError::Busy => "media_busy",
            OpenError::Duplicate => "media_session_duplicate",
            OpenError::Unknown => "media_session_unknown",
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::PortsExhausted(side) => write!(f, "no RTP port is free for side {side:?}"),
            OpenError::Bind(side, errno) => {
                write!(f, "no RTP port of side {side:?} could be bound (os error {errno})")
            }
            OpenError::Descriptors => f.write_str("the process may open no more sockets"),
            OpenError::NoRange(listen) => write!(f, "interface {} has no RTP range", listen.0),
            OpenError::Busy => f.write_str("the media workers are behind with their commands"),
            OpenError::Duplicate => f.write_str("the session is open already"),
            OpenError::Unknown => f.write_str("the session is not open"),
        }
    }
}

impl std::error::Error for OpenError {}
