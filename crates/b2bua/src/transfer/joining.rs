//! Legs change places: the one that comes leaves its call, the one that goes is parted with.

use super::{moving::Stage, placed::Tried, released_by};
use crate::call::{Call, Phase};
use crate::context::{Context, User};
use crate::journal::JournalEvent;
use crate::leg::{AwaitAck, LateAnswer, Leg};
use crate::offer::State;
use crate::record::{AttemptFacts, AttemptRecord, ReleasedBy};
use crate::tag::{CallRef, Tag};
use base::{ReasonId, TrunkId};
use identity::abilities;
use media::{Command, Side};
use negotiation::LocalSdp;
use peers::{GatewayRef, TrunkRef};
use sip_core::ServerTxn;
use std::sync::Arc;

/// A leg on its way to another call.
pub(super) struct Given {
    leg: Leg,
    /// Of a call that was placed: what it has tried.
    tried: Tried,
    /// Of another call: the attempt that became the leg, or the trunk that it called us by.
    attempt: Option<(Arc<AttemptFacts>, GatewayRef)>,
    arrived: Option<TrunkRef>,
    /// Our answer that waits for its ACK.
    answered: Option<ServerTxn>,
}

impl Given {
    /// The call and side that the leg's tag names.
    pub(super) fn tag(&self) -> Option<(CallRef, Side)> {
        Tag::decode(self.leg.dialog.local_tag()).map(|(_, side, call)| (call, side))
    }
}

impl Call {
    /// The leg that may come over now: its call and side, and what an INVITE is answered with.
    pub(super) fn joining(&self) -> Option<(CallRef, Side, LocalSdp)> {
        let moving = self.moving().filter(|moving| moving.stage == Stage::Joining)?;
        moving.other.map(|(call, side)| (call, side, moving.comes.clone()))
    }

    /// Whether the leg that is lent can be given now.
    pub(super) fn can_give(&self, side: Side) -> bool {
        let busy = |leg: &Leg| leg.inviting || leg.invited || leg.ack_held || leg.gone;
        self.phase != Phase::Over && self.leg(side).is_some_and(|leg| !busy(leg) && leg.await_ack.is_none())
    }

    /// Gives the leg away, and ends the rest of the call: it is transferred. `comes`: what a party whose INVITE
    /// has no answer yet is answered with.
    pub(super) fn give(&mut self, comes: &LocalSdp, cx: &mut Context<'_>) -> Option<Given> {
        let tried = self.tried();
        let lent = self.transfers.as_deref_mut()?.lent.take()?;
        if self.invite.is_some() {
            self.answer_arrived(comes, None, cx);
        }
        let epoch = self.epoch.clone();
        let mut given = Given {
            leg: self.take_leg(lent.side)?,
            tried: Tried::default(),
            attempt: None,
            arrived: None,
            answered: None,
        };
        given.leg.sdp.standing = None;
        given.answered = given.leg.await_ack.map(|waiting| waiting.txn);
        if lent.placed.is_some() {
            given.tried = tried;
            (self.phase, self.recorded) = (Phase::Over, true);
            return Some(given);
        }
        match self.attempt_of(lent.side) {
            None => given.arrived = Some(epoch.run(given.leg.trunk)),
            Some(at) => {
                let facts = self.attempts.get(at).map(|record| record.facts.clone());
                given.attempt = facts.zip(self.places.get(at).copied());
            }
        }
        let (rest, reason) = (lent.side.other(), ReasonId::Transferred);
        let by = if self.leg(rest).is_some() { released_by(rest) } else { ReleasedBy::Us };
        self.say_bye(rest, b"", 487, cx);
        self.finish(cx, 200, reason.q850(), reason, by);
        Some(given)
    }

    /// Takes a leg out; what is left in its place is nobody's.
    fn take_leg(&mut self, side: Side) -> Option<Leg> {
        if side == Side::B {
            return self.b.take();
        }
        let dialog = self.a.dialog.clone();
        let mut nobody = Leg::new(Side::A, dialog, self.a.flow, self.a.trunk, self.a.abilities);
        nobody.gone = true;
        Some(std::mem::replace(&mut self.a, nobody))
    }

    /// The leg that comes takes the place of the one that goes.
    pub(super) fn take_over(&mut self, given: Given, cx: &mut Context<'_>) {
        let Some(moving) = self.transfers.as_deref_mut().and_then(|t| t.moving.take()) else { return };
        let (goes, number) = (moving.goes, self.last_transfer());
        self.end_attempt_of(goes, cx);
        self.retire_media(moving.media.state, moving.media.crossed, cx);
        let old = self.seat(goes, given, (moving.number, moving.trunk, moving.user), cx);
        self.close_transfer(number, 200, cx);
        if let Some(old) = old {
            self.park(number, old, cx);
        }
    }

    /// A leg that comes takes its seat, with what is counted for it; gives the one that had it.
    pub(super) fn seat(
        &mut self,
        side: Side,
        given: Given,
        (number, trunk, user): (Box<str>, TrunkId, Option<u16>),
        cx: &mut Context<'_>,
    ) -> Option<Leg> {
        let tag = given.tag();
        let Given { mut leg, tried, attempt, arrived, answered } = given;
        if let Some(txn) = answered {
            cx.txns.bind(txn, User::Inner(self.me, side));
        }
        let users = Side::BOTH.map(|of| if of == side { user } else { self.user_of(of) });
        (leg.side, leg.trunk, leg.session_alarm) = (side, trunk, None);
        leg.flow.trunk = Some(trunk);
        leg.sdp.continued = true;
        let old = match side {
            Side::A => Some(std::mem::replace(&mut self.a, leg)),
            Side::B => self.b.replace(leg),
        };
        self.withheld &= side == Side::B;
        self.leave_line(side, cx);
        let came = self.adopt_attempts(tried, attempt, cx);
        let transfers = self.transfers.get_or_insert_default();
        *if side == Side::A { &mut transfers.caller_attempt } else { &mut self.current } = came;
        transfers.users = Some(users);
        transfers.parties[side.index()] = Some(number);
        transfers.came.extend(tag);
        if let Some(run) = arrived {
            transfers.arrived.push(run);
            cx.runs.trunk_mut(run).calls_in += 1;
        }
        self.arm_session(side, cx);
        self.media.joining.retold = true;
        self.join_codecs(cx);
        old
    }

    /// The session that the call had is closed; its report comes later.
    fn retire_media(&mut self, state: State, crossed: bool, cx: &mut Context<'_>) {
        if let State::Open { session, .. } = self.media.state {
            cx.out.media.push(Command::Close { session });
            self.transfers_mut().retired.push(session);
            cx.wheel.insert(cx.now + crate::ending::REPORT_WAIT, crate::context::Alarm::Report(self.me));
        }
        (self.media.state, self.media.crossed) = (state, crossed);
        self.media.joining = Default::default();
    }

    /// The attempt that became the leg that goes is over; of who has called us there is none.
    fn end_attempt_of(&mut self, goes: Side, cx: &mut Context<'_>) {
        let Some(at) = self.attempt_of(goes) else { return };
        let (now, open) = (cx.wall(), |record: &&mut AttemptRecord| record.end.is_none());
        if let Some(record) = self.attempts.get_mut(at).filter(open) {
            record.end = Some(now);
            record.reason = ReasonId::Transferred;
            if let Some(gateway) = self.places.get(at) {
                cx.runs.over(*gateway);
            }
        }
    }

    /// What a call has tried that was placed for this one.
    pub(super) fn adopt_tried(&mut self, tried: Tried) {
        self.decision = tried.decision.unwrap_or(std::mem::take(&mut self.decision));
        for (record, gateway) in tried.attempts {
            self.attempts.push(record);
            self.places.push(gateway);
        }
    }

    /// The entry of a leg that comes from another call.
    fn joined_attempt(&self, facts: Arc<AttemptFacts>, cx: &mut Context<'_>) -> AttemptRecord {
        let (call, at, attempt) = (self.key, cx.wall(), facts.number);
        cx.out.journal.push(JournalEvent::Attempt { call, at, facts: facts.clone() });
        cx.out.journal.push(JournalEvent::Answered { call, at, attempt });
        AttemptRecord {
            facts,
            start: at,
            progress: None,
            answer: Some(at),
            end: None,
            status: 200,
            q850: None,
            reason: ReasonId::TimerB,
        }
    }

    /// Takes over the attempts of a leg that comes; the number of the one that became it, 0 for none.
    fn adopt_attempts(
        &mut self,
        tried: Tried,
        other: Option<(Arc<AttemptFacts>, GatewayRef)>,
        cx: &mut Context<'_>,
    ) -> u16 {
        let had = self.attempts.len();
        let answered = |record: &AttemptRecord| record.answer.is_some() && record.end.is_none();
        self.adopt_tried(tried);
        if let Some((facts, gateway)) = other {
            let number = u16::try_from(self.attempts.len() + 1).unwrap_or(u16::MAX);
            let facts = Arc::new(AttemptFacts { number, ..(*facts).clone() });
            cx.runs.shared(gateway);
            let attempts = vec![(self.joined_attempt(facts, cx), gateway)];
            self.adopt_tried(Tried { attempts, decision: None });
        }
        let came = self.attempts.iter().skip(had).rposition(answered).map_or(0, |at| had + at + 1);
        u16::try_from(came).unwrap_or(u16::MAX)
    }
}

impl Call {
    /// An INVITE that takes a leg's place is answered.
    pub(super) fn answer_arrived(
        &mut self,
        told: &LocalSdp,
        answers: Option<LateAnswer>,
        cx: &mut Context<'_>,
    ) {
        let epoch = self.epoch.clone();
        let Some(txn) = self.invite else { return };
        let arrived = self.arrived.take();
        let cseq = arrived.as_ref().map_or(0, |arrived| arrived.cseq);
        self.a.described = arrived.map(|arrived| arrived.offer).unwrap_or_default();
        let mut rows = cx.take_rows();
        self.a.push_contact(&mut rows, &epoch, b"");
        abilities::push(epoch.policy(self.trunk_in), false, &mut rows);
        if let Some(session) = &self.a.session {
            session.response_rows(&mut rows);
        }
        self.a.sdp = told.clone();
        self.respond(cx, 200, &rows, &told.text);
        cx.give_rows(rows);
        self.a.await_ack = Some(AwaitAck { txn, cseq, answers, initial: true });
        (self.phase, self.answer) = (Phase::Answered, Some(cx.wall()));
        cx.counters.answered += 1;
    }
}
