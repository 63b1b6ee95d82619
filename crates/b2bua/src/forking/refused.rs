//! The responses of branches that failed, and which of them the caller hears (RFC 3261 §16.7 step 6).

use crate::call::{Call, Failure};
use crate::context::Context;
use base::TrunkId;
use identity::said::status_for_caller;
use sip_msg::Msg;

/// How a branch failed.
pub(crate) struct Refused {
    pub(crate) trunk: TrunkId,
    pub(crate) failure: Failure,
    /// What the caller would hear.
    pub(crate) status: u16,
    /// The rows that go with it; `None` when no response came.
    pub(crate) rows: Option<Box<[u8]>>,
}

impl Refused {
    /// A failure that no response tells of.
    pub(crate) fn ours(trunk: TrunkId, failure: Failure) -> Refused {
        Refused { trunk, failure, status: failure.reason.status(), rows: None }
    }

    /// A redirect for the caller, with its Contacts.
    pub(crate) fn redirect(trunk: TrunkId, failure: Failure, rows: Box<[u8]>) -> Refused {
        let q850 = Some(failure.reason.q850());
        Refused { trunk, status: failure.status, failure: Failure { q850, ..failure }, rows: Some(rows) }
    }

    /// The better of two; the earlier among equals.
    pub(crate) fn or_better(self, other: Refused) -> Refused {
        if rank(&other) < rank(&self) { other } else { self }
    }
}

/// 6xx first, then the lowest class; inside it what helps the caller to ask anew, and what a peer said before
/// what we found.
fn rank(refused: &Refused) -> (u16, bool, bool) {
    let class = match refused.status / 100 {
        6 => 0,
        class => class,
    };
    let helps = matches!(refused.status, 415 | 420 | 484);
    (class, !helps, refused.rows.is_none())
}

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

#[cfg(test)]
#[path = "../../tests/unit/refused.rs"]
mod tests;
