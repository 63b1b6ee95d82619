//! Attempts: our INVITE to one address of one gateway, and what becomes of it until it is
//! answered, refused or given up.

use crate::call::{Call, Failure, Phase};
use crate::context::{Alarm, Context, Own, User};
use crate::epoch::{Epoch, Face};
use crate::headers::{Kind, decimal, pass_rows, push_number, push_parts, push_row};
use crate::input::Target;
use crate::journal::JournalEvent;
use crate::leg::{
    ALLOW, Abilities, InnerRequest, Leg, LocalSdp, listen_of, push_contact, push_session_request,
    stream_alternative,
};
use crate::output::Level;
use crate::record::{AttemptFacts, AttemptRecord};
use crate::runs::GatewayRef;
use crate::setup::with_msg;
use crate::tag::{Tag, hex};
use base::{GatewayId, ReasonId, TrunkId};
use config::Prack;
use media::Side;
use sip_core::dialog::Dialog;
use sip_core::{ClientTxn, Flow, Request, RequestError, Response, SendError};
use sip_msg::{Msg, Name};
use std::sync::Arc;

/// One thing that may be tried.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) trunk: TrunkId,
    pub(crate) gateway: GatewayId,
    pub(crate) target: Target,
    pub(crate) tier: u8,
    pub(crate) caller: Box<str>,
    pub(crate) called: Box<str>,
}

/// Who made the offer that our INVITE bears.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// The caller; we anchored or passed it.
    Caller,
    /// We, because the caller made none and the trunk wants one.
    Us,
    /// Nobody: the callee is to offer in its 2xx.
    Nobody,
}

/// An attempt whose INVITE has no final response yet.
pub(crate) struct Attempt {
    pub(crate) number: u16,
    pub(crate) trunk: TrunkId,
    pub(crate) gateway: GatewayRef,
    pub(crate) invite: ClientTxn,
    call_id: [u8; 32],
    /// The value of our From header, tag included.
    from: Box<[u8]>,
    flow: Flow,
    pub(crate) offered: Offered,
    pub(crate) sdp: LocalSdp,
    /// A provisional other than 100 came: no other gateway is tried any more (no double ringing).
    pub(crate) progressed: bool,
    pub(crate) cancelled: bool,
    /// Why it was given up, when a timer did it.
    given_up: Option<ReasonId>,
    /// Early dialogs, one per fork (RFC 3261 §12.1.2).
    pub(crate) early: Vec<Early>,
}

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
}

impl Call {
    /// Takes the next candidate that can be tried now; without one the call fails.
    pub(crate) fn try_next(&mut self, cx: &mut Context<'_>) {
        while self.phase == Phase::Setup {
            let Some(candidate) = self.queue.front().cloned() else { return self.fail(cx) };
            let run = self.epoch.run(candidate.trunk);
            let trunk = cx.runs.trunk(run);
            // The same trunk may have filled up since the plan was made.
            let again = self.attempts.last().is_some_and(|a| *a.facts.trunk == *trunk.name);
            if !trunk.enabled() || (!again && trunk.is_full()) {
                cx.counters.attempts_refused += 1;
                self.failure.get_or_insert(Failure::ours(ReasonId::TrunkFull));
                self.queue.pop_front();
                continue;
            }
            match self.prepare_media(candidate.trunk, cx) {
                Err(()) => return,
                Ok(true) => return, // goes on when the engine has answered
                Ok(false) => {}
            }
            self.queue.pop_front();
            if self.invite(candidate, cx) {
                return;
            }
        }
    }

    /// Sends the INVITE of one attempt (RFC 3261 §13.2.1); `false` when it could not leave.
    fn invite(&mut self, candidate: Candidate, cx: &mut Context<'_>) -> bool {
        let epoch = self.epoch.clone();
        let number = u16::try_from(self.attempts.len() + 1).unwrap_or(u16::MAX);
        let listen = listen_of(&epoch, candidate.trunk);
        let face = epoch.face(listen);
        let transport = candidate.target.transport;
        let Some(sent_by) = face.sent_by(transport) else {
            self.failure = Some(Failure::ours(ReasonId::TransportMissing));
            return false;
        };
        let flow = Flow {
            listen,
            transport,
            remote: candidate.target.address,
            conn: None,
            trunk: Some(candidate.trunk),
        };
        let Some((offered, sdp)) = self.first_offer(&candidate, cx) else { return false };
        let tag = Tag::new(cx.shard, Side::B, self.me, cx.rng);
        let mut call_id = [0; 32];
        let (high, low) = cx.rng.next_pair();
        hex(high, &mut call_id[..16]);
        hex(low, &mut call_id[16..]);

        let from = self.from_value(&candidate, face, &tag);
        let uri = request_uri(&epoch, &candidate);
        let mut rows = cx.take_rows();
        self.invite_rows(&mut rows, &candidate, &from, &uri, &call_id, offered);
        let request = Request {
            method: b"INVITE",
            uri: &uri,
            flow,
            sent_by,
            rows: &rows,
            content_type: if sdp.text.is_empty() { b"" } else { b"application/sdp" },
            body: &sdp.text,
            udp_max: face.udp_max,
            alternative: tcp_if_free(&epoch, &candidate).and_then(|()| stream_alternative(&flow, face)),
        };
        let sent = cx.txns.request(cx.now, User::Invite(self.me, number), &request, &mut cx.out.sip);
        cx.give_rows(rows);
        let invite = match sent {
            Ok(invite) => invite,
            Err(error) => {
                self.failure = Some(Failure::ours(match error {
                    RequestError::TableFull(_) => ReasonId::TransactionsMax,
                    RequestError::TooLarge { .. } => ReasonId::UdpSize,
                }));
                return false;
            }
        };
        self.attempt_begun(&candidate, number, flow, &call_id, cx);
        self.live.push(Box::new(Attempt {
            number,
            trunk: candidate.trunk,
            gateway: epoch.gateway_run(candidate.gateway),
            invite,
            call_id,
            from: from.into_boxed_slice(),
            flow,
            offered,
            sdp,
            progressed: false,
            cancelled: false,
            given_up: None,
            early: Vec::new(),
        }));
        true
    }

    /// The offer of an attempt; `None` when the caller's cannot be used (the call is refused).
    fn first_offer(&mut self, candidate: &Candidate, cx: &mut Context<'_>) -> Option<(Offered, LocalSdp)> {
        let mut sdp = LocalSdp::default();
        let arrived = self.arrived.take();
        let made = match arrived.as_deref() {
            Some(a) if !a.offer.is_empty() => {
                self.describe(Side::B, candidate.trunk, &a.offer, b"", &mut sdp, cx).map(|()| Offered::Caller)
            }
            _ => Ok(Offered::Nobody),
        };
        self.arrived = arrived;
        match made {
            Ok(Offered::Nobody) if self.makes_offer(candidate.trunk) => {
                self.make_offer(candidate.trunk, &mut sdp, cx);
                Some((Offered::Us, sdp))
            }
            Ok(offered) => Some((offered, sdp)),
            Err(trouble) => {
                self.refuse_sdp(&trouble, cx);
                None
            }
        }
    }

    fn from_value(&self, candidate: &Candidate, face: &Face, tag: &Tag) -> Vec<u8> {
        let trunk = self.epoch.trunk(candidate.trunk);
        let domain = trunk.domain.as_deref().unwrap_or(face.host());
        let mut value = Vec::with_capacity(128);
        let display = self.arrived.as_ref().and_then(|a| {
            with_msg(&a.bytes, |msg| msg.from().map(|f| f.display.to_vec()).unwrap_or_default())
        });
        if let Some(display) = display.filter(|d| !d.is_empty()) {
            value.extend(display.iter().map(|&c| if matches!(c, b'\r' | b'\n' | 0) { b' ' } else { c }));
            value.push(b' ');
        }
        value.extend_from_slice(b"<sip:");
        push_user(&mut value, &candidate.caller);
        if !candidate.caller.is_empty() {
            value.push(b'@');
        }
        value.extend_from_slice(domain.as_bytes());
        if trunk.policy.user_phone && !candidate.caller.is_empty() {
            value.extend_from_slice(b";user=phone");
        }
        value.extend_from_slice(b">;tag=");
        value.extend_from_slice(tag.as_bytes());
        value
    }

    fn invite_rows(
        &self,
        rows: &mut Vec<u8>,
        candidate: &Candidate,
        from: &[u8],
        uri: &[u8],
        call_id: &[u8],
        offered: Offered,
    ) {
        let epoch = &self.epoch;
        let policy = epoch.policy(candidate.trunk);
        let face = epoch.face(listen_of(epoch, candidate.trunk));
        let in_policy = epoch.policy(self.trunk_in);
        let hops_max = epoch.snapshot.config.signalling.max_forwards;
        let mut hops = hops_max;
        let mut passed = Vec::new();
        if let Some(arrived) = &self.arrived {
            with_msg(&arrived.bytes, |msg| {
                // A B2BUA keeps the hop count, so that loops through it end (RFC 7332 §2).
                let seen = msg.max_forwards().ok().flatten().unwrap_or(hops_max);
                hops = seen.min(hops_max).saturating_sub(1);
                pass_rows(msg, Kind::Invite, in_policy, policy, &mut passed);
            });
        }
        push_number(rows, b"Max-Forwards", u64::from(hops));
        push_row(rows, b"From", from);
        push_parts(rows, b"To", &[b"<", uri, b">"]);
        push_row(rows, b"Call-ID", call_id);
        push_row(rows, b"CSeq", b"1 INVITE");
        push_contact(rows, face, candidate.target.transport, contact_user(&candidate.caller));
        push_row(rows, b"Allow", ALLOW);
        // Without an offer of ours a reliable provisional would bear the callee's, to be answered
        // in PRACK before the caller has spoken: not offered then.
        let reliable = policy.prack != Prack::Off && offered != Offered::Nobody;
        push_row(rows, b"Supported", if reliable { b"timer, 100rel" } else { b"timer" });
        if policy.prack == Prack::Required && offered != Offered::Nobody {
            push_row(rows, b"Require", b"100rel");
        }
        push_session_request(rows, &policy.session_timer);
        push_row(rows, b"User-Agent", policy.user_agent.as_deref().unwrap_or("Tronco").as_bytes());
        rows.extend_from_slice(&passed);
    }

    /// Counts, journals and arms the timers of an attempt whose INVITE has left.
    fn attempt_begun(
        &mut self,
        candidate: &Candidate,
        number: u16,
        flow: Flow,
        call_id: &[u8],
        cx: &mut Context<'_>,
    ) {
        let epoch = &self.epoch;
        let facts = Arc::new(AttemptFacts {
            number,
            tier: candidate.tier,
            trunk: epoch.trunk_name(candidate.trunk),
            gateway: epoch.gateway_name(candidate.gateway),
            target: flow.remote,
            transport: flow.transport.token(),
            sip_call_id: String::from_utf8_lossy(call_id).into_owned().into_boxed_str(),
            caller_sent: candidate.caller.clone(),
            called_sent: candidate.called.clone(),
        });
        cx.out.journal.push(JournalEvent::Attempt { call: self.key, at: cx.wall(), facts: facts.clone() });
        self.attempts.push(AttemptRecord {
            facts,
            start: cx.wall(),
            progress: None,
            answer: None,
            end: None,
            status: 0,
            q850: None,
            reason: ReasonId::TimerB,
        });
        self.current = number;
        let trunk = epoch.trunk(candidate.trunk);
        let run = cx.runs.trunk_mut(epoch.run(candidate.trunk));
        run.calls_out += 1;
        run.total_out += 1;
        run.spend(cx.now);
        cx.wheel.insert(cx.now + trunk.failover_after, Alarm::Silence(self.me, number));
    }

    pub(crate) fn attempt_mut(&mut self, number: u16) -> Option<&mut Attempt> {
        self.live.iter_mut().find(|a| a.number == number).map(|b| &mut **b)
    }

    /// A provisional response to an attempt's INVITE (RFC 3261 §13.2.2.1).
    pub(crate) fn on_provisional(&mut self, number: u16, msg: Msg<'_>, flow: Flow, cx: &mut Context<'_>) {
        let status = msg.status();
        let setup = self.phase == Phase::Setup && self.current == number;
        let epoch = self.epoch.clone();
        let me = self.me;
        let limit = epoch.snapshot.config.limits.early_dialogs_max as usize;
        let Some(attempt) = self.attempt_mut(number) else { return };
        cx.runs.gateway_mut(attempt.gateway).liveness.answered(cx.now, None);
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
                .and_then(|()| self.tell_engine(Side::B, trunk, msg.body(), cx));
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

    /// A final non-2xx response: the next gateway, or the caller hears of it.
    pub(crate) fn on_refusal(&mut self, number: u16, msg: Msg<'_>, cx: &mut Context<'_>) {
        let status = msg.status();
        let q850 = msg
            .reason()
            .find(|r| r.protocol.eq_ignore_ascii_case(b"Q.850"))
            .and_then(|r| r.cause)
            .and_then(|c| u8::try_from(c).ok());
        let failure = Failure {
            status,
            reason: ReasonId::from_sip_status(status),
            q850,
            retry_after: msg.retry_after(),
        };
        if let Some(attempt) = self.attempt_mut(number) {
            let gateway = cx.runs.gateway_mut(attempt.gateway);
            gateway.liveness.answered(cx.now, None);
            if let (503, Some(seconds)) = (status, failure.retry_after) {
                let wait = u64::from(seconds.min(COOLDOWN_SECONDS_MAX));
                gateway.cooling_until = cx.now + std::time::Duration::from_secs(wait);
            }
        }
        self.attempt_failed(number, failure, Some(msg), cx);
    }

    /// An attempt's INVITE got no final response, or could not be sent.
    pub(crate) fn on_lost(&mut self, number: u16, error: Option<SendError>, cx: &mut Context<'_>) {
        let Some(attempt) = self.attempt_mut(number) else { return };
        let given_up = attempt.given_up;
        let (gateway, progressed) = (attempt.gateway, attempt.progressed);
        if !attempt.cancelled {
            crate::gateways::missed(gateway, cx);
        }
        let reason = match error {
            None => given_up.unwrap_or(if progressed { ReasonId::TimerC } else { ReasonId::TimerB }),
            Some(SendError::Refused | SendError::Unreachable | SendError::Timeout) => ReasonId::ConnectFailed,
            Some(SendError::Tls(_)) => ReasonId::TlsHandshake,
            Some(SendError::TooLarge) => ReasonId::UdpSize,
            Some(SendError::QueueFull) => ReasonId::QueueFull,
            Some(SendError::Closed) => ReasonId::ConnectionLost,
        };
        self.attempt_failed(number, Failure::ours(reason), None, cx);
    }

    fn attempt_failed(&mut self, number: u16, failure: Failure, msg: Option<Msg<'_>>, cx: &mut Context<'_>) {
        let Some(at) = self.live.iter().position(|a| a.number == number) else { return };
        let attempt = self.live.remove(at);
        let given_up = attempt.given_up.is_some();
        if !given_up {
            self.close_attempt(number, failure, cx);
        }
        if self.phase != Phase::Setup || self.current != number {
            return;
        }
        self.current = 0;
        // What an abandoned attempt says at last (487 to our CANCEL) is not its reason.
        if !given_up {
            self.failure = Some(failure);
        }
        let status = if failure.status == 0 { failure.reason.status() } else { failure.status };
        let may_retry = !attempt.progressed && self.retries(attempt.trunk, status, failure.status == 0);
        if may_retry && !self.queue.is_empty() {
            return self.fail_over(attempt.trunk, failure, cx);
        }
        self.pass_failure(attempt.trunk, msg, cx);
    }

    fn fail_over(&mut self, from: TrunkId, failure: Failure, cx: &mut Context<'_>) {
        cx.counters.failovers += 1;
        let detail = format!(
            "call {}: attempt on {} ended with {} ({}), the next is tried",
            self.key,
            self.epoch.trunk_name(from),
            failure.reason,
            failure.status
        );
        cx.note(Level::Debug, "failover", detail);
        self.try_next(cx);
    }

    /// Whether a failure may be followed by another attempt: the route's codes, else the trunk's.
    /// Silence and connections that fail always may (DESIGN §5).
    fn retries(&self, trunk: TrunkId, status: u16, silent: bool) -> bool {
        let codes = self.retry_on.as_deref().unwrap_or(&self.epoch.trunk(trunk).retry_on);
        silent || codes.contains(&status)
    }

    /// Writes an attempt's end into its record and gives the trunk its place back.
    pub(crate) fn close_attempt(&mut self, number: u16, failure: Failure, cx: &mut Context<'_>) {
        let at = cx.wall();
        let Some(record) = self.attempts.get_mut(usize::from(number) - 1) else { return };
        if record.end.is_some() {
            return;
        }
        record.end = Some(at);
        record.status = failure.status;
        record.reason = failure.reason;
        record.q850 = failure.q850;
        let name = record.facts.trunk.clone();
        if let Some(trunk) = self.epoch.snapshot.config.trunk_named(&name) {
            let run = cx.runs.trunk_mut(self.epoch.run(trunk));
            run.calls_out = run.calls_out.saturating_sub(1);
            run.failed_out += 1;
        }
        self.journal_attempt_failed(cx, number, failure);
    }

    /// No progress within `failover_after`: the attempt is cancelled, the next one tried (R77).
    pub(crate) fn on_silence(&mut self, number: u16, cx: &mut Context<'_>) {
        if self.phase != Phase::Setup || self.current != number {
            return;
        }
        let Some(attempt) = self.attempt_mut(number) else { return };
        if attempt.progressed || attempt.cancelled {
            return;
        }
        let (trunk, gateway) = (attempt.trunk, attempt.gateway);
        self.give_up(number, ReasonId::FailoverSilent, b"", cx);
        crate::gateways::missed(gateway, cx);
        let failure = Failure::ours(ReasonId::FailoverSilent);
        self.close_attempt(number, failure, cx);
        self.failure = Some(failure);
        self.current = 0;
        if self.queue.is_empty() { self.fail(cx) } else { self.fail_over(trunk, failure, cx) }
    }

    /// The callee was alerted for `ring_timeout` and did not answer.
    pub(crate) fn on_ring_timeout(&mut self, number: u16, cx: &mut Context<'_>) {
        if self.phase != Phase::Setup || self.current != number {
            return;
        }
        let failure = Failure::ours(ReasonId::NoAnswer);
        self.give_up(number, ReasonId::NoAnswer, b"", cx);
        self.close_attempt(number, failure, cx);
        self.failure = Some(failure);
        self.current = 0;
        self.fail(cx);
    }

    /// Cancels an attempt's INVITE (RFC 3261 §9.1); its late answer will be ended at once.
    pub(crate) fn give_up(&mut self, number: u16, why: ReasonId, rows: &[u8], cx: &mut Context<'_>) {
        let Some(attempt) = self.attempt_mut(number) else { return };
        if attempt.cancelled {
            return;
        }
        attempt.cancelled = true;
        attempt.given_up = Some(why);
        let invite = attempt.invite;
        cx.txns.cancel(cx.now, invite, rows, &mut cx.out.sip);
    }

    /// Nothing is left to try.
    pub(crate) fn fail(&mut self, cx: &mut Context<'_>) {
        let failure = self.failure.unwrap_or(Failure::ours(ReasonId::NoGateway));
        let q850 = failure.q850.unwrap_or(failure.reason.q850());
        let status =
            if failure.status == 0 { failure.reason.status() } else { status_for_caller(failure.status) };
        self.refuse_with(cx, status, failure.reason, q850, b"");
    }

    /// The callee's refusal goes on to the caller with what may cross.
    fn pass_failure(&mut self, trunk: TrunkId, msg: Option<Msg<'_>>, cx: &mut Context<'_>) {
        let (Some(msg), Some(failure)) = (msg, self.failure) else { return self.fail(cx) };
        let q850 = failure.q850.unwrap_or(base::sip_to_q850(failure.status));
        let status = status_for_caller(failure.status);
        let mut rows = cx.take_rows();
        if failure.q850.is_none() {
            crate::call::push_why(&mut rows, q850);
        }
        if let (503 | 480 | 486 | 500 | 600 | 603, Some(seconds)) = (status, failure.retry_after) {
            push_number(&mut rows, b"Retry-After", u64::from(seconds));
        }
        pass_rows(msg, Kind::Response, self.epoch.policy(trunk), self.epoch.policy(self.trunk_in), &mut rows);
        self.respond(cx, status, &rows, b"");
        cx.give_rows(rows);
        let by = if failure.reason.blame() == base::Blame::Us {
            crate::record::ReleasedBy::Us
        } else {
            crate::record::ReleasedBy::Callee
        };
        self.finish(cx, status, q850, failure.reason, by);
    }
}

/// The longest Retry-After that is obeyed, in seconds.
const COOLDOWN_SECONDS_MAX: u32 = 3_600;

/// What a caller is told: redirects are not followed and challenges are not the caller's business.
fn status_for_caller(status: u16) -> u16 {
    match status {
        300..=399 => ReasonId::Redirected.status(),
        401 | 407 => ReasonId::AuthRequired.status(),
        // Answers to what *we* put into the request (RFC 3261 §21.4.15, RFC 4028 §6).
        420 | 421 | 422 | 494 => 502,
        other => other,
    }
}

impl Failure {
    /// A failure that no response tells of.
    pub(crate) fn ours(reason: ReasonId) -> Failure {
        Failure { status: 0, reason, q850: None, retry_after: None }
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
                self.early.push(Early { leg, rseq: None });
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

/// The Request-URI of an attempt: the number at the trunk's domain, or at the gateway itself.
fn request_uri(epoch: &Epoch, candidate: &Candidate) -> Vec<u8> {
    let trunk = epoch.trunk(candidate.trunk);
    let mut uri = Vec::with_capacity(64);
    uri.extend_from_slice(b"sip:");
    push_user(&mut uri, &candidate.called);
    uri.push(b'@');
    match &trunk.domain {
        Some(domain) => uri.extend_from_slice(domain.as_bytes()),
        None => {
            let gateway = &epoch.snapshot.config.gateways[candidate.gateway.index()];
            uri.extend_from_slice(gateway.host.to_string().as_bytes());
            if let Some(port) = gateway.port {
                uri.extend_from_slice(format!(":{port}").as_bytes());
            }
        }
    }
    match candidate.target.transport {
        base::Transport::Tcp => uri.extend_from_slice(b";transport=tcp"),
        base::Transport::Tls => uri.extend_from_slice(b";transport=tls"),
        base::Transport::Udp => {}
    }
    if trunk.policy.user_phone {
        uri.extend_from_slice(b";user=phone");
    }
    uri
}

/// Large messages may leave UDP only where the configuration does not pin the gateway to it.
fn tcp_if_free(epoch: &Epoch, candidate: &Candidate) -> Option<()> {
    epoch.snapshot.config.gateways[candidate.gateway.index()].transport.is_none().then_some(())
}

/// Appends a user part, escaping what RFC 3261 §25.1 does not allow there.
fn push_user(out: &mut Vec<u8>, user: &str) {
    for &c in user.as_bytes() {
        if c.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&c) {
            out.push(c);
        } else {
            out.push(b'%');
            out.push(b"0123456789ABCDEF"[usize::from(c >> 4)]);
            out.push(b"0123456789ABCDEF"[usize::from(c & 15)]);
        }
    }
}

/// The user part of our Contact: the number when it needs no escaping.
pub(crate) fn contact_user(number: &str) -> &[u8] {
    let plain = number.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'.' | b'-' | b'_'));
    if plain { number.as_bytes() } else { b"" }
}
