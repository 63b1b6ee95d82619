//! Redirects: a 3xx to an attempt is refused, followed, or handed to the caller, as the trunk's policy says.
//!
//! Of a Contact only the number counts. Followed, it is routed like a call that the redirecting number
//! places through its own trunk, so that it gets no further than that number may call; its host is never
//! spoken to. Enter through `Call::heed_redirect` with a 3xx (`read_redirect` for one of several branches), and `Call::try_redirected` when nothing else
//! is left to try.

use crate::attempt::{Attempt, Candidate};
use crate::call::{Call, Failure, Phase};
use crate::candidates::{ATTEMPTS_MAX, candidates};
use crate::context::Context;
use crate::epoch::Epoch;
use crate::leg::listen_of;
use crate::offer::{self, State};
use crate::record::ReleasedBy;
use crate::telling::cross;
use base::{ReasonId, TrunkId};
use config::Redirect;
use identity::contacts::{Named, named_in};
use identity::headers::Kind;
use identity::said::push_why;
use identity::{History, Why};
use routing::{Decision, Facts, Plan};
use sip_msg::Msg;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

/// What redirects have made of a call.
pub(crate) struct Redirection {
    /// How many were followed.
    followed: u32,
    /// The number that is called now, normalised.
    called: Box<str>,
    /// All numbers that were called, normalised: none is called twice.
    seen: Vec<Box<str>>,
    /// Numbers that may still be called, in order.
    waiting: VecDeque<Waiting>,
}

/// A number that a redirect names.
struct Waiting {
    number: Box<str>,
    by: Arc<Redirecting>,
}

/// Who redirected.
struct Redirecting {
    trunk: TrunkId,
    /// The user of it who did, and where.
    user: Option<u16>,
    source: IpAddr,
    /// The number that was called, in the form of the trunk.
    sent: Box<str>,
    /// The same, normalised.
    called: Box<str>,
    why: Why,
    /// Who was called before.
    history: History,
}

/// Who a candidate is, by user and address.
fn by_of(epoch: &Epoch, candidate: &Candidate) -> (Option<u16>, IpAddr) {
    let user = epoch.user_of(candidate.gateway).and_then(|user| u16::try_from(user).ok());
    (user, candidate.target.address.ip())
}

/// What becomes of a 3xx.
pub(crate) enum Redirected {
    /// It is a refusal like others.
    Refused,
    /// Its numbers wait to be called.
    Followed,
    /// The caller gets it, with these rows.
    Passed(Box<[u8]>),
}

impl Call {
    /// Does with a 3xx what the trunk's policy says; `false`: it is a refusal like others.
    ///
    /// 305 and 380 name no other number for the same call (RFC 3261 §21.3.4, §21.3.5): refusals.
    pub(crate) fn heed_redirect(&mut self, attempt: &Attempt, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        match self.read_redirect(attempt, msg, cx) {
            Redirected::Refused => false,
            Redirected::Followed => self.try_redirected(cx),
            Redirected::Passed(rows) => {
                let reason = ReasonId::from_sip_status(msg.status());
                self.respond(cx, msg.status(), &rows, b"");
                self.finish(cx, msg.status(), reason.q850(), reason, ReleasedBy::Callee);
                true
            }
        }
    }

    /// What the trunk's policy makes of a 3xx.
    pub(crate) fn read_redirect(
        &mut self,
        attempt: &Attempt,
        msg: Msg<'_>,
        cx: &mut Context<'_>,
    ) -> Redirected {
        if !matches!(msg.status(), 300..=302) {
            return Redirected::Refused;
        }
        let rules = self.epoch.policy(attempt.trunk).redirect;
        let taken = self.epoch.policy(self.trunk_in).redirect.taken;
        match rules.then {
            Redirect::Refuse => Redirected::Refused,
            Redirect::Pass if taken => self.redirect_for_caller(attempt, msg, cx),
            Redirect::Pass | Redirect::Follow if self.keep_redirect(attempt, rules.max, msg) => {
                Redirected::Followed
            }
            Redirect::Pass | Redirect::Follow => Redirected::Refused,
        }
    }

    /// Keeps the numbers of a 3xx before all others that wait (RFC 3261 §8.1.3.4); `false`: it names none
    /// that may be called.
    fn keep_redirect(&mut self, attempt: &Attempt, max: u32, msg: Msg<'_>) -> bool {
        let named = named_in(msg);
        let followed = self.redirection.as_ref().map_or(0, |r| r.followed);
        let why_not = match () {
            () if followed >= max => Some("redirect_max is reached"),
            () if named.is_empty() => Some("it names no number"),
            // What was settled with the caller cannot be taken back before the answer (RFC 3264 §4).
            () if self.shown.media_since.is_some() && self.is_heard_reliably() => {
                Some("the caller's media are settled")
            }
            () => None,
        };
        if let Some(why) = why_not {
            self.tell_redirect(attempt.trunk, "", why);
            return false;
        }
        let history = self.arrived.as_ref().map(|a| a.identity.history.clone()).unwrap_or_default();
        let why = if attempt.progressed { Why::Deflection } else { Why::Unconditional };
        let called = self.called.clone();
        let redirection = self.redirection.get_or_insert_with(|| Box::new(Redirection::of(called)));
        redirection.followed += 1;
        let (trunk, sent) = (attempt.trunk, attempt.candidate.called.clone());
        let called = redirection.called.clone();
        let (user, source) = by_of(&self.epoch, &attempt.candidate);
        let by = Arc::new(Redirecting { trunk, user, source, sent, called, why, history });
        for Named { number, .. } in named.into_iter().rev() {
            redirection.waiting.push_front(Waiting { number, by: by.clone() });
        }
        let reason = ReasonId::from_sip_status(msg.status());
        self.failure = Some(Failure { status: msg.status(), ..Failure::ours(reason) });
        true
    }

    /// Goes on with the next number of a redirect that can be called; `false`: there is none.
    pub(crate) fn try_redirected(&mut self, cx: &mut Context<'_>) -> bool {
        while self.phase == Phase::Setup {
            let Some(waiting) = self.redirection.as_mut().and_then(|r| r.waiting.pop_front()) else { break };
            let led = match self.plan_redirected(&waiting, cx) {
                Ok(plan) => self.lead_to(plan, &waiting, cx),
                Err(why) => Err(why),
            };
            match led {
                Ok(()) => {
                    self.try_next(cx);
                    return true;
                }
                Err(why) => self.tell_redirect(waiting.by.trunk, &waiting.number, why.id()),
            }
        }
        false
    }

    /// Where a redirect leads, by the same judgement as every call.
    fn plan_redirected(&self, waiting: &Waiting, cx: &mut Context<'_>) -> Result<Plan, ReasonId> {
        let by = &waiting.by;
        let (user, source) = (by.user, Some(by.source));
        let media = Some((self.trunk_in, self.a.flow.remote.ip()));
        let who = Facts { user, source, media, ..Facts::new(by.trunk, "", &by.sent) };
        let plan = match self.judge_redirect(who, &waiting.number, cx) {
            Decision::Plan(plan) => plan,
            Decision::Refuse(refusal) => return Err(refusal.reason),
        };
        let again =
            self.redirection.as_ref().is_some_and(|r| r.seen.iter().any(|seen| **seen == *plan.called));
        if again { Err(ReasonId::LoopDetected) } else { Ok(plan) }
    }

    /// A call that the redirecting number places through its own trunk.
    fn judge_redirect(&self, who: Facts<'_>, called: &str, cx: &mut Context<'_>) -> Decision {
        self.route_for(&Facts { called, at: Some(cx.wall()), ..who }, cx)
    }

    /// Makes a plan the call's way. Who calls stays who calls; who redirected is told as who was called
    /// before.
    fn lead_to(&mut self, mut plan: Plan, waiting: &Waiting, cx: &mut Context<'_>) -> Result<(), ReasonId> {
        let epoch = self.epoch.clone();
        for attempt in &mut plan.attempts {
            attempt.caller = epoch.snapshot.table.write_number(&self.caller, attempt.trunk);
            attempt.replaced = false;
        }
        let (mut queue, _) = candidates(&plan, &epoch, cx);
        if self.shown.media_since.is_some() {
            queue.retain(|candidate| self.keeps_ports(candidate.trunk));
        }
        queue.truncate(ATTEMPTS_MAX.saturating_sub(self.attempts.len()));
        if queue.is_empty() {
            return Err(ReasonId::AttemptsMax);
        }
        let by = &waiting.by;
        if let Some(redirection) = self.redirection.as_mut() {
            redirection.called = plan.called.as_str().into();
            redirection.seen.push(redirection.called.clone());
        }
        if let Some(arrived) = self.arrived.as_mut() {
            arrived.identity.history = by.history.redirected(&by.called, by.why, &plan.called);
        }
        self.limits.emergency |= plan.emergency;
        self.media.other |= self.shown.media.take().is_some();
        self.queue = queue;
        self.tell_redirect(by.trunk, &waiting.number, &format!("route {}", plan.route_name));
        self.journal_routed(cx);
        Ok(())
    }

    /// Whether an attempt towards a trunk leaves the caller the ports that it was shown.
    fn keeps_ports(&self, trunk: TrunkId) -> bool {
        match self.media.state {
            State::Open { b, .. } => {
                offer::anchored_between(&self.epoch, self.trunk_in, trunk, self.record.route)
                    && listen_of(&self.epoch, trunk) == b
            }
            _ => false,
        }
    }

    /// A 3xx for the caller: its numbers at our own address, as the caller's trunk writes them.
    fn redirect_for_caller(&mut self, attempt: &Attempt, msg: Msg<'_>, cx: &mut Context<'_>) -> Redirected {
        let (epoch, trunk) = (self.epoch.clone(), attempt.trunk);
        let table = &epoch.snapshot.table;
        let mut rows = cx.take_rows();
        for Named { number, q } in named_in(msg) {
            let (user, source) = by_of(&epoch, &attempt.candidate);
            let who =
                Facts { user, source: Some(source), ..Facts::new(trunk, "", &attempt.candidate.called) };
            let called = match self.judge_redirect(who, &number, cx) {
                Decision::Plan(plan) => plan.called,
                Decision::Refuse(_) => table.read_number(&number, trunk),
            };
            let written = table.write_number(&called, self.trunk_in);
            if !written.is_empty() {
                let face = epoch.face(self.a.flow.listen);
                face.push_number_contact(&mut rows, (self.a.flow.transport, self.a.secure), &written, q);
                self.tell_redirect(trunk, &number, "passed on");
            }
        }
        let read = if rows.is_empty() {
            self.tell_redirect(trunk, "", "it names no number");
            Redirected::Refused
        } else {
            push_why(&mut rows, ReasonId::from_sip_status(msg.status()).q850());
            cross(msg, Kind::Response, &epoch, self.way_back(trunk), &mut rows);
            Redirected::Passed(rows.as_slice().into())
        };
        cx.give_rows(rows);
        read
    }

    /// Says in the record's decision what became of a redirect.
    fn tell_redirect(&mut self, trunk: TrunkId, number: &str, what: &str) {
        let name = self.epoch.trunk_name(trunk);
        let to = if number.is_empty() { String::new() } else { format!(" to {number}") };
        self.decision = format!("{}; {name} redirects{to}: {what}", self.decision).into_boxed_str();
    }
}

impl Redirection {
    /// A call that was not redirected before.
    fn of(called: Box<str>) -> Redirection {
        Redirection { followed: 0, seen: vec![called.clone()], called, waiting: VecDeque::new() }
    }
}
