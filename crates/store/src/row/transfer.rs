//! A transfer as a record has it.

use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One transfer of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferRow<'a> {
    /// From 1.
    pub number: u16,
    /// Accepted.
    pub at: Moment,
    /// `blind`, `attended`, `replaced` or `passed`.
    pub how: Cow<'a, str>,
    /// `caller` or `callee`: the side that transferred, or whose leg was replaced.
    pub by: Cow<'a, str>,
    /// The trunk of whoever transferred.
    pub trunk: Cow<'a, str>,
    /// Who transferred, normalised.
    pub from: Cow<'a, str>,
    /// To whom, normalised.
    pub to: Cow<'a, str>,
    /// The other call that was joined: 32 hex digits; empty when none was.
    pub with: Cow<'a, str>,
    /// The final status; 0 when the call was over before there was one.
    pub status: u16,
}

impl TransferRow<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> TransferRow<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        TransferRow {
            number: self.number,
            at: self.at,
            how: own(self.how),
            by: own(self.by),
            trunk: own(self.trunk),
            from: own(self.from),
            to: own(self.to),
            with: own(self.with),
            status: self.status,
        }
    }
}
