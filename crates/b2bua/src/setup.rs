//! The beginning of a call: an INVITE from a trunk, checked, routed, given media ports.

use crate::call::{Arrived, Call, Failure};
use crate::candidates::candidates;
use crate::context::{Context, User};
use crate::epoch::Epoch;
use crate::journal::{CallKey, JournalEvent};
use crate::record::CallFacts;
use crate::secure::leg_of_caller;
use crate::tag::{CallRef, Tag};
use admission::{Standing, count_full};
use base::{ReasonId, TrunkId};
use config::{EarlyOffer, Kind, Prack};
use identity::abilities;
use identity::headers::push_number;
use identity::received::{called_of, number_of};
use identity::session_policy;
use identity::{is_nobody, push_warning, session_of};
use media::Side;
use negotiation::SdpTrouble;
use peers::Voucher;
use routing::{Decision, Facts, NoTrace, Plan, Refusal};
use sip_core::dialog::Dialog;
use sip_core::session_timer::SessionTimer;
use sip_core::{Flow, ServerTxn};
use sip_msg::{HeaderError, Msg, Name};
use std::sync::Arc;

/// The longest header value kept in a record; longer ones are cut there, never on the wire.
const NUMBER_SHOWN_MAX: usize = 128;

/// What a 415 says of bodies (RFC 3261 §21.4.13).
pub(crate) const ACCEPTED: &[u8] = b"Accept: application/sdp\r\nAccept-Encoding: identity\r\n";

/// What it says of bodies of any type.
pub(crate) const ACCEPTED_ENCODING: &[u8] = b"Accept-Encoding: identity\r\n";

/// Where an INVITE came from and to whom it belongs.
pub(crate) struct Arrival<'a> {
    pub(crate) msg: Msg<'a>,
    pub(crate) flow: Flow,
    pub(crate) trunk: TrunkId,
    pub(crate) txn: ServerTxn,
    pub(crate) voucher: Voucher,
}

impl Call {
    /// A call for an INVITE outside any dialog (RFC 3261 §12.1.1, §13.3); a record is owed from here.
    pub(crate) fn begin(
        me: CallRef,
        arrival: &Arrival<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Call, HeaderError> {
        let &Arrival { msg, trunk, txn, voucher, .. } = arrival;
        let epoch = cx.current.clone();
        let tag = Tag::new(cx.shard, Side::A, me, cx.rng);
        let dialog = Dialog::as_uas(&msg, tag.as_bytes())?;
        let a = leg_of_caller(dialog, arrival, &epoch);
        let (high, low) = cx.rng.next_pair();
        let key = CallKey(u128::from(high) << 64 | u128::from(low));
        let facts = Arc::new(facts(&epoch, arrival, key));
        let arrived = Arrived::of(msg, epoch.policy(trunk));
        let call = Call {
            invite: Some(txn),
            withheld: arrived.identity.withheld,
            arrived: Some(Box::new(arrived)),
            caller: facts.caller_received.clone(),
            called: facts.called_received.clone(),
            voucher,
            ..Call::new(me, (key, facts), epoch, a, cx.wall())
        };
        cx.txns.bind(txn, User::Arrived(me));
        cx.counters.accepted += 1;
        cx.runs.trunk_mut(call.epoch.run(trunk)).total_in += 1;
        let facts = call.facts.clone();
        cx.out.journal.push(JournalEvent::Accepted { call: call.key, at: call.start, facts });
        Ok(call)
    }

    /// Checks the INVITE, routes it and takes the first step towards the callee.
    pub(crate) fn start(&mut self, msg: Msg<'_>, draining: bool, full: bool, cx: &mut Context<'_>) {
        let run = self.epoch.run(self.trunk_in);
        let trunk = cx.runs.trunk(run);
        let (trunk_full, rate_spent) = (trunk.is_full(false), trunk.rate_spent(false, cx.now));
        let refused = cx.runs.refuses(run, self.a.flow.remote);
        // Counted even when refused below: `finish` takes it back.
        cx.runs.trunk_mut(run).calls_in += 1;
        cx.runs.trunk_mut(run).spend(false, cx.now);
        let limit = match () {
            () if self.epoch.trunk(self.trunk_in).kind == Kind::Recorder => Some(ReasonId::FromRecorder),
            () if draining => Some(ReasonId::Draining),
            () if refused.is_some() => refused,
            () if full => Some(ReasonId::CallsMax),
            () if trunk_full => Some(ReasonId::TrunkCallsMax),
            () if rate_spent => Some(ReasonId::TrunkCpsMax),
            () => None,
        };
        if let Some(reason) = limit.filter(|_| !self.is_emergency(cx)) {
            return self.refuse(cx, reason, b"");
        }
        self.heed_location(Side::A, msg);
        let fit = self.check(msg, cx)
            && self.heed_sips(cx)
            && self.agree_session_timer(msg, cx)
            && self.heed_expires(msg, cx);
        if !fit || self.heed_replaces(msg, cx) {
            return;
        }
        match self.decide(cx) {
            Decision::Plan(plan) if !self.may_call_as(&plan, cx) => {
                self.refuse(cx, ReasonId::WrongIdentity, b"");
            }
            Decision::Plan(plan) => self.follow(plan, cx),
            Decision::Refuse(refusal) => self.refuse_route(&refusal, cx),
        }
    }

    /// Whether an emergency service is called: no limit holds for it (R95).
    fn is_emergency(&self, cx: &mut Context<'_>) -> bool {
        // Only who calls one is worth a whole decision while the node refuses calls.
        self.epoch.snapshot.table.is_emergency(&self.arrived_facts(cx))
            && self.decide(cx).plan().is_some_and(|plan| plan.emergency)
    }

    /// What RFC 3261 §8.2.2, §8.2.3 and §16.3 ask of a request before it is acted on.
    fn check(&mut self, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        let mut unsupported = cx.take_rows();
        abilities::push_unsupported(msg, self.epoch.policy(self.trunk_in), &mut unsupported);
        let trouble = if !unsupported.is_empty() {
            Some((ReasonId::BadExtension, unsupported.clone()))
        } else if msg.max_forwards().is_ok_and(|hops| hops == Some(0)) {
            Some((ReasonId::HopsSpent, Vec::new()))
        } else if !msg.body().is_empty() && !msg.is_sdp() {
            Some((ReasonId::BodyType, ACCEPTED.to_vec()))
        } else {
            None
        };
        cx.give_rows(unsupported);
        if let Some((reason, rows)) = trouble {
            self.refuse(cx, reason, &rows);
            return false;
        }
        // RFC 3262 §3: where we demand reliable provisionals, the caller has to know them.
        let demanded = self.epoch.policy(self.trunk_in).prack == Prack::Required;
        if demanded && !self.a.abilities.reliable {
            let reason = ReasonId::BadExtension;
            self.refuse_with(cx, 421, reason, reason.q850(), b"Require: 100rel\r\n");
            return false;
        }
        true
    }

    /// Takes part in the caller's session timer (RFC 4028 §9).
    fn agree_session_timer(&mut self, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        match SessionTimer::uas(&msg, &session_policy(self.epoch.policy(self.trunk_in), true)) {
            Ok(timer) => self.a.session = timer,
            Err(too_small) => {
                let mut rows = cx.take_rows();
                push_number(&mut rows, b"Min-SE", u64::from(too_small.min_se));
                self.refuse(cx, ReasonId::SessionInterval, &rows);
                cx.give_rows(rows);
                return false;
            }
        }
        true
    }

    /// The same judgement that `route test` prints.
    fn decide(&self, cx: &mut Context<'_>) -> Decision {
        self.route_for(&self.arrived_facts(cx), cx)
    }

    fn arrived_facts(&self, cx: &Context<'_>) -> Facts<'_> {
        let who = self.arrived.as_ref().map(|arrived| &arrived.identity);
        let caller = who.map_or(&self.facts.caller_received, |who| &who.caller);
        self.facts_of(Side::A, &self.facts.called_received, caller, cx)
    }

    /// A call that the party on a side places.
    pub(crate) fn facts_of<'f>(
        &self,
        side: Side,
        called: &'f str,
        caller: &'f str,
        cx: &Context<'_>,
    ) -> Facts<'f> {
        let (on, user, at) = (self.trunk_of(side), self.user_of(side), Some(cx.wall()));
        let source = self.leg(side).map(|leg| leg.flow.remote.ip());
        Facts {
            anonymous: caller.is_empty() || is_nobody(caller),
            user,
            source,
            media: self.leg(side.other()).map(|leg| (leg.trunk, leg.flow.remote.ip())),
            at,
            ..Facts::new(on, called, caller)
        }
    }

    /// Judges the facts of a call by the routes it was accepted with and the trunks as they are now.
    pub(crate) fn route_for(&self, facts: &Facts<'_>, cx: &mut Context<'_>) -> Decision {
        let (dice, epoch) = (cx.rng.next_u64(), &self.epoch);
        let (trunks, links) = (&epoch.trunks, &epoch.links);
        let state = Standing { runs: cx.runs, trunks, links, call: &self.limits.links, at: cx.now };
        let decision = epoch.snapshot.table.plan(facts, &state, dice, &mut NoTrace);
        count_full(&decision, links, &mut cx.runs.links);
        decision
    }

    fn refuse_route(&mut self, refusal: &Refusal, cx: &mut Context<'_>) {
        self.decision = refusal.sentence.as_str().into();
        let mut rows = cx.take_rows();
        if let Some(seconds) = refusal.retry_after.filter(|_| refusal.status != 503) {
            push_number(&mut rows, b"Retry-After", u64::from(seconds));
        }
        self.refuse_with(cx, refusal.status, refusal.reason, refusal.reason.q850(), &rows);
        cx.give_rows(rows);
    }

    fn follow(&mut self, plan: Plan, cx: &mut Context<'_>) {
        self.decision = self.epoch.snapshot.table.explain(self.trunk_in, &plan).into();
        self.route = plan.route_name.clone();
        self.caller = plan.caller.as_str().into();
        self.called = plan.called.as_str().into();
        self.a.purse.account = self.epoch.account_for(self.trunk_in, &self.called);
        self.limits.emergency = plan.emergency;
        let (queue, missing) = candidates(&plan, &self.epoch, cx);
        self.queue = queue;
        self.failure = missing.map(Failure::ours);
        self.journal_routed(cx);
        self.await_ringing(cx);
        self.try_next(cx);
    }

    /// Journals how the call goes on.
    pub(crate) fn journal_routed(&self, cx: &mut Context<'_>) {
        // One that was placed for another call has no route of its own to tell of.
        if self.is_placed() {
            return;
        }
        cx.out.journal.push(JournalEvent::Routed {
            call: self.key,
            at: cx.wall(),
            route: self.route.clone(),
            caller: self.caller.clone(),
            called: self.called.clone(),
            decision: self.decision.clone(),
        });
    }

    /// 488 with the Warning that says why (RFC 3261 §21.4.26).
    pub(crate) fn refuse_sdp(&mut self, trouble: &SdpTrouble, cx: &mut Context<'_>) {
        self.end_attempts(trouble.reason, b"", cx);
        let mut rows = cx.take_rows();
        push_warning(&mut rows, self.epoch.face(self.a.flow.listen).host(), trouble.warning);
        self.refuse_with(cx, 488, trouble.reason, trouble.reason.q850(), &rows);
        cx.give_rows(rows);
    }

    /// Whether the attempt towards a trunk starts with an offer of ours.
    pub(crate) fn makes_offer(&self, trunk: TrunkId) -> bool {
        let late = self.arrived.as_ref().is_some_and(|a| a.offer.is_empty());
        late && self.media.is_anchored() && self.epoch.policy(trunk).early_offer == EarlyOffer::Make
    }

    /// Whether INVITEs to a trunk bear no offer, whoever has made one.
    pub(crate) fn withholds(&self, trunk: TrunkId) -> bool {
        self.epoch.policy(trunk).early_offer == EarlyOffer::Withhold
    }
}

fn facts(epoch: &Epoch, arrival: &Arrival<'_>, key: CallKey) -> CallFacts {
    let msg = arrival.msg;
    let from = msg.from().ok();
    let text = |bytes: &[u8]| -> Box<str> {
        String::from_utf8_lossy(&bytes[..bytes.len().min(NUMBER_SHOWN_MAX)]).into_owned().into_boxed_str()
    };
    let first = |name| text(msg.first(name).unwrap_or_default());
    CallFacts {
        node: epoch.snapshot.node.clone(),
        trunk: epoch.trunk_name(arrival.trunk),
        site: epoch.snapshot.table.site_of(arrival.trunk, arrival.flow.remote.ip()),
        trace_id: session_of(msg).unwrap_or_else(|| key.to_string().into()),
        source: arrival.flow.remote,
        sip_call_id: text(msg.call_id().unwrap_or_default()),
        caller_received: from.map_or_else(Box::default, |f| number_of(f.uri)),
        called_received: called_of(msg, &epoch.policy(arrival.trunk).called_from),
        asserted_received: first(Name::PAssertedIdentity),
        preferred_received: first(Name::PPreferredIdentity),
        diversion_received: first(Name::Diversion),
        revision: epoch.snapshot.revision,
    }
}
