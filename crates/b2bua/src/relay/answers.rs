//! Answers to requests that were passed on, and to our own inside a call.

use super::Relay;
use crate::call::{Call, Phase};
use crate::context::{Context, Own};
use crate::leg::{AwaitAck, LateAnswer};
use crate::telling::cross;
use base::ReasonId;
use identity::abilities;
use identity::contact_user;
use identity::headers::{Kind, push_number};
use identity::said::status_for_caller;
use identity::session_policy;
use media::Side;
use sip_core::session_timer::SessionTimer;
use sip_core::{ClientTxn, Flow, Response};
use sip_msg::{Method, Msg};

impl Call {
    /// The other leg's answer to a request that was passed on.
    pub(crate) fn on_relayed(&mut self, client: ClientTxn, msg: Msg<'_>, flow: Flow, cx: &mut Context<'_>) {
        let Some(at) = self.relays.iter().position(|r| r.client == client) else {
            self.repeat_ack(msg, cx);
            return;
        };
        let status = msg.status();
        if status < 200 {
            // Provisional answers inside a call tell the other side nothing.
            self.relays[at].progress = Some(cx.now).filter(|_| status > 100).or(self.relays[at].progress);
            return;
        }
        let relay = self.relays.remove(at);
        self.settle(&relay);
        if relay.withdrawn {
            return self.after_withdrawal(&relay, msg, cx);
        }
        if !self.is_about(&relay) {
            return self.answer_inner(relay.server, 487, b"", cx);
        }
        self.note_passed(&relay, status, cx);
        if status >= 300 {
            if !self.ask_again(&relay, msg, cx) {
                self.relay_refused(&relay, msg, cx);
            }
            return;
        }
        let epoch = self.epoch.clone();
        let to = relay.from.other();
        let negotiates = matches!(relay.sent, Method::Invite | Method::Update);
        if let Some(leg) = self.next_leg_mut(to).filter(|_| negotiates) {
            leg.refresh(msg, &epoch);
            if relay.sent == Method::Invite && leg.flow.transport.is_reliable() {
                leg.flow.conn = flow.conn.or(leg.flow.conn);
            }
        }
        self.relay_answered(&relay, msg, cx);
    }

    /// A 2xx to an INVITE of ours came again: its ACK was lost. `false`: it is no leg's.
    pub(crate) fn repeat_ack(&mut self, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        let epoch = self.epoch.clone();
        let Ok(cseq) = msg.cseq() else { return false };
        if cseq.method != Method::Invite || msg.status() / 100 != 2 {
            return false;
        }
        let tag = msg.to().ok().and_then(|to| to.tag());
        for side in Side::BOTH {
            let Some(leg) = self.leg_mut(side) else { continue };
            if Some(leg.dialog.remote_tag()) == tag && msg.call_id().ok() == Some(leg.dialog.call_id()) {
                leg.acknowledge_again(cseq.number, cx, &epoch);
                return true;
            }
        }
        false
    }

    /// The other side refused the offer, or said nothing: what was described before holds.
    pub(super) fn take_back(&mut self, relay: &Relay) {
        if relay.offer.is_empty() {
            return;
        }
        if let Some(sdp) = self.sdp_mut(relay.from.other()) {
            let changed = *sdp.text != *relay.before;
            sdp.standing = changed.then(|| relay.before.clone());
        }
    }

    fn settle(&mut self, relay: &Relay) {
        if let Some(leg) = self.leg_mut(relay.from.other()).filter(|_| relay.sent == Method::Invite) {
            leg.inviting = false;
        }
        if let Some(leg) = self.leg_mut(relay.from).filter(|_| relay.method == Method::Invite) {
            leg.invited = false;
        }
    }

    fn relay_refused(&mut self, relay: &Relay, msg: Msg<'_>, cx: &mut Context<'_>) {
        let status = msg.status();
        let other = relay.from.other();
        let epoch = self.epoch.clone();
        self.take_back(relay);
        self.media.codec = negotiation::codec_kept(std::mem::take(&mut self.media.codec), &relay.offer);
        let mut rows = cx.take_rows();
        cross(msg, Kind::Response, &epoch, self.way_from(other), &mut rows);
        if let Some(seconds) = msg.retry_after() {
            push_number(&mut rows, b"Retry-After", u64::from(seconds));
        }
        self.answer_inner(relay.server, status_for_caller(status), &rows, cx);
        cx.give_rows(rows);
        self.heed_gone(other, status, cx);
    }

    fn relay_answered(&mut self, relay: &Relay, msg: Msg<'_>, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let (from, other) = (relay.from, relay.from.other());
        let late = relay.sent == Method::Invite && relay.offer.is_empty();
        let negotiates = matches!(relay.sent, Method::Invite | Method::Update);
        let body: Box<[u8]>;
        if negotiates {
            if let Some(leg) = self.leg_mut(other).filter(|_| relay.sent == Method::Invite) {
                leg.ack_held = late;
                if !late {
                    leg.acknowledge(cx, &epoch);
                }
            }
            match self.take_answer(relay, msg, cx) {
                Ok(text) => body = text,
                Err(trouble) => {
                    self.refuse_inner_sdp(relay.server, from, &trouble, cx);
                    return self.release(trouble.reason, crate::record::ReleasedBy::Us, cx);
                }
            }
            self.take_session(other, msg, cx);
        } else {
            body = msg.body().into();
        }
        let mut rows = cx.take_rows();
        if negotiates {
            self.refresh_rows(from, &mut rows);
        }
        cross(msg, Kind::Response, &epoch, self.way_from(other), &mut rows);
        if relay.sent == Method::Refer {
            self.refer_taken(relay, msg, &mut rows, cx);
        }
        let content_type =
            if negotiates { &b"application/sdp"[..] } else { msg.content_type().unwrap_or_default() };
        let response = Response {
            status: msg.status(),
            reason: b"",
            to_tag: b"",
            rows: &rows,
            content_type: if body.is_empty() { b"" } else { content_type },
            body: &body,
            record_route: relay.method == Method::Invite,
        };
        self.reply(relay.server, &response, cx);
        cx.give_rows(rows);
        if let Some(leg) = self.leg_mut(from).filter(|_| relay.method == Method::Invite) {
            let answers = late.then_some(LateAnswer::PassOn);
            leg.await_ack = Some(AwaitAck { txn: relay.server, cseq: relay.cseq, answers, initial: false });
        }
    }

    /// The description in a 2xx, made fit for the side that asked; the engine hears of both.
    fn take_answer(
        &mut self,
        relay: &Relay,
        msg: Msg<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Box<[u8]>, negotiation::SdpTrouble> {
        if !msg.is_sdp() || msg.body().is_empty() {
            // A peer that repeats nothing changes nothing: whoever offered hears what held before.
            let held = self.leg(relay.from).filter(|_| !relay.offer.is_empty());
            return Ok(held.map(|leg| leg.sdp.standing().into()).unwrap_or_default());
        }
        let other = relay.from.other();
        let live = self.phase == Phase::Answered;
        let (from, answers) = (relay.from, !relay.offer.is_empty());
        let ours = self.sdp_mut(other).map(|sdp| sdp.text.clone()).filter(|_| answers).unwrap_or_default();
        self.judge(&ours, msg.body())?;
        self.tell_engine(other, self.trunk_of(other), (msg.body(), &ours), live, cx)?;
        let made = self.describe_for(from, msg.body(), &relay.offer, cx)?;
        if answers {
            self.tell_engine(from, self.trunk_of(from), (&relay.offer, &made), live, cx)?;
            self.note_codec(msg.body());
        }
        self.note_early(relay, msg.body());
        Ok(made)
    }

    /// A 2xx passes: the session timers of both legs are as it and the request say.
    fn take_session(&mut self, side: Side, msg: Msg<'_>, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let answered = self.phase == Phase::Answered;
        if let Some(leg) = self.leg_mut(side).filter(|_| answered) {
            let policy = session_policy(epoch.policy(leg.trunk), leg.abilities.update);
            leg.session = SessionTimer::uac(&msg, &policy, true);
        }
        self.adopt_session(side.other(), cx);
        self.arm_session(side, cx);
    }

    /// A relayed request got no answer at all.
    pub(crate) fn on_relay_lost(&mut self, client: ClientTxn, cx: &mut Context<'_>) {
        let Some(at) = self.relays.iter().position(|r| r.client == client) else { return };
        let relay = self.relays.remove(at);
        self.settle(&relay);
        if self.is_about(&relay) {
            self.take_back(&relay);
        }
        if relay.withdrawn {
            return; // RFC 3261 §9.1: as good as cancelled
        }
        self.answer_inner(relay.server, 408, b"", cx);
        if self.phase == Phase::Answered {
            self.lose(relay.from.other(), ReasonId::RefreshFailed, cx);
        }
    }

    /// Contact, Allow, Supported and Session-Expires of a 2xx inside a call.
    pub(super) fn refresh_rows(&self, side: Side, rows: &mut Vec<u8>) {
        let Some(leg) = self.next_leg(side) else { return };
        let number = if side == Side::A { &self.called } else { self.caller_in_contact() };
        leg.push_contact(rows, &self.epoch, contact_user(number));
        abilities::push(self.epoch.policy(leg.trunk), false, rows);
        if let Some(session) = &leg.session {
            session.response_rows(rows);
        }
    }

    /// The answer to a request of our own inside a dialog.
    pub(crate) fn on_own(&mut self, side: Side, what: Own, msg: Option<Msg<'_>>, cx: &mut Context<'_>) {
        let status = msg.map_or(408, |m| m.status());
        if status < 200 {
            return;
        }
        match what {
            Own::Bye => self.pending = self.pending.saturating_sub(1),
            Own::Prack => self.on_pracked(msg, cx),
            Own::RefreshUpdate | Own::RefreshInvite => self.on_refreshed(side, what, msg, status, cx),
            Own::Digit(turn) => self.on_digit_answered(side, turn, status, cx),
            Own::Move => self.on_moved(side, msg, status, cx),
            Own::Notify(number) => self.on_notified(number, status, cx),
        }
    }
}
