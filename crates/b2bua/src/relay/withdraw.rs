//! Requests that were passed on and are given up before the other side has answered: by the peer's CANCEL
//! (RFC 3261 §9.2), or because the other side begins and never ends. Whoever asked hears of it at once; what
//! the other side makes of it afterwards stays between it and us.

use super::Relay;
use crate::call::{Call, Phase};
use crate::context::{Alarm, Context};
use crate::record::ReleasedBy;
use base::ReasonId;
use identity::headers::pass_reason;
use identity::said::push_why;
use media::Side;
use negotiation::parse;
use sip_core::{ClientTxn, ServerTxn};
use sip_msg::{Method, Msg};
use std::time::Duration;

/// How long an INVITE inside a call may have no answer but 100, which is no progress: limit
/// `reinvite_wait`. Shorter than 64*T1, for an UPDATE that went on as INVITE has no more time.
pub(crate) const SILENT_MAX: Duration = Duration::from_secs(30);

/// How long it may proceed after another provisional response: timer C (RFC 3261 §16.6).
const PROCEEDING_MAX: Duration = Duration::from_secs(180);

impl Call {
    /// CANCEL of a re-INVITE (RFC 3261 §9.2): 487 to whoever sent it, CANCEL to the other side.
    pub(crate) fn on_cancel_inside(&mut self, invite: ServerTxn, msg: Msg<'_>, cx: &mut Context<'_>) {
        let Some(at) = self.relays.iter().position(|r| r.server == invite && r.is_invite()) else { return };
        let mut rows = cx.take_rows();
        let to = self.trunk_of(self.relays[at].from.other());
        pass_reason(msg, self.epoch.policy(to), &mut rows);
        self.withdraw(at, 487, &rows, cx);
        cx.give_rows(rows);
    }

    /// An INVITE of ours inside the call has been under way for long: what only proceeds is cancelled. One
    /// that nobody has heard of ends with its transaction.
    pub(crate) fn on_unanswered(&mut self, client: ClientTxn, cx: &mut Context<'_>) {
        if !cx.txns.is_proceeding(client) {
            return;
        }
        let mut rows = Vec::new();
        push_why(&mut rows, ReasonId::RefreshFailed.q850());
        let Some(at) = self.relays.iter().position(|r| r.client == client) else {
            return cx.txns.cancel(cx.now, client, &rows, &mut cx.out.sip);
        };
        let progress = self.relays[at].progress.filter(|_| self.relays[at].method == Method::Invite);
        match progress.map(|heard| heard + PROCEEDING_MAX).filter(|until| *until > cx.now) {
            Some(until) => cx.wheel.insert(until, Alarm::Unanswered(self.me, client)),
            // Not 408, which would end the dialog of whoever asked (RFC 5057 §5.1).
            None => self.withdraw(at, 504, &rows, cx),
        }
    }

    fn withdraw(&mut self, at: usize, status: u16, rows: &[u8], cx: &mut Context<'_>) {
        let Some(relay) = self.relays.get_mut(at).filter(|relay| !relay.withdrawn) else { return };
        relay.withdrawn = true;
        let (client, server, from, method) = (relay.client, relay.server, relay.from, relay.method);
        cx.txns.cancel(cx.now, client, rows, &mut cx.out.sip);
        if let Some(leg) = self.leg_mut(from).filter(|_| method == Method::Invite) {
            leg.invited = false;
        }
        self.answer_inner(server, status, b"", cx);
    }

    /// What the other side makes of an INVITE that was withdrawn. Refused, all is as it was; an answer that
    /// crossed the CANCEL is acknowledged, and the other side is told again what holds.
    pub(super) fn after_withdrawal(&mut self, relay: &Relay, msg: Msg<'_>, cx: &mut Context<'_>) {
        let (epoch, other) = (self.epoch.clone(), relay.from.other());
        self.take_back(relay);
        if msg.status() >= 300 {
            return self.heed_gone(other, msg.status(), cx);
        }
        let Some(leg) = self.leg_mut(other) else { return };
        leg.refresh(msg, &epoch);
        leg.ack_held = relay.offer.is_empty();
        if !leg.ack_held {
            leg.acknowledge(cx, &epoch);
        }
        let (trunk, held, ours) = (leg.trunk, leg.ack_held, leg.sdp.text.clone());
        let told = !msg.is_sdp() || self.tell_engine(other, trunk, (msg.body(), &ours), true, cx).is_ok();
        if held {
            self.answer_withdrawn(other, msg, cx);
        } else if told && self.leg(other).is_some_and(|leg| leg.sdp.standing.is_some()) {
            self.remind(other, cx);
        }
    }

    /// The offer in a 2xx to an INVITE without one is answered with what the other peer described last
    /// (RFC 3261 §13.2.2.4).
    fn answer_withdrawn(&mut self, side: Side, msg: Msg<'_>, cx: &mut Context<'_>) {
        let described = self.leg(side.other()).map(|leg| leg.described.clone()).unwrap_or_default();
        let answer = match (parse(&described), parse(msg.body())) {
            (Ok(theirs), Ok(offer)) => sdp::narrow(&theirs, &offer),
            _ => None,
        };
        match answer {
            Some(answer) => self.pass_late_answer(side, &answer, cx),
            None => self.release(ReasonId::SdpAnswerBad, ReleasedBy::Us, cx),
        }
    }

    /// A peer says that the dialog is gone (RFC 3261 §12.2.1.2, RFC 5057 §5.1).
    pub(crate) fn heed_gone(&mut self, side: Side, status: u16, cx: &mut Context<'_>) {
        if matches!(status, 408 | 481) && self.phase == Phase::Answered {
            let reason = if status == 481 { ReasonId::DialogGone } else { ReasonId::RefreshFailed };
            self.lose(side, reason, cx);
        }
    }
}
