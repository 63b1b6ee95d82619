//! Requests inside a dialog, method by method: answered here, or handed to the room that passes them on.

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::leg::Leg;
use identity::abilities;
use identity::contact_user;
use media::Side;
use sip_core::ServerTxn;
use sip_msg::{Method, Msg};

impl Call {
    /// A request inside a dialog, from a side whose leg it matched.
    pub(crate) fn on_inner(&mut self, side: Side, msg: Msg<'_>, txn: ServerTxn, cx: &mut Context<'_>) {
        cx.txns.bind(txn, self.user(side));
        self.turn_to_heard();
        let cseq = msg.cseq().map(|c| c.number).unwrap_or(0);
        let Some(leg) = self.leg_mut(side) else { return self.on_early_callee(msg, txn, cseq, cx) };
        if !leg.dialog.accept_cseq(cseq) {
            return self.answer_inner(txn, 500, b"", cx);
        }
        let mut unsupported = cx.take_rows();
        abilities::push_unsupported(msg, self.epoch.policy(self.trunk_of(side)), &mut unsupported);
        if !unsupported.is_empty() {
            self.answer_inner(txn, 420, &unsupported, cx);
            return cx.give_rows(unsupported);
        }
        cx.give_rows(unsupported);
        if let Some(status) = self.holds_off(msg) {
            return self.answer_inner(txn, status, b"", cx);
        }
        match msg.method() {
            Method::Update | Method::Options if self.phase == Phase::Over => {
                self.answer_inner(txn, 481, b"", cx);
            }
            Method::Update if self.bars_update(side) => self.refuse_method(side, 405, txn, cx),
            Method::Bye => self.on_bye(side, msg, txn, cx),
            Method::Prack => self.on_prack(side, msg, txn, cseq, cx),
            Method::Options => self.answer_options(side, txn, cx),
            Method::Invite => self.on_reinvite(side, msg, txn, cseq, cx),
            Method::Update => self.on_update(side, msg, txn, cseq, cx),
            Method::Info | Method::Message => self.on_info(side, msg, txn, cseq, cx),
            Method::Refer => self.on_refer(side, msg, txn, cseq, cx),
            Method::Subscribe => self.on_subscribe(side, msg, txn, cx),
            Method::Notify => self.on_notify(side, msg, txn, cseq, cx),
            Method::Other => self.refuse_method(side, 501, txn, cx),
            _ => self.refuse_method(side, 405, txn, cx),
        }
    }

    /// A request of the callee inside an early dialog (RFC 3261 §12.2.2).
    fn on_early_callee(&mut self, msg: Msg<'_>, txn: ServerTxn, cseq: u32, cx: &mut Context<'_>) {
        if !self.turn_to_callee(msg) {
            return self.answer_inner(txn, 481, b"", cx);
        }
        let epoch = self.epoch.clone();
        let barred = self.bars_update(Side::B);
        let caller: Box<str> = self.caller_in_contact().into();
        let early =
            self.live.iter_mut().flat_map(|a| a.early.iter_mut()).find(|e| e.leg.dialog.matches(&msg));
        let Some(early) = early else { return self.answer_inner(txn, 481, b"", cx) };
        if !early.leg.dialog.accept_cseq(cseq) {
            return self.answer_inner(txn, 500, b"", cx);
        }
        match msg.method() {
            Method::Update if barred => self.refuse_method(Side::B, 405, txn, cx),
            Method::Options => self.answer_options(Side::B, txn, cx),
            Method::Info | Method::Message => self.on_info(Side::B, msg, txn, cseq, cx),
            Method::Update if msg.body().is_empty() => {
                early.leg.refresh(msg, &epoch);
                let mut rows = cx.take_rows();
                early.leg.push_contact(&mut rows, &epoch, contact_user(&caller));
                self.answer_inner(txn, 200, &rows, cx);
                cx.give_rows(rows);
            }
            Method::Update => self.offer_early(Side::B, msg, txn, cseq, cx),
            Method::Invite => self.answer_inner(txn, 488, b"", cx),
            Method::Refer => self.answer_inner(txn, 603, b"", cx),
            Method::Subscribe => self.refuse_event(Side::B, msg, txn, cx),
            Method::Other => self.refuse_method(Side::B, 501, txn, cx),
            Method::Bye | Method::Notify | Method::Prack => self.answer_inner(txn, 481, b"", cx),
            _ => self.refuse_method(Side::B, 405, txn, cx),
        }
    }

    /// The leg that a request may go on to: also the one early dialog of an attempt without an answer.
    pub(crate) fn next_leg_mut(&mut self, side: Side) -> Option<&mut Leg> {
        if side == Side::A || self.b.is_some() {
            return self.leg_mut(side);
        }
        let current = self.current;
        let attempt = self.live.iter_mut().find(|a| a.number == current)?;
        match attempt.early.as_mut_slice() {
            [only] => Some(&mut only.leg),
            _ => None,
        }
    }

    /// [`Call::next_leg_mut`], to look at.
    pub(crate) fn next_leg(&self, side: Side) -> Option<&Leg> {
        if side == Side::A || self.b.is_some() {
            return self.leg(side);
        }
        let attempt = self.live.iter().find(|a| a.number == self.current)?;
        match attempt.early.as_slice() {
            [only] => Some(&only.leg),
            _ => None,
        }
    }

    fn answer_options(&mut self, side: Side, txn: ServerTxn, cx: &mut Context<'_>) {
        let mut rows = cx.take_rows();
        abilities::push_all(self.epoch.policy(self.trunk_of(side)), &mut rows);
        self.answer_inner(txn, 200, &rows, cx);
        cx.give_rows(rows);
    }

    /// 405 or 501 with what is allowed (RFC 3261 §8.2.1).
    fn refuse_method(&mut self, side: Side, status: u16, txn: ServerTxn, cx: &mut Context<'_>) {
        let mut rows = cx.take_rows();
        abilities::push_allow(self.epoch.policy(self.trunk_of(side)), &mut rows);
        self.answer_inner(txn, status, &rows, cx);
        cx.give_rows(rows);
    }

    /// A SUBSCRIBE that belongs to nothing.
    pub(crate) fn refuse_event(&mut self, side: Side, msg: Msg<'_>, txn: ServerTxn, cx: &mut Context<'_>) {
        let mut rows = cx.take_rows();
        let status = abilities::refuse_event(msg, self.epoch.policy(self.trunk_of(side)), 481, &mut rows);
        self.answer_inner(txn, status, &rows, cx);
        cx.give_rows(rows);
    }
}
