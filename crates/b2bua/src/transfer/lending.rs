//! A leg that another call may take: asked on that call's behalf, given back when it does without.

use super::{Errand, Lent, released_by};
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::leg::LateAnswer;
use base::ReasonId;
use media::Side;
use negotiation::LocalSdp;

impl Call {
    /// Another call wants the leg that is lent to it to take a description.
    pub(super) fn ask_lent(&mut self, told: &LocalSdp, cx: &mut Context<'_>) {
        let Some(&Lent { to, side, .. }) = self.lent() else { return };
        if self.invite.is_some() {
            // It offers nothing: our 200 does, its ACK answers.
            return self.answer_arrived(told, Some(LateAnswer::Ours), cx);
        }
        let busy = !self.relays.is_empty() || self.leg(side).is_none_or(|leg| leg.is_negotiating());
        if busy || !self.send_move(side, told.clone(), cx) {
            cx.errands.push(Errand::Said(to, self.me, Err(491)));
        }
    }

    /// The leg that is lent has answered.
    pub(super) fn lent_answered(&mut self, side: Side, status: u16, body: Box<[u8]>, cx: &mut Context<'_>) {
        let said = match status {
            200..=299 if body.is_empty() => Err(502),
            200..=299 => {
                if let Some(leg) = self.leg_mut(side) {
                    leg.described.clone_from(&body);
                }
                if let Some(lent) = self.transfers_mut().lent.as_mut() {
                    lent.moved = true;
                }
                Ok(body)
            }
            status => Err(status),
        };
        self.tell_lent(side, said, cx);
        if matches!(status, 408 | 481) && self.phase == Phase::Answered {
            self.lose(side, ReasonId::DialogGone, cx);
        }
    }

    /// Tells the call that a leg is lent to what that leg says.
    pub(crate) fn tell_lent(&mut self, side: Side, said: Result<Box<[u8]>, u16>, cx: &mut Context<'_>) {
        if let Some(lent) = self.lent().filter(|lent| lent.side == side && lent.placed.is_none()) {
            cx.errands.push(Errand::Said(lent.to, self.me, said));
        }
    }

    /// The other call does without: this one is as before, or over when one of its parties has left it.
    pub(super) fn take_back_lent(&mut self, status: u16, cx: &mut Context<'_>) {
        let Some(lent) = self.transfers.as_deref_mut().and_then(|t| t.lent.take()) else { return };
        // Whatever became of it is no word of this peer's.
        let reason = ReasonId::ReplacesRefused;
        match self.phase {
            Phase::Over => {}
            Phase::Setup => self.refuse_with(cx, status, reason, reason.q850(), b""),
            Phase::Answered if self.leg(lent.side.other()).is_none_or(|leg| leg.gone) => {
                self.release(ReasonId::TransferFailed, released_by(lent.side.other()), cx);
            }
            Phase::Answered => {
                if lent.moved {
                    self.remind(lent.side, cx);
                }
            }
        }
    }
}
