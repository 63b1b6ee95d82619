//! REGISTERs of users, and the end of what they bound.

use crate::context::Alarm;
use crate::local;
use crate::output::Level;
use crate::setup::Arrival;
use crate::switchboard::Switchboard;
use base::{ReasonId, Time, TrunkId};
use peers::{Denied, GatewayRef, Voucher, enrol};
use sip_core::{ConnId, Flow};

impl Switchboard {
    /// A REGISTER whose user is proven, or needs no proof.
    pub(crate) fn on_register(
        &mut self,
        now: Time,
        arrival: &Arrival<'_>,
        voucher: Voucher,
        out: &mut crate::Outbox,
    ) {
        let Arrival { msg, trunk, txn, flow, .. } = *arrival;
        if self.epoch.trunk(trunk).users.registrar.is_none() {
            return local::outside_dialog(&mut self.context(now, out), msg, trunk, txn);
        }
        match self.bind(now, arrival, voucher) {
            Ok(rows) => {
                self.counters.registrations_taken += 1;
                local::answer(&mut self.context(now, out), txn, 200, &rows);
            }
            Err(denied) => {
                self.counters.registrations_refused += 1;
                self.counters.registrar_full += u64::from(denied.full);
                let name = &self.epoch.trunk(trunk).name;
                let detail = format!("{} at trunk {name}: {} {}", flow.remote, denied.status, denied.reason);
                let mut cx = self.context(now, out);
                cx.note(Level::Warn, "registration refused", detail);
                local::answer(&mut cx, txn, denied.status, &denied.rows);
            }
        }
        self.log_changes(now, trunk, out);
    }

    /// Does what a user's REGISTER asks; the rows of its 200.
    fn bind(&mut self, now: Time, arrival: &Arrival<'_>, voucher: Voucher) -> Result<Vec<u8>, Denied> {
        let epoch = self.epoch.clone();
        let trunk = epoch.trunk(arrival.trunk);
        let denied = |status, reason| Denied { status, reason, rows: Vec::new(), full: false };
        let registrar = trunk.users.registrar.as_ref().filter(|_| trunk.enabled);
        let registrar = registrar.ok_or(denied(403, ReasonId::SourceDisabled))?;
        let flow = Flow { trunk: Some(arrival.trunk), ..arrival.flow };
        let enrolled = enrol(arrival.msg, flow, &trunk.users, registrar, voucher)?;
        let gateway = trunk.gateways.iter().find(|id| epoch.user_of(**id) == Some(enrolled.user));
        let gateway = epoch.gateway_run(*gateway.ok_or(denied(404, ReasonId::NoUser))?);
        let rows = self.runs.bindings.with(gateway, |aor| enrolled.bind(now, aor, registrar))?;
        self.bindings_changed(now, &[gateway]);
        Ok(rows)
    }

    /// Gateways of users have other addresses from now on.
    pub(super) fn bindings_changed(&mut self, now: Time, gateways: &[GatewayRef]) {
        let mut moved = false;
        for at in gateways {
            let choices = self.runs.bindings.choices(*at);
            if self.runs.replace_targets(*at, choices) {
                moved = true;
                self.watch_targets(*at, now);
            }
        }
        if moved {
            self.sources = self.epoch.sources(&self.runs);
        }
        let due = self.runs.bindings.next_deadline();
        if let Some(due) = due.filter(|due| self.runs.bindings_due.is_none_or(|standing| *due < standing)) {
            self.runs.bindings_due = Some(due);
            self.wheel.insert(due, Alarm::Bindings);
        }
    }

    /// Bindings have run out.
    pub(crate) fn on_bindings_alarm(&mut self, now: Time, out: &mut crate::Outbox) {
        if self.runs.bindings_due.is_none_or(|standing| standing > now) {
            return; // replaced since
        }
        self.runs.bindings_due = None;
        let gone = self.runs.bindings.forget(|_, binding| binding.until <= now);
        self.bindings_changed(now, &gone);
        self.say_gone(now, &gone, "registration ran out", out);
    }

    /// A connection has ended: what was registered over it cannot be reached any more.
    pub(crate) fn on_closed(&mut self, now: Time, conn: ConnId, out: &mut crate::Outbox) {
        self.flow_ended(now, conn, out);
        let gone = self.runs.bindings.close(conn);
        if !gone.is_empty() {
            self.bindings_changed(now, &gone);
            self.say_gone(now, &gone, "registered connection ended", out);
        }
    }

    /// A configuration was put to use: users that it does not have are not registered.
    pub(crate) fn keep_users(&mut self, now: Time) {
        let runs = &self.runs;
        let left: Vec<GatewayRef> =
            runs.bindings.users().filter(|at| !runs.gateway(*at).configured).collect();
        let gone = self.runs.bindings.forget(|at, _| left.contains(&at));
        self.bindings_changed(now, &gone);
    }

    fn say_gone(&mut self, now: Time, gone: &[GatewayRef], what: &'static str, out: &mut crate::Outbox) {
        for at in gone {
            let left = self.runs.bindings.of(*at).len();
            let run = self.runs.gateway_mut(*at);
            run.registered = left > 0;
            let (name, trunk) = (run.name.clone(), run.trunk);
            let detail = format!("user {name} of trunk {}; {left} left", self.runs.trunk(trunk).name);
            self.context(now, out).note(Level::Info, what, detail);
        }
    }

    /// Says which users of a trunk came or went with the last REGISTER.
    fn log_changes(&mut self, now: Time, trunk: TrunkId, out: &mut crate::Outbox) {
        let epoch = self.epoch.clone();
        for id in &epoch.trunk(trunk).gateways {
            let at = epoch.gateway_run(*id);
            let (has, run) = (!self.runs.bindings.of(at).is_empty(), self.runs.gateway_mut(at));
            if std::mem::replace(&mut run.registered, has) == has {
                continue;
            }
            let place = run.targets.first().map(|target| target.target());
            let place = place.map_or(String::new(), |t| format!(" at {} {}", t.transport, t.address));
            let (name, of) = (run.name.clone(), run.trunk);
            let detail = format!("user {name} of trunk {}{place}", self.runs.trunk(of).name);
            let what = if has { "user registered" } else { "user gave its registration up" };
            self.context(now, out).note(Level::Info, what, detail);
        }
    }
}
