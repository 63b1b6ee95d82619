//! What all users have registered, by the gateway that each is.

use crate::{Choice, Target};
use base::Time;
use sip_core::registrar::{Aor, Binding};
use sip_core::{ConnId, Flow};
use std::collections::BTreeMap;

/// See the module text; `K` names a gateway.
#[derive(Clone)]
pub struct Bindings<K> {
    aors: BTreeMap<K, Aor>,
}

impl<K> Default for Bindings<K> {
    fn default() -> Bindings<K> {
        Bindings { aors: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> Bindings<K> {
    /// The next time at which one runs out.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.aors.values().filter_map(Aor::next_deadline).min()
    }

    /// Who has registered.
    pub fn users(&self) -> impl Iterator<Item = K> {
        self.aors.keys().copied()
    }

    /// Those of a gateway.
    #[must_use]
    pub fn of(&self, gateway: K) -> &[Binding] {
        self.aors.get(&gateway).map_or(&[], Aor::bindings)
    }

    /// That of a gateway's address.
    #[must_use]
    pub fn at(&self, gateway: K, address: &Choice) -> Option<&Binding> {
        let mut all = self.of(gateway).iter();
        all.find(|b| b.place == address.host && b.flow.remote == address.target.address)
    }

    /// The addresses of a gateway, the preferred first (RFC 3261 §16.6, `q`).
    #[must_use]
    pub fn choices(&self, gateway: K) -> Vec<Choice> {
        let choices = self.of(gateway).iter().map(|binding| Choice {
            target: Target { address: binding.flow.remote, transport: binding.flow.transport },
            rank: 1_000 - binding.q.min(1_000),
            weight: 0,
            host: binding.place,
        });
        choices.collect()
    }

    /// Whether somebody has registered from exactly there.
    #[must_use]
    pub fn is_bound(&self, flow: &Flow) -> bool {
        let same =
            |a: &Flow| a.listen == flow.listen && a.transport == flow.transport && a.remote == flow.remote;
        self.aors.values().flat_map(Aor::bindings).any(|binding| same(&binding.flow))
    }

    /// Works on the table of a gateway.
    pub fn with<T>(&mut self, gateway: K, work: impl FnOnce(&mut Aor) -> T) -> T {
        let aor = self.aors.entry(gateway).or_default();
        let done = work(aor);
        if aor.is_empty() {
            self.aors.remove(&gateway);
        }
        done
    }

    /// Forgets what fits; the gateways that lost something.
    pub fn forget(&mut self, gone: impl Fn(K, &Binding) -> bool) -> Vec<K> {
        let changed =
            self.aors.iter_mut().filter_map(|(at, aor)| aor.forget(|b| gone(*at, b)).then_some(*at));
        let changed = changed.collect();
        self.aors.retain(|_, aor| !aor.is_empty());
        changed
    }

    /// Forgets what can be reached over a connection alone that has ended (RFC 5626 §5.3).
    pub fn close(&mut self, conn: ConnId) -> Vec<K> {
        self.forget(|_, binding| binding.flow.transport.is_reliable() && binding.flow.conn == Some(conn))
    }
}
