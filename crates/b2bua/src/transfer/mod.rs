//! Transfers: REFER inside a call (RFC 3515, RFC 5589) and INVITEs that take a leg's place (RFC 3891).
//!
//! One party goes, one stays, one comes. Who comes is had by a call that is placed for the purpose
//! (`placed`: routed as one that the transferring party places, no record of its own), or is a party of
//! another call (its REFER or INVITE names a dialog of ours, `replacing`). Nothing changes in either call
//! until the media of both parties are agreed (`moving`); then the leg that comes takes the place of the leg
//! that goes (`joining`), and who goes is told by NOTIFY and BYE (`notices`). Calls never reach into each
//! other: what one wants of another is an [`Errand`] that the switchboard runs when the first has acted.
//! An INVITE that
//! names a callee who only rings is that callee's answer (`pickup`). Enter through `Call::on_refer`,
//! `Call::heed_replaces`.

mod agreed;
mod errands;
mod joining;
mod lending;
mod moving;
mod notices;
mod passed;
mod pickup;
mod placed;
mod refer;
mod replacing;

use crate::call::Call;
use crate::context::Context;
use crate::epoch::Epoch;
use crate::record::{ReleasedBy, TransferHow, TransferRecord};
use crate::tag::CallRef;
use base::{ReasonId, TrunkId};
use media::{Report, SessionId, Side};
use moving::Moving;
use negotiation::LocalSdp;
use notices::Subscribed;
use passed::Handed;
use peers::{TrunkRef, Voucher};
use sip_msg::{Method, Msg, Replaces};
use smallvec::SmallVec;

pub(crate) use placed::Order;
pub(crate) use refer::Referral;

/// What one call wants of another.
pub(crate) enum Errand {
    /// Place a call for this one.
    Place(CallRef, Box<Order>),
    /// Find the call that a REFER inside this one names.
    Attend(CallRef, Box<Referral>),
    /// Find the leg whose place this call's INVITE is to take.
    Replace(CallRef, Box<Replaces>),
    /// The call that was placed for the first one hears a status: the second is it.
    Heard(CallRef, CallRef, u16),
    /// Ask the leg that the call lends to take this description.
    Ask(CallRef, Box<LocalSdp>),
    /// What the leg that is lent to the first call says: its description, or a status.
    Said(CallRef, CallRef, Result<Box<[u8]>, u16>),
    /// The lending call is over: the first is to do without it.
    Gone(CallRef, CallRef),
    /// The media are agreed: the leg comes over.
    Join(CallRef),
    /// It will not come: this call is as before, or over with this status.
    Release(CallRef, u16),
    /// Hand a REFER on to the call's other peer.
    Hand(CallRef, Box<Referral>),
}

/// A leg that another call may take.
pub(crate) struct Lent {
    /// That call.
    to: CallRef,
    side: Side,
    /// This call was placed for the other one: that many of its attempts are the other's.
    placed: Option<usize>,
    /// The leg has taken the media of the other call.
    moved: bool,
}

/// What transfers have made of a call.
#[derive(Default)]
pub(crate) struct Transfers {
    pub(crate) records: Vec<TransferRecord>,
    /// The one under way.
    moving: Option<Box<Moving>>,
    lent: Option<Lent>,
    /// Who is still told how a transfer goes.
    notices: SmallVec<[Subscribed; 1]>,
    /// REFERs that the other peer was handed.
    handed: SmallVec<[Handed; 1]>,
    /// Who is on either side, where the call did not begin so.
    parties: [Option<Box<str>>; 2],
    /// Which users of their trunks both are, once a leg has come: attempts tell no more then.
    users: Option<[Option<u16>; 2]>,
    /// The attempt that became the leg in the caller's place; 0: none.
    caller_attempt: u16,
    /// Trunks of legs that have called us and came from other calls.
    arrived: SmallVec<[TrunkRef; 1]>,
    /// The tags of legs that came.
    came: Vec<(CallRef, Side)>,
    /// Sessions whose last report is waited for.
    retired: SmallVec<[SessionId; 1]>,
}

/// Which word a record has for a side.
pub(crate) fn released_by(side: Side) -> ReleasedBy {
    if side == Side::A { ReleasedBy::Caller } else { ReleasedBy::Callee }
}

impl Call {
    fn transfers_mut(&mut self) -> &mut Transfers {
        self.transfers.get_or_insert_default()
    }

    pub(crate) fn is_moving(&self) -> bool {
        self.moving().is_some()
    }

    fn moving(&self) -> Option<&Moving> {
        self.transfers.as_deref()?.moving.as_deref()
    }

    fn moving_mut(&mut self) -> Option<&mut Moving> {
        self.transfers.as_deref_mut()?.moving.as_deref_mut()
    }

    fn lent(&self) -> Option<&Lent> {
        self.transfers.as_deref()?.lent.as_ref()
    }

    /// Whether it was placed for another call: it has no INVITE of its own and owes no record.
    pub(crate) fn is_placed(&self) -> bool {
        self.lent().is_some_and(|lent| lent.placed.is_some())
    }

    /// The number of the party on a side, normalised.
    fn party(&self, side: Side) -> &str {
        let came = self.transfers.as_deref().and_then(|t| t.parties[side.index()].as_deref());
        came.unwrap_or(if side == Side::A { &self.caller } else { &self.called })
    }

    /// The user of its trunk that a party is: who proved to call, or at whom a call arrived that registered.
    pub(crate) fn user_of(&self, side: Side) -> Option<u16> {
        if let Some(users) = self.transfers.as_deref().and_then(|t| t.users) {
            return users[side.index()];
        }
        match (side, self.voucher) {
            (Side::A, Voucher::User(user)) => Some(user),
            (Side::A, _) => None,
            (Side::B, _) => {
                let went = self.attempts.get(self.attempt_of(side)?)?;
                self.epoch.trunk(self.trunk_of(side)).users.named(&went.facts.gateway)
            }
        }
    }

    /// The place of the attempt that became a side's leg; who has called us has none.
    fn attempt_of(&self, side: Side) -> Option<usize> {
        let came = self.transfers.as_deref().map_or(0, |transfers| transfers.caller_attempt);
        usize::from(if side == Side::A { came } else { self.current }).checked_sub(1)
    }

    /// The status that a request inside the dialog gets while its leg is being moved, if it has to wait.
    pub(crate) fn holds_off(&self, msg: Msg<'_>) -> Option<u16> {
        let transfers = self.transfers.as_deref()?;
        let moves = transfers.moving.as_deref().is_some_and(Moving::is_settling);
        if !moves && transfers.lent.is_none() {
            return None;
        }
        match msg.method() {
            Method::Invite => Some(491),
            Method::Update if !msg.body().is_empty() => Some(491),
            Method::Info | Method::Message => Some(480),
            _ => None,
        }
    }

    /// The status for a request that would go on to a side whose party has left.
    pub(crate) fn is_left(&self, side: Side, sent: Method) -> Option<u16> {
        let gone = self.next_leg(side).is_some_and(|leg| leg.gone);
        gone.then_some(if matches!(sent, Method::Invite | Method::Update) { 491 } else { 480 })
    }

    /// Whether a party waits alone for a transfer: silence ends nothing then.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.transfers.is_some() && (self.a.gone || self.b.as_ref().is_some_and(|leg| leg.gone))
    }

    /// A party hangs up that has transferred the other one: the transfer goes on without it.
    pub(crate) fn leaves(&mut self, side: Side, cx: &mut Context<'_>) -> bool {
        let Some(transfers) = self.transfers.as_deref() else { return false };
        let goes = transfers.moving.as_deref().is_some_and(|moving| moving.goes == side);
        let lends = transfers.lent.as_ref().is_some_and(|l| l.side != side && l.placed.is_none());
        if !goes && !lends {
            return false;
        }
        self.refuse_relays(cx);
        let epoch = self.epoch.clone();
        if let Some(leg) = self.leg_mut(side) {
            if leg.ack_held {
                leg.ack_held = false;
                leg.acknowledge(cx, &epoch);
            }
            leg.gone = true;
        }
        true
    }

    /// Whether the record has to wait for an earlier session, or a call that was placed for this one.
    pub(crate) fn is_unsettled(&self) -> bool {
        let unsettled = |t: &Transfers| !t.retired.is_empty() || t.moving.is_some();
        self.transfers.as_deref().is_some_and(unsettled)
    }

    pub(crate) fn is_retired(&mut self, session: SessionId) -> bool {
        let Some(transfers) = self.transfers.as_deref_mut() else { return false };
        let before = transfers.retired.len();
        transfers.retired.retain(|retired| *retired != session);
        transfers.retired.len() < before
    }

    /// Sessions whose last report has not come.
    pub(crate) fn overdue(&self) -> SmallVec<[SessionId; 2]> {
        let retired = self.transfers.as_deref().map(|t| t.retired.as_slice()).unwrap_or_default();
        let closing = self.media.session().filter(|_| !self.media.is_anchored());
        retired.iter().copied().chain(closing).collect()
    }

    /// Adds the engine's report of a session to what is known of the call's media.
    pub(crate) fn add_report(&mut self, report: Option<Box<Report>>) {
        match (&mut self.media.report, report) {
            (Some(all), Some(more)) => {
                all.duration += more.duration;
                all.a.extend(more.a);
                all.b.extend(more.b);
            }
            (none, report) => *none = report.or(none.take()),
        }
    }

    /// The call is over: so are its transfers.
    pub(crate) fn end_transfers(&mut self, cx: &mut Context<'_>) {
        if self.transfers.is_none() {
            return;
        }
        if let Some(lent) = self.lent().filter(|lent| lent.placed.is_none()) {
            cx.errands.push(Errand::Gone(lent.to, self.me));
        }
        self.fail_transfer(ReasonId::Cancelled.status(), cx);
        let arrived = self.transfers.as_deref_mut().map(|t| std::mem::take(&mut t.arrived));
        for trunk in arrived.unwrap_or_default() {
            let run = cx.runs.trunk_mut(trunk);
            run.calls_in = run.calls_in.saturating_sub(1);
        }
    }
}

/// The trunk of a leg as another call's configuration names it: that call may have been routed with another
/// one. `None`: it has no such trunk any more.
fn same_trunk(from: &Epoch, id: TrunkId, to: &Epoch) -> Option<TrunkId> {
    let name = from.trunk_name(id);
    let at = to.snapshot.trunk_names.iter().position(|n| *n == name)?;
    u32::try_from(at).ok().map(TrunkId)
}

/// A user of a leg's trunk as another call's configuration names it, like [`same_trunk`].
fn same_user(from: (&Epoch, TrunkId), user: Option<u16>, to: (&Epoch, TrunkId)) -> Option<Option<u16>> {
    let Some(user) = user else { return Some(None) };
    let user = from.0.trunk(from.1).users.all.get(usize::from(user))?;
    to.0.trunk(to.1).users.named(&user.username).map(Some)
}
