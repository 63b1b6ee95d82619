//! Attempts: our INVITE to one address of one gateway, and what becomes of it until it is
//! answered, refused or given up.

use crate::call::{Call, Failure, Phase};
use crate::context::Context;
use crate::duty::Duty;
use crate::early::Early;
use crate::input::Target;
use crate::leg::LocalSdp;
use crate::output::Level;
use crate::secure::push_refusal;
use crate::targets::TargetRef;
use crate::telling::cross;
use crate::wallet::Purse;
use base::{GatewayId, ReasonId, TrunkId};
use config::Mapping;
use identity::headers::{Kind, push_number};
use sip_core::{ClientTxn, Flow, SendError};
use sip_msg::Msg;
use std::sync::Arc;
use std::time::Duration;

/// One thing that may be tried.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) trunk: TrunkId,
    pub(crate) gateway: GatewayId,
    pub(crate) at: TargetRef,
    pub(crate) target: Target,
    /// The route that it belongs to.
    pub(crate) route: Arc<str>,
    /// Final responses after which the next candidate is tried; `None` takes the trunk's own.
    pub(crate) retry_on: Option<Arc<[u16]>>,
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
    /// What it tries.
    pub(crate) candidate: Candidate,
    pub(crate) trunk: TrunkId,
    pub(crate) invite: ClientTxn,
    pub(crate) call_id: [u8; 32],
    /// The value of our From header, tag included.
    pub(crate) from: Box<[u8]>,
    pub(crate) flow: Flow,
    /// The caller demands TLS by a `sips:` URI (RFC 5630).
    pub(crate) secure: bool,
    pub(crate) offered: Offered,
    pub(crate) sdp: LocalSdp,
    /// A provisional other than 100 came: no other gateway is tried any more (no double ringing).
    pub(crate) progressed: bool,
    pub(crate) cancelled: bool,
    /// Why it was given up, when a timer did it.
    pub(crate) given_up: Option<ReasonId>,
    /// Early dialogs, one per fork (RFC 3261 §12.1.2).
    pub(crate) early: Vec<Early>,
    /// The CSeq of its last INVITE.
    pub(crate) cseq: u32,
    pub(crate) purse: Purse,
    /// Why a challenge to it was not answered.
    pub(crate) verdict: Option<ReasonId>,
}

impl Call {
    /// Takes the next candidate that can be tried now; without one the call fails.
    pub(crate) fn try_next(&mut self, cx: &mut Context<'_>) {
        while self.phase == Phase::Setup {
            let Some(candidate) = self.queue.front().cloned() else { return self.fail(cx) };
            if let Some(why) = self.bar(&candidate, cx) {
                cx.counters.attempts_refused += 1;
                self.pass_over(&candidate, why);
                continue;
            }
            match self.prepare_media(candidate.trunk, cx) {
                Err(()) => return,
                Ok(true) => return, // goes on when the engine has answered
                Ok(false) => {}
            }
            self.queue.pop_front();
            self.route = candidate.route.clone();
            if self.invite(candidate, cx) {
                return;
            }
        }
    }

    /// Why a candidate cannot be tried now, if it cannot: much may have happened since the plan was
    /// made. An emergency call is held up by no limit (R95), a request that is repeated by no rate.
    fn bar(&self, candidate: &Candidate, cx: &Context<'_>) -> Option<ReasonId> {
        let run = self.epoch.run(candidate.trunk);
        let trunk = cx.runs.trunk(run);
        let duties = [cx.runs.duty(run), cx.runs.gateway(candidate.at.gateway).duty];
        let limited = !self.emergency;
        let rate_spent = || trunk.rate_spent(true, cx.now) && !self.repeats(candidate);
        match () {
            () if self.is_too_open(candidate) => Some(ReasonId::SipsUnreachable),
            () if duties.contains(&Duty::Disabled) => Some(ReasonId::TrunkDisabled),
            () if duties.contains(&Duty::Draining) => Some(ReasonId::TrunkDraining),
            () if limited && trunk.is_full(true) => Some(ReasonId::TrunkFull),
            () if limited && rate_spent() => Some(ReasonId::TrunkRate),
            () => None,
        }
    }

    /// Whether a candidate is what the last attempt tried, asked once more.
    fn repeats(&self, candidate: &Candidate) -> bool {
        self.attempts.last().is_some_and(|last| {
            last.facts.gateway == self.epoch.gateway_name(candidate.gateway)
                && last.facts.target == candidate.target.address
        })
    }

    /// Takes the first candidate out of the queue; the decision says why.
    fn pass_over(&mut self, candidate: &Candidate, why: ReasonId) {
        self.queue.pop_front();
        self.failure.get_or_insert(Failure::ours(why));
        let note = format!("; {} skipped: {why}", self.epoch.trunk_name(candidate.trunk));
        // A trunk with many addresses is named once.
        if !self.decision.ends_with(&note) {
            self.decision = format!("{}{note}", self.decision).into_boxed_str();
        }
    }

    pub(crate) fn attempt_mut(&mut self, number: u16) -> Option<&mut Attempt> {
        self.live.iter_mut().find(|a| a.number == number).map(|b| &mut **b)
    }

    /// A final non-2xx response: the next gateway, or the caller hears of it.
    pub(crate) fn on_refusal(&mut self, number: u16, msg: Msg<'_>, cx: &mut Context<'_>) {
        let status = msg.status();
        let q850 = msg
            .reason()
            .find(|r| r.protocol.eq_ignore_ascii_case(b"Q.850"))
            .and_then(|r| r.cause)
            .and_then(|c| u8::try_from(c).ok());
        let verdict = self.attempt_mut(number).and_then(|attempt| attempt.verdict);
        let failure = Failure {
            status,
            reason: verdict.unwrap_or(ReasonId::from_sip_status(status)),
            q850,
            retry_after: msg.retry_after(),
        };
        if let Some(at) = self.attempt_mut(number).map(|attempt| attempt.candidate.at) {
            crate::gateways::answered(at, None, cx);
            if let (503, Some(seconds)) = (status, failure.retry_after) {
                crate::gateways::cool(at, seconds, cx);
            }
        }
        self.heed_interval(number, msg);
        self.attempt_failed(number, failure, Some(msg), cx);
    }

    /// 422 names the Min-SE that the peer wants: the same gateway is asked once more with it
    /// (RFC 4028 §7.4).
    fn heed_interval(&mut self, number: u16, msg: Msg<'_>) {
        let wanted = msg
            .min_se()
            .ok()
            .flatten()
            .filter(|_| msg.status() == 422 && self.min_se == 0 && self.current == number);
        let again = self.live.iter().find(|a| a.number == number).map(|a| a.candidate.clone());
        if let (Some(wanted), Some(candidate)) = (wanted, again) {
            self.min_se = wanted.max(1);
            self.queue.push_front(candidate);
        }
    }

    /// An attempt's INVITE got no final response, or could not be sent.
    pub(crate) fn on_lost(&mut self, number: u16, error: Option<SendError>, cx: &mut Context<'_>) {
        let Some(attempt) = self.attempt_mut(number) else { return };
        let given_up = attempt.given_up;
        let (at, progressed) = (attempt.candidate.at, attempt.progressed);
        if !attempt.cancelled {
            crate::gateways::missed(at, cx);
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
        if msg.is_some_and(|msg| self.heed_redirect(&attempt, msg, cx)) {
            return;
        }
        let raised =
            failure.status == 422 && self.queue.front().is_some_and(|c| c.at == attempt.candidate.at);
        let failure = if raised { failure } else { self.mapped(attempt.trunk, failure) };
        // What an abandoned attempt says at last (487 to our CANCEL) is not its reason.
        if !given_up {
            self.failure = Some(failure);
        }
        let status = if failure.status == 0 { failure.reason.status() } else { failure.status };
        let may_retry =
            !attempt.progressed && (raised || self.retries(&attempt.candidate, status, failure.status == 0));
        if may_retry && !self.queue.is_empty() {
            return self.fail_over(attempt.trunk, failure, cx);
        }
        // 6xx speaks for all that a redirect names (RFC 3261 §8.1.3.4, §21.6).
        if status < 600 && self.try_redirected(cx) {
            return;
        }
        self.pass_failure(attempt.trunk, msg, cx);
    }

    pub(crate) fn fail_over(&mut self, from: TrunkId, failure: Failure, cx: &mut Context<'_>) {
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
    fn retries(&self, tried: &Candidate, status: u16, silent: bool) -> bool {
        let codes = tried.retry_on.as_deref().unwrap_or(&self.epoch.trunk(tried.trunk).retry_on);
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
        if let Some(gateway) = self.places.get(usize::from(number) - 1).copied() {
            cx.runs.over(gateway);
            let trunk = cx.runs.gateway(gateway).trunk;
            cx.runs.trunk_mut(trunk).failed_out += 1;
        }
        if failure.reason.blame() != base::Blame::Us {
            self.note_quality(number, false, cx);
        }
        self.journal_attempt_failed(cx, number, failure);
    }

    /// What a refusal counts as by the trunk's `map_response` (R68); the attempt's record keeps what came.
    fn mapped(&mut self, trunk: TrunkId, failure: Failure) -> Failure {
        let rules = &self.epoch.trunk(trunk).map_response;
        let Some(status) = Mapping::find(rules, failure.status, failure.q850) else { return failure };
        let cause = failure.q850.map(|cause| format!(" cause {cause}")).unwrap_or_default();
        let name = self.epoch.trunk_name(trunk);
        let told = format!("{}; {} of {name}{cause} counts as {status}", self.decision, failure.status);
        self.decision = told.into_boxed_str();
        Failure { status, reason: ReasonId::from_sip_status(status), ..failure }
    }

    /// What an attempt tells of its gateway's quality.
    pub(crate) fn note_quality(&mut self, number: u16, answered: bool, cx: &mut Context<'_>) {
        let at = usize::from(number) - 1;
        let (Some(record), Some(gateway)) = (self.attempts.get(at), self.places.get(at)) else { return };
        let first = record.progress.or(record.answer);
        let delay = first.map(|then| Duration::from_micros(then.0.saturating_sub(record.start.0)));
        let run = cx.runs.gateway_mut(*gateway);
        if let Some(why) = run.quality.note(answered, delay, cx.now) {
            let detail = format!("gateway {}: {why}", run.name);
            cx.note(Level::Warn, "gateway of poor quality", detail);
        }
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
        let (trunk, at) = (attempt.trunk, attempt.candidate.at);
        self.give_up(number, ReasonId::FailoverSilent, b"", cx);
        crate::gateways::missed(at, cx);
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
        if self.try_redirected(cx) {
            return;
        }
        let failure = self.failure.unwrap_or(Failure::ours(ReasonId::NoGateway));
        let q850 = failure.q850.unwrap_or(failure.reason.q850());
        let status =
            if failure.status == 0 { failure.reason.status() } else { status_for_caller(failure.status) };
        let mut rows = cx.take_rows();
        push_refusal(&mut rows, self.epoch.face(self.a.flow.listen).host(), failure.reason);
        self.refuse_with(cx, status, failure.reason, q850, &rows);
        cx.give_rows(rows);
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
        cross(msg, Kind::Response, &self.epoch, self.way_back(trunk), &mut rows);
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

/// What a caller is told: redirects that were not followed and challenges are not the caller's business.
pub(crate) fn status_for_caller(status: u16) -> u16 {
    match status {
        300..=399 => ReasonId::Redirected.status(),
        401 | 407 => ReasonId::AuthRequired.status(),
        // Answers to what *we* put into the request (RFC 3261 §21.4.15, RFC 4028 §6).
        420 | 421 | 422 | 494 => 502,
        other => other,
    }
}
