//! Which trunk speaks from an address, or bears a name.

use crate::{GatewayRef, Runs};
use base::{ListenId, TrunkId};
use config::{Config, IpNet};
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

/// Who else speaks for a trunk than its gateways: networks, and who bears a name.
#[derive(Default)]
pub struct Networks {
    /// Networks from which requests may come, beside the gateways' own addresses.
    networks: Vec<(ListenId, IpNet, TrunkId)>,
    /// Names in the certificates of peers.
    names: Vec<(ListenId, String, TrunkId)>,
}

impl Networks {
    /// Gathers the `sources` and `peer_names` of all trunks.
    #[must_use]
    pub fn gather(config: &Config) -> Networks {
        let mut all = Networks::default();
        for (id, trunk) in (0..).map(TrunkId).zip(&config.trunks) {
            all.networks.extend(trunk.sources.iter().map(|net| (trunk.listen, *net, id)));
            all.names.extend(trunk.tls.peer_names.iter().map(|name| (trunk.listen, name.clone(), id)));
        }
        all
    }

    /// The trunks whose networks hold an address.
    pub fn all(&self, listen: ListenId, address: IpAddr) -> impl Iterator<Item = TrunkId> {
        let fits = move |(at, net, _): &&(ListenId, IpNet, TrunkId)| *at == listen && net.contains(&address);
        self.networks.iter().filter(fits).map(|(.., trunk)| *trunk)
    }

    /// The trunk that a network of its `sources` gives a request to; the narrowest network wins.
    #[must_use]
    pub fn narrowest(&self, listen: ListenId, address: IpAddr) -> Option<TrunkId> {
        let fits = self.networks.iter().filter(|(at, net, _)| *at == listen && net.contains(&address));
        fits.max_by_key(|(_, net, _)| net.prefix_len()).map(|(.., trunk)| *trunk)
    }

    /// The trunk whose `peer_names` hold one of the names in a verified client certificate.
    #[must_use]
    pub fn named(&self, listen: ListenId, verified: &[String]) -> Option<TrunkId> {
        let bears = |name: &str| verified.iter().any(|v| v.eq_ignore_ascii_case(name));
        self.names.iter().find(|(at, name, _)| *at == listen && bears(name)).map(|(.., trunk)| *trunk)
    }
}
