//! What is not a message: the passing of time, transactions that failed, replies of the media engine.

use super::Switchboard;
use crate::call::Call;
use crate::context::{Alarm, User};
use crate::gateways;
use crate::output::Outbox;
use crate::record::ReleasedBy;
use crate::tag::CallRef;
use base::{ReasonId, Time};
use media::{Digit, Reply, SessionId, Side};
use sip_core::{ClientTxn, Event, InfoDigit, SendError};

impl Switchboard {
    pub(super) fn on_timeout(&mut self, now: Time, out: &mut Outbox) {
        let mut events = std::mem::take(&mut self.events);
        self.txns.handle_timeout(now, &mut out.sip, &mut events);
        self.on_events(now, events, out);
        while let Some(alarm) = self.wheel.pop(now) {
            self.on_alarm(now, alarm, out);
        }
    }

    pub(super) fn on_events(&mut self, now: Time, mut events: Vec<Event<User>>, out: &mut Outbox) {
        for event in events.drain(..) {
            match event {
                Event::Timeout { txn, user } => self.on_lost(now, txn, user, None, out),
                Event::Failed { txn, user, error } => self.on_lost(now, txn, user, Some(error), out),
                Event::AckMissing { user, .. } => self.on_unacknowledged(now, user, out),
                Event::PrackMissing { user, .. } => {
                    if let Some(User::Arrived(call)) = user {
                        // RFC 3262 §3: the INVITE is refused with a 5xx.
                        self.with_call(now, call, out, |call, cx| {
                            call.release(ReasonId::NoPrack, ReleasedBy::Caller, cx);
                        });
                    }
                }
            }
        }
        self.events = events;
    }

    /// A request of ours got no answer, or could not be sent.
    fn on_lost(
        &mut self,
        now: Time,
        txn: sip_core::ClientTxn,
        user: User,
        error: Option<SendError>,
        out: &mut Outbox,
    ) {
        match user {
            User::Options(at) => gateways::unanswered(at, txn, &mut self.context(now, out)),
            User::Invite(call, number) => {
                self.with_call(now, call, out, |call, cx| call.on_lost(number, error, cx));
            }
            User::Relay(call, _) => _ = self.with_call(now, call, out, |c, cx| c.on_relay_lost(txn, cx)),
            User::Own(call, side, what) => {
                self.with_call(now, call, out, |call, cx| call.on_own(side, what, None, cx));
            }
            User::Recorder(call) => {
                self.with_call(now, call, out, |call, cx| {
                    call.on_recorder(cx, |session, _, env| session.on_lost(txn, env));
                });
            }
            User::Register(at) => self.context(now, out).register_lost(at),
            User::Arrived(_) | User::Inner(..) | User::Nobody => {}
        }
    }

    /// Our 2xx was never acknowledged (RFC 3261 §13.3.1.4): the call is ended.
    fn on_unacknowledged(&mut self, now: Time, user: Option<User>, out: &mut Outbox) {
        let (call, side) = match user {
            Some(User::Arrived(call)) => (call, Side::A),
            Some(User::Inner(call, side)) => (call, side),
            Some(User::Recorder(call)) => {
                self.with_call(now, call, out, |call, cx| {
                    call.on_recorder(cx, |session, _, env| session.on_unacknowledged(env));
                });
                return;
            }
            _ => return,
        };
        self.with_call(now, call, out, |call, cx| {
            if let Some(leg) = call.leg_mut(side) {
                leg.await_ack = None;
            }
            call.send_held_bye(side, cx);
            call.lose(side, ReasonId::NoAck, cx);
        });
    }

    /// An INVITE inside a call, which may be over by now, has been under way for long.
    fn on_unanswered(&mut self, now: Time, call: CallRef, client: ClientTxn, out: &mut Outbox) {
        if !self.with_call(now, call, out, |call, cx| call.on_unanswered(client, cx)) {
            self.txns.cancel(now, client, b"", &mut out.sip);
        }
    }

    fn on_alarm(&mut self, now: Time, alarm: Alarm, out: &mut Outbox) {
        match alarm {
            Alarm::Silence(call, n) => _ = self.with_call(now, call, out, |c, cx| c.on_silence(n, cx)),
            Alarm::Ring(call, n) => _ = self.with_call(now, call, out, |c, cx| c.on_ring_timeout(n, cx)),
            Alarm::Ringback(call) => _ = self.with_call(now, call, out, Call::on_ringback),
            Alarm::Parting(call) => _ = self.with_call(now, call, out, Call::on_parted),
            Alarm::Expires(call, at) => _ = self.with_call(now, call, out, |c, cx| c.on_expires(at, cx)),
            Alarm::Session(call, s) => _ = self.with_call(now, call, out, |c, cx| c.on_session_alarm(s, cx)),
            Alarm::Unanswered(call, client) => self.on_unanswered(now, call, client, out),
            Alarm::Refresh(call, s) => _ = self.with_call(now, call, out, |c, cx| c.refresh_session(s, cx)),
            Alarm::Report(call) => {
                self.with_call(now, call, out, |call, cx| {
                    for session in call.overdue() {
                        cx.counters.media_reports_missed += u64::from(!call.recorded);
                        call.on_report(session, None, cx);
                    }
                });
            }
            Alarm::Transfer(call) => _ = self.with_call(now, call, out, Call::on_transfer_alarm),
            Alarm::Recording(call) => _ = self.with_call(now, call, out, Call::on_recorder_alarm),
            Alarm::Liveness(at) => self.on_liveness_alarm(at, now, out),
            Alarm::Register(at) => self.on_register_alarm(at, now, out),
            Alarm::Keepalive(at) => self.on_keepalive_alarm(at, now, out),
            Alarm::Bindings => self.on_bindings_alarm(now, out),
            Alarm::Resolve(at) => self.on_resolve_alarm(now, at, out),
        }
    }

    pub(super) fn on_media(&mut self, now: Time, reply: Reply, out: &mut Outbox) {
        let session: SessionId = reply.session();
        let Some(call) = self.sessions.call_of(session) else { return };
        let limits = *self.limits();
        let closed = matches!(reply, Reply::Closed { .. });
        let known = self.with_call(now, call, out, |call, cx| match reply {
            _ if call.on_recorder_ports(&reply) => {}
            Reply::Opened { .. } | Reply::OpenFailed { .. } => call.on_media_opened(&reply, cx),
            Reply::Grown { session, ports } => call.on_grown((session, ports), &limits, cx),
            Reply::Closed { session, report } => call.on_report(session, Some(report), cx),
            Reply::Digit { from, digit: Digit { event, duration_ms }, .. } => {
                call.tell_digit(call.media.seat(from.other()), InfoDigit { event, duration_ms }, cx);
            }
            Reply::Played { .. } => call.on_parted(cx),
            Reply::Latched { .. } | Reply::Uncopied { .. } => {}
            Reply::Unreached { session } => call.lose_recorder(cx, |r, lent| r.on_unreached(session, lent)),
            _ if call.media.session() != Some(session) || call.is_left_alone() => {}
            Reply::Keyed(_, side, security) => call.media.shaken[side.index()] = Some(security),
            Reply::OneWay { side, why, .. } => call.on_one_way(call.media.seat(side), why, cx),
            Reply::Timeout { side, silence, .. } => call.on_no_media(call.media.seat(side), silence, cx),
            Reply::Unkeyed { .. } => call.release(ReasonId::SrtpUnkeyed, ReleasedBy::Us, cx),
        });
        if closed && !known {
            self.sessions.close(session);
        }
    }
}
