//! What a refusal counts as, and what the caller hears when nothing is left to try.

use crate::call::{Call, Failure};
use crate::context::Context;
use crate::parting::Parting;
use crate::record::ReleasedBy;
use crate::telling::cross;
use base::{Blame, ReasonId, TrunkId};
use config::Mapping;
use identity::headers::{Kind, push_number};
use identity::said::{push_refusal, push_why, status_for_caller};
use sip_msg::Msg;

impl Call {
    /// What a refusal counts as by the trunk's `map_response` (R68); the attempt's record keeps what came.
    pub(crate) fn mapped(&mut self, trunk: TrunkId, failure: Failure) -> Failure {
        let rules = &self.epoch.trunk(trunk).map_response;
        let Some(status) = Mapping::find(rules, failure.status, failure.q850) else { return failure };
        let cause = failure.q850.map(|cause| format!(" cause {cause}")).unwrap_or_default();
        let name = self.epoch.trunk_name(trunk);
        let told = format!("{}; {} of {name}{cause} counts as {status}", self.decision, failure.status);
        self.decision = told.into_boxed_str();
        Failure { status, reason: ReasonId::from_sip_status(status), ..failure }
    }

    /// Nothing is left to try.
    pub(crate) fn fail(&mut self, cx: &mut Context<'_>) {
        if self.try_redirected(cx) {
            return;
        }
        let failure = self.failure.unwrap_or(Failure::ours(ReasonId::NoGateway));
        let q850 = failure.q850.unwrap_or(failure.reason.q850());
        let status =
            if failure.status == 0 { failure.reason.status() } else { status_for_caller(failure.status) };
        let mut rows = cx.take_rows();
        push_refusal(&mut rows, self.epoch.face(self.a.flow.listen).host(), failure.reason);
        self.refuse_with(cx, status, failure.reason, q850, &rows);
        cx.give_rows(rows);
    }

    /// The callee's refusal goes on to the caller with what may cross.
    pub(crate) fn pass_failure(&mut self, trunk: TrunkId, msg: Option<Msg<'_>>, cx: &mut Context<'_>) {
        let (Some(msg), Some(failure)) = (msg, self.failure) else { return self.fail(cx) };
        let mut rows = cx.take_rows();
        self.refusal_rows(trunk, msg, failure, &mut rows);
        self.pass_refusal(status_for_caller(failure.status), failure, &rows, cx);
        cx.give_rows(rows);
    }

    /// Appends what of a refusal's rows the caller hears.
    pub(crate) fn refusal_rows(&self, trunk: TrunkId, msg: Msg<'_>, failure: Failure, rows: &mut Vec<u8>) {
        if failure.q850.is_none() {
            push_why(rows, base::sip_to_q850(failure.status));
        }
        let status = status_for_caller(failure.status);
        if let (503 | 480 | 486 | 500 | 600 | 603, Some(seconds)) = (status, failure.retry_after) {
            push_number(rows, b"Retry-After", u64::from(seconds));
        }
        cross(msg, Kind::Response, &self.epoch, self.way_back(trunk), rows);
    }

    /// Ends the call with what a peer said.
    pub(crate) fn pass_refusal(&mut self, status: u16, failure: Failure, rows: &[u8], cx: &mut Context<'_>) {
        let q850 = failure.q850.unwrap_or(base::sip_to_q850(failure.status));
        let by = if failure.reason.blame() == Blame::Us { ReleasedBy::Us } else { ReleasedBy::Callee };
        self.take_leave(Parting { status, rows: rows.to_vec(), q850, reason: failure.reason, by }, cx);
    }
}
