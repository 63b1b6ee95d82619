//! Attempts: our INVITE to one address of one gateway, and what becomes of it until it is
//! answered, refused or given up.

use crate::call::{Call, Failure, Phase};
use crate::context::Context;
use crate::early::Early;
use crate::forking::{Lost, Refused};
use crate::output::Level;
use crate::record::AttemptRecord;
use base::{GatewayId, ReasonId, TrunkId};
use identity::said::{push_why, q850_of};
use negotiation::LocalSdp;
use peers::{Duty, Purse};
use peers::{Target, TargetRef};
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
    /// Who records the call, when the route says so.
    pub(crate) record: Option<config::Recorder>,
    pub(crate) tier: u8,
    pub(crate) caller: Box<str>,
    /// The route shows this number instead of the caller's.
    pub(crate) replaced: bool,
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
    /// The caller has offered, but ours bears none: the callee offers too, and each is answered with what the
    /// other has.
    Withheld,
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
                self.queue.pop_front();
                self.skip(&candidate, why, cx);
                continue;
            }
            self.record.route = candidate.record;
            match self.prepare_media(candidate.trunk, cx) {
                Err(()) => return,
                Ok(true) => return, // goes on when the engine has answered
                Ok(false) => {}
            }
            self.queue.pop_front();
            self.route = candidate.route.clone();
            if self.invite(candidate, cx) {
                return self.fork(cx);
            }
        }
    }

    /// Why a candidate cannot be tried now, if it cannot: much may have happened since the plan was
    /// made. An emergency call is held up by no limit (R95), a request that is repeated by no rate.
    pub(crate) fn bar(&self, candidate: &Candidate, cx: &Context<'_>) -> Option<ReasonId> {
        let run = self.epoch.run(candidate.trunk);
        let trunk = cx.runs.trunk(run);
        let duties = [cx.runs.duty(run), cx.runs.gateway(candidate.at.gateway).duty];
        let (limited, policy) = (!self.limits.emergency, self.epoch.policy(candidate.trunk));
        let rate_spent = || trunk.rate_spent(true, cx.now) && !self.repeats(candidate);
        match () {
            () if self.is_too_open(candidate) => Some(ReasonId::SipsUnreachable),
            () if duties.contains(&Duty::Disabled) => Some(ReasonId::TrunkDisabled),
            () if duties.contains(&Duty::Draining) => Some(ReasonId::TrunkDraining),
            () if limited && self.is_apart(candidate) => Some(ReasonId::OtherSite),
            () if self.arrived.as_ref().is_some_and(|a| negotiation::bars_fax(policy, &a.offer)) => {
                Some(ReasonId::MediaFax)
            }
            () if limited && trunk.is_full(true) => Some(ReasonId::TrunkFull),
            () if limited && rate_spent() => Some(ReasonId::TrunkRate),
            () if self.full_link(candidate, cx).is_some() => Some(ReasonId::LinkFull),
            () => None,
        }
    }

    /// Whether a candidate is kept from the caller by their sites (R69).
    fn is_apart(&self, candidate: &Candidate) -> bool {
        let here = (self.trunk_in, Some(self.a.flow.remote.ip()));
        let there = (candidate.trunk, Some(candidate.target.address.ip()));
        self.epoch.snapshot.table.are_apart(here, there)
    }

    /// Whether a candidate was tried before and is asked once more, for another session interval.
    fn repeats(&self, candidate: &Candidate) -> bool {
        let same = |tried: &&AttemptRecord| {
            tried.facts.gateway == self.epoch.gateway_name(candidate.gateway)
                && tried.facts.target == candidate.target.address
        };
        self.attempts.iter().rfind(same).is_some_and(|tried| tried.status == 422)
    }

    /// A candidate is not tried; the decision says why.
    pub(crate) fn skip(&mut self, candidate: &Candidate, why: ReasonId, cx: &mut Context<'_>) {
        cx.counters.attempts_refused += 1;
        self.failure.get_or_insert(Failure::ours(why));
        let full = self.full_link(candidate, cx).filter(|_| why == ReasonId::LinkFull);
        full.iter().for_each(|(at, _)| self.limits.links.skip(*at, &mut cx.runs.links));
        let why = full.map_or(why.to_string(), |(_, told)| told);
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
        let verdict = self.attempt_mut(number).and_then(|attempt| attempt.verdict);
        let failure = Failure {
            status,
            reason: verdict.unwrap_or(ReasonId::from_sip_status(status)),
            q850: q850_of(msg),
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
        if msg.status() != 422 || !self.turn_to(number) {
            return;
        }
        let again = self.live.iter().find(|a| a.number == number).map(|a| a.candidate.clone());
        // Each branch of several has its own peer to satisfy, once.
        let first =
            self.min_se == 0 || (self.forks.is_some() && again.as_ref().is_some_and(|c| !self.repeats(c)));
        let wanted = msg.min_se().ok().flatten().filter(|_| first);
        if let (Some(wanted), Some(candidate)) = (wanted, again) {
            self.min_se = self.min_se.max(wanted).max(1);
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
            Some(SendError::Untrusted(_)) => ReasonId::TlsVerify,
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
        if !self.turn_to(number) {
            return;
        }
        self.hush_forks(&attempt, None, cx);
        self.current = 0;
        if self.forks.is_some() {
            return self.branch_failed(&attempt, failure, msg, cx);
        }
        if msg.is_some_and(|msg| self.heed_redirect(&attempt, msg, cx)) {
            return;
        }
        let (failure, may_retry) = self.weigh(&attempt, failure);
        // What an abandoned attempt says at last (487 to our CANCEL) is not its reason.
        if !given_up {
            self.failure = Some(failure);
        }
        let status = if failure.status == 0 { failure.reason.status() } else { failure.status };
        if may_retry && !self.queue.is_empty() {
            return self.fail_over(attempt.trunk, failure, cx);
        }
        // 6xx speaks for all that a redirect names (RFC 3261 §8.1.3.4, §21.6).
        if status < 600 && self.try_redirected(cx) {
            return;
        }
        self.pass_failure(attempt.trunk, msg, cx);
    }

    /// What a failure counts as, and whether another attempt may follow it.
    pub(crate) fn weigh(&mut self, attempt: &Attempt, failure: Failure) -> (Failure, bool) {
        let again = failure.status == 422 && self.queue.front().is_some_and(|c| c.at == attempt.candidate.at);
        let failure = if again { failure } else { self.mapped(attempt.trunk, failure) };
        let silent = failure.status == 0;
        let status = if silent { failure.reason.status() } else { failure.status };
        let may_retry = again || self.retries(&attempt.candidate, status, silent);
        (failure, may_retry && !attempt.progressed)
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
        // That another branch was faster says nothing of a gateway.
        let lost_race = matches!(failure.reason, ReasonId::Elsewhere | ReasonId::DeclinedElsewhere);
        if let Some(gateway) = self.places.get(usize::from(number) - 1).copied() {
            cx.runs.over(gateway);
            let trunk = cx.runs.gateway(gateway).trunk;
            cx.runs.trunk_mut(trunk).failed_out += u64::from(!lost_race);
        }
        if failure.reason.blame() != base::Blame::Us && !lost_race {
            self.note_quality(number, false, cx);
        }
        self.journal_attempt_failed(cx, number, failure);
    }

    /// What an attempt tells of its gateway's quality.
    pub(crate) fn note_quality(&mut self, number: u16, answered: bool, cx: &mut Context<'_>) {
        let at = usize::from(number) - 1;
        let (Some(record), Some(gateway)) = (self.attempts.get(at), self.places.get(at)) else { return };
        let first = record.progress.or(record.answer);
        let delay = first.map(|then| Duration::from_micros(then.0.saturating_sub(record.start.0)));
        let why = cx.runs.gateway_mut(*gateway).quality.note(answered, delay, cx.now);
        cx.tell_quality(*gateway, why);
    }

    /// No progress within `failover_after`: the attempt is cancelled, the next one tried (R77).
    pub(crate) fn on_silence(&mut self, number: u16, cx: &mut Context<'_>) {
        if !self.turn_to(number) {
            return;
        }
        let Some(attempt) = self.attempt_mut(number) else { return };
        if attempt.progressed || attempt.cancelled {
            return;
        }
        let (trunk, candidate) = (attempt.trunk, attempt.candidate.clone());
        self.give_up(number, ReasonId::FailoverSilent, b"", cx);
        crate::gateways::missed(candidate.at, cx);
        let failure = Failure::ours(ReasonId::FailoverSilent);
        self.close_attempt(number, failure, cx);
        if self.forks.is_some() {
            let refused = Refused::ours(trunk, failure);
            return self.branch_over(Lost { number, candidate, rung: false, may_retry: true, refused }, cx);
        }
        self.failure = Some(failure);
        self.current = 0;
        if self.queue.is_empty() { self.fail(cx) } else { self.fail_over(trunk, failure, cx) }
    }

    /// The callee was alerted for `ring_timeout` and did not answer.
    pub(crate) fn on_ring_timeout(&mut self, number: u16, cx: &mut Context<'_>) {
        let Some(candidate) = self.attempt_mut(number).map(|a| a.candidate.clone()) else { return };
        if !self.turn_to(number) {
            return;
        }
        self.give_up(number, ReasonId::NoAnswer, b"", cx);
        self.attempt_over(number, &candidate, Failure::ours(ReasonId::NoAnswer), cx);
    }

    /// Cancels an attempt's INVITE (RFC 3261 §9.1); its late answer will be ended at once. Without `rows` the
    /// CANCEL says why (RFC 3326), whenever it may leave.
    pub(crate) fn give_up(&mut self, number: u16, why: ReasonId, rows: &[u8], cx: &mut Context<'_>) {
        let Some(attempt) = self.attempt_mut(number) else { return };
        if attempt.cancelled {
            return;
        }
        attempt.cancelled = true;
        attempt.given_up = Some(why);
        let invite = attempt.invite;
        let mut told = cx.take_rows();
        told.extend_from_slice(rows);
        if rows.is_empty() && why != ReasonId::Cancelled {
            push_why(&mut told, why.q850());
        }
        cx.txns.cancel(cx.now, invite, &told, &mut cx.out.sip);
        cx.give_rows(told);
    }
}
