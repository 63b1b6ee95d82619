//! Which trunk speaks from an address.

use crate::{GatewayRef, Runs};
use base::{ListenId, TrunkId};
use config::Config;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Which trunk an address belongs to, kept up to date as names resolve.
#[derive(Default)]
pub struct Sources {
    by_address: BTreeMap<(ListenId, IpAddr), Vec<(u16, TrunkId)>>,
}

impl Sources {
    /// Gathers the present addresses of all gateways.
    #[must_use]
    pub fn gather(config: &Config, places: &[GatewayRef], runs: &Runs) -> Sources {
        let mut sources = Sources::default();
        for (gateway, run) in config.gateways.iter().zip(places) {
            let Some(listen) = config.trunk(gateway.trunk).map(|trunk| trunk.listen) else { continue };
            for target in runs.gateway(*run).targets.iter().map(|t| t.target()) {
                let entry = sources.by_address.entry((listen, target.address.ip())).or_default();
                entry.push((target.address.port(), gateway.trunk));
            }
        }
        sources
    }

    /// Whether a trunk has a gateway at this address.
    #[must_use]
    pub fn has(&self, listen: ListenId, address: IpAddr, trunk: TrunkId) -> bool {
        self.by_address.get(&(listen, address)).is_some_and(|all| all.iter().any(|(_, t)| *t == trunk))
    }

    /// The trunk of a gateway at this address; several trunks at one address are told apart by port.
    #[must_use]
    pub fn find(&self, listen: ListenId, address: IpAddr, port: u16) -> Option<TrunkId> {
        let entry = self.by_address.get(&(listen, address))?;
        let exact = entry.iter().find(|(p, _)| *p == port);
        exact.or_else(|| entry.first()).map(|(_, trunk)| *trunk)
    }
}
