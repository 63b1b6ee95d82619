//! Answers that nobody wants: a further fork of an answered INVITE, a 2xx that comes when its call
//! is over. Each is acknowledged and ended from what it says itself, so that no state is kept for it.

use crate::context::{Context, User};
use crate::epoch::Epoch;
use crate::leg::{Abilities, InnerRequest, Leg};
use base::TrunkId;
use media::Side;
use sip_core::dialog::Dialog;
use sip_core::{Flow, late_cseq};
use sip_msg::{Msg, Name};

/// What becomes of the dialog that an unwanted 2xx made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwanted {
    /// A new dialog: acknowledged and ended (RFC 3261 §13.2.2.4).
    Fork,
    /// The answer to a re-INVITE in a dialog that was ended: only acknowledged.
    Ended,
}

/// Acknowledges an unwanted 2xx to an INVITE of ours and ends what it began.
pub(crate) fn end(
    msg: Msg<'_>,
    flow: Flow,
    trunk: TrunkId,
    what: Unwanted,
    epoch: &Epoch,
    cx: &mut Context<'_>,
) {
    let (Ok(cseq), Ok(call_id)) = (msg.cseq(), msg.call_id()) else { return };
    let from = msg.first(Name::From).unwrap_or_default();
    let Ok(dialog) = Dialog::as_uac(from, call_id, late_cseq(cx.now), &msg) else { return };
    let flow = Flow { trunk: Some(trunk), ..flow };
    let mut leg = Leg::new(Side::B, dialog, flow, trunk, Abilities::of(msg));
    leg.invite_cseq = cseq.number;
    leg.route(epoch);
    cx.counters.late_answers += 1;
    leg.acknowledge(cx, epoch);
    if what == Unwanted::Fork
        && leg.request(cx, epoch, InnerRequest::bare(b"BYE", b""), User::Nobody).is_err()
    {
        cx.counters.attempts_refused += 1;
    }
}
