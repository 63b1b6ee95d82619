//! Changes that one leg makes and the other need not hear of: answered here, by the trunk's `absorb` and
//! `late_reinvite` (INTEROP 38).

use crate::call::Call;
use crate::context::Context;
use crate::leg::{AwaitAck, LateAnswer};
use config::{LateReinvite, Update};
use media::Side;
use sip_core::{Response, ServerTxn};
use sip_msg::{Method, Msg};

impl Call {
    /// Answers a re-INVITE or UPDATE here when its trunk's policy says so; `false`: it is to go on.
    pub(super) fn absorb(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) -> bool {
        if msg.body().is_empty() {
            return self.absorb_late(side, msg, txn, cseq, cx);
        }
        let Some(answer) = self.answer_of_ours(side, msg, cx) else { return false };
        let (trunk, epoch) = (self.trunk_of(side), self.epoch.clone());
        if self.tell_engine(side, trunk, (msg.body(), &answer), true, cx).is_err() {
            return false; // the way through says what is wrong with it
        }
        if let Some(leg) = self.leg_mut(side) {
            leg.refresh(msg, &epoch);
        }
        self.answer_change(side, msg, txn, &answer, cx);
        if msg.method() == Method::Invite
            && let Some(leg) = self.leg_mut(side)
        {
            leg.await_ack = Some(AwaitAck { txn, cseq, answers: None, initial: false });
        }
        true
    }

    /// A re-INVITE without an offer gets what we described last (RFC 3261 §14.2); the answer in its ACK
    /// stays here.
    fn absorb_late(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) -> bool {
        let epoch = self.epoch.clone();
        if epoch.policy(self.trunk_of(side)).dialog.late_reinvite != LateReinvite::Answer {
            return false;
        }
        let Some(leg) = self.leg_mut(side).filter(|leg| !leg.sdp.text.is_empty()) else { return false };
        leg.refresh(msg, &epoch);
        let offer: Box<[u8]> = leg.sdp.restate().into();
        leg.await_ack = Some(AwaitAck { txn, cseq, answers: Some(LateAnswer::Ours), initial: false });
        self.answer_change(side, msg, txn, &offer, cx);
        true
    }

    /// 200 with a description of ours and the leg's session timer.
    fn answer_change(&mut self, side: Side, msg: Msg<'_>, txn: ServerTxn, body: &[u8], cx: &mut Context<'_>) {
        self.adopt_session(side, cx);
        let mut rows = cx.take_rows();
        self.refresh_rows(side, &mut rows);
        let response = Response {
            status: 200,
            reason: b"",
            to_tag: b"",
            rows: &rows,
            content_type: b"application/sdp",
            body,
            record_route: msg.method() == Method::Invite,
        };
        self.reply(txn, &response, cx);
        cx.give_rows(rows);
    }

    /// Our answer to a further offer, made of what the other peer described last; `None` when the policy or
    /// the offer wants the other peer to hear of it.
    fn answer_of_ours(&mut self, side: Side, msg: Msg<'_>, cx: &mut Context<'_>) -> Option<Box<[u8]>> {
        let rules = &self.epoch.policy(self.trunk_of(side)).dialog;
        let described = (&*self.leg(side)?.described, &*self.leg(side.other())?.described);
        let offer = Some(msg.body()).filter(|_| msg.is_sdp())?;
        let theirs = negotiation::answerable(rules, self.media.relayed(), described, offer)?;
        self.describe_for(side, &theirs, offer, cx).ok()
    }

    /// Whether UPDATE of a peer is refused, for its trunk allows none (RFC 3311 §4).
    pub(crate) fn bars_update(&self, side: Side) -> bool {
        self.epoch.policy(self.trunk_of(side)).dialog.update == Update::Off
    }
}
