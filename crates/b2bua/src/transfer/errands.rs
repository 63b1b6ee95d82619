//! The switchboard's part in transfers: what one call wants of another, and whose legs are where.

use super::moving::Coming;
use super::placed::Order;
use super::{Errand, Lent, Referral, TransferHow, Transfers, same_trunk, same_user};
use crate::call::{Call, Phase};
use crate::output::Outbox;
use crate::switchboard::Switchboard;
use crate::tag::{CallRef, Tag};
use base::{ReasonId, Time, TrunkId};
use config::Replaces as Allowed;
use media::Side;
use sip_core::Flow;
use sip_msg::{Msg, Replaces};

/// A dialog of ours that somebody has named.
pub(super) struct Named {
    pub(super) call: CallRef,
    pub(super) side: Side,
    /// The trunk of its peer.
    pub(super) trunk: TrunkId,
    /// It is early still, and we began it.
    pub(super) rings: bool,
}

impl Switchboard {
    /// Does what calls want of each other.
    pub(crate) fn run_errands(&mut self, now: Time, out: &mut Outbox) {
        while !self.errands.is_empty() {
            for errand in std::mem::take(&mut self.errands) {
                self.run_errand(now, errand, out);
            }
        }
    }

    fn run_errand(&mut self, now: Time, errand: Errand, out: &mut Outbox) {
        match errand {
            Errand::Place(parent, order) => self.place(now, parent, *order, out),
            Errand::Heard(parent, placed, status) => self.heard(now, parent, placed, status, out),
            Errand::Attend(parent, referral) => self.attend(now, parent, *referral, out),
            Errand::Replace(newcomer, replaces) => self.replace(now, newcomer, &replaces, out),
            Errand::Hand(call, referral) => self.hand(now, call, *referral, out),
            Errand::Join(parent) => self.join(now, parent, out),
            Errand::Ask(other, told) => {
                self.with_call(now, other, out, |call, cx| call.ask_lent(&told, cx));
            }
            Errand::Said(to, by, said) => {
                self.with_call(now, to, out, |call, cx| call.on_said(by, said, cx));
            }
            Errand::Gone(to, by) => {
                let tried = self.calls.get_mut(by).map(|call| call.tried()).unwrap_or_default();
                self.with_call(now, to, out, |call, cx| call.on_gone(by, tried, cx));
            }
            Errand::Release(other, status) => {
                self.with_call(now, other, out, |call, cx| call.let_go(status, cx));
            }
        }
    }

    /// Places the call that a REFER asks for.
    fn place(&mut self, now: Time, parent: CallRef, order: Order, out: &mut Outbox) {
        let (calls, cx) = self.split(now, out);
        let made = calls.get(parent).and_then(|call| Call::placed(CallRef::default(), call, &order, &cx));
        let Some(mut made) = made else {
            self.with_call(now, parent, out, |call, cx| call.transfer_over(cx));
            return;
        };
        let placed = calls.insert_with_key(|me| {
            made.me = me;
            Box::new(made)
        });
        if let Some(moving) = calls.get_mut(parent).and_then(|call| call.moving_mut()) {
            moving.other = Some((placed, Side::B));
        }
        self.with_call(now, placed, out, |call, cx| call.place(order.plan, cx));
    }

    /// The call that was placed for another one hears a status.
    fn heard(&mut self, now: Time, parent: CallRef, placed: CallRef, status: u16, out: &mut Outbox) {
        let wanted = self.calls.get(parent).is_some_and(|call| call.waits_for(placed));
        let Some(call) = self.calls.get_mut(placed).filter(|_| wanted) else { return };
        if status / 100 != 2 {
            self.with_call(now, parent, out, |call, cx| call.target_heard(status, cx));
            return;
        }
        let (media, stays) = (std::mem::take(&mut call.media), call.a.sdp.clone());
        let who = (call.called.clone(), call.trunk_of(Side::B), call.user_of(Side::B));
        self.with_call(now, parent, out, |call, cx| call.target_answered(media, stays, who, cx));
    }

    /// A leg comes over.
    fn join(&mut self, now: Time, parent: CallRef, out: &mut Outbox) {
        let Some((other, side, comes)) = self.calls.get(parent).and_then(|call| call.joining()) else {
            return;
        };
        if !self.calls.get(other).is_some_and(|call| call.can_give(side)) {
            self.with_call(now, parent, out, |call, cx| call.ask_later(cx));
            return;
        }
        let mut given = None;
        self.with_call(now, other, out, |call, cx| given = call.give(&comes, cx));
        let Some(given) = given else {
            self.with_call(now, parent, out, |call, cx| call.fail_transfer(480, cx));
            return;
        };
        if let Some(tag) = given.tag() {
            self.moved.insert(tag, parent);
        }
        self.with_call(now, parent, out, |call, cx| call.take_over(given, cx));
    }

    /// A REFER names a dialog of ours: both calls' other parties are joined. Of one that is over the ids are
    /// nobody else's to hear.
    fn attend(&mut self, now: Time, parent: CallRef, referral: Referral, out: &mut Outbox) {
        let named = referral.asked.replaces.as_ref().and_then(|replaces| self.dialog_named(replaces));
        let Some(named) = named else {
            let (asks, why) = ((referral.side, referral.txn), ReasonId::ReplacesRefused);
            self.with_call(now, parent, out, |call, cx| call.refuse_refer(asks, why.status(), why, cx));
            return;
        };
        let comes = named.side.other();
        let coming = self
            .may_attend(parent, &referral, &named)
            .and_then(|trunk| self.coming((named.call, comes), (parent, trunk)));
        match (coming, self.calls.get_mut(named.call)) {
            (Ok(coming), Some(other)) => {
                other.lend(parent, comes);
                let key = other.key;
                self.with_call(now, parent, out, |call, cx| {
                    call.accept_refer(&referral, TransferHow::Attended, &coming.number, Some(key), cx);
                    call.await_party(TransferHow::Attended, referral.side, coming, cx);
                });
            }
            (Err(why), _) => {
                self.with_call(now, parent, out, |call, cx| {
                    call.refuse_refer((referral.side, referral.txn), why.status(), why, cx);
                });
            }
            (Ok(_), None) => {}
        }
    }

    /// Whether a party may join the other ones of two of its calls; gives the trunk of the one that comes.
    fn may_attend(&self, parent: CallRef, referral: &Referral, named: &Named) -> Result<TrunkId, ReasonId> {
        let gone = ReasonId::ReplacesRefused;
        let (call, other) = (self.calls.get(parent).ok_or(gone)?, self.calls.get(named.call).ok_or(gone)?);
        let (on, there) = (call.trunk_of(referral.side), other.trunk_of(named.side));
        let own = call.epoch.run(on) == other.epoch.run(there);
        let any = call.epoch.policy(on).transfer.replaces == Allowed::Any;
        match () {
            () if parent == named.call => Err(ReasonId::TransferToParty),
            () if !own && !any => Err(ReasonId::TransferForbidden),
            () if named.rings || other.phase == Phase::Setup => Err(gone),
            () if other.phase == Phase::Over => Err(gone),
            () if other.is_between() => Err(ReasonId::TransferPending),
            () => {
                let comes = other.leg(named.side.other()).filter(|leg| !leg.gone).ok_or(gone)?;
                same_trunk(&other.epoch, comes.trunk, &call.epoch).ok_or(gone)
            }
        }
    }

    /// A party of a call as the call that it comes to has to know it, by a trunk of that one's.
    pub(super) fn coming(
        &self,
        (at, side): (CallRef, Side),
        (to, trunk): (CallRef, TrunkId),
    ) -> Result<Coming, ReasonId> {
        let gone = ReasonId::ReplacesRefused;
        let (call, there) = (self.calls.get(at).ok_or(gone)?, self.calls.get(to).ok_or(gone)?);
        let leg = call.leg(side).ok_or(gone)?;
        let user = same_user((&call.epoch, leg.trunk), call.user_of(side), (&there.epoch, trunk));
        let offer = call.arrived.as_ref().map(|arrived| arrived.offer.clone()).unwrap_or_default();
        let number = call.party(side).into();
        let tls = leg.flow.transport == base::Transport::Tls;
        let (user, sdp) = (user.ok_or(gone)?, leg.sdp.clone());
        Ok(Coming { call: at, side, number, trunk, user, sdp, offer, tls })
    }

    /// The dialog of ours that a Replaces names (RFC 3891 §3).
    pub(super) fn dialog_named(&self, replaces: &Replaces) -> Option<Named> {
        let (shard, side, call) = Tag::decode(&replaces.to_tag)?;
        let at = [Some(call), self.moved.get(&(call, side)).copied()];
        let mut calls = at.into_iter().flatten().filter(|_| shard == self.shard);
        calls.find_map(|at| self.calls.get(at)?.dialog_named(replaces))
    }

    /// The call and side, if it has one still, that a request inside a dialog belongs to.
    pub(crate) fn seek(&self, msg: Msg<'_>, flow: &Flow) -> Option<(CallRef, Option<Side>)> {
        let (shard, side, call) = Tag::decode(msg.to().ok()?.tag()?)?;
        if shard != self.shard {
            return None;
        }
        let found = self.calls.get(call);
        if found.is_some_and(|c| c.hears(side, msg, flow)) {
            return Some((call, Some(side)));
        }
        if found.is_some_and(|c| c.hears_left(msg, flow)) {
            return Some((call, None));
        }
        let at = self.moved.get(&(call, side)).copied()?;
        let now = self.calls.get(at)?;
        if let Some(side) = Side::BOTH.into_iter().find(|side| now.hears(*side, msg, flow)) {
            return Some((at, Some(side)));
        }
        now.hears_left(msg, flow).then_some((at, None))
    }

    /// A 2xx that came again for an INVITE whose leg another call has by now: acknowledged there.
    pub(crate) fn repeat_for_moved(&mut self, now: Time, msg: Msg<'_>, out: &mut Outbox) -> bool {
        let tag = msg.from().ok().and_then(|from| Tag::decode(from.tag()?));
        let at = tag.and_then(|(_, side, call)| self.moved.get(&(call, side)).copied());
        let mut repeated = false;
        if let Some(at) = at {
            self.with_call(now, at, out, |call, cx| repeated = call.repeat_ack(msg, cx));
        }
        repeated
    }

    /// A call is forgotten, and where its legs are.
    pub(crate) fn forget_moved(&mut self, call: CallRef, transfers: &Transfers) {
        for tag in &transfers.came {
            if self.moved.get(tag) == Some(&call) {
                self.moved.remove(tag);
            }
        }
    }
}

impl Call {
    pub(super) fn lend(&mut self, to: CallRef, side: Side) {
        self.transfers_mut().lent = Some(Lent { to, side, placed: None, moved: false });
    }

    /// Whether it takes part in a transfer now.
    pub(super) fn is_between(&self) -> bool {
        self.moving().is_some() || self.lent().is_some()
    }

    fn dialog_named(&self, replaces: &Replaces) -> Option<Named> {
        let (call, key) = (self.me, self.key.to_string());
        // As a REFER that we passed on names it: the peer's Call-ID and tag stay with us.
        let ours = *replaces.call_id == *key.as_bytes() && *replaces.from_tag == *b"0";
        let is = |dialog: &sip_core::Dialog| {
            let theirs = *replaces.call_id == *dialog.call_id() && *replaces.from_tag == *dialog.remote_tag();
            *replaces.to_tag == *dialog.local_tag() && (ours || theirs)
        };
        let confirmed = |side: &Side| self.leg(*side).is_some_and(|leg| !leg.gone && is(&leg.dialog));
        if let Some(side) = Side::BOTH.into_iter().find(confirmed) {
            return Some(Named { call, side, trunk: self.trunk_of(side), rings: false });
        }
        let mut trying = self.live.iter().filter(|a| !a.cancelled);
        let rings = trying.find(|a| a.early.iter().any(|e| is(&e.leg.dialog)))?;
        Some(Named { call, side: Side::B, trunk: rings.trunk, rings: true })
    }
}
