//! Offers inside early dialogs: UPDATE (RFC 3311) of either side, PRACK of the caller (RFC 3262 §5).

use super::Relay;
use crate::attempt::Offered;
use crate::call::{Call, Phase};
use crate::context::Context;
use media::Side;
use sip_core::ServerTxn;
use sip_msg::{Method, Msg};

/// What becomes of an offer inside an early dialog.
enum Way {
    /// It goes on as UPDATE.
    On,
    /// An exchange is not finished: this status (RFC 3311 §5.2).
    Busy(u16),
    /// The other side's dialog cannot take it.
    Closed,
}

impl Call {
    /// Passes an offer inside an early dialog on as UPDATE where the other side can take it. Else an UPDATE
    /// is answered 504, as RFC 3311 §5.2 says of what cannot be decided without the user, a PRACK 488.
    pub(crate) fn offer_early(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        match self.early_way(side, cx) {
            Way::On => self.pass_on(side, msg, txn, cseq, Method::Update, cx),
            Way::Busy(status) => self.refuse_glare(txn, status, cx),
            Way::Closed => {
                let status = if msg.method() == Method::Prack { 488 } else { 504 };
                self.answer_inner(txn, status, b"", cx);
            }
        }
    }

    fn early_way(&self, side: Side, cx: &Context<'_>) -> Way {
        let Some(attempt) = self.live.iter().find(|a| a.number == self.current) else { return Way::Closed };
        let [early] = attempt.early.as_slice() else { return Way::Closed };
        if self.has_several_dialogs() {
            return Way::Closed;
        }
        if let Some(status) = self.refuses_offer(side) {
            return Way::Busy(status);
        }
        if self.shown.offer.is_some() {
            return Way::Busy(491);
        }
        match side {
            // The caller's first offer has no answer yet.
            Side::A
                if matches!(attempt.offered, Offered::Caller | Offered::Withheld)
                    && early.answer.is_empty() =>
            {
                Way::Busy(500)
            }
            Side::A if early.leg.takes_update(&self.epoch) => Way::On,
            // The caller has to know the answer for sure before it can hear of a change (RFC 3311 §5.1).
            Side::B if !self.a.takes_update(&self.epoch) || !self.is_heard_reliably() => Way::Closed,
            Side::B if self.shown.media.is_none() => Way::Closed,
            Side::B if self.invite.is_none_or(|txn| cx.txns.awaits_prack(txn)) => Way::Busy(491),
            Side::B => Way::On,
            Side::A => Way::Closed,
        }
    }

    /// An exchange inside an early dialog is complete: what each side described in it is what the answer
    /// will build on.
    pub(super) fn note_early(&mut self, relay: &Relay, answer: &[u8]) {
        if self.phase != Phase::Setup || relay.offer.is_empty() || answer.is_empty() {
            return;
        }
        let (a, b) = match relay.from {
            Side::A => (&*relay.offer, answer),
            Side::B => (answer, &*relay.offer),
        };
        if let Some(arrived) = self.arrived.as_mut() {
            arrived.offer = a.into();
        }
        let current = self.current;
        if let Some([early]) = self.attempt_mut(current).map(|attempt| attempt.early.as_mut_slice()) {
            early.answer = b.into();
        }
    }
}
