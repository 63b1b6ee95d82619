//! INVITEs that take a leg's place (RFC 3891): who may, which leg is meant, and what else they get.

use super::errands::Named;
use super::{Errand, TransferHow, same_trunk};
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::output::Outbox;
use crate::switchboard::Switchboard;
use crate::tag::CallRef;
use base::{ReasonId, Time, TrunkId};
use config::Replaces as Allowed;
use media::Side;
use sip_msg::{Msg, Name, Replaces};

impl Call {
    /// Whether the INVITE that began the call wants a leg's place; such a one is not routed.
    pub(crate) fn heed_replaces(&mut self, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        let Some(value) = msg.first(Name::Replaces) else { return false };
        if self.epoch.policy(self.trunk_in).transfer.replaces == Allowed::Refuse {
            return false;
        }
        // One, and not with Join (RFC 3891 §3).
        let fits = msg.rows(Name::Replaces).count() == 1 && msg.first(Name::Join).is_none();
        match Replaces::parse(value).filter(|_| fits) {
            Some(replaces) => {
                let caller = self.arrived.as_ref().map_or("", |arrived| &arrived.identity.caller);
                let who = self.facts_of(Side::A, "", "", cx);
                self.caller = self.epoch.snapshot.table.read_number_of(caller, &who).into();
                if !self.names_itself(&self.caller, cx) {
                    self.refuse(cx, ReasonId::WrongIdentity, b"");
                    return true;
                }
                cx.errands.push(Errand::Replace(self.me, Box::new(replaces)));
            }
            None => self.refuse(cx, ReasonId::BadRequest, b""),
        }
        true
    }
}

impl Switchboard {
    /// Lets the party of an INVITE take a leg's place, or refuses it as RFC 3891 §3 says.
    pub(super) fn replace(&mut self, now: Time, newcomer: CallRef, replaces: &Replaces, out: &mut Outbox) {
        let named = self.dialog_named(replaces);
        let judged = self.may_replace(newcomer, replaces, named.as_ref());
        let coming = judged
            .and_then(|there| self.coming((newcomer, Side::A), there).map_err(|why| (why.status(), why)));
        let key = self.calls.get(newcomer).map(|call| call.key);
        match (coming, named) {
            (Ok(coming), Some(named)) if named.rings => self.pick_up(now, &named, coming, out),
            (Ok(coming), Some(named)) => {
                if let Some(call) = self.calls.get_mut(newcomer) {
                    call.lend(named.call, Side::A);
                }
                self.with_call(now, named.call, out, |call, cx| {
                    let how = TransferHow::Replaced;
                    call.begin_transfer((named.side, named.trunk), how, &coming.number, key, cx);
                    call.await_party(how, named.side, coming, cx);
                });
            }
            (Err(why), _) => self.refuse_replaces(now, newcomer, why, out),
            (Ok(_), None) => {}
        }
    }

    pub(super) fn refuse_replaces(
        &mut self,
        now: Time,
        newcomer: CallRef,
        (status, why): (u16, ReasonId),
        out: &mut Outbox,
    ) {
        self.with_call(now, newcomer, out, |call, cx| {
            cx.counters.transfers_refused += 1;
            call.refuse_with(cx, status, why, why.q850(), b"");
        });
    }

    /// Whether the INVITE may have the place; gives the call that it joins, and its trunk as that one names it.
    fn may_replace(
        &mut self,
        newcomer: CallRef,
        replaces: &Replaces,
        named: Option<&Named>,
    ) -> Result<(CallRef, TrunkId), (u16, ReasonId)> {
        let unknown = (481, ReasonId::ReplacesRefused);
        let (named, new) = (named.ok_or(unknown)?, self.calls.get(newcomer).ok_or(unknown)?);
        let call = self.calls.get(named.call).ok_or(unknown)?;
        let rules = new.epoch.policy(new.trunk_in).transfer;
        let own = call.epoch.run(named.trunk) == new.epoch.run(new.trunk_in);
        let had = call.transfers.as_deref().map_or(0, |t| t.records.len());
        let leg = call.leg(named.side);
        let here = same_trunk(&new.epoch, new.trunk_in, &call.epoch).map(|trunk| (named.call, trunk));
        let judged = match () {
            () if !own && rules.replaces != Allowed::Any => Err((403, ReasonId::TransferForbidden)),
            () if call.phase == Phase::Over => Err((603, ReasonId::ReplacesRefused)),
            () if named.rings && call.phase == Phase::Setup && !call.is_placed() => here.ok_or(unknown),
            () if named.rings || call.phase == Phase::Setup => Err(unknown),
            () if replaces.early_only => Err((486, ReasonId::ReplacesRefused)),
            () if had >= rules.max as usize => Err((603, ReasonId::TransfersMax)),
            () if call.is_between() => Err((491, ReasonId::TransferPending)),
            () if leg.is_none_or(|leg| leg.await_ack.is_some()) => Err((491, ReasonId::TransferPending)),
            () if call.leg(named.side.other()).is_none_or(|leg| leg.gone || leg.described.is_empty()) => {
                Err((480, ReasonId::ReplacesRefused))
            }
            () => here.ok_or(unknown),
        };
        let there = judged?;
        let fits = call.has_room_for(named.side, (there.1, new.a.flow.remote), &mut self.runs.links);
        fits.then_some(there).ok_or((503, ReasonId::LinkFull))
    }
}
