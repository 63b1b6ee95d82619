//! An attempt as a record has it.

use super::own;
use crate::moment::Moment;
use crate::sent::SentRow;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One attempt towards a gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow<'a> {
    /// From 1.
    pub number: u16,
    /// Tier of the route, from 0.
    pub tier: u8,
    /// The trunk.
    pub trunk: Cow<'a, str>,
    /// The trunk's site; empty when it has none.
    #[serde(default)]
    pub site: Cow<'a, str>,
    /// The gateway as configured.
    pub gateway: Cow<'a, str>,
    /// Address and port the INVITE went to.
    pub target: Cow<'a, str>,
    /// `udp`, `tcp` or `tls`.
    pub transport: Cow<'a, str>,
    /// Call-ID of this leg.
    pub sip_call_id: Cow<'a, str>,
    /// The caller's number as sent.
    pub caller_sent: Cow<'a, str>,
    /// The called number as sent.
    pub called_sent: Cow<'a, str>,
    /// Who its INVITE named, header by header.
    #[serde(default)]
    pub sent: SentRow<'a>,
    /// INVITE sent.
    pub start: Moment,
    /// First provisional response other than 100.
    pub progress: Option<Moment>,
    /// Answered.
    pub answer: Option<Moment>,
    /// Over.
    pub end: Option<Moment>,
    /// The gateway's final response; 0 when none came.
    pub status: u16,
    /// Q.850 cause from the gateway's Reason header.
    pub q850: Option<u8>,
    /// Why it ended.
    pub reason: Cow<'a, str>,
}

impl AttemptRow<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> AttemptRow<'static> {
        AttemptRow {
            number: self.number,
            tier: self.tier,
            trunk: own(self.trunk),
            site: own(self.site),
            gateway: own(self.gateway),
            target: own(self.target),
            transport: own(self.transport),
            sip_call_id: own(self.sip_call_id),
            caller_sent: own(self.caller_sent),
            called_sent: own(self.called_sent),
            sent: self.sent.into_owned(),
            start: self.start,
            progress: self.progress,
            answer: self.answer,
            end: self.end,
            status: self.status,
            q850: self.q850,
            reason: own(self.reason),
        }
    }
}
