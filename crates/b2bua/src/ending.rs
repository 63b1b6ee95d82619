//! The end of a call: who hangs up, who hears of it, and the record.

use crate::call::{Call, End, Failure, Phase};
use crate::context::{Alarm, Context, Own, User};
use crate::epoch::Epoch;
use crate::journal::JournalEvent;
use crate::leg::{InnerRequest, Leg};
use crate::offer::State;
use crate::output::Level;
use crate::record::{CallRecord, MediaRecord, ReleasedBy};
use crate::tag::CallRef;
use crate::transfer::released_by;
use base::ReasonId;
use identity::headers::{Kind, pass_reason, pass_rows};
use identity::said::{push_why, q850_of};
use media::{Command, NotHeard, Report, SessionId, Side, Silence};
use sip_core::{Response, ServerTxn};
use sip_msg::Msg;
use std::time::Duration;

/// How long the engine may take for its last report; then the record is written without media.
pub(crate) const REPORT_WAIT: Duration = Duration::from_secs(2);

/// Sends BYE on a leg; returns how many requests are now pending for it (0 or 1).
pub(crate) fn bye(leg: &mut Leg, epoch: &Epoch, call: CallRef, rows: &[u8], cx: &mut Context<'_>) -> u16 {
    let user = User::Own(call, leg.side, Own::Bye);
    u16::from(leg.request(cx, epoch, InnerRequest::bare(b"BYE", rows), user).is_ok())
}

impl Call {
    /// The caller's CANCEL (RFC 3261 §9.2): 487 to the caller, CANCEL to the callee.
    pub(crate) fn on_cancel(&mut self, msg: Msg<'_>, cx: &mut Context<'_>) {
        let reason = ReasonId::Cancelled;
        if self.phase == Phase::Answered && self.holds_answer(Side::A, cx) {
            return self.release(reason, ReleasedBy::Caller, cx);
        }
        if self.phase != Phase::Setup {
            return;
        }
        let mut rows = cx.take_rows();
        self.pass_reason(msg, &mut rows);
        self.end_attempts(reason, &rows, cx);
        cx.give_rows(rows);
        self.respond(cx, 487, b"", b"");
        self.finish(cx, 487, reason.q850(), reason, ReleasedBy::Caller);
    }

    /// Why the caller gives up, as every branch may hear it (RFC 3326, R27).
    fn pass_reason(&self, msg: Msg<'_>, rows: &mut Vec<u8>) {
        let policies = self.live.iter().map(|attempt| self.epoch.policy(attempt.trunk));
        let strictest = policies.min_by_key(|policy| policy.headers.topology.text);
        if let Some(to) = strictest {
            pass_reason(msg, to, rows);
        }
    }

    /// Cancels what is under way for a reason; attempts without an end get one.
    pub(crate) fn end_attempts(&mut self, why: ReasonId, rows: &[u8], cx: &mut Context<'_>) {
        let numbers: Vec<u16> = self.live.iter().map(|a| a.number).collect();
        for number in numbers {
            self.give_up(number, why, rows, cx);
            self.close_attempt(number, Failure::ours(why), cx);
        }
        (self.current, self.forks) = (0, None);
    }

    /// BYE from a side (RFC 3261 §15.1.2).
    pub(crate) fn on_bye(&mut self, side: Side, msg: Msg<'_>, txn: ServerTxn, cx: &mut Context<'_>) {
        self.answer_inner(txn, 200, b"", cx);
        match self.phase {
            Phase::Over => self.drop_held_bye(side),
            Phase::Setup if side == Side::A => {
                // A caller may end an early dialog by BYE; the INVITE is then answered 487 (§15.1.2).
                let mut rows = cx.take_rows();
                self.pass_reason(msg, &mut rows);
                let reason = ReasonId::Cancelled;
                self.end_attempts(reason, &rows, cx);
                cx.give_rows(rows);
                self.respond(cx, 487, b"", b"");
                self.finish(cx, 487, reason.q850(), reason, ReleasedBy::Caller);
            }
            Phase::Setup => {} // a callee ends an early dialog by its final response
            Phase::Answered => {
                if !self.leaves(side, cx) {
                    self.hang_up(side, msg, cx);
                }
            }
        }
    }

    fn hang_up(&mut self, side: Side, msg: Msg<'_>, cx: &mut Context<'_>) {
        let mut rows = cx.take_rows();
        let other = side.other();
        let to = self.trunk_of(other);
        let agent = self.epoch.face(self.epoch.trunk(to).listen).host();
        let there = (self.epoch.policy(to), agent);
        pass_rows(msg, Kind::Bye, self.epoch.policy(self.trunk_of(side)), there, &mut rows);
        self.withdraw_answer(side, 487, b"", cx);
        self.release_held_ack(side, cx);
        self.say_bye(other, &rows, 480, cx);
        cx.give_rows(rows);
        let (reason, by) = match side {
            Side::A => (ReasonId::HangupA, ReleasedBy::Caller),
            Side::B => (ReasonId::HangupB, ReleasedBy::Callee),
        };
        self.finish(cx, 200, q850_of(msg).unwrap_or(16), reason, by);
    }

    /// Ends an answered call, or one in setup, for a reason that neither peer gave.
    pub(crate) fn release(&mut self, reason: ReasonId, by: ReleasedBy, cx: &mut Context<'_>) {
        match self.phase {
            Phase::Over => {}
            Phase::Setup => {
                let mut rows = cx.take_rows();
                push_why(&mut rows, reason.q850());
                self.end_attempts(reason, &rows, cx);
                cx.give_rows(rows);
                self.refuse_for(by, cx, reason, b"");
            }
            Phase::Answered => {
                let mut rows = cx.take_rows();
                push_why(&mut rows, reason.q850());
                self.say_bye(Side::A, &rows, reason.status(), cx);
                self.say_bye(Side::B, &rows, reason.status(), cx);
                cx.give_rows(rows);
                self.finish(cx, 200, reason.q850(), reason, by);
            }
        }
    }

    /// One peer is lost (481, 408, no ACK, expired session): BYE to both, one of which may listen.
    pub(crate) fn lose(&mut self, side: Side, reason: ReasonId, cx: &mut Context<'_>) {
        self.release(reason, released_by(side), cx);
    }

    pub(crate) fn say_bye(&mut self, side: Side, rows: &[u8], status: u16, cx: &mut Context<'_>) {
        if self.withdraw_answer(side, status, rows, cx) {
            return;
        }
        self.release_held_ack(side, cx);
        let (epoch, me) = (self.epoch.clone(), self.me);
        let Some(leg) = self.leg_mut(side).filter(|leg| !leg.gone) else { return };
        if leg.await_ack.is_some_and(|waiting| waiting.initial) {
            leg.bye_held = Some(rows.into());
            self.pending += 1;
            return;
        }
        let pending = bye(leg, &epoch, me, rows, cx);
        self.pending += pending;
    }

    /// A 2xx of the peer's whose ACK waited for an answer that will not come: acknowledged as it is,
    /// so that BYE may follow (RFC 3261 §13.2.2.4, §15).
    fn release_held_ack(&mut self, side: Side, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        if let Some(leg) = self.leg_mut(side).filter(|leg| leg.ack_held) {
            leg.ack_held = false;
            leg.acknowledge(cx, &epoch);
        }
    }

    /// The ACK that a BYE of ours waited for has come, or never will (RFC 3261 §15).
    pub(crate) fn send_held_bye(&mut self, side: Side, cx: &mut Context<'_>) {
        let (epoch, me) = (self.epoch.clone(), self.me);
        let Some(leg) = self.leg_mut(side) else { return };
        let Some(rows) = leg.bye_held.take() else { return };
        let sent = bye(leg, &epoch, me, &rows, cx);
        self.pending = self.pending.saturating_sub(1) + sent;
    }

    /// The peer hung up before ours could leave.
    fn drop_held_bye(&mut self, side: Side) {
        if self.leg_mut(side).is_some_and(|leg| leg.bye_held.take().is_some()) {
            self.pending = self.pending.saturating_sub(1);
        }
    }

    /// A 2xx of ours that still waits for the PRACK before it (RFC 3262 §3) never left: the peer hears
    /// this refusal instead of it.
    fn withdraw_answer(&mut self, side: Side, status: u16, rows: &[u8], cx: &mut Context<'_>) -> bool {
        if !self.holds_answer(side, cx) {
            return false;
        }
        let Some(waiting) = self.leg_mut(side).and_then(|leg| leg.await_ack.take()) else { return false };
        let response = Response {
            status,
            reason: b"",
            to_tag: self.leg(side).map_or(b"", |leg| leg.dialog.local_tag()),
            rows,
            content_type: b"",
            body: b"",
            record_route: false,
        };
        self.reply(waiting.txn, &response, cx);
        self.shown.withdrawn = Some(status);
        true
    }

    fn holds_answer(&self, side: Side, cx: &Context<'_>) -> bool {
        let waiting = self.leg(side).and_then(|leg| leg.await_ack);
        waiting.is_some_and(|w| !cx.txns.is_answered(w.txn))
    }

    /// Requests that were being passed on get their final response (RFC 3261 §15.1.2: 487).
    pub(crate) fn refuse_relays(&mut self, cx: &mut Context<'_>) {
        if let Some(waits) = self.media.growing.take_if(|growing| !growing.bytes.is_empty()) {
            self.answer_inner(waits.txn, 487, b"", cx);
        }
        for relay in std::mem::take(&mut self.relays) {
            // A 2xx to an INVITE is still to be acknowledged; see `repeat_ack`.
            if !relay.is_invite() {
                cx.txns.forget(relay.client);
            }
            if !relay.withdrawn {
                self.answer_inner(relay.server, 487, b"", cx);
            }
        }
    }

    /// Answers a request inside a dialog without a body.
    pub(crate) fn answer_inner(&mut self, txn: ServerTxn, status: u16, rows: &[u8], cx: &mut Context<'_>) {
        let response = Response {
            status,
            reason: b"",
            to_tag: b"",
            rows,
            content_type: b"",
            body: b"",
            record_route: false,
        };
        self.reply(txn, &response, cx);
    }

    /// Asks the engine for its report; the record waits for it.
    pub(crate) fn close_media(&mut self, cx: &mut Context<'_>) {
        if self.is_placed() {
            return self.drop_media(cx);
        }
        match self.media.state {
            State::Opening { session, .. } | State::Open { session, .. } => {
                cx.out.media.push(Command::Close { session });
                self.media.state = State::Closing { session };
                cx.wheel.insert(cx.now + REPORT_WAIT, Alarm::Report(self.me));
            }
            State::Closing { .. } => {}
            _ => self.media.state = State::Closed,
        }
    }

    /// Gives ports back during setup; their report is not wanted.
    pub(crate) fn drop_media(&mut self, cx: &mut Context<'_>) {
        if let Some(session) = self.media.session() {
            cx.out.media.push(Command::Close { session });
            cx.sessions.close(session);
        }
        (self.media.state, self.media.joining) = (State::Undecided, Default::default());
    }

    /// The engine's last report, or `None` when it did not come in time.
    pub(crate) fn on_report(
        &mut self,
        session: SessionId,
        report: Option<Box<Report>>,
        cx: &mut Context<'_>,
    ) {
        if self.media.state == (State::Closing { session }) {
            self.media.state = State::Closed;
        } else if self.media.is_anchored() && self.media.session() == Some(session) {
            return self.on_media_lost(session, report, cx);
        } else if !self.is_retired(session) {
            // Ports towards a recorder.
            return cx.sessions.close(session);
        }
        cx.sessions.close(session);
        self.add_report(report);
        self.try_record(cx);
    }

    /// The engine has closed a session that nobody asked it to close: its worker lost it, and the call, which
    /// would go on mute, ends.
    fn on_media_lost(&mut self, session: SessionId, report: Option<Box<Report>>, cx: &mut Context<'_>) {
        self.media.state = State::Closed;
        cx.sessions.close(session);
        self.add_report(report);
        let detail = format!("call {}: {}", self.key, ReasonId::MediaWorkerLost.sentence());
        cx.note(Level::Warn, "media session lost", detail);
        self.release(ReasonId::MediaWorkerLost, ReleasedBy::Us, cx);
    }

    /// A side is not heard while the other is, or is again.
    pub(crate) fn on_one_way(&mut self, side: Side, why: Option<NotHeard>, cx: &mut Context<'_>) {
        self.media.unheard[side.index()] = why;
        let Some(why) = why else { return };
        cx.counters.one_way += 1;
        let who = released_by(side).word();
        cx.note(Level::Warn, "one way", format!("call {}: {who} not heard: {why}", self.key));
    }

    /// A side is silent for its timeout, which ends the call, unless it has ended otherwise; what of it has ceased is told.
    pub(crate) fn on_no_media(&mut self, side: Side, silence: Silence, cx: &mut Context<'_>) {
        let (None | Some(End { reason: ReasonId::MediaTimeout, .. })) = self.end else { return };
        let told = format!("{} silent: {silence}", released_by(side).word());
        cx.note(Level::Warn, "call without media", format!("call {}: {told}", self.key));
        self.decision = format!("{}; {told}", self.decision).into();
        self.release(ReasonId::MediaTimeout, ReleasedBy::Us, cx);
    }

    /// Writes the record once the call is over and its media have reported; exactly once.
    pub(crate) fn try_record(&mut self, cx: &mut Context<'_>) {
        let Some(end) = self.end else { return };
        if self.recorded || matches!(self.media.state, State::Closing { .. }) || self.is_unsettled() {
            return;
        }
        self.recorded = true;
        if self.is_placed() {
            return self.give_back(cx);
        }
        cx.counters.ended += 1;
        self.give_back_trunks(cx);
        let record = self.record(end);
        cx.out.journal.push(JournalEvent::Ended { record: Box::new(record) });
    }

    fn give_back_trunks(&mut self, cx: &mut Context<'_>) {
        let run = cx.runs.trunk_mut(self.epoch.run(self.trunk_in));
        run.calls_in = run.calls_in.saturating_sub(1);
        self.end_open_attempts(0, cx);
    }

    /// Attempts from a place on that have no end get that of the call.
    pub(crate) fn end_open_attempts(&mut self, from: usize, cx: &mut Context<'_>) {
        let end = self.end;
        let attempts = self.attempts.iter_mut().zip(&self.places).skip(from);
        for (record, gateway) in attempts.filter(|(record, _)| record.end.is_none()) {
            record.end = end.map(|e| e.at);
            if let Some(e) = end {
                record.reason = e.reason;
                record.q850 = Some(e.q850);
            }
            cx.runs.over(*gateway);
            if let (Some(answer), Some(e)) = (record.answer, end) {
                let talk = Duration::from_micros(e.at.0.saturating_sub(answer.0));
                let why = cx.runs.gateway_mut(*gateway).quality.note_talk(talk, cx.now);
                cx.tell_quality(*gateway, why);
            }
        }
    }

    fn record(&mut self, end: End) -> CallRecord {
        let codec = std::mem::take(&mut self.media.codec);
        CallRecord {
            key: self.key,
            facts: self.facts.clone(),
            route: self.route.clone(),
            caller: std::mem::take(&mut self.caller),
            called: std::mem::take(&mut self.called),
            start: self.start,
            progress: self.shown.progress,
            early_media: self.shown.media_since,
            answer: self.answer,
            end: end.at,
            status: end.status,
            q850: end.q850,
            reason: end.reason,
            released_by: end.released_by,
            decision: std::mem::take(&mut self.decision),
            attempts: std::mem::take(&mut self.attempts),
            transfers: self.transfers.as_mut().map(|t| std::mem::take(&mut t.records)).unwrap_or_default(),
            recording: self.recording_verdict(),
            media: self.media.report.take().map(|report| MediaRecord { report, codec }),
        }
    }
}
