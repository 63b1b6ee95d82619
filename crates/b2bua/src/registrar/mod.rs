//! Users of trunks: who proves to be one, who registered where, and how calls get there.
//!
//! The rules of digests and of bindings are `sip_core`'s; this room keeps both for the whole node and outlives
//! configurations. `admission` asks for passwords, `enrolling` takes REGISTERs, `reach` leads calls to what was
//! registered. A user that registers is a gateway of its trunk, its bindings are the gateway's addresses.

mod admission;
mod enrolling;
mod reach;

pub(crate) use admission::Voucher;
pub(crate) use reach::{push_path, way_of};

use crate::input::{Choice, Target};
use crate::runs::{GatewayRef, Runs};
use crate::targets::TargetRef;
use crate::view::BindingView;
use base::Time;
use config::Account;
use sip_core::digest::{Gate, Lockout};
use sip_core::registrar::{Aor, Binding};
use sip_core::{ConnId, Flow};
use std::collections::BTreeMap;

/// What stands between peers and trunks with users.
pub(crate) struct Desk {
    gate: Gate,
    lockout: Lockout,
    /// When the alarm for the next binding that runs out fires.
    alarm_at: Option<Time>,
}

impl Desk {
    pub(crate) fn new(secret: (u64, u64)) -> Desk {
        Desk { gate: Gate::new(secret), lockout: Lockout::default(), alarm_at: None }
    }

    /// How often its limits were hit: nonces, sources.
    pub(crate) fn hits(&self) -> [(&'static str, u64); 2] {
        [
            ("nonces_forgotten", self.gate.limit().hits),
            ("failing_sources_unseen", self.lockout.limit().hits),
        ]
    }
}

/// The bindings of all users.
#[derive(Default)]
pub(crate) struct Bindings {
    aors: BTreeMap<GatewayRef, Aor>,
}

impl Bindings {
    /// The next time at which one runs out.
    fn next_deadline(&self) -> Option<Time> {
        self.aors.values().filter_map(Aor::next_deadline).min()
    }

    fn of(&self, gateway: GatewayRef) -> &[Binding] {
        self.aors.get(&gateway).map_or(&[], Aor::bindings)
    }

    /// Whether somebody has registered from exactly there.
    fn is_bound(&self, flow: &Flow) -> bool {
        let mut all = self.aors.values().flat_map(Aor::bindings);
        all.any(|binding| is_same_way(&binding.flow, flow))
    }

    /// Forgets what fits; the gateways that lost something.
    fn forget(&mut self, gone: impl Fn(GatewayRef, &Binding) -> bool) -> Vec<GatewayRef> {
        let changed = self.aors.iter_mut().filter_map(|(at, aor)| aor.forget(|b| gone(*at, b)).then_some(*at));
        let changed = changed.collect();
        self.aors.retain(|_, aor| !aor.is_empty());
        changed
    }

    /// Forgets what can be reached over a connection alone that has ended.
    fn close(&mut self, conn: ConnId) -> Vec<GatewayRef> {
        self.forget(|_, binding| binding.flow.transport.is_reliable() && binding.flow.conn == Some(conn))
    }
}

/// Whether two flows lead the same way.
fn is_same_way(a: &Flow, b: &Flow) -> bool {
    a.listen == b.listen && a.transport == b.transport && a.remote == b.remote
}

impl Runs {
    /// A binding, while its gateway's address stands for it.
    pub(crate) fn binding_at(&self, at: TargetRef) -> Option<&Binding> {
        let target = self.gateway(at.gateway).targets.iter().find(|target| target.id == at.id)?;
        let all = self.bindings.of(at.gateway);
        let place = target.choice.host;
        all.iter().find(|b| b.place == place && b.flow.remote == target.target().address)
    }

    /// Gives a gateway the addresses of its bindings; tells whether they changed.
    fn follow_bindings(&mut self, at: GatewayRef) -> bool {
        let choices = self.bindings.of(at).iter().map(|binding| Choice {
            target: Target { address: binding.flow.remote, transport: binding.flow.transport },
            rank: 1_000 - binding.q.min(1_000),
            weight: 0,
            host: binding.place,
        });
        let choices = choices.collect();
        self.replace_targets(at, choices)
    }

    /// For people.
    pub(crate) fn binding_views(&self, at: GatewayRef, now: Time) -> Vec<BindingView> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
        let views = self.bindings.of(at).iter().map(|binding| BindingView {
            contact: text(&binding.contact),
            source: binding.flow.remote,
            transport: binding.flow.transport,
            expires: binding.until.since(now),
            flow: binding.reg_id,
            agent: text(&binding.agent),
        });
        views.collect()
    }
}

/// The user of this name, by account or user name.
fn user_named(users: &[Account], name: &[u8]) -> Option<usize> {
    users.iter().position(|user| user.user.as_bytes() == name || user.username.as_bytes() == name)
}
