//! REGISTERs of users, and the end of what they bound: RFC 3261 §10.3, RFC 3327 §5.3, RFC 5626 §6.

use super::{Voucher, user_named};
use crate::context::Alarm;
use crate::epoch::Sources;
use crate::local;
use crate::output::Level;
use crate::runs::GatewayRef;
use crate::setup::Arrival;
use crate::switchboard::Switchboard;
use base::{ReasonId, Time, TrunkId};
use config::{Account, ReachedAt, Registrar, WhenFull};
use identity::headers::{push_number, push_row};
use sip_core::registrar::{Asked, Refusal, Rules};
use sip_core::{ConnId, Flow, target_address};
use sip_msg::{Msg, Name, Scheme, Uri};

/// Extensions that a REGISTER may require.
const EXTENSIONS: [&str; 3] = ["path", "outbound", "gin"];

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
        let epoch = self.epoch.clone();
        let owner = epoch.trunk(trunk);
        let Some(registrar) = owner.users.registrar.as_ref() else {
            return local::outside_dialog(&mut self.context(now, out), msg, txn);
        };
        let mut rows = Vec::new();
        let judged = if owner.enabled {
            bad_extensions(msg, &mut rows).and_then(|()| whose(msg, &owner.users.all, registrar, voucher))
        } else {
            Err((403, ReasonId::SourceDisabled))
        };
        let done = judged.and_then(|user| {
            self.bind(now, arrival, user, registrar, &mut rows).map_err(|refusal| {
                if let Refusal::TooBrief(seconds) = refusal {
                    push_number(&mut rows, b"Min-Expires", u64::from(seconds));
                }
                self.counters.registrar_full += u64::from(refusal == Refusal::Full);
                (refusal.status(), ReasonId::from_sip_status(refusal.status()))
            })
        });
        match done {
            Ok(()) => {
                self.counters.registrations_taken += 1;
                local::answer(&mut self.context(now, out), txn, 200, &rows);
            }
            Err((status, reason)) => {
                let detail = format!("{} at trunk {}: {status} {reason}", flow.remote, owner.name);
                self.context(now, out).refuse_user(txn, status, &rows, detail);
            }
        }
        self.log_changes(now, trunk, out);
    }

    /// Does what a user's REGISTER asks, and appends the rows of its 200.
    fn bind(
        &mut self,
        now: Time,
        arrival: &Arrival<'_>,
        user: usize,
        registrar: &Registrar,
        rows: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let (msg, rules) = (arrival.msg, rules(registrar));
        let asked = Asked::read(msg, &rules)?;
        let gateway = self.gateway_of_user(arrival.trunk, user).ok_or(Refusal::Broken)?;
        let flow = flow_to(&asked, arrival, registrar);
        let aor = self.runs.bindings.aors.entry(gateway).or_default();
        let done = aor.register(now, &asked, flow, &rules);
        if done.is_ok() {
            aor.write_contacts(now, rows);
        }
        if aor.is_empty() {
            self.runs.bindings.aors.remove(&gateway);
        }
        done?;
        for value in msg.list(Name::Path) {
            push_row(rows, b"Path", value);
        }
        if asked.has_flow() {
            push_row(rows, b"Require", b"outbound");
            if let Some(every) = registrar.flow_timer {
                push_number(rows, b"Flow-Timer", every.as_secs());
            }
        }
        push_row(rows, b"Supported", b"path, outbound, gin");
        self.bindings_changed(now, &[gateway]);
        Ok(())
    }

    fn gateway_of_user(&self, trunk: TrunkId, user: usize) -> Option<GatewayRef> {
        let config = &self.epoch.snapshot.config;
        let mut own = self.epoch.trunk(trunk).gateways.iter();
        let is_users = |g: &config::Gateway| g.user.map(usize::from) == Some(user);
        let id = own.find(|id| config.gateway(**id).is_some_and(is_users))?;
        Some(self.epoch.gateway_run(*id))
    }

    /// Gateways of users have other addresses from now on.
    fn bindings_changed(&mut self, now: Time, gateways: &[GatewayRef]) {
        let mut moved = false;
        for at in gateways {
            if self.runs.follow_bindings(*at) {
                moved = true;
                self.watch_targets(*at, now);
            }
        }
        if moved {
            self.sources = Sources::gather(&self.epoch, &self.runs);
        }
        let due = self.runs.bindings.next_deadline();
        if let Some(due) = due.filter(|due| self.desk.alarm_at.is_none_or(|standing| *due < standing)) {
            self.desk.alarm_at = Some(due);
            self.wheel.insert(due, Alarm::Bindings);
        }
    }

    /// Bindings have run out.
    pub(crate) fn on_bindings_alarm(&mut self, now: Time, out: &mut crate::Outbox) {
        if self.desk.alarm_at.is_none_or(|standing| standing > now) {
            return; // replaced since
        }
        self.desk.alarm_at = None;
        let gone = self.runs.bindings.forget(|_, binding| binding.until <= now);
        self.say_gone(now, &gone, "registration ran out", out);
        self.bindings_changed(now, &gone);
    }

    /// A connection has ended: what was registered over it cannot be reached any more (RFC 5626 §5.3).
    pub(crate) fn on_closed(&mut self, now: Time, conn: ConnId, out: &mut crate::Outbox) {
        let gone = self.runs.bindings.close(conn);
        if !gone.is_empty() {
            self.say_gone(now, &gone, "registered connection ended", out);
            self.bindings_changed(now, &gone);
        }
    }

    /// A configuration was put to use: users that it does not have are not registered.
    pub(crate) fn keep_users(&mut self, now: Time) {
        let runs = &self.runs;
        let left: Vec<GatewayRef> =
            runs.bindings.aors.keys().filter(|at| !runs.gateway(**at).configured).copied().collect();
        let gone = self.runs.bindings.forget(|at, _| left.contains(&at));
        self.bindings_changed(now, &gone);
    }

    fn say_gone(&mut self, now: Time, gone: &[GatewayRef], what: &'static str, out: &mut crate::Outbox) {
        for at in gone {
            let run = self.runs.gateway(*at);
            let trunk = &self.runs.trunk(run.trunk).name;
            let detail = format!("user {} of trunk {trunk}", run.name);
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
            let detail = format!("user {} of trunk {}{place}", name, self.runs.trunk(of).name);
            let what = if has { "user registered" } else { "user gave its registration up" };
            self.context(now, out).note(Level::Info, what, detail);
        }
    }
}

/// What a trunk's registrar grants.
fn rules(registrar: &Registrar) -> Rules {
    Rules {
        expires_min: registrar.expires_min,
        expires_max: registrar.expires_max,
        expires: registrar.expires,
        contacts_max: usize::from(registrar.contacts_max),
        replace: registrar.when_full == WhenFull::Replace,
        outbound: registrar.outbound,
    }
}

/// RFC 3261 §10.3 step 2.
fn bad_extensions(msg: Msg<'_>, rows: &mut Vec<u8>) -> Result<(), (u16, ReasonId)> {
    for tag in msg.list(Name::Require) {
        if !EXTENSIONS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(tag)) {
            push_row(rows, b"Unsupported", tag);
        }
    }
    if rows.is_empty() { Ok(()) } else { Err((420, ReasonId::BadExtension)) }
}

/// The user whose address of record is in To, when the one that is proven may register it (RFC 3261 §10.3 step
/// 1, 4, 5).
fn whose(
    msg: Msg<'_>,
    users: &[Account],
    registrar: &Registrar,
    voucher: Voucher,
) -> Result<usize, (u16, ReasonId)> {
    let is_sip = |uri: &Uri<'_>| matches!(uri.scheme, Scheme::Sip | Scheme::Sips);
    let here = |host: &[u8]| {
        registrar.domains.is_empty() || registrar.domains.iter().any(|d| d.as_bytes().eq_ignore_ascii_case(host))
    };
    let uri = Uri::parse(msg.request_uri()).ok().filter(is_sip).ok_or((416, ReasonId::UriScheme))?;
    let to = msg.to().ok().and_then(|to| Uri::parse(to.uri).ok()).filter(is_sip);
    let to = to.ok_or((400, ReasonId::BadRequest))?;
    if !here(uri.host) || !here(to.host) {
        return Err((404, ReasonId::NoUser));
    }
    let mut decoded = Vec::new();
    let named = user_named(users, to.user_decoded(&mut decoded)).filter(|at| {
        let domain = users.get(*at).and_then(|user| user.domain.as_deref());
        domain.is_none_or(|domain| domain.as_bytes().eq_ignore_ascii_case(to.host))
    });
    match (voucher, named) {
        (Voucher::Source, Some(user)) => Ok(user),
        (Voucher::Source, None) => Err((404, ReasonId::NoUser)),
        (Voucher::User(proven), Some(user)) if user == usize::from(proven) => Ok(user),
        (Voucher::User(_), _) => Err((403, ReasonId::WrongIdentity)),
    }
}

/// Where calls to a REGISTER's contacts go.
fn flow_to(asked: &Asked<'_>, arrival: &Arrival<'_>, registrar: &Registrar) -> Flow {
    let flow = Flow { trunk: Some(arrival.trunk), ..arrival.flow };
    let own = asked.contacts.first().filter(|_| registrar.reach == ReachedAt::Contact && !asked.has_flow());
    let named = own.and_then(|contact| target_address(contact.uri));
    let fits = |(address, transport): &(std::net::SocketAddr, base::Transport)| {
        *transport == flow.transport && address.is_ipv4() == flow.remote.is_ipv4()
    };
    match named.filter(fits).filter(|_| !flow.transport.is_reliable()) {
        Some((remote, _)) => Flow { remote, ..flow },
        None => flow,
    }
}
