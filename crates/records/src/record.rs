//! The record (CDR): one per call, one sub-record per attempt.

use crate::journal::CallKey;
use crate::sent::Sent;
use base::{WallTime, reason::ReasonId};
use std::net::SocketAddr;
use std::sync::Arc;

/// What is known of a call when its INVITE is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFacts {
    /// The node that carries the call.
    pub node: Arc<str>,
    /// The trunk it came in on.
    pub trunk: Arc<str>,
    /// That trunk's site; empty when it has none.
    pub site: Arc<str>,
    /// Names the session over all nodes that it crosses: 32 hex digits, those that the caller's
    /// Session-ID brought, else the call's own.
    pub trace_id: Box<str>,
    /// The peer's address.
    pub source: SocketAddr,
    /// The Call-ID of the A leg.
    pub sip_call_id: Box<str>,
    /// The caller's number as received (user part of From).
    pub caller_received: Box<str>,
    /// The called number as received (user part of the Request-URI).
    pub called_received: Box<str>,
    /// P-Asserted-Identity as received, else empty.
    pub asserted_received: Box<str>,
    /// P-Preferred-Identity as received, else empty.
    pub preferred_received: Box<str>,
    /// Diversion as received, else empty.
    pub diversion_received: Box<str>,
    /// The configuration revision that the call was routed with.
    pub revision: u64,
}

/// What is known of an attempt when its INVITE leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptFacts {
    /// Its number, from 1.
    pub number: u16,
    /// The tier of the route it belongs to, from 0.
    pub tier: u8,
    /// The trunk.
    pub trunk: Arc<str>,
    /// The trunk's site; empty when it has none.
    pub site: Arc<str>,
    /// The gateway as configured.
    pub gateway: Arc<str>,
    /// Where the INVITE went.
    pub target: SocketAddr,
    /// The transport token (`udp`).
    pub transport: &'static str,
    /// The Call-ID of the B leg.
    pub sip_call_id: Box<str>,
    /// The caller's number as sent.
    pub caller_sent: Box<str>,
    /// The called number as sent.
    pub called_sent: Box<str>,
    /// Who its INVITE named, header by header; nobody when it could not leave.
    pub sent: Sent,
}

/// Which side ended the call or refused it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReleasedBy {
    /// The side that called us.
    Caller,
    /// The side that we called.
    Callee,
    /// This node: a limit, a timer, a failed route.
    Us,
    /// A person or a program through the API.
    Operator,
}

impl ReleasedBy {
    /// The word in records and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ReleasedBy::Caller => "caller",
            ReleasedBy::Callee => "callee",
            ReleasedBy::Us => "tronco",
            ReleasedBy::Operator => "operator",
        }
    }
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// What it was.
    pub facts: Arc<AttemptFacts>,
    /// When its INVITE left.
    pub start: WallTime,
    /// First provisional response other than 100.
    pub progress: Option<WallTime>,
    /// When it was answered.
    pub answer: Option<WallTime>,
    /// When it was over.
    pub end: Option<WallTime>,
    /// The gateway's final response; 0 when none came.
    pub status: u16,
    /// Q.850 cause from the gateway's Reason header (RFC 3326).
    pub q850: Option<u8>,
    /// Why it ended.
    pub reason: ReasonId,
}

/// How a call was transferred.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferHow {
    /// By REFER to a number that was called for it.
    Blind,
    /// By REFER to a party of another call.
    Attended,
    /// By an INVITE that took a leg's place.
    Replaced,
    /// By REFER that the other peer was handed.
    Passed,
}

impl TransferHow {
    /// Every way.
    pub const ALL: [TransferHow; 4] =
        [TransferHow::Blind, TransferHow::Attended, TransferHow::Replaced, TransferHow::Passed];

    /// The word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TransferHow::Blind => "blind",
            TransferHow::Attended => "attended",
            TransferHow::Replaced => "replaced",
            TransferHow::Passed => "passed",
        }
    }
}

/// One transfer of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferRecord {
    /// Its number, from 1.
    pub number: u16,
    /// When it was accepted.
    pub at: WallTime,
    /// How.
    pub how: TransferHow,
    /// Which side transferred the other one; of an INVITE that took a leg's place, whose.
    pub by: ReleasedBy,
    /// The trunk of whoever transferred.
    pub trunk: Arc<str>,
    /// Who transferred, normalised.
    pub from: Box<str>,
    /// To whom, normalised.
    pub to: Box<str>,
    /// The other call that it joined.
    pub with: Option<CallKey>,
    /// The final status; 0 while there is none.
    pub status: u16,
}

/// What the media of a call looked like.
#[derive(Clone, Debug)]
pub struct MediaRecord {
    /// The engine's last report.
    pub report: Box<media::Report>,
    /// The codec agreed for the first audio stream, as in SDP (`PCMA`).
    pub codec: Box<str>,
}

/// One call, from INVITE to its end.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The call.
    pub key: CallKey,
    /// What was known at birth.
    pub facts: Arc<CallFacts>,
    /// The route's name; empty when none was found.
    pub route: Arc<str>,
    /// The caller's number, normalised.
    pub caller: Box<str>,
    /// The called number, normalised.
    pub called: Box<str>,
    /// When the INVITE was accepted.
    pub start: WallTime,
    /// First provisional response other than 100 that was sent to the caller.
    pub progress: Option<WallTime>,
    /// First provisional response with media (SDP) that was sent to the caller.
    pub early_media: Option<WallTime>,
    /// When it was answered.
    pub answer: Option<WallTime>,
    /// When it was over.
    pub end: WallTime,
    /// The final response sent to the caller (200 for an answered call); 0 when none was sent.
    pub status: u16,
    /// Q.850 cause with which the call ended.
    pub q850: u8,
    /// Why it ended.
    pub reason: ReasonId,
    /// Who ended it.
    pub released_by: ReleasedBy,
    /// One line on how the route was found and what was skipped.
    pub decision: Box<str>,
    /// Attempts in order; those of transfers are among them.
    pub attempts: Vec<AttemptRecord>,
    /// Transfers in order.
    pub transfers: Vec<TransferRecord>,
    /// Media, when it was anchored.
    pub media: Option<MediaRecord>,
    /// The recorder and how the recording went; empty where nobody recorded.
    pub recording: Box<str>,
}

impl CallRecord {
    /// Post-dial delay in milliseconds: INVITE to the first progress or answer.
    #[must_use]
    pub fn post_dial_delay_ms(&self) -> Option<u64> {
        let first = self.progress.or(self.answer)?;
        Some(first.0.saturating_sub(self.start.0) / 1_000)
    }

    /// Answered time in milliseconds; 0 for a call that was not answered.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        self.answer.map_or(0, |a| self.end.0.saturating_sub(a.0) / 1_000)
    }
}
