//! What users have registered is given to who keeps it, and taken back from an earlier process.

use crate::switchboard::Switchboard;
use base::{Time, Transport};
use peers::{GatewayRef, KeptBinding};
use sip_core::Flow;

impl Switchboard {
    /// The bindings that a later process can use.
    #[must_use]
    pub fn kept_bindings(&self) -> Vec<KeptBinding> {
        let named = |at| {
            let run = self.runs.gateway(at);
            (self.runs.trunk(run.trunk).name.to_string(), run.name.to_string())
        };
        self.runs.bindings.kept(self.clock, named)
    }

    /// Takes over bindings that an earlier process kept: those of users of this configuration that have not run
    /// out, and of users who have not registered since.
    pub(crate) fn restore_bindings(&mut self, now: Time, kept: Vec<KeptBinding>) {
        let mut restored = Vec::new();
        for one in kept {
            let Some((at, flow)) = self.place_of(&one) else { continue };
            if !self.runs.bindings.of(at).is_empty() && !restored.contains(&at) {
                continue;
            }
            let Some(binding) = one.revive(flow, now, self.clock) else { continue };
            self.runs.bindings.with(at, |aor| aor.restore(binding));
            self.runs.gateway_mut(at).registered = true;
            restored.push(at);
        }
        restored.dedup();
        self.bindings_changed(now, &restored);
    }

    fn place_of(&self, one: &KeptBinding) -> Option<(GatewayRef, Flow)> {
        let config = &self.epoch.snapshot.config;
        let id = config.trunk_named(&one.trunk)?;
        let trunk = self.epoch.trunk(id);
        let own = trunk.gateways.iter().find(|at| {
            config.gateway(**at).is_some_and(|gateway| gateway.user.is_some() && gateway.text == one.user)
        })?;
        let (listen, transport) = (trunk.listen, Transport::Udp);
        let flow = Flow { listen, transport, remote: one.remote, conn: None, trunk: Some(id) };
        Some((self.epoch.gateway_run(*own), flow))
    }
}
