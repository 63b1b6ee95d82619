//! Registrations of our accounts at providers: who is registered where, and what follows for calls.
//!
//! The rules of one binding are `sip_core::registration`'s; this room keeps what belongs to it
//! (identity, address, route) and outlives configurations. `drive` sends and hears, `keeping` keeps flows open; what a
//! REGISTER says is `peers::Order`'s.

mod drive;
mod keeping;

use crate::attempt::Candidate;
use crate::context::Context;
use crate::epoch::Epoch;
use crate::leg::listen_of;
use crate::runs::{Runs, TrunkRef};
use crate::view::RegistrationView;
use base::{ReasonId, Time, TrunkId};
use identity::headers::push_row;
use peers::Purse;
use peers::{Order, Target};
use sip_core::Flow;
use sip_core::keepalive::Keepalive;
use sip_core::registration::{Registration, State};

/// An enrolment; the index never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct EnrolmentRef(pub(crate) u32);

/// One account of one trunk, and its binding.
#[derive(Clone)]
pub(crate) struct Enrolment {
    pub(crate) trunk: TrunkRef,
    /// Its trunk in the present configuration.
    pub(crate) trunk_id: TrunkId,
    /// The user name, which tells accounts of a trunk apart.
    pub(crate) username: Box<str>,
    /// Which of the account's flows it is, from 1.
    flow: u8,
    /// Whether the present configuration has it.
    pub(crate) configured: bool,
    /// What its REGISTERs say.
    pub(crate) order: Order,
    pub(crate) machine: Registration,
    alarm_at: Option<Time>,
    call_id: [u8; 32],
    tag: [u8; 16],
    cseq: u32,
    purse: Purse,
    /// Which of the registrar's addresses is asked, and how many failed in this round.
    place: usize,
    failed: usize,
    /// The way on which the binding was accepted.
    pub(crate) reached: Option<Flow>,
    /// The registrar's Service-Route as Route rows (RFC 3608 §6.1).
    pub(crate) route_rows: Box<[u8]>,
    /// What the registrar offered about security, to be given back (RFC 3329).
    verify: Box<[u8]>,
    /// What keeps its flow open, and when its alarm fires.
    keeping: Option<(Keepalive, Time)>,
    /// The last final response; 0 for silence.
    pub(crate) last: Option<u16>,
    /// Why the last REGISTER failed.
    pub(crate) trouble: Option<ReasonId>,
}

impl Enrolment {
    /// For people.
    pub(crate) fn view(&self, now: Time) -> RegistrationView {
        let until = |at: Option<Time>| at.map(|at| at.since(now));
        RegistrationView {
            account: self.order.aor.clone(),
            state: self.machine.state().word(),
            expires: until(self.machine.good_until(now)),
            next: until(self.machine.next_deadline()),
            last: self.last,
            registrar: self.reached.map(|flow| flow.remote),
            trouble: self.trouble,
        }
    }

    /// Whether calls from the registrar can reach us by it.
    pub(crate) fn stands(&self, now: Time) -> bool {
        self.configured && self.machine.good_until(now).is_some()
    }
}

impl Runs {
    /// The present enrolments of a trunk.
    pub(crate) fn enrolments_of(&self, trunk: TrunkRef) -> impl Iterator<Item = &Enrolment> {
        self.enrolments.iter().filter(move |e| e.trunk == trunk && e.configured)
    }

    /// The standing binding of one of a trunk's accounts: at this address rather than at another.
    pub(crate) fn binding(
        &self,
        trunk: TrunkRef,
        account: u8,
        place: Option<Target>,
        now: Time,
    ) -> Option<&Enrolment> {
        let standing = || self.enrolments_of(trunk).filter(|e| e.purse.account == account && e.stands(now));
        let there = |e: &&Enrolment| {
            place.is_some_and(|p| {
                e.reached.is_some_and(|flow| flow.remote == p.address && flow.transport == p.transport)
            })
        };
        standing().find(there).or_else(|| standing().next())
    }

    /// Whether a trunk that lives by its registrations has none.
    pub(crate) fn is_unregistered(&self, trunk: TrunkRef, now: Time) -> bool {
        let mut all = self.enrolments_of(trunk).filter(|e| e.order.health).peekable();
        all.peek().is_some() && !all.any(|e| e.stands(now))
    }

    /// Bindings that are being given up.
    pub(crate) fn leaving(&self) -> usize {
        self.enrolments.iter().filter(|e| e.machine.state() == State::Unregistering).count()
    }

    /// The trunk whose binding has this user in its Contact, of those that `shares` admits.
    pub(crate) fn trunk_of_contact(
        &self,
        user: &[u8],
        now: Time,
        shares: impl Fn(TrunkId) -> bool,
    ) -> Option<TrunkId> {
        let bound = |e: &&Enrolment| e.stands(now) && e.order.contact_user.as_bytes() == user;
        let found = self.enrolments.iter().filter(bound).find(|e| !user.is_empty() && shares(e.trunk_id));
        found.map(|e| e.trunk_id)
    }
}

impl Epoch {
    /// The account with which a caller's calls are placed.
    pub(crate) fn account_for(&self, trunk: TrunkId, number: &str) -> u8 {
        let accounts = &self.trunk(trunk).login.accounts;
        let own = accounts.iter().position(|account| account.has_number(number));
        let place = own.or_else(|| accounts.iter().position(|account| account.numbers.is_empty()));
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
    }
}

/// The way of a call's INVITE: on the connection of its registration, where that leads to the same place
/// (RFC 5626 §5.3).
pub(crate) fn way_to(epoch: &Epoch, candidate: &Candidate, account: u8, cx: &Context<'_>) -> Flow {
    let (remote, transport) = (candidate.target.address, candidate.target.transport);
    let place = Some(candidate.target);
    let reached = cx.runs.binding(epoch.run(candidate.trunk), account, place, cx.now).and_then(|b| b.reached);
    let same = reached.filter(|flow| flow.remote == remote && flow.transport == transport);
    let conn = same.and_then(|flow| flow.conn).filter(|_| transport.is_reliable());
    Flow { listen: listen_of(epoch, candidate.trunk), transport, remote, conn, trunk: Some(candidate.trunk) }
}

/// Appends the Route rows of a call: the outbound proxy, then the registrar's Service-Route (RFC 3261
/// §8.1.2, RFC 3608 §6.1).
pub(crate) fn push_routes(
    epoch: &Epoch,
    candidate: &Candidate,
    account: u8,
    cx: &Context<'_>,
    rows: &mut Vec<u8>,
) {
    let trunk = candidate.trunk;
    if let Some(proxy) = &epoch.trunk(trunk).login.proxy_route {
        push_row(rows, b"Route", proxy.as_bytes());
    }
    if let Some(binding) = cx.runs.binding(epoch.run(trunk), account, Some(candidate.target), cx.now) {
        rows.extend_from_slice(&binding.route_rows);
        rows.extend_from_slice(&binding.order.call_rows(&binding.verify));
    }
}
