//! A call that is placed for another one: its caller is the party that stays. It goes the way of every call
//! and answers to nobody; its attempts and their journal are the other call's.

use super::{Errand, Lent, Referral, Transfers};
use crate::call::{Arrived, Call, Failure};
use crate::candidates::candidates;
use crate::context::Context;
use crate::leg::{Abilities, Leg};
use crate::links::Limits;
use crate::record::{AttemptRecord, ReleasedBy};
use crate::tag::CallRef;
use admission::OnLinks;
use base::{ReasonId, TrunkId};
use config::PassStrip;
use identity::{Identity, Party, push_uri};
use media::Side;
use peers::{GatewayRef, Voucher};
use routing::Plan;

/// What is to be placed.
pub(crate) struct Order {
    pub(super) plan: Plan,
    pub(super) referral: Referral,
}

/// What a call has tried that was placed for another one.
#[derive(Default)]
pub(super) struct Tried {
    pub(super) attempts: Vec<(AttemptRecord, GatewayRef)>,
    /// How its way was found, after that of the other call.
    pub(super) decision: Option<Box<str>>,
}

impl Call {
    /// A call to the target of a REFER; `None` when the party that stays is gone.
    pub(super) fn placed(me: CallRef, parent: &Call, order: &Order, cx: &Context<'_>) -> Option<Call> {
        let Order { plan, referral } = order;
        let side = referral.side.other();
        let stays = parent.leg(side)?;
        let mut a = Leg::new(Side::A, stays.dialog.clone(), stays.flow, stays.trunk, Abilities::default());
        (a.gone, a.secure, a.sdp) = (true, referral.asked.secure, stays.sdp.clone());
        a.sdp.continued = true;
        let arrived = parent.arrived_for(referral, stays);
        let lent = Lent { to: parent.me, side: Side::B, placed: Some(parent.attempts.len()), moved: false };
        let named = (parent.key, parent.facts.clone());
        Some(Call {
            withheld: arrived.identity.withheld,
            arrived: Some(Box::new(arrived)),
            route: parent.route.clone(),
            caller: parent.party(side).into(),
            called: plan.called.as_str().into(),
            decision: parent.decision.clone(),
            attempts: parent.attempts.clone(),
            places: parent.places.clone(),
            limits: Limits { emergency: plan.emergency, links: OnLinks::in_place_of(&parent.limits.links) },
            voucher: parent.user_of(side).map_or(Voucher::Source, Voucher::User),
            transfers: Some(Box::new(Transfers { lent: Some(lent), ..Transfers::default() })),
            ..Call::new(me, named, parent.epoch.clone(), a, cx.wall())
        })
    }

    /// The INVITE that the party that stays would have sent, and who asked for it.
    fn arrived_for(&self, referral: &Referral, stays: &Leg) -> Arrived {
        let (side, trunk) = (referral.side.other(), stays.trunk);
        let table = &self.epoch.snapshot.table;
        let number: Box<str> = table.write_number(self.party(side), trunk).into();
        let identity = Identity {
            trusted: self.epoch.policy(trunk).caller.trust,
            from_anonymous: self.hides(side) || number.is_empty(),
            withheld: self.hides(side),
            from: Party { number: number.clone(), display: Box::default() },
            caller: number,
            // Who gets its own words back needs none of ours.
            referred_by: if referral.asked.back.is_some() { None } else { self.referrer(referral, trunk) },
            ..Identity::default()
        };
        Arrived {
            kept: Box::default(),
            identity,
            hops: referral.asked.hops,
            cseq: 0,
            offer: sdp::resumed(&stays.described).into(),
            replaces: referral.asked.replaces.clone(),
            back: referral.asked.back.clone(),
        }
    }

    /// Takes the first step towards the target. Who calls is who stays.
    pub(super) fn place(&mut self, mut plan: Plan, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        for attempt in &mut plan.attempts {
            attempt.caller = epoch.snapshot.table.write_number(&self.caller, attempt.trunk);
            attempt.replaced = false;
        }
        let (queue, missing) = candidates(&plan, &epoch, cx);
        self.queue = queue;
        self.failure = missing.map(Failure::ours);
        self.try_next(cx);
    }

    /// The caller of a placed call is told a status: the call that it is placed for is.
    pub(crate) fn tell_transfer(&mut self, status: u16, cx: &mut Context<'_>) {
        if let Some(lent) = self.lent().filter(|lent| lent.placed.is_some()) {
            cx.errands.push(Errand::Heard(lent.to, self.me, status));
        }
    }

    /// What a placed call has tried.
    pub(super) fn tried(&mut self) -> Tried {
        let Some(base) = self.lent().and_then(|lent| lent.placed) else { return Tried::default() };
        let places = self.places.iter().skip(base).copied();
        let attempts = self.attempts.drain(base..).zip(places).collect();
        self.places.truncate(base);
        Tried { attempts, decision: Some(std::mem::take(&mut self.decision)) }
    }

    /// Whether the call waits for one that was placed for it.
    pub(super) fn waits_for(&self, placed: CallRef) -> bool {
        self.moving().is_some_and(|m| !m.is_over() && m.other.is_some_and(|(other, _)| other == placed))
    }

    /// The target of a REFER is rung, or has refused.
    pub(super) fn target_heard(&mut self, status: u16, cx: &mut Context<'_>) {
        match self.moving_mut() {
            Some(moving) if status >= 300 => moving.failed = status,
            _ => self.report_transfer(status, cx),
        }
    }

    /// The call that has the party that was to come is over; one that was placed gives its attempts.
    pub(super) fn on_gone(&mut self, by: CallRef, tried: Tried, cx: &mut Context<'_>) {
        self.adopt_tried(tried);
        let Some(moving) = self.moving_mut().filter(|m| m.other.is_some_and(|(other, _)| other == by)) else {
            return;
        };
        let failed = if moving.failed == 0 { 480 } else { moving.failed };
        moving.other = None;
        self.fail_transfer(failed, cx);
        self.transfer_over(cx);
    }

    /// The call that this one was placed for, or lends a leg to, does without.
    pub(super) fn let_go(&mut self, status: u16, cx: &mut Context<'_>) {
        if self.is_placed() {
            self.release(ReasonId::Cancelled, ReleasedBy::Us, cx);
        } else {
            self.take_back_lent(status, cx);
        }
    }

    /// A placed call is over: its attempts go to the call that it was placed for.
    pub(crate) fn give_back(&mut self, cx: &mut Context<'_>) {
        let Some(lent) = self.lent() else { return };
        let (to, base) = (lent.to, lent.placed.unwrap_or(0));
        self.end_open_attempts(base, cx);
        cx.errands.push(Errand::Gone(to, self.me));
    }

    /// Who asked for a call, in the form of a trunk (RFC 3892): whom the REFER names, where its trunk is
    /// believed in that, else who sent it.
    pub(super) fn referrer(&self, referral: &Referral, to: TrunkId) -> Option<Party> {
        let (on, table) = (self.trunk_of(referral.side), &self.epoch.snapshot.table);
        let rules = &self.epoch.policy(on).caller;
        let believed = rules.trust && rules.referred_by == PassStrip::Pass && !referral.asked.by.is_empty();
        let number = match believed {
            true => table.read_number(&referral.asked.by, on),
            false if self.hides(referral.side) => String::new(),
            false => self.party(referral.side).to_owned(),
        };
        let number = table.write_number(&number, to);
        (!number.is_empty()).then(|| Party { number: number.into(), display: Box::default() })
    }

    /// A normalised number at our own address, as a trunk writes both.
    pub(super) fn number_at(&self, trunk: TrunkId, number: &str) -> Vec<u8> {
        self.written_at(trunk, &self.epoch.snapshot.table.write_number(number, trunk))
    }

    /// A number in the form of a trunk, at our own address.
    pub(super) fn written_at(&self, trunk: TrunkId, written: &str) -> Vec<u8> {
        let epoch = &self.epoch;
        let face = epoch.face(epoch.trunk(trunk).listen);
        let mut value = b"<".to_vec();
        push_uri(&mut value, written, face.host(), b"", epoch.policy(trunk));
        value.push(b'>');
        value
    }
}
