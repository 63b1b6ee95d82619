//! Call pickup: an INVITE whose Replaces names a callee of ours that rings (RFC 3891 §3). Its party answers in that
//! callee's place; the caller hears of nothing but the answer.
//!
//! Both have offered without knowing of each other: each is answered with what the other has (`sdp::meet`).

use super::TransferHow;
use super::errands::Named;
use super::joining::Given;
use super::moving::Coming;
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::journal::CallKey;
use crate::output::Outbox;
use crate::record::ReleasedBy;
use crate::switchboard::Switchboard;
use base::{ReasonId, Time};
use media::Side;
use negotiation::LocalSdp;
use negotiation::met;

/// Why a ringing callee's place cannot be taken: its status and reason.
type Refusal = (u16, ReasonId);

impl Switchboard {
    /// Lets the party of an INVITE answer for a callee that rings.
    pub(super) fn pick_up(&mut self, now: Time, named: &Named, coming: Coming, out: &mut Outbox) {
        let (call, newcomer) = (named.call, coming.call);
        let key = self.calls.get(newcomer).map(|call| call.key);
        let mut told = Err((481, ReasonId::ReplacesRefused));
        self.with_call(now, call, out, |call, cx| told = call.picked_up(&coming, key, cx));
        let comes = match told {
            Ok(comes) => comes,
            Err(why) => return self.refuse_replaces(now, newcomer, why, out),
        };
        let mut given = None;
        self.with_call(now, newcomer, out, |party, cx| {
            party.lend(call, Side::A);
            given = party.give(&comes, cx);
        });
        if let Some(tag) = given.as_ref().and_then(Given::tag) {
            self.moved.insert(tag, call);
        }
        self.with_call(now, call, out, |call, cx| match given {
            Some(given) => call.join_picked_up(given, coming, cx),
            None => call.release(ReasonId::TransferFailed, ReleasedBy::Us, cx),
        });
    }
}

impl Call {
    /// Answers the caller with the party that picks the call up, and ends the ringing; gives what that party is told.
    fn picked_up(
        &mut self,
        coming: &Coming,
        with: Option<CallKey>,
        cx: &mut Context<'_>,
    ) -> Result<LocalSdp, Refusal> {
        let offer = self.arrived.as_ref().map(|a| a.offer.clone()).unwrap_or_default();
        let unfit = Err((488, ReasonId::ReplacesRefused));
        // What was settled with the caller cannot be taken back before the answer (RFC 3264 §4).
        let settled = self.shown.media_since.is_some() && self.is_heard_reliably();
        if offer.is_empty() || coming.offer.is_empty() || settled || !self.shares_ports(coming.trunk) {
            return unfit;
        }
        let (Ok(theirs), Ok(ours)) = (met(&coming.offer, &offer), met(&offer, &coming.offer)) else {
            return unfit;
        };
        self.media.tls[Side::B.index()] = coming.tls;
        let (mut stays, mut comes) = (self.a.sdp.clone(), LocalSdp::default());
        let (here, there) = (self.trunk_in, coming.trunk);
        let described = self
            .describe(Side::A, here, &theirs, &offer, &mut stays, cx)
            .and_then(|()| self.describe(Side::B, there, &ours, &coming.offer, &mut comes, cx));
        // The first description that the caller heard is its answer (RFC 3261 §13.2.1): said again, but not changed.
        let shown = self.shown.media_since.is_some();
        if described.is_err() || (shown && !sdp::same_except_version(&self.a.sdp.text, &stays.text)) {
            return unfit;
        }
        self.media.other = true;
        let described = self
            .tell_engine(Side::B, there, (&coming.offer, &comes.text), true, cx)
            .and_then(|()| self.tell_engine(Side::A, here, (&offer, &stays.text), true, cx));
        if described.is_err() {
            return unfit;
        }
        self.note_codec(&theirs);
        self.give_up_others(0, cx);
        self.queue.clear();
        self.current = 0;
        self.begin_transfer((Side::B, coming.trunk), TransferHow::Replaced, &coming.number, with, cx);
        self.answer_arrived(&stays, None, cx);
        Ok(comes)
    }

    /// The leg that picks the call up is its second one.
    fn join_picked_up(&mut self, given: Given, coming: Coming, cx: &mut Context<'_>) {
        if self.phase != Phase::Answered {
            return;
        }
        self.seat(Side::B, given, (coming.number, coming.trunk, coming.user), cx);
        self.close_transfer(self.last_transfer(), 200, cx);
        self.arm_session(Side::A, cx);
    }
}
