//! The responses of branches that failed, kept for the end of a round.

use crate::call::{Call, Failure};
use crate::context::Context;
use base::TrunkId;
pub(crate) use identity::Refused;
use identity::said::status_for_caller;
use sip_msg::Msg;

impl Call {
    /// Keeps a branch's final response for the end of the round.
    pub(super) fn refused(
        &self,
        trunk: TrunkId,
        failure: Failure,
        msg: Option<Msg<'_>>,
        cx: &mut Context<'_>,
    ) -> Refused {
        let Some(msg) = msg else { return Refused::ours(trunk, failure) };
        let mut rows = cx.take_rows();
        self.refusal_rows(trunk, msg, failure, &mut rows);
        let kept = rows.as_slice().into();
        cx.give_rows(rows);
        Refused { trunk, failure, status: status_for_caller(failure.status), rows: Some(kept) }
    }
}
