//! Parallel forking: gateways of a tier whose trunks say `hunt = "parallel"` are invited at once, and the
//! first that answers is the call.
//!
//! A call has [`Forks`] only while several attempts run side by side: a round. Each branch is an ordinary
//! attempt with a leg, timers, PRACKs and an entry in the record of its own. What comes for a branch turns
//! the call to it ([`Call::turn_to`]), so that the rooms that know one attempt at a time need not know of
//! the others. Enter through [`Call::fork`] when an attempt has begun, and [`Call::branch_over`] when a
//! branch has failed; an answer ends the round in `answer`.

mod refused;
mod turn;

use crate::attempt::{Attempt, Candidate};
use crate::call::{Call, Failure, Phase};
use crate::context::Context;
use crate::leg::listen_of;
use crate::offer::{State, anchored_between};
use crate::record::ReleasedBy;
use crate::redirect::Redirected;
use base::{ReasonId, TrunkId};
use config::Hunt;
use sip_msg::Msg;
use smallvec::SmallVec;

pub(crate) use refused::Refused;

/// The branches of a call that run side by side.
#[derive(Default)]
pub(crate) struct Forks {
    /// Attempts that have no final response.
    running: SmallVec<[u16; 8]>,
    /// A branch failed in a way after which no other gateway is tried.
    closed: bool,
    /// A branch has rung and is over: nobody rings after it who did not ring with it.
    rung: bool,
    /// A branch was redirected, and that is to be followed.
    redirected: bool,
    /// The best response of those that are over (RFC 3261 §16.7).
    best: Option<Refused>,
}

/// A branch that is over.
pub(crate) struct Lost {
    pub(crate) number: u16,
    pub(crate) candidate: Candidate,
    /// It has rung.
    pub(crate) rung: bool,
    /// Another gateway may be tried after it.
    pub(crate) may_retry: bool,
    pub(crate) refused: Refused,
}

impl Call {
    /// An attempt has begun: those that are to ring with it follow at once. Emergency calls ring at one
    /// place at a time.
    pub(crate) fn fork(&mut self, cx: &mut Context<'_>) {
        let Some(first) = self.live.last() else { return };
        if self.epoch.trunk(first.trunk).hunt.way == Hunt::Parallel && !self.limits.emergency {
            let (number, candidate) = (first.number, first.candidate.clone());
            self.begin_round(number, &candidate, cx);
        }
    }

    fn begin_round(&mut self, number: u16, first: &Candidate, cx: &mut Context<'_>) {
        let most = self.epoch.trunk(first.trunk).hunt.forks_max as usize;
        let mut running = SmallVec::from_slice(&[number]);
        let mut asked: SmallVec<[_; 8]> = SmallVec::from_slice(&[(first.at.gateway, first.target)]);
        while running.len() < most {
            let new = |c: &Candidate| asked.iter().all(|(g, t)| *g != c.at.gateway && *t != c.target);
            let at = self.queue.iter().take_while(|c| self.joins(c, first)).position(new);
            let Some(candidate) = at.and_then(|at| self.queue.remove(at)) else { break };
            asked.push((candidate.at.gateway, candidate.target));
            if let Some(why) = self.bar(&candidate, cx) {
                self.skip(&candidate, why, cx);
            } else if self.invite(candidate, cx) {
                running.push(self.current);
            }
            if self.phase != Phase::Setup {
                return;
            }
        }
        self.current = number;
        if running.len() > 1 {
            let round = self.live.iter().filter(|a| running.contains(&a.number)).map(|a| a.trunk);
            self.decision = self.epoch.snapshot.table.explain_round(&self.decision, round).into();
            cx.counters.forks += running.len() as u64;
            self.forks = Some(Box::new(Forks { running, ..Forks::default() }));
        }
    }

    /// Whether a candidate rings with the first one of its round: of the same tier, and with the same media
    /// ports.
    fn joins(&self, candidate: &Candidate, first: &Candidate) -> bool {
        let parallel = self.epoch.trunk(candidate.trunk).hunt.way == Hunt::Parallel;
        parallel && candidate.tier == first.tier && self.shares_ports(candidate.trunk)
    }

    /// Whether a leg of a trunk can have the media ports that the call has.
    pub(crate) fn shares_ports(&self, trunk: TrunkId) -> bool {
        let anchored = anchored_between(&self.epoch, self.trunk_in, trunk, self.record.route);
        match self.media.state {
            State::Open { b, .. } => anchored && listen_of(&self.epoch, trunk) == b,
            State::Direct => !anchored,
            _ => false,
        }
    }

    /// A branch got a final response that is no answer, or none.
    pub(crate) fn branch_failed(
        &mut self,
        attempt: &Attempt,
        failure: Failure,
        msg: Option<Msg<'_>>,
        cx: &mut Context<'_>,
    ) {
        let redirected = msg.map_or(Redirected::Refused, |msg| self.read_redirect(attempt, msg, cx));
        let (failure, may_retry) = self.weigh(attempt, failure);
        let refused = match redirected {
            Redirected::Passed(rows) => Refused::redirect(attempt.trunk, failure, rows),
            read => {
                if let (Redirected::Followed, Some(forks)) = (read, self.forks.as_mut()) {
                    forks.redirected = true;
                }
                self.refused(attempt.trunk, failure, msg, cx)
            }
        };
        let candidate = attempt.candidate.clone();
        let (number, rung) = (attempt.number, attempt.progressed);
        self.branch_over(Lost { number, candidate, rung, may_retry, refused }, cx);
    }

    /// A branch is over. Where its gateway has another address that may still be tried, that takes its
    /// place (RFC 3263 §4.3); the others ring on. After the last one the round is judged.
    pub(crate) fn branch_over(&mut self, lost: Lost, cx: &mut Context<'_>) {
        let Lost { number, candidate, rung, may_retry, refused } = lost;
        let Some(forks) = self.forks.as_mut() else { return };
        forks.running.retain(|n| *n != number);
        forks.rung |= rung;
        let may_replace = may_retry && !forks.rung;
        self.unshow(number, cx);
        if may_replace && self.replace(&candidate, cx) {
            return;
        }
        let Some(forks) = self.forks.as_mut() else { return };
        forks.closed |= !may_retry;
        let status = refused.status;
        forks.best = forks.best.take().into_iter().chain([refused]).reduce(Refused::or_better);
        if status >= 600 {
            self.decline_others(status, cx);
        }
        match self.forks.as_ref().and_then(|forks| forks.running.first().copied()) {
            Some(other) => self.current = other,
            None => self.judge_round(cx),
        }
    }

    /// Invites another address of a branch's gateway; `true`: it rings in its place, or the call is over.
    fn replace(&mut self, candidate: &Candidate, cx: &mut Context<'_>) -> bool {
        let same = |c: &Candidate| c.at.gateway == candidate.at.gateway && c.tier == candidate.tier;
        while let Some(next) = self.queue.iter().position(same).and_then(|at| self.queue.remove(at)) {
            if let Some(why) = self.bar(&next, cx) {
                self.skip(&next, why, cx);
            } else if self.invite(next, cx) {
                cx.counters.failovers += 1;
                let number = self.current;
                if let Some(forks) = self.forks.as_mut() {
                    forks.running.push(number);
                }
                return true;
            }
            if self.phase != Phase::Setup {
                return true;
            }
        }
        false
    }

    /// 6xx speaks for all places: the other branches are cancelled (RFC 3261 §16.7 step 5).
    fn decline_others(&mut self, status: u16, cx: &mut Context<'_>) {
        let running = self.forks.as_mut().map(|forks| std::mem::take(&mut forks.running));
        let rows = format!("Reason: SIP;cause={status}\r\n");
        for number in running.unwrap_or_default() {
            self.give_up(number, ReasonId::DeclinedElsewhere, rows.as_bytes(), cx);
            self.close_attempt(number, Failure::ours(ReasonId::DeclinedElsewhere), cx);
            self.unshow(number, cx);
        }
    }

    /// All branches have failed: the next gateways follow where each of them allows that, else the caller
    /// hears the best response (RFC 3261 §16.7 step 6).
    fn judge_round(&mut self, cx: &mut Context<'_>) {
        let Some(forks) = self.forks.take() else { return };
        let Forks { closed, redirected, best: Some(best), .. } = *forks else { return self.fail(cx) };
        self.current = 0;
        self.failure = Some(best.failure);
        let leads_on = best.status < 600;
        if leads_on && redirected && self.try_redirected(cx) {
            return;
        }
        if !closed && !self.queue.is_empty() {
            return self.fail_over(best.trunk, best.failure, cx);
        }
        if leads_on && self.try_redirected(cx) {
            return;
        }
        match best.rows {
            Some(rows) => self.pass_refusal(best.status, best.failure, &rows, cx),
            None => self.fail(cx),
        }
    }

    /// An attempt is over for a reason after which no other gateway is tried: with it the call, unless other
    /// branches ring.
    pub(crate) fn attempt_over(
        &mut self,
        number: u16,
        candidate: &Candidate,
        failure: Failure,
        cx: &mut Context<'_>,
    ) {
        self.close_attempt(number, failure, cx);
        let may_become = self.turn_to(number);
        if self.forks.is_none() || !may_become {
            self.failure = Some(failure);
        }
        if !may_become {
            return;
        }
        self.current = 0;
        if self.forks.is_none() {
            return self.fail(cx);
        }
        let (candidate, refused) = (candidate.clone(), Refused::ours(candidate.trunk, failure));
        self.branch_over(Lost { number, candidate, rung: true, may_retry: false, refused }, cx);
    }

    /// An attempt cannot go on: its INVITE is cancelled. The others ring on; without any the call is over.
    pub(crate) fn drop_attempt(&mut self, number: u16, reason: ReasonId, cx: &mut Context<'_>) {
        let candidate = self.live.iter().find(|a| a.number == number).map(|a| a.candidate.clone());
        match candidate.filter(|_| self.forks.is_some()) {
            Some(candidate) => {
                self.give_up(number, reason, b"", cx);
                self.attempt_over(number, &candidate, Failure::ours(reason), cx);
            }
            None => self.release(reason, ReleasedBy::Us, cx),
        }
    }
}
