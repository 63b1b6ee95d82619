//! The journal: what a call must remember to survive the process, as small append-only events.
//!
//! The store writes them before the messages that they belong to leave the node. After a kill the
//! events of calls without an `Ended` become records (reason `X-CRASHED`), so that every accepted
//! INVITE has exactly one record.

use crate::record::{AttemptFacts, CallFacts, CallRecord, TransferRecord};
use base::{WallTime, reason::ReasonId};
use std::fmt;
use std::sync::Arc;

/// Names a call for ever, over restarts: 128 unpredictable bits, shown as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CallKey(pub u128);

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for CallKey {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<CallKey, Self::Err> {
        u128::from_str_radix(text, 16).map(CallKey)
    }
}

/// One event in the life of a call.
#[derive(Clone, Debug)]
pub enum JournalEvent {
    /// An INVITE was accepted: from here on a record is owed.
    Accepted {
        /// Which call.
        call: CallKey,
        /// When.
        at: WallTime,
        /// What is known at birth.
        facts: Arc<CallFacts>,
    },
    /// A route was found: what the numbers mean and how it was decided.
    Routed {
        /// Which call.
        call: CallKey,
        /// When.
        at: WallTime,
        /// The route's name.
        route: Arc<str>,
        /// The caller's number, normalised.
        caller: Box<str>,
        /// The called number, normalised.
        called: Box<str>,
        /// One line on how the route was found and what was skipped.
        decision: Box<str>,
    },
    /// An attempt towards a trunk began.
    Attempt {
        /// Which call.
        call: CallKey,
        /// When.
        at: WallTime,
        /// What the attempt is.
        facts: Arc<AttemptFacts>,
    },
    /// A provisional response other than 100 came (the first of its attempt).
    Progress {
        /// Which call.
        call: CallKey,
        /// When.
        at: WallTime,
        /// The attempt's number, from 1.
        attempt: u16,
        /// Its status code.
        status: u16,
    },
    /// The call was answered.
    Answered {
        /// Which call.
        call: CallKey,
        /// When.
        at: WallTime,
        /// The attempt's number, from 1.
        attempt: u16,
    },
    /// An attempt failed and the next one is tried, or the call ends.
    AttemptFailed {
        /// Which call.
        call: CallKey,
        /// When.
        at: WallTime,
        /// The attempt's number, from 1.
        attempt: u16,
        /// The gateway's final response, or 0 when none came.
        status: u16,
        /// Why.
        reason: ReasonId,
    },
    /// The call is being transferred, or that has come to its end.
    Transfer {
        /// Which call.
        call: CallKey,
        /// When.
        at: WallTime,
        /// How it stands.
        transfer: Box<TransferRecord>,
    },
    /// The call is over; this is its record. The store delivers it to the record sinks.
    Ended {
        /// The whole record.
        record: Box<CallRecord>,
    },
}
