//! Early dialogs: what the callee's side reports before its final response.

use crate::attempt::{Attempt, Offered};
use crate::call::{Call, Phase};
use crate::context::{Alarm, Context, Own, User};
use crate::epoch::Epoch;
use crate::headers::{Kind, decimal, pass_rows, push_parts, push_row};
use crate::invite::contact_user;
use crate::journal::JournalEvent;
use crate::leg::{ALLOW, Abilities, InnerRequest, Leg, push_contact};
use crate::relay::Relay;
use config::Prack;
use media::Side;
use sip_core::dialog::Dialog;
use sip_core::{Flow, Response, ServerTxn};
use sip_msg::{Method, Msg, Name};

/// What a provisional response says of its fork.
enum Fork<'a> {
    /// It belongs to this early dialog.
    Dialog(&'a mut Early),
    /// It makes no dialog: no Contact, as RFC 3261 table 2 allows.
    None,
    /// One early dialog too many.
    Refused,
}

/// One early dialog.
pub(crate) struct Early {
    pub(crate) leg: Leg,
    /// The last reliable provisional that we acknowledged (RFC 3262 §4).
    rseq: Option<u32>,
    /// The answer that a provisional response bore; empty until one did.
    pub(crate) answer: Box<[u8]>,
}

impl Call {
    /// A provisional response to an attempt's INVITE (RFC 3261 §13.2.2.1).
    pub(crate) fn on_provisional(&mut self, number: u16, msg: Msg<'_>, flow: Flow, cx: &mut Context<'_>) {
        let status = msg.status();
        let setup = self.phase == Phase::Setup && self.current == number;
        let epoch = self.epoch.clone();
        let me = self.me;
        let limit = epoch.snapshot.config.limits.early_dialogs_max as usize;
        let Some(attempt) = self.attempt_mut(number) else { return };
        crate::gateways::answered(attempt.candidate.at, None, cx);
        if status == 100 || attempt.cancelled || !setup {
            return;
        }
        if !attempt.progressed {
            attempt.progressed = true;
            let ring = epoch.trunk(attempt.trunk).ring_timeout;
            cx.wheel.insert(cx.now + ring, Alarm::Ring(me, number));
        }
        match attempt.early_dialog(msg, flow, limit, &epoch, cx) {
            Fork::Dialog(early) => {
                if !early.acknowledge_provisional(msg, &epoch, me, cx) {
                    return;
                }
                if msg.is_sdp() && !msg.body().is_empty() {
                    early.answer = msg.body().into();
                }
            }
            Fork::Refused => return,
            Fork::None => {}
        }
        self.note_progress(number, status, cx);
        self.pass_provisional(number, msg, cx);
    }

    fn note_progress(&mut self, number: u16, status: u16, cx: &mut Context<'_>) {
        let at = cx.wall();
        let Some(record) = self.attempts.get_mut(usize::from(number) - 1) else { return };
        if record.progress.is_none() {
            record.progress = Some(at);
            cx.out.journal.push(JournalEvent::Progress { call: self.key, at, attempt: number, status });
        }
    }

    /// Shows the caller what the callee's side reports; its media only where it may be shown.
    fn pass_provisional(&mut self, number: u16, msg: Msg<'_>, cx: &mut Context<'_>) {
        let Some(attempt) = self.live.iter().find(|a| a.number == number) else { return };
        let (trunk, offered) = (attempt.trunk, attempt.offered);
        // An unreliable provisional cannot bear an offer (RFC 3262 §5): late offers wait for the 2xx.
        let mut body: Box<[u8]> = Box::default();
        if msg.is_sdp() && !msg.body().is_empty() && offered == Offered::Caller {
            let mut local = std::mem::take(&mut self.a.sdp);
            let arrived = self.arrived.take();
            let offer = arrived.as_ref().map_or(&b""[..], |a| &a.offer);
            let described = self
                .describe(Side::A, self.trunk_in, msg.body(), offer, &mut local, cx)
                .and_then(|()| self.tell_engine(Side::B, trunk, msg.body(), false, cx));
            if described.is_ok() {
                body = local.text.clone();
                self.early_media.get_or_insert(cx.wall());
            }
            self.arrived = arrived;
            self.a.sdp = local;
        }
        self.progress.get_or_insert(cx.wall());
        let epoch = self.epoch.clone();
        let mut rows = cx.take_rows();
        push_contact(
            &mut rows,
            epoch.face(self.a.flow.listen),
            self.a.flow.transport,
            contact_user(&self.called),
        );
        push_row(&mut rows, b"Allow", ALLOW);
        pass_rows(msg, Kind::Response, epoch.policy(trunk), epoch.policy(self.trunk_in), &mut rows);
        let reliable = self.a.abilities.reliable && epoch.policy(self.trunk_in).prack != Prack::Off;
        if let (true, Some(txn)) = (reliable, self.invite) {
            let response = Response {
                status: msg.status(),
                reason: b"",
                to_tag: self.a.dialog.local_tag(),
                rows: &rows,
                content_type: if body.is_empty() { b"" } else { b"application/sdp" },
                body: &body,
                record_route: true,
            };
            if cx.txns.respond_reliably(cx.now, txn, &response, &mut cx.out.sip).is_err() {
                cx.counters.attempts_refused += 1;
            }
        } else {
            self.respond(cx, msg.status(), &rows, &body);
        }
        cx.give_rows(rows);
    }

    /// UPDATE with an offer before the answer (RFC 3311 §5.2): only a single early dialog that
    /// knows UPDATE can take it.
    pub(crate) fn update_early(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        let (current, epoch, user) = (self.current, self.epoch.clone(), User::Relay(self.me, Side::B));
        let single =
            |a: &&mut Attempt| side == Side::A && a.early.len() == 1 && a.early[0].leg.abilities.update;
        let Some(attempt) = self.attempt_mut(current).filter(single) else {
            return self.answer_inner(txn, 504, b"", cx);
        };
        let (trunk, mut local) = (attempt.trunk, std::mem::take(&mut attempt.sdp));
        let described = self.describe(Side::B, trunk, msg.body(), b"", &mut local, cx);
        let body = local.text.clone();
        if let Some(attempt) = self.attempt_mut(current) {
            attempt.sdp = local;
        }
        if let Err(trouble) = described {
            return self.refuse_inner_sdp(txn, side, &trouble, cx);
        }
        let request =
            InnerRequest { method: b"UPDATE", rows: b"", content_type: b"application/sdp", body: &body };
        let Some(attempt) = self.attempt_mut(current) else { return };
        let Some(early) = attempt.early.first_mut() else { return };
        match early.leg.request(cx, &epoch, request, user) {
            Ok(client) => self.relays.push(Relay {
                client,
                server: txn,
                from: side,
                method: Method::Update,
                sent: Method::Update,
                cseq,
                offer: msg.body().into(),
                before: Box::default(),
            }),
            Err(_) => self.answer_inner(txn, 503, b"", cx),
        }
    }
}

impl Attempt {
    /// The early dialog that a response belongs to, made if it is the fork's first (RFC 3261
    /// §12.1.2).
    fn early_dialog(
        &mut self,
        msg: Msg<'_>,
        flow: Flow,
        limit: usize,
        epoch: &Epoch,
        cx: &mut Context<'_>,
    ) -> Fork<'_> {
        let tag = msg.to().ok().and_then(|to| to.tag());
        let known = self.early.iter().position(|e| Some(e.leg.dialog.remote_tag()) == tag);
        let index = match known {
            Some(index) => {
                self.early[index].leg.refresh(msg, epoch);
                index
            }
            None if self.early.len() >= limit => {
                cx.counters.early_dialogs_refused += 1;
                return Fork::Refused;
            }
            None => {
                let Some(leg) = self.leg_for(msg, flow, epoch) else { return Fork::None };
                self.early.push(Early { leg, rseq: None, answer: Box::default() });
                self.early.len() - 1
            }
        };
        self.early.get_mut(index).map_or(Fork::None, Fork::Dialog)
    }

    /// A leg made from a response; without a To tag a nameless early dialog (RFC 2543 peers).
    pub(crate) fn leg_for(&self, msg: Msg<'_>, flow: Flow, epoch: &Epoch) -> Option<Leg> {
        let dialog = Dialog::as_uac(&self.from, &self.call_id, 1, &msg).ok()?;
        let flow = Flow { trunk: Some(self.trunk), remote: self.flow.remote, ..flow };
        let mut leg = Leg::new(Side::B, dialog, flow, self.trunk, Abilities::of(msg));
        leg.invite_cseq = 1;
        leg.route(epoch);
        Some(leg)
    }
}

impl Early {
    /// PRACKs a reliable provisional (RFC 3262 §4); `false` when it is a repetition or out of order.
    fn acknowledge_provisional(
        &mut self,
        msg: Msg<'_>,
        epoch: &Epoch,
        call: crate::tag::CallRef,
        cx: &mut Context<'_>,
    ) -> bool {
        let Ok(Some(rseq)) = msg.rseq() else { return true };
        if !msg.has_token(Name::Require, "100rel") {
            return true;
        }
        if self.rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
            return false;
        }
        self.rseq = Some(rseq);
        let mut rows = cx.take_rows();
        let (mut one, mut two) = ([0; 20], [0; 20]);
        let parts = [decimal(u64::from(rseq), &mut one), b" ", decimal(1, &mut two), b" INVITE"];
        push_parts(&mut rows, b"RAck", &parts);
        let user = User::Own(call, Side::B, Own::Prack);
        let sent = self.leg.request(cx, epoch, InnerRequest::bare(b"PRACK", &rows), user);
        cx.give_rows(rows);
        if sent.is_err() {
            cx.counters.attempts_refused += 1;
        }
        true
    }
}
