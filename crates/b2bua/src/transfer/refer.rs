//! REFER inside a call: judged, and carried out here where the trunk's policy says so.

use super::moving::Moving;
use super::placed::Order;
use super::{Errand, TransferHow, released_by};
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::journal::{CallKey, JournalEvent};
use crate::record::TransferRecord;
use crate::tag::Tag;
use base::{ReasonId, TrunkId};
use config::Refer;
use identity::headers::push_row;
use identity::push_reason_id;
use identity::referral::{Asked, Back};
use media::Side;
use routing::{Decision, Plan};
use sip_core::{ReferSubscription, ServerTxn};
use sip_msg::Msg;

/// What a REFER asks for.
pub(crate) struct Referral {
    pub(super) side: Side,
    pub(super) txn: ServerTxn,
    pub(super) cseq: u32,
    pub(super) asked: Asked,
    /// Rows that cross with it, where it is handed on.
    pub(super) rows: Box<[u8]>,
}

impl Call {
    /// A REFER inside the dialog of a side.
    pub(crate) fn on_refer(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        let rules = self.epoch.policy(self.trunk_of(side)).transfer;
        let judged = match rules.refer {
            Refer::Refuse => Err(ReasonId::ReferRefused),
            Refer::Local | Refer::Pass => self.judge_refer(rules.max, msg),
        };
        match judged.and_then(|()| Asked::read(msg, rules.target)) {
            Err(why) => self.refuse_refer((side, txn), why.status(), why, cx),
            Ok(asked) => {
                let referral = Referral { side, txn, cseq, asked, rows: Box::default() };
                if rules.refer == Refer::Pass {
                    return self.hand_on(referral, msg, cx);
                }
                let named = referral.asked.replaces.as_ref().and_then(|r| Tag::decode(&r.to_tag));
                match named.filter(|(shard, ..)| *shard == cx.shard) {
                    Some(_) => cx.errands.push(Errand::Attend(self.me, Box::new(referral))),
                    None => self.refer_out(referral, cx),
                }
            }
        }
    }

    /// Whether the call can be transferred now (RFC 3515 §2.4.2).
    fn judge_refer(&self, max: u32, msg: Msg<'_>) -> Result<(), ReasonId> {
        let transfers = self.transfers.as_deref();
        let under_way = |t: &super::Transfers| t.moving.is_some() || t.lent.is_some();
        let had = transfers.map_or(0, |t| t.records.len());
        match () {
            () if self.phase != Phase::Answered => Err(ReasonId::ReferRefused),
            () if transfers.is_some_and(under_way) => Err(ReasonId::TransferPending),
            () if had >= max as usize => Err(ReasonId::TransfersMax),
            () if msg.max_forwards().is_ok_and(|hops| hops == Some(0)) => Err(ReasonId::HopsSpent),
            () => Ok(()),
        }
    }

    /// Answers a REFER that is not carried out.
    pub(super) fn refuse_refer(
        &mut self,
        (side, txn): (Side, ServerTxn),
        status: u16,
        why: ReasonId,
        cx: &mut Context<'_>,
    ) {
        cx.counters.transfers_refused += 1;
        // 481 would end the dialog that the REFER came in (RFC 5057 §5.1).
        let status = if status == 481 { 603 } else { status };
        let mut rows = cx.take_rows();
        let listen = self.leg(side).map_or(self.a.flow.listen, |leg| leg.flow.listen);
        push_reason_id(&mut rows, self.epoch.face(listen).host(), why);
        self.answer_inner(txn, status, &rows, cx);
        cx.give_rows(rows);
    }

    /// Refers the party that stays to a number: what the transferring party may not call itself, it may not
    /// let others be called.
    pub(super) fn refer_out(&mut self, referral: Referral, cx: &mut Context<'_>) {
        let stays = referral.side.other();
        let on = self.trunk_of(referral.side);
        let run = self.epoch.run(on);
        let remote = self.leg(referral.side).map(|leg| leg.flow.remote);
        let barred = match remote.and_then(|remote| cx.runs.refuses(run, remote)) {
            None if cx.runs.trunk(run).rate_spent(false, cx.now) => Some(ReasonId::TrunkCpsMax),
            barred => barred,
        };
        let by = self.epoch.snapshot.table.write_number(self.party(referral.side), on);
        let facts = self.facts_of(referral.side, &referral.asked.called, &by, cx);
        let described = self.leg(stays).is_some_and(|leg| !leg.described.is_empty());
        let back = referral.asked.back.as_deref();
        let there = back.map(|_| Decision::Plan(Plan::back_to(on, &referral.asked.called)));
        let decision = there.unwrap_or_else(|| self.route_for(&facts, cx));
        let plan = match (barred, decision) {
            (_, Decision::Refuse(why)) => Err((why.status, why.reason)),
            (Some(why), Decision::Plan(plan)) if !plan.emergency => Err((why.status(), why)),
            (_, Decision::Plan(plan)) if back.is_none() && *plan.called == *self.party(stays) => {
                Err((ReasonId::TransferToParty.status(), ReasonId::TransferToParty))
            }
            (_, Decision::Plan(_)) if !described => Err((488, ReasonId::SdpBad)),
            (_, Decision::Plan(plan)) => Ok(plan),
        };
        match plan {
            Err((status, why)) => self.refuse_refer((referral.side, referral.txn), status, why, cx),
            Ok(plan) => {
                cx.runs.trunk_mut(run).spend(false, cx.now);
                let way = self.epoch.snapshot.table.explain(self.trunk_of(stays), &plan);
                let to = Back::shown(back, &plan.called);
                self.decision = format!("{}; transfer to {to}: {way}", self.decision).into();
                self.journal_routed(cx);
                self.accept_refer(&referral, TransferHow::Blind, &to, None, cx);
                let moving = Moving::calling(referral.side);
                self.transfers_mut().moving = Some(Box::new(moving));
                cx.errands.push(Errand::Place(self.me, Box::new(Order { plan, referral })));
            }
        }
    }

    /// 202, and what the transferring party is told first (RFC 3515 §2.4.2, §2.4.4; RFC 4488 §4).
    pub(super) fn accept_refer(
        &mut self,
        referral: &Referral,
        how: TransferHow,
        to: &str,
        with: Option<CallKey>,
        cx: &mut Context<'_>,
    ) {
        let epoch = self.epoch.clone();
        let mut rows = cx.take_rows();
        if let Some(leg) = self.leg(referral.side) {
            leg.push_contact(&mut rows, &epoch, b"");
        }
        if !referral.asked.wanted {
            push_row(&mut rows, b"Refer-Sub", b"false");
        }
        self.answer_inner(referral.txn, 202, &rows, cx);
        cx.give_rows(rows);
        let number = self.begin_transfer((referral.side, self.trunk_of(referral.side)), how, to, with, cx);
        let named = self.has_referred(referral.side);
        let subscription = ReferSubscription::new(referral.cseq, named, referral.asked.wanted, cx.now);
        self.subscribe(number, referral.side, subscription);
        self.report_transfer(100, cx);
    }

    /// Begins the entry of a transfer in the record; gives its number. `by`: whose, with the trunk of its party.
    pub(super) fn begin_transfer(
        &mut self,
        (by, trunk): (Side, TrunkId),
        how: TransferHow,
        to: &str,
        with: Option<CallKey>,
        cx: &mut Context<'_>,
    ) -> u16 {
        cx.counters.transfers += 1;
        let record = TransferRecord {
            number: u16::try_from(self.transfers_mut().records.len() + 1).unwrap_or(u16::MAX),
            at: cx.wall(),
            how,
            by: released_by(by),
            trunk: self.epoch.trunk_name(trunk),
            from: self.party(by).into(),
            to: to.into(),
            with,
            status: 0,
        };
        let number = record.number;
        self.transfers_mut().records.push(record);
        self.journal_transfer(number, cx);
        number
    }

    /// A transfer has come to its end.
    pub(super) fn close_transfer(&mut self, number: u16, status: u16, cx: &mut Context<'_>) {
        let records = &mut self.transfers_mut().records;
        let Some(record) = records.iter_mut().find(|r| r.number == number && r.status == 0) else { return };
        record.status = status;
        cx.counters.transfers_failed += u64::from(status >= 300);
        self.journal_transfer(number, cx);
    }

    fn journal_transfer(&mut self, number: u16, cx: &mut Context<'_>) {
        let (call, at) = (self.key, cx.wall());
        let found = self.transfers_mut().records.iter().find(|r| r.number == number).cloned();
        if let Some(transfer) = found {
            cx.out.journal.push(JournalEvent::Transfer { call, at, transfer: Box::new(transfer) });
        }
    }

    /// The transfer that was begun last.
    pub(super) fn last_transfer(&self) -> u16 {
        self.transfers.as_deref().and_then(|t| t.records.last()).map_or(0, |record| record.number)
    }
}
