//! A call: its two legs, its attempts, and what its record will say.

use crate::attempt::{Attempt, Candidate};
use crate::context::{Context, User};
use crate::epoch::Epoch;
use crate::forking::Forks;
use crate::journal::{CallKey, JournalEvent};
use crate::leg::Leg;
use crate::links::Limits;
use crate::offer::CallMedia;
use crate::parting::Parting;
use crate::record::{AttemptRecord, CallFacts, ReleasedBy};
use crate::recorded::OnRecord;
use crate::redirect::Redirection;
use crate::relay::Relay;
use crate::showing::Shown;
use crate::tag::CallRef;
use crate::telling::Way;
use crate::transfer::Transfers;
use base::{ReasonId, TrunkId, WallTime};
use config::{NotOwned, Policy};
pub(crate) use identity::Failure;
use identity::headers::{Kept, keep_rows, push_number};
use identity::referral::Back;
use identity::said::push_why;
use identity::{Identity, push_reason_id};
use media::Side;
use peers::{GatewayRef, Voucher};
use sip_core::{Response, ServerTxn};
use sip_msg::{Msg, Replaces};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a call stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// The INVITE has no final response.
    Setup,
    /// The INVITE was answered 2xx.
    Answered,
    /// Over; transactions and the media report are waited for.
    Over,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) at: WallTime,
    pub(crate) status: u16,
    pub(crate) q850: u8,
    pub(crate) reason: ReasonId,
    pub(crate) released_by: ReleasedBy,
}

/// What attempts need of the INVITE, kept while one may be made.
pub(crate) struct Arrived {
    /// Its header rows that may cross.
    pub(crate) kept: Box<[Kept]>,
    /// Who calls and who was called before.
    pub(crate) identity: Identity,
    /// Its Max-Forwards, if it had one.
    pub(crate) hops: Option<u8>,
    /// Its CSeq number: the ACK bears the same.
    pub(crate) cseq: u32,
    /// The offer in it; empty when it has none.
    pub(crate) offer: Box<[u8]>,
    /// The dialog whose place the call is to take, where a REFER named one.
    pub(crate) replaces: Option<Replaces>,
    /// Words of a REFER that go back to its sender, who is called.
    pub(crate) back: Option<Box<Back>>,
}

impl Arrived {
    /// Reads it from the INVITE of the trunk with this policy.
    pub(crate) fn of(msg: Msg<'_>, policy: &Policy) -> Arrived {
        Arrived {
            kept: keep_rows(msg, policy),
            identity: Identity::of(msg, policy),
            hops: msg.max_forwards().ok().flatten(),
            cseq: msg.cseq().map(|cseq| cseq.number).unwrap_or(0),
            offer: msg.body().into(),
            replaces: None,
            back: None,
        }
    }
}

/// One call; see the module text.
pub(crate) struct Call {
    pub(crate) me: CallRef,
    pub(crate) key: CallKey,
    pub(crate) epoch: Arc<Epoch>,
    pub(crate) facts: Arc<CallFacts>,
    pub(crate) trunk_in: TrunkId,
    pub(crate) phase: Phase,
    pub(crate) a: Leg,
    /// The INVITE's transaction, until its final response is sent.
    pub(crate) invite: Option<ServerTxn>,
    /// Kept until the call is answered or over.
    pub(crate) arrived: Option<Box<Arrived>>,
    pub(crate) route: Arc<str>,
    pub(crate) caller: Box<str>,
    pub(crate) called: Box<str>,
    pub(crate) decision: Box<str>,
    /// What may still be tried, in order.
    pub(crate) queue: VecDeque<Candidate>,
    pub(crate) attempts: Vec<AttemptRecord>,
    /// The gateway of each attempt.
    pub(crate) places: SmallVec<[GatewayRef; 2]>,
    /// What redirects have made of it.
    pub(crate) redirection: Option<Box<Redirection>>,
    /// Attempts whose INVITE has no final response yet.
    pub(crate) live: SmallVec<[Box<Attempt>; 1]>,
    /// The attempt that may become the call; 0 when none. Of several side by side, the one it is turned to.
    pub(crate) current: u16,
    /// Attempts that run side by side, while there are.
    pub(crate) forks: Option<Box<Forks>>,
    pub(crate) b: Option<Leg>,
    pub(crate) media: CallMedia,
    pub(crate) relays: SmallVec<[Relay; 1]>,
    pub(crate) start: WallTime,
    pub(crate) shown: Shown,
    pub(crate) answer: Option<WallTime>,
    pub(crate) end: Option<End>,
    /// How the last attempt failed: status (0: none came), reason, cause, Retry-After.
    pub(crate) failure: Option<Failure>,
    /// Requests of our own that have no final response.
    pub(crate) pending: u16,
    pub(crate) recorded: bool,
    /// The Min-SE that a 422 asked for; 0 before.
    pub(crate) min_se: u32,
    /// The caller wants the number kept from the callee.
    pub(crate) withheld: bool,
    /// Who stands for the INVITE.
    pub(crate) voucher: Voucher,
    /// What transfers have made of it.
    pub(crate) transfers: Option<Box<Transfers>>,
    /// Its recording.
    pub(crate) record: OnRecord,
    pub(crate) limits: Limits,
}

/// A call's name, and what is known of it at birth.
type Named = (CallKey, Arc<CallFacts>);

impl Call {
    /// A call of which nothing is known but its first leg.
    pub(crate) fn new(me: CallRef, (key, facts): Named, epoch: Arc<Epoch>, a: Leg, start: WallTime) -> Call {
        Call {
            me,
            key,
            epoch,
            facts,
            media: CallMedia::over(a.flow.transport),
            trunk_in: a.trunk,
            phase: Phase::Setup,
            a,
            invite: None,
            arrived: None,
            route: Arc::default(),
            caller: Box::default(),
            called: Box::default(),
            decision: Box::default(),
            queue: VecDeque::new(),
            attempts: Vec::new(),
            places: SmallVec::new(),
            redirection: None,
            live: SmallVec::new(),
            current: 0,
            forks: None,
            b: None,
            relays: SmallVec::new(),
            start,
            shown: Shown::default(),
            answer: None,
            end: None,
            failure: None,
            pending: 0,
            recorded: false,
            min_se: 0,
            withheld: false,
            voucher: Voucher::Source,
            transfers: None,
            record: OnRecord::default(),
            limits: Limits::default(),
        }
    }

    /// The leg of a side, when it has one that is confirmed (or, for A, at least early).
    pub(crate) fn leg_mut(&mut self, side: Side) -> Option<&mut Leg> {
        match side {
            Side::A => Some(&mut self.a),
            Side::B => self.b.as_mut(),
        }
    }

    pub(crate) fn leg(&self, side: Side) -> Option<&Leg> {
        match side {
            Side::A => Some(&self.a),
            Side::B => self.b.as_ref(),
        }
    }

    /// The trunk of a side.
    pub(crate) fn trunk_of(&self, side: Side) -> TrunkId {
        let trying = || self.live.iter().find(|a| a.number == self.current).map(|a| a.trunk);
        self.leg(side).map(|leg| leg.trunk).or_else(trying).unwrap_or(self.trunk_in)
    }

    /// The way of a message from a side to the other one.
    pub(crate) fn way_from(&self, side: Side) -> Way {
        let withheld = side == Side::A && self.withheld;
        Way { from: self.trunk_of(side), to: self.trunk_of(side.other()), withheld }
    }

    /// The way of a response from the trunk of an attempt to the caller.
    pub(crate) fn way_back(&self, trunk: TrunkId) -> Way {
        Way { from: trunk, to: self.trunk_in, withheld: false }
    }

    /// The caller's number for a Contact towards the callee; none when it is withheld or the
    /// pilot may stand for it.
    pub(crate) fn caller_in_contact(&self) -> &str {
        let screen = &self.epoch.policy(self.trunk_of(Side::B)).caller.screen;
        if self.withheld || screen.not_owned == NotOwned::Pilot { "" } else { &self.caller }
    }

    /// Answers the INVITE that began the call.
    pub(crate) fn respond(&mut self, cx: &mut Context<'_>, status: u16, rows: &[u8], body: &[u8]) {
        let Some(txn) = self.invite else { return self.tell_transfer(status, cx) };
        let response = Response {
            status,
            reason: b"",
            to_tag: self.a.dialog.local_tag(),
            rows,
            content_type: if body.is_empty() { b"" } else { b"application/sdp" },
            body,
            record_route: status > 100 && status < 300,
        };
        self.reply(txn, &response, cx);
        if status >= 200 {
            self.invite = None;
        }
    }

    /// Refuses the INVITE for a reason of our own; the call is over and gets its record.
    pub(crate) fn refuse(&mut self, cx: &mut Context<'_>, reason: ReasonId, more_rows: &[u8]) {
        self.refuse_for(ReleasedBy::Us, cx, reason, more_rows);
    }

    /// Refuses the INVITE because of somebody.
    pub(crate) fn refuse_for(
        &mut self,
        by: ReleasedBy,
        cx: &mut Context<'_>,
        reason: ReasonId,
        more_rows: &[u8],
    ) {
        let rows = self.rows_of_refusal(cx, reason.status(), reason, reason.q850(), more_rows);
        self.respond(cx, reason.status(), &rows, b"");
        self.finish(cx, reason.status(), reason.q850(), reason, by);
    }

    /// Refuses the INVITE with a given status.
    pub(crate) fn refuse_with(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        reason: ReasonId,
        q850: u8,
        more_rows: &[u8],
    ) {
        let rows = self.rows_of_refusal(cx, status, reason, q850, more_rows);
        self.take_leave(Parting { status, rows, q850, reason, by: ReleasedBy::Us }, cx);
    }

    /// What a refusal of ours says; counts it.
    fn rows_of_refusal(
        &self,
        cx: &mut Context<'_>,
        status: u16,
        reason: ReasonId,
        q850: u8,
        more_rows: &[u8],
    ) -> Vec<u8> {
        cx.counters.calls_refused += u64::from(self.invite.is_some());
        let mut rows = Vec::new();
        push_why(&mut rows, q850);
        push_reason_id(&mut rows, self.epoch.face(self.a.flow.listen).host(), reason);
        if status == 503 {
            push_number(&mut rows, b"Retry-After", RETRY_AFTER_SECONDS);
        }
        rows.extend_from_slice(more_rows);
        rows
    }

    /// Marks the call as over. What still has to be said to peers is said by the caller.
    pub(crate) fn finish(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        q850: u8,
        reason: ReasonId,
        released_by: ReleasedBy,
    ) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        self.arrived = None;
        self.forks = None;
        self.queue.clear();
        let status = self.shown.withdrawn.unwrap_or(status);
        // Whoever was refused after all has talked to nobody.
        self.answer = self.answer.filter(|_| self.shown.withdrawn.is_none());
        self.end = Some(End { at: cx.wall(), status, q850, reason, released_by });
        self.refuse_relays(cx);
        for side in Side::BOTH {
            self.leave_line(side, cx);
        }
        self.close_media(cx);
        self.end_transfers(cx);
        self.try_record(cx);
    }

    /// Whether the switchboard may forget this call. A 2xx of ours is repeated until its ACK, also when
    /// a BYE has crossed it: the peer's INVITE wants its end (RFC 3261 §13.3.1.4).
    pub(crate) fn is_done(&self) -> bool {
        let awaits_ack =
            [Some(&self.a), self.b.as_ref()].into_iter().flatten().any(|l| l.await_ack.is_some());
        let quiet = self.live.is_empty() && self.pending == 0 && !awaits_ack && self.record.is_done();
        self.phase == Phase::Over && self.recorded && self.relays.is_empty() && quiet
    }

    pub(crate) fn journal_attempt_failed(&mut self, cx: &mut Context<'_>, number: u16, failure: Failure) {
        cx.out.journal.push(JournalEvent::AttemptFailed {
            call: self.key,
            at: cx.wall(),
            attempt: number,
            status: failure.status,
            reason: failure.reason,
        });
    }

    pub(crate) fn user(&self, side: Side) -> User {
        User::Inner(self.me, side)
    }
}

/// Retry-After of our own 503s, in seconds (RFC 3261 §21.5.4).
pub(crate) const RETRY_AFTER_SECONDS: u64 = 5;
