//! PRACK of the caller (RFC 3262 §3), with the answer to an offer that a reliable provisional of ours bore,
//! or with a new one (§5).

use crate::attempt::{Attempt, Offered};
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::early::Early;
use crate::leg::{LateAnswer, Leg};
use crate::record::ReleasedBy;
use base::ReasonId;
use media::Side;
use negotiation::{SdpTrouble, met};
use sip_core::ServerTxn;
use sip_msg::Msg;
use std::borrow::Cow;

/// An offer in a reliable provisional response of ours, whose answer is to come in PRACK.
#[derive(Clone, Copy)]
pub(crate) struct OfferInProvisional {
    /// Its RSeq.
    pub(crate) rseq: u32,
    /// Where the answer goes.
    pub(crate) answers: LateAnswer,
}

impl Call {
    /// PRACK for a reliable provisional of ours; only the caller gets these.
    pub(crate) fn on_prack(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        // An answer may already wait behind the provisional (RFC 3262 §3).
        let invite = self.invite.or(self.a.await_ack.map(|waiting| waiting.txn));
        let rack = msg.rack().ok().flatten().zip(invite.filter(|_| side == Side::A));
        let Some((rack, invite)) = rack else { return self.answer_inner(txn, 481, b"", cx) };
        // The answer is taken before what waits for it may leave.
        let due = self.shown.offer.filter(|due| due.rseq == rack.rseq);
        if !cx.txns.prack(cx.now, invite, &rack, &mut cx.out.sip) {
            return self.answer_inner(txn, 481, b"", cx);
        }
        match due {
            Some(due) => self.take_answer_in_prack(due, msg, txn, cx),
            None if msg.body().is_empty() => self.answer_inner(txn, 200, b"", cx),
            // Nobody is left to hear a new offer; the provisional is acknowledged all the same.
            None if self.phase != Phase::Setup => self.answer_inner(txn, 488, b"", cx),
            None => self.offer_early(side, msg, txn, cseq, cx),
        }
    }

    /// The answer to the offer that our reliable provisional bore (RFC 3262 §5): it must be there.
    fn take_answer_in_prack(
        &mut self,
        due: OfferInProvisional,
        msg: Msg<'_>,
        txn: ServerTxn,
        cx: &mut Context<'_>,
    ) {
        self.shown.offer = None;
        let body = if msg.is_sdp() { msg.body() } else { b"" };
        if self.phase == Phase::Over {
            return self.answer_inner(txn, 200, b"", cx);
        }
        if body.is_empty() {
            self.answer_inner(txn, 200, b"", cx);
            return self.release(ReasonId::SdpAnswerMissing, ReleasedBy::Us, cx);
        }
        let live = self.phase == Phase::Answered;
        let offered = self.a.sdp.text.clone();
        let trunk = self.trunk_in;
        let judged = self
            .judge(&offered, body)
            .and_then(|()| self.tell_engine(Side::A, trunk, (body, &offered), live, cx));
        if let Err(trouble) = judged {
            self.refuse_inner_sdp(txn, Side::A, &trouble, cx);
            return self.release(ReasonId::SdpAnswerBad, ReleasedBy::Us, cx);
        }
        self.note_codec(body);
        self.answer_inner(txn, 200, b"", cx);
        if let Some(arrived) = self.arrived.as_mut() {
            arrived.offer = body.into();
        }
        match (due.answers, live) {
            (LateAnswer::Ours, _) => {}
            (LateAnswer::PassOn, true) => self.pass_late_answer(Side::B, body, cx),
            (LateAnswer::PassOn, false) => self.answer_forks(cx),
        }
    }

    /// The caller has described itself: every fork whose offer waits for an answer gets one in its PRACK.
    pub(crate) fn answer_forks(&mut self, cx: &mut Context<'_>) {
        let (epoch, me) = (self.epoch.clone(), self.me);
        let Some(text) = self.arrived.as_ref().map(|a| a.offer.clone()).filter(|t| !t.is_empty()) else {
            return;
        };
        loop {
            let waiting = |a: &&Attempt| a.early.iter().any(|e| e.unanswered.is_some());
            let Some(number) = self.running().find(waiting).map(|a| a.number) else { return };
            let Some(attempt) = self.attempt_mut(number) else { return };
            let waiting = |e: &&mut Early| e.unanswered.is_some();
            let Some(early) = attempt.early.iter_mut().find(waiting) else { return };
            let (Some(rseq), offer) = (early.unanswered.take(), early.answer.clone()) else { return };
            let tag: Box<[u8]> = early.leg.dialog.remote_tag().into();
            let trunk = attempt.trunk;
            let answer = self.answer_for_callee(number, &text, &offer, cx);
            let told = answer.and_then(|answer| {
                self.tell_engine(Side::B, trunk, (&offer, &answer), false, cx).map(|()| answer)
            });
            let answer = match told {
                Ok(answer) => answer,
                Err(trouble) => {
                    self.drop_attempt(number, trouble.reason, cx);
                    continue;
                }
            };
            let Some(attempt) = self.attempt_mut(number) else { return };
            let Some(early) = attempt.early.iter_mut().find(|e| e.leg.dialog.remote_tag() == &*tag) else {
                return;
            };
            early.prack_body = answer;
            early.answered = true;
            early.send_prack(rseq, &epoch, me, cx);
        }
    }

    /// Our answer to an offer of the callee's side, made of what the caller described; kept in the attempt.
    fn answer_for_callee(
        &mut self,
        number: u16,
        text: &[u8],
        offer: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Box<[u8]>, SdpTrouble> {
        let Some(attempt) = self.live.iter().find(|a| a.number == number) else { return Ok(Box::default()) };
        let text = attempt.offered.fitted(text, offer)?;
        if self.media.is_anchored() {
            negotiation::judge_across(offer, &text)?;
        }
        let Some(attempt) = self.attempt_mut(number) else { return Ok(Box::default()) };
        let (trunk, mut local) = (attempt.trunk, std::mem::take(&mut attempt.sdp));
        let described = self.describe(Side::B, trunk, &text, offer, &mut local, cx);
        let made = local.text.clone();
        if let Some(attempt) = self.attempt_mut(number) {
            attempt.sdp = local;
        }
        described.map(|()| made)
    }

    /// The callee answers a call whose caller's offer was kept from it: it has offered too, and both are answered.
    /// `answered`: it has its answer already.
    pub(crate) fn join_withheld(
        &mut self,
        leg: &mut Leg,
        body: &[u8],
        answered: bool,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        let text = self.arrived.as_ref().map(|a| a.offer.clone()).unwrap_or_default();
        let (theirs, ours) = (met(body, &text)?, met(&text, body)?);
        self.note_codec(&theirs);
        let (mut a, mut b) = (std::mem::take(&mut self.a.sdp), std::mem::take(&mut leg.sdp));
        let mut described = self.describe(Side::A, self.trunk_in, &theirs, &text, &mut a, cx);
        if !answered && described.is_ok() {
            described = self.describe(Side::B, leg.trunk, &ours, body, &mut b, cx);
            leg.ack_body = Some((leg.invite_cseq, b.text.clone()));
        }
        (self.a.sdp, leg.sdp) = (a, b);
        described?;
        let told = self.a.sdp.text.clone();
        self.tell_engine(Side::B, leg.trunk, (body, &leg.sdp.text), true, cx)?;
        self.tell_engine(Side::A, self.trunk_in, (&text, &told), true, cx)
    }

    /// Whether a caller that made no offer was shown one before the answer.
    pub(crate) fn is_asked_early(&self, offered: Offered) -> bool {
        let answered = self.arrived.as_ref().is_some_and(|a| !a.offer.is_empty());
        matches!(offered, Offered::Us | Offered::Nobody) && (answered || self.shown.offer.is_some())
    }

    /// The callee answers a call whose caller was asked before: the engine hears of both sides, the callee has
    /// its answer or gets it in the ACK.
    pub(crate) fn join_settled(
        &mut self,
        leg: &mut Leg,
        offered: Offered,
        body: &[u8],
        answered: bool,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        let text = self.arrived.as_ref().map(|a| a.offer.clone()).unwrap_or_default();
        self.judge(&leg.sdp.text, body)?;
        // Without a text of the caller's the answer is on its way in PRACK.
        if offered == Offered::Nobody && !answered && !text.is_empty() {
            if self.media.is_anchored() {
                negotiation::judge_across(body, &text)?;
            }
            let mut local = std::mem::take(&mut leg.sdp);
            let described = self.describe(Side::B, leg.trunk, &text, body, &mut local, cx);
            leg.sdp = local;
            described?;
            leg.ack_body = Some((leg.invite_cseq, leg.sdp.text.clone()));
        }
        self.tell_engine(Side::B, leg.trunk, (body, &leg.sdp.text), true, cx)?;
        let told = self.a.sdp.text.clone();
        if text.is_empty() {
            Ok(())
        } else {
            self.tell_engine(Side::A, self.trunk_in, (&text, &told), true, cx)
        }
    }
}

impl Offered {
    /// A description as the answer to an offer: as it is where it was made to be that.
    pub(crate) fn fitted<'a>(self, text: &'a [u8], offer: &[u8]) -> Result<Cow<'a, [u8]>, SdpTrouble> {
        match self {
            Offered::Withheld => met(text, offer).map(Cow::Owned),
            _ => Ok(Cow::Borrowed(text)),
        }
    }
}
