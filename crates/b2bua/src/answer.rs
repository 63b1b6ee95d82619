//! The answer: the callee's 2xx becomes ours to the caller, and both are acknowledged.

use crate::attempt::{Attempt, Offered};
use crate::call::{Call, Failure, Phase};
use crate::context::Context;
use crate::early::Early;
use crate::ending::bye;
use crate::epoch::Epoch;
use crate::journal::JournalEvent;
use crate::leg::{AwaitAck, LateAnswer, Leg};
use crate::record::ReleasedBy;
use crate::telling::cross;
use base::ReasonId;
use identity::abilities;
use identity::contact_user;
use identity::headers::Kind;
use identity::session_policy;
use media::Side;
use negotiation::{SdpTrouble, Standing, parse};
use sip_core::Flow;
use sip_core::session_timer::SessionTimer;
use sip_msg::Msg;

/// Why others stop ringing (RFC 3326 §2, R27): their users are shown no missed call.
const ELSEWHERE: &[u8] = b"Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n";

/// What an early dialog had described before its 2xx.
#[derive(Default)]
struct Described {
    /// The answer; the offer, where our INVITE had none.
    text: Box<[u8]>,
    /// That offer was answered in PRACK.
    answered: bool,
}

impl Call {
    /// A 2xx to an attempt's INVITE (RFC 3261 §13.2.2.4): the first one of the current attempt is
    /// the call; a repeated one is acknowledged again; one that crossed our CANCEL is acknowledged and
    /// ended. `false`: it is a further fork's, or a late one's again, and nobody here wants it.
    pub(crate) fn on_invite_2xx(
        &mut self,
        number: u16,
        msg: Msg<'_>,
        flow: Flow,
        cx: &mut Context<'_>,
    ) -> bool {
        if self.repeats_answer(msg, cx) {
            return true;
        }
        let Some(at) = self.live.iter().position(|a| a.number == number) else { return false };
        let mut attempt = self.live.remove(at);
        crate::gateways::answered(attempt.candidate.at, None, cx);
        let epoch = self.epoch.clone();
        let Some((leg, early)) = attempt.confirmed_leg(msg, flow, &epoch) else {
            let failure = Failure::ours(ReasonId::BadResponse);
            self.attempt_over(number, &attempt.candidate, failure, cx);
            return true;
        };
        if !self.turn_to(number) {
            self.end_late(leg, &attempt, msg, &early, cx);
        } else {
            let tag = leg.dialog.remote_tag();
            let before = self.media.other;
            self.media.other |= self.shown.media.as_ref().is_some_and(|(n, t)| *n != number || **t != *tag);
            self.media.turned = (before, self.media.other);
            self.accept(leg, *attempt, &early, msg, cx);
        }
        true
    }

    /// A 2xx that we know already: its ACK was lost.
    fn repeats_answer(&mut self, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        let epoch = self.epoch.clone();
        let Some(b) = self.b.as_mut() else { return false };
        let tag = msg.to().ok().and_then(|to| to.tag());
        let cseq = msg.cseq().map(|c| c.number).unwrap_or(0);
        let known = tag == Some(b.dialog.remote_tag()) && msg.call_id().ok() == Some(b.dialog.call_id());
        if known {
            b.acknowledge_again(cseq, cx, &epoch);
        }
        known
    }

    /// The answer crossed our CANCEL: acknowledged and ended.
    fn end_late(
        &mut self,
        mut leg: Leg,
        attempt: &Attempt,
        msg: Msg<'_>,
        early: &Described,
        cx: &mut Context<'_>,
    ) {
        leg.sdp = attempt.sdp.clone();
        reject_offer(&mut leg, attempt.offered, early, described(&msg, early));
        cx.counters.late_answers += 1;
        let failure = Failure::ours(ReasonId::Cancelled);
        self.close_attempt(attempt.number, failure, cx);
        self.acknowledge_and_bye(leg, cx);
    }

    fn acknowledge_and_bye(&mut self, mut leg: Leg, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        leg.acknowledge(cx, &epoch);
        self.pending += bye(&mut leg, &epoch, self.me, b"", cx);
    }

    /// `early`: what a provisional response of this dialog bore; then the 2xx need not repeat it (RFC 3261
    /// §13.2.1).
    fn accept(
        &mut self,
        mut leg: Leg,
        mut attempt: Attempt,
        early: &Described,
        msg: Msg<'_>,
        cx: &mut Context<'_>,
    ) {
        let epoch = self.epoch.clone();
        leg.sdp = std::mem::take(&mut attempt.sdp);
        let trunk = attempt.trunk;
        let policy = session_policy(epoch.policy(trunk), leg.abilities.update);
        leg.session = SessionTimer::uac(&msg, &policy, true);
        let body = described(&msg, early);
        if body.is_empty() {
            return self.refuse_answer(leg, &attempt, ReasonId::SdpAnswerMissing, cx);
        }
        self.note_codec(body);
        let asked = self.is_asked_early(attempt.offered);
        let told = match attempt.offered {
            Offered::Withheld => self.join_withheld(&mut leg, body, early.answered, cx),
            offered if asked => self.join_settled(&mut leg, offered, body, early.answered, cx),
            _ => self.join_media(&leg, trunk, body, cx),
        };
        if let Err(trouble) = told {
            reject_offer(&mut leg, attempt.offered, early, body);
            return self.refuse_answer(leg, &attempt, trouble.reason, cx);
        }
        leg.described = leg.sdp.hear(body, cx.wall());
        leg.ack_held = attempt.offered == Offered::Nobody && (!asked || self.shown.offer.is_some());
        if !leg.ack_held {
            leg.acknowledge(cx, &epoch);
        }
        self.give_up_others(attempt.number, cx);
        self.answered(attempt.number, cx);
        self.b = Some(leg);
        self.answer_caller(attempt.offered, trunk, msg, cx);
        self.arm_session(Side::A, cx);
        self.arm_session(Side::B, cx);
    }

    /// Fits the answer for the caller, and tells the engine of both sides.
    fn join_media(
        &mut self,
        leg: &Leg,
        trunk: base::TrunkId,
        body: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        let mut local = std::mem::take(&mut self.a.sdp);
        let arrived = self.arrived.take();
        let offer = arrived.as_ref().map_or(&b""[..], |a| &a.offer);
        let keeps = self.keeps_answer(leg, (offer, local.standing()), body);
        self.media.joining.settled &= keeps;
        let told = self
            .judge(&leg.sdp.text, body)
            .and_then(|()| {
                if keeps {
                    return Ok(());
                }
                let there = ((Side::A, self.trunk_in), trunk);
                self.media.describe(&self.epoch, there, body, offer, &mut local, cx)
            })
            .and_then(|()| self.tell_engine(Side::B, trunk, (body, &leg.sdp.text), true, cx))
            .and_then(|()| match offer {
                b"" => Ok(()),
                offer => self.tell_engine(Side::A, self.trunk_in, (offer, &local.text), true, cx),
            });
        self.arrived = arrived;
        self.a.sdp = local;
        told
    }

    /// Whether the caller keeps the answer that it had from us before the callee's (RFC 3261 §13.2.1): what the two
    /// agreed to can be joined.
    fn keeps_answer(&self, leg: &Leg, (theirs, ours): (&[u8], &[u8]), body: &[u8]) -> bool {
        let policies = [self.trunk_in, leg.trunk].map(|trunk| self.epoch.policy(trunk));
        let a = Standing { policy: policies[0], theirs, ours, renumbered: false };
        let b = Standing::new(policies[1], body, Some(&leg.sdp));
        self.media.joining.settled && negotiation::can_join(&a, &b)
    }

    /// The callee answered, but not so that there can be a call.
    fn refuse_answer(&mut self, leg: Leg, attempt: &Attempt, reason: ReasonId, cx: &mut Context<'_>) {
        self.acknowledge_and_bye(leg, cx);
        // The engine knows of the shown one still, or of this one already: then whoever comes next is another.
        let (before, turned) = self.media.turned;
        self.media.other = turned && (before || !self.media.other);
        self.attempt_over(attempt.number, &attempt.candidate, Failure::ours(reason), cx);
    }

    /// The others stop ringing.
    pub(crate) fn give_up_others(&mut self, winner: u16, cx: &mut Context<'_>) {
        let others: Vec<u16> = self.live.iter().map(|a| a.number).filter(|n| *n != winner).collect();
        for number in others {
            self.give_up(number, ReasonId::Elsewhere, ELSEWHERE, cx);
            self.close_attempt(number, Failure::ours(ReasonId::Elsewhere), cx);
        }
        if self.forks.take().is_some() {
            self.end_relays_of_others(winner, cx);
        }
    }

    fn answered(&mut self, number: u16, cx: &mut Context<'_>) {
        let at = cx.wall();
        self.phase = Phase::Answered;
        self.answer = Some(at);
        self.queue.clear();
        self.current = number;
        cx.counters.answered += u64::from(self.invite.is_some());
        if let Some(record) = self.attempts.get_mut(usize::from(number) - 1) {
            record.answer = Some(at);
            record.status = 200;
        }
        if let Some(gateway) = self.places.get(usize::from(number) - 1).copied() {
            let trunk = cx.runs.gateway(gateway).trunk;
            cx.runs.trunk_mut(trunk).answered_out += 1;
        }
        self.note_quality(number, true, cx);
        cx.out.journal.push(JournalEvent::Answered { call: self.key, at, attempt: number });
    }

    fn answer_caller(&mut self, offered: Offered, trunk: base::TrunkId, msg: Msg<'_>, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let mut rows = cx.take_rows();
        self.a.push_contact(&mut rows, &epoch, contact_user(&self.called));
        abilities::push(epoch.policy(self.trunk_in), false, &mut rows);
        if let Some(session) = &self.a.session {
            session.response_rows(&mut rows);
        }
        cross(msg, Kind::Response, &epoch, self.way_back(trunk), &mut rows);
        let txn = self.invite;
        // An offer in a reliable provisional is not repeated (RFC 3261 §13.2.1).
        let asked = self.is_asked_early(offered);
        let cseq = self.arrived.take().map(|arrived| arrived.cseq);
        let body = std::mem::take(&mut self.a.sdp.text);
        self.respond(cx, 200, &rows, if asked { b"" } else { &body });
        self.a.sdp.text = body;
        cx.give_rows(rows);
        if let Some(txn) = txn {
            let answers = match offered {
                _ if asked => None,
                Offered::Caller | Offered::Withheld => None,
                Offered::Us => Some(LateAnswer::Ours),
                Offered::Nobody => Some(LateAnswer::PassOn),
            };
            self.a.await_ack = Some(AwaitAck { txn, cseq: cseq.unwrap_or(0), answers, initial: true });
        }
    }

    /// An ACK inside a dialog (RFC 3261 §13.3.1.4): ours need not be repeated any more; a late
    /// answer in it goes where it belongs.
    pub(crate) fn on_ack(&mut self, side: Side, msg: Msg<'_>, cx: &mut Context<'_>) {
        let cseq = msg.cseq().map(|c| c.number).unwrap_or(0);
        let Some(leg) = self.leg_mut(side) else { return };
        let Some(waiting) = leg.await_ack.filter(|w| w.cseq == cseq) else { return };
        leg.await_ack = None;
        let trunk = leg.trunk;
        cx.txns.acked(waiting.txn);
        self.send_held_bye(side, cx);
        let Some(answers) = waiting.answers else { return };
        if self.phase != Phase::Answered {
            return;
        }
        let body = if msg.is_sdp() { msg.body() } else { b"" };
        if body.is_empty() {
            return self.release(ReasonId::SdpAnswerMissing, ReleasedBy::Us, cx);
        }
        let offered = self.leg(side).map(|leg| leg.sdp.text.clone()).unwrap_or_default();
        let judged = self
            .judge(&offered, body)
            .and_then(|()| self.tell_engine(side, trunk, (body, &offered), true, cx));
        if judged.is_err() {
            return self.release(ReasonId::SdpAnswerBad, ReleasedBy::Us, cx);
        }
        self.note_codec(body);
        match answers {
            LateAnswer::PassOn => self.pass_late_answer(side.other(), body, cx),
            LateAnswer::Ours => self.tell_lent(side, Ok(body.into()), cx),
        }
    }

    /// The answer that came in an ACK completes the other leg's offer.
    pub(crate) fn pass_late_answer(&mut self, to: Side, body: &[u8], cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let Some(leg) = self.leg_mut(to) else { return };
        let (trunk, offer) = (leg.trunk, leg.described.clone());
        let mut local = std::mem::take(&mut leg.sdp);
        let described = self
            .describe(to, trunk, body, &offer, &mut local, cx)
            .and_then(|()| self.tell_engine(to, trunk, (&offer, &local.text), true, cx));
        let Some(leg) = self.leg_mut(to) else { return };
        leg.sdp = local;
        leg.ack_held = false;
        if described.is_ok() {
            leg.ack_body = Some((leg.invite_cseq, leg.sdp.text.clone()));
        }
        leg.acknowledge(cx, &epoch);
        if described.is_err() {
            self.release(ReasonId::SdpAnswerBad, ReleasedBy::Us, cx);
        }
    }
}

/// What a 2xx says of its dialog's media, by itself or by what came before it.
fn described<'a>(msg: &Msg<'a>, early: &'a Described) -> &'a [u8] {
    if msg.is_sdp() && !msg.body().is_empty() { msg.body() } else { &early.text }
}

/// The ACK of a 2xx with an offer bears an answer, also when nothing of the offer is wanted (RFC 3261 §13.2.2.4).
fn reject_offer(leg: &mut Leg, offered: Offered, early: &Described, text: &[u8]) {
    let asked = matches!(offered, Offered::Withheld | Offered::Nobody) && !early.answered;
    if let Some(offer) = parse(text).ok().filter(|_| asked && leg.ack_body.is_none()) {
        let origin = (leg.sdp.id, leg.sdp.version + u64::from(leg.sdp.id != 0));
        leg.ack_body = Some((leg.invite_cseq, sdp::reject_all(&offer, origin).into()));
    }
}

impl Attempt {
    /// The leg that a 2xx confirms: the early dialog of its tag with the answer that it bore, or a
    /// new one.
    fn confirmed_leg(&mut self, msg: Msg<'_>, flow: Flow, epoch: &Epoch) -> Option<(Leg, Described)> {
        let tag = msg.to().ok().and_then(|to| to.tag());
        let Some(at) = self.early.iter().position(|e| Some(e.leg.dialog.remote_tag()) == tag) else {
            return self.leg_for(msg, flow, epoch).map(|leg| (leg, Described::default()));
        };
        let Early { mut leg, answer, answered, .. } = self.early.swap_remove(at);
        leg.dialog.update_route_set_on_2xx(&msg);
        leg.refresh(msg, epoch);
        Some((leg, Described { text: answer, answered }))
    }
}
