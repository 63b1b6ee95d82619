//! What moves registrations: configurations, alarms, answers, the end of the node.

use crate::context::{Alarm, Context, User};
use crate::output::Level;
use crate::switchboard::Switchboard;
use base::{ReasonId, Time, TrunkId};
use identity::abilities;
use peers::{Enrolment, EnrolmentRef, Order, Purse, Signed, Target};
use sip_core::digest::Asker;
use sip_core::registration::{Next, Refusal, Registration};
use sip_core::{Flow, Kept, Request};
use sip_msg::{Msg, Name};

impl Switchboard {
    /// A configuration was put to use: accounts that it has are registered, others are given up. What it
    /// does not change keeps its binding.
    pub(crate) fn enrol(&mut self, now: Time, out: &mut crate::Outbox) {
        self.runs.enrolments.iter_mut().for_each(|e| e.configured = false);
        if !self.draining {
            let epoch = self.epoch.clone();
            for (index, trunk) in epoch.snapshot.config.trunks.iter().enumerate() {
                let id = TrunkId(u32::try_from(index).unwrap_or(u32::MAX));
                let Some(register) = trunk.login.register.as_ref().filter(|_| trunk.enabled) else {
                    continue;
                };
                let node = &epoch.snapshot.config.node.name;
                for (place, account) in trunk.login.accounts.iter().enumerate() {
                    let purse = Purse { account: u8::try_from(place).unwrap_or(u8::MAX), ..Purse::default() };
                    for flow in 1..=register.flows {
                        let order = Order::of(trunk, register, account, flow, node);
                        self.adopt(id, (&account.username, flow), order, purse.clone(), now);
                    }
                }
            }
        }
        self.leave(now, out, |e| !e.configured);
        self.arm_all();
    }

    fn adopt(&mut self, id: TrunkId, who: (&str, u8), order: Order, purse: Purse, now: Time) {
        let trunk = self.epoch.run(id);
        let (dice, allow) = (self.rng.next_u64(), abilities::allow(self.epoch.policy(id)));
        let is = |e: &&mut Enrolment| e.trunk == trunk && *e.username == *who.0 && e.flow == who.1;
        let known = self.runs.enrolments.iter_mut().find(is);
        let Some(known) = known else {
            let fresh = Enrolment::new((trunk, id), who, (order, allow), purse, now, &mut self.rng);
            return self.runs.enrolments.push(fresh);
        };
        (known.configured, known.trunk_id, known.purse.account) = (true, id, purse.account);
        known.allow = allow;
        if known.order == order {
            return known.machine.retry(now);
        }
        known.machine = Registration::new(order.expires, now, dice);
        known.order = order;
    }

    /// Gives up bindings (RFC 3261 §10.2.2).
    pub(crate) fn leave(&mut self, now: Time, out: &mut crate::Outbox, whose: impl Fn(&Enrolment) -> bool) {
        for at in self.enrolment_refs() {
            let enrolment = &mut self.runs.enrolments[at.0 as usize];
            if whose(enrolment) && enrolment.machine.stop(now) {
                self.context(now, out).register(at);
            }
        }
    }

    /// An address of a gateway changed: registrations of its trunk that wait try again.
    pub(crate) fn enrol_again(&mut self, trunk: TrunkId, now: Time) {
        for enrolment in &mut self.runs.enrolments {
            if enrolment.configured && enrolment.trunk_id == trunk && enrolment.last.is_none() {
                enrolment.machine.retry(now);
            }
        }
        self.arm_all();
    }

    pub(super) fn enrolment_refs(&self) -> impl Iterator<Item = EnrolmentRef> + use<> {
        (0..u32::try_from(self.runs.enrolments.len()).unwrap_or(0)).map(EnrolmentRef)
    }

    fn arm_all(&mut self) {
        for at in self.enrolment_refs() {
            let enrolment = &mut self.runs.enrolments[at.0 as usize];
            if let Some(due) = enrolment.newly_due() {
                self.wheel.insert(due, Alarm::Register(at));
            }
        }
    }

    /// A REGISTER is due.
    pub(crate) fn on_register_alarm(&mut self, at: EnrolmentRef, now: Time, out: &mut crate::Outbox) {
        let Some(due) = self.runs.enrolments[at.0 as usize].alarmed(now) else { return };
        let mut cx = self.context(now, out);
        if due {
            cx.register(at);
        }
        cx.arm(at);
    }
}

impl Context<'_> {
    pub(super) fn enrolment(&mut self, at: EnrolmentRef) -> &mut Enrolment {
        &mut self.runs.enrolments[at.0 as usize]
    }

    pub(super) fn arm(&mut self, at: EnrolmentRef) {
        if let Some(due) = self.enrolment(at).newly_due() {
            self.wheel.insert(due, Alarm::Register(at));
        }
    }

    /// The registrar's addresses: those of the trunk's gateways, the living first.
    fn registrar(&mut self, at: EnrolmentRef) -> Vec<Target> {
        let (trunk, now) = (self.enrolment(at).trunk, self.now);
        let gateways = self.runs.gateways_of(trunk).iter().map(|g| self.runs.gateway(*g));
        let mut all: Vec<(bool, Target)> =
            gateways.flat_map(|g| &g.targets).map(|t| (t.is_demoted(now), t.target())).collect();
        all.sort_by_key(|(demoted, _)| *demoted);
        all.into_iter().map(|(_, target)| target).collect()
    }

    /// Sends a REGISTER: a refresh and a farewell where the binding was accepted, else to the address whose
    /// turn it is.
    pub(crate) fn register(&mut self, at: EnrolmentRef) {
        let all = self.registrar(at);
        match self.enrolment(at).next_flow(&all) {
            Some(flow) => self.send_register(at, flow),
            None => {
                self.enrolment(at).trouble = Some(ReasonId::DnsFailed);
                self.enrolment_failed(at, Refusal::default());
            }
        }
    }

    fn send_register(&mut self, at: EnrolmentRef, flow: Flow) {
        let epoch = self.current.clone();
        let face = epoch.face(flow.listen);
        let own = face.sent_by(flow.transport).unwrap_or(face.host().as_bytes());
        let mut rows = self.take_rows();
        let enrolment = self.enrolment(at);
        enrolment.next_cseq();
        let serial = enrolment.serial();
        enrolment.order.write(serial, own, flow.transport, enrolment.allow, &mut rows);
        let (uri, account, trunk) = (enrolment.order.uri.clone(), enrolment.purse.account, enrolment.trunk);
        if enrolment.purse.secured {
            let what = Signed { method: b"REGISTER", uri: uri.as_bytes(), body: b"" };
            self.runs.trunk_mut(trunk).wallet.sign(account, &Asker::BOTH, what, &mut rows);
        }
        let request = Request {
            method: b"REGISTER",
            uri: uri.as_bytes(),
            flow,
            sent_by: own,
            rows: &rows,
            content_type: b"",
            body: b"",
            udp_max: face.udp_max,
            alternative: None,
        };
        let sent = self.txns.request(self.now, User::Register(at), &request, &mut self.out.sip);
        self.give_rows(rows);
        match sent {
            Ok(txn) => self.keep_for(txn, flow, account),
            Err(_) => self.enrolment_failed(at, Refusal::default()),
        }
    }

    /// A challenge to a REGISTER.
    pub(crate) fn register_again(
        &mut self,
        at: EnrolmentRef,
        kept: &Kept,
        msg: Msg<'_>,
    ) -> Result<(), ReasonId> {
        let epoch = self.current.clone();
        let enrolment = self.enrolment(at);
        let (cseq, trunk) = (enrolment.next_cseq(), enrolment.trunk);
        let done = self.again(&epoch, trunk, User::Register(at), kept, cseq, msg);
        let enrolment = self.enrolment(at);
        enrolment.trouble = done.as_ref().err().copied();
        enrolment.purse.secured |= done.is_ok();
        done.map(drop)
    }

    /// The registrar's answer (RFC 3261 §10.2.4, §10.3).
    pub(crate) fn register_answered(&mut self, at: EnrolmentRef, msg: Msg<'_>, flow: Flow) {
        let status = msg.status();
        if status < 200 {
            return;
        }
        self.enrolment(at).heard(msg);
        if status >= 300 {
            let min_expires =
                msg.first(Name::MinExpires).and_then(|v| std::str::from_utf8(v).ok()?.parse().ok());
            let reason = ReasonId::from_sip_status(status);
            if !matches!(status, 401 | 407) {
                self.enrolment(at).trouble = Some(reason);
            }
            let retry_after = msg.retry_after();
            return self
                .enrolment_failed(at, Refusal { status, min_expires, retry_after, more_addresses: false });
        }
        let epoch = self.current.clone();
        let (now, dice) = (self.now, self.rng.next_u64());
        let face = epoch.face(flow.listen);
        let own = face.sent_by(flow.transport).unwrap_or(face.host().as_bytes());
        let Some((granted, news)) = self.enrolment(at).accepted(msg, flow, own, now, dice) else {
            return self.enrolment_failed(at, Refusal { status, ..Refusal::default() });
        };
        if news {
            let detail = format!("{} at {} for {granted} s", self.enrolment_name(at), flow.remote);
            self.note(Level::Info, "registered", detail);
        }
        self.arm(at);
        self.arm_keeping(at);
    }

    /// A REGISTER got no answer, or could not be sent.
    pub(crate) fn register_lost(&mut self, at: EnrolmentRef) {
        let enrolment = self.enrolment(at);
        (enrolment.last, enrolment.trouble) = (Some(0), Some(ReasonId::TimerF));
        self.enrolment_failed(at, Refusal::default());
    }

    fn enrolment_failed(&mut self, at: EnrolmentRef, why: Refusal) {
        let addresses = self.registrar(at).len();
        let (now, dice) = (self.now, self.rng.next_u64());
        let next = self.enrolment(at).refused(why, addresses, now, dice);
        match next {
            Next::Again | Next::NextAddress => self.register(at),
            Next::Wait => {
                let state = self.enrolment(at).machine.state().word();
                let trouble = self.enrolment(at).trouble.map_or("", ReasonId::sentence);
                let detail = format!("{}: {} ({state}) {trouble}", self.enrolment_name(at), why.status);
                self.note(Level::Warn, "not registered", detail);
                self.arm(at);
            }
        }
    }

    pub(super) fn enrolment_name(&self, at: EnrolmentRef) -> String {
        let enrolment = &self.runs.enrolments[at.0 as usize];
        let trunk = &self.runs.trunk(enrolment.trunk).name;
        let (place, flow) = (enrolment.purse.account + 1, enrolment.flow);
        format!("account {place} ({}) of trunk {trunk}, flow {flow}", base::Redacted(&enrolment.username))
    }
}
