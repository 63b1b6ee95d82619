//! Offers that meet: while one has no answer, no further one is taken (RFC 3261 §14.2, RFC 3311 §5.2).

use crate::call::Call;
use crate::context::Context;
use identity::headers::push_number;
use media::Side;
use sip_core::ServerTxn;

/// The longest Retry-After of a 500 to a second offer, in seconds (RFC 3261 §14.2).
const RETRY_AFTER_MAX: u64 = 10;

impl Call {
    /// With what a further offer of a side is refused while one is on its way: 500 to whoever has made it,
    /// 491 to whoever is about to hear it.
    pub(super) fn refuses_offer(&self, side: Side) -> Option<u16> {
        let open = self.relays.iter().find(|relay| !relay.offer.is_empty())?;
        Some(if open.from == side { 500 } else { 491 })
    }

    /// Whether an offer that was passed on has no answer yet.
    pub(crate) fn has_open_offer(&self) -> bool {
        self.relays.iter().any(|relay| !relay.offer.is_empty())
    }

    /// Refuses an offer for one that is open; a 500 says when to try again, drawn by chance (RFC 3261 §14.2).
    pub(super) fn refuse_glare(&mut self, txn: ServerTxn, status: u16, cx: &mut Context<'_>) {
        let mut rows = cx.take_rows();
        if status == 500 {
            push_number(&mut rows, b"Retry-After", cx.rng.below(RETRY_AFTER_MAX + 1));
        }
        self.answer_inner(txn, status, &rows, cx);
        cx.give_rows(rows);
    }
}
