//! Accounts of ours at providers: what they are registered as, where, and for how long.
//!
//! The rules of one binding are `sip_core::registration`'s; an [`Enrolment`] keeps what belongs to it (identity,
//! address, route) and outlives configurations. Who owns it sends and hears.

use crate::{
    Order, Purse, RegistrationView, Runs, Serial, Target, TargetRef, TrunkRef, route_rows, verify_rows,
};
use base::{ReasonId, Rng, Time, TrunkId};
use sip_core::Flow;
use sip_core::keepalive::Keepalive;
use sip_core::registrar::Binding;
use sip_core::registration::{Next, Refusal, Registration, State};
use sip_msg::Msg;

/// An enrolment; the index never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EnrolmentRef(pub u32);

/// One account of one trunk, and its binding.
#[derive(Clone)]
pub struct Enrolment {
    pub trunk: TrunkRef,
    /// Its trunk in the present configuration.
    pub trunk_id: TrunkId,
    /// The user name, which tells accounts of a trunk apart.
    pub username: Box<str>,
    /// Which of the account's flows it is, from 1.
    pub flow: u8,
    /// Whether the present configuration has it.
    pub configured: bool,
    /// What its REGISTERs say.
    pub order: Order,
    /// The methods that they allow: its trunk may be gone by the time of the last one.
    pub allow: &'static [u8],
    pub machine: Registration,
    alarm_at: Option<Time>,
    call_id: [u8; 32],
    tag: [u8; 16],
    cseq: u32,
    pub purse: Purse,
    /// Which of the registrar's addresses is asked, and how many failed in this round.
    place: usize,
    failed: usize,
    /// The way on which the binding was accepted.
    pub reached: Option<Flow>,
    /// The registrar's Service-Route as Route rows (RFC 3608 §6.1).
    pub route_rows: Box<[u8]>,
    /// What the registrar offered about security, to be given back (RFC 3329).
    pub verify: Box<[u8]>,
    /// What keeps its flow open, and when its alarm fires.
    pub keeping: Option<(Keepalive, Time)>,
    /// The last final response; 0 for silence.
    pub last: Option<u16>,
    /// Why the last REGISTER failed.
    pub trouble: Option<ReasonId>,
}

impl Enrolment {
    /// For people.
    pub fn view(&self, now: Time) -> RegistrationView {
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
    pub fn stands(&self, now: Time) -> bool {
        self.configured && self.machine.good_until(now).is_some()
    }

    /// An enrolment that has registered nothing yet.
    pub fn new(
        (trunk, trunk_id): (TrunkRef, TrunkId),
        (username, flow): (&str, u8),
        (order, allow): (Order, &'static [u8]),
        purse: Purse,
        now: Time,
        rng: &mut Rng,
    ) -> Enrolment {
        let (tag, call_id) = (rng.tag(), rng.call_id());
        Enrolment {
            trunk,
            trunk_id,
            username: username.into(),
            flow,
            configured: true,
            machine: Registration::new(order.expires, now, rng.next_u64()),
            order,
            allow,
            alarm_at: None,
            call_id,
            tag,
            cseq: 0,
            purse,
            // Each flow begins at another address.
            place: usize::from(flow - 1),
            failed: 0,
            reached: None,
            route_rows: Box::default(),
            verify: Box::default(),
            keeping: None,
            last: None,
            trouble: None,
        }
    }

    /// The machine's deadline, when no alarm stands for it yet.
    pub fn newly_due(&mut self) -> Option<Time> {
        let due = self.machine.next_deadline()?;
        let earlier = self.alarm_at.is_none_or(|standing| due < standing);
        earlier.then(|| {
            self.alarm_at = Some(due);
            due
        })
    }

    /// A final response came.
    pub fn heard(&mut self, msg: Msg<'_>) {
        self.last = Some(msg.status());
        let offered = verify_rows(msg);
        if !offered.is_empty() {
            self.verify = offered;
        }
    }

    /// The CSeq number of the next REGISTER.
    pub fn next_cseq(&mut self) -> u32 {
        self.cseq = self.cseq % 0x7fff_ffff + 1;
        self.cseq
    }

    /// What the next REGISTER says of itself.
    pub fn serial(&self) -> Serial<'_> {
        Serial {
            call_id: &self.call_id,
            tag: &self.tag,
            cseq: self.cseq,
            expires: self.machine.expires(),
            verify: &self.verify,
        }
    }

    /// The registrar has accepted (RFC 3261 §10.2.4): the seconds that it grants, and whether the binding stands
    /// that did not before; none where it has bound nothing, which is a refusal. `own`: our `host:port`.
    pub fn accepted(
        &mut self,
        msg: Msg<'_>,
        flow: Flow,
        own: &[u8],
        now: Time,
        dice: u64,
    ) -> Option<(u32, bool)> {
        let granted = self.order.granted(msg, own, flow.transport);
        if granted == 0 && self.machine.state() != State::Unregistering {
            self.trouble = Some(ReasonId::NothingBound);
            return None;
        }
        let stood = self.stands(now);
        self.machine.accepted(now, granted, dice);
        self.route_rows = route_rows(msg);
        self.keep_open(msg, flow, now, dice);
        self.reached = Some(flow);
        (self.failed, self.trouble) = (0, None);
        Some((granted, self.stands(now) && !stood))
    }

    /// A REGISTER was refused, or had no answer; `addresses`: how many the registrar has.
    pub fn refused(&mut self, why: Refusal, addresses: usize, now: Time, dice: u64) -> Next {
        let elsewhere = matches!(why.status, 0 | 408 | 430 | 500..=599);
        let more_addresses = elsewhere && self.failed + 1 < addresses;
        let next = self.machine.refused(now, Refusal { more_addresses, ..why }, dice);
        if elsewhere {
            self.failed += 1;
            self.place = self.place.wrapping_add(1);
        }
        next
    }

    /// Where the next REGISTER goes: a refresh and a farewell where the binding was accepted, else to the address
    /// of the registrar's whose turn it is.
    pub fn next_flow(&self, all: &[Target]) -> Option<Flow> {
        let trunk = self.configured.then_some(self.trunk_id);
        let chosen = all.get(self.place % all.len().max(1)).map(|target| Flow {
            listen: self.order.listen,
            transport: target.transport,
            remote: target.address,
            conn: None,
            trunk,
        });
        self.reached.filter(|_| self.failed == 0).map(|flow| Flow { trunk, ..flow }).or(chosen)
    }

    /// Its alarm fires; `None`: another one stands by now. `true`: a REGISTER is due.
    pub fn alarmed(&mut self, now: Time) -> Option<bool> {
        if self.alarm_at.is_none_or(|standing| standing > now) {
            return None;
        }
        self.alarm_at = None;
        self.failed = 0;
        Some(self.machine.handle_timeout(now))
    }

    /// A binding was accepted on a flow: it is kept open from now on, where that is asked for.
    fn keep_open(&mut self, answer: Msg<'_>, flow: Flow, now: Time, dice: u64) {
        let same = self.reached.is_some_and(|old| old.conn == flow.conn && old.remote == flow.remote);
        match self.order.ping_every(answer) {
            Some(_) if same && self.keeping.is_some() => {}
            Some(every) => {
                let one = Keepalive::new(every, flow.transport.is_reliable(), now, dice);
                self.keeping = Some((one, Time::ZERO));
            }
            None => self.keeping = None,
        }
    }

    /// Its flow is of no use any more.
    pub fn lose_flow(&mut self, now: Time, dice: u64) {
        self.keeping = None;
        self.reached = self.reached.map(|flow| Flow { conn: None, ..flow });
        if self.order.lives_by_flow() {
            self.machine.flow_failed(now, dice);
        }
    }
}

impl Runs {
    /// A binding, while its gateway's address stands for it.
    pub fn binding_at(&self, at: TargetRef) -> Option<&Binding> {
        let target = self.gateway(at.gateway).targets.iter().find(|target| target.id == at.id)?;
        self.bindings.at(at.gateway, &target.choice)
    }

    /// The present enrolments of a trunk.
    pub fn enrolments_of(&self, trunk: TrunkRef) -> impl Iterator<Item = &Enrolment> {
        self.enrolments.iter().filter(move |e| e.trunk == trunk && e.configured)
    }

    /// The standing binding of one of a trunk's accounts: at this address rather than at another.
    pub fn binding(
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
    pub fn is_unregistered(&self, trunk: TrunkRef, now: Time) -> bool {
        let mut all = self.enrolments_of(trunk).filter(|e| e.order.health).peekable();
        all.peek().is_some() && !all.any(|e| e.stands(now))
    }

    /// Bindings that are being given up.
    pub fn leaving(&self) -> usize {
        self.enrolments.iter().filter(|e| e.machine.state() == State::Unregistering).count()
    }

    /// The trunk whose binding has this user in its Contact, of those that `shares` admits.
    pub fn trunk_of_contact(
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
