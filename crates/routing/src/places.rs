//! Which place an address is at: by the networks of the sites, the longest prefix of all; a trunk's own
//! site for addresses in none of them (R69).

use crate::table::Table;
use base::TrunkId;
use config::{Config, Networks, Trunk};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The sites, and what is known of where trunks and addresses are.
pub(crate) struct Sites {
    names: Vec<Arc<str>>,
    /// Of each trunk: its own, else where all its gateways are that are written as addresses.
    trunks: Vec<Option<usize>>,
    /// Whether a trunk's users may be anywhere.
    roaming: Vec<bool>,
    networks: Networks,
    nowhere: Arc<str>,
}

impl Sites {
    pub(crate) fn compile(config: &Config) -> Sites {
        let mut names: Vec<Arc<str>> = config.sites.iter().map(|site| site.name.as_str().into()).collect();
        // The node's own site may have no table.
        let own = config.node.site.as_deref().filter(|own| names.iter().all(|known| **known != **own));
        names.extend(own.map(Arc::from));
        let places: BTreeMap<&str, usize> =
            names.iter().enumerate().map(|(at, name)| (&**name, at)).collect();
        let mut trunks: Vec<Option<usize>> =
            config.trunks.iter().map(|trunk| places.get(trunk.site.as_deref()?).copied()).collect();
        let networks = Networks::of(&config.sites);
        for (trunk, site) in config.trunks.iter().zip(&mut trunks).filter(|(_, site)| site.is_none()) {
            *site = networks.common(trunk, &config.gateways);
        }
        let roams = |trunk: &Trunk| trunk.users.registrar.is_some() && !networks.is_empty();
        let roaming = config.trunks.iter().map(roams).collect();
        Sites { names, trunks, roaming, networks, nowhere: "".into() }
    }

    /// Whether only the address of a user of the trunk says where that user is.
    pub(crate) fn varies(&self, trunk: TrunkId) -> bool {
        self.roaming.get(trunk.index()).copied().unwrap_or_default()
    }

    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Whether addresses say where callers are.
    pub(crate) fn knows_networks(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Where an address of a trunk is; without an address where the trunk is.
    pub(crate) fn of(&self, trunk: usize, address: Option<IpAddr>) -> Option<usize> {
        let found = address.and_then(|address| self.networks.holding(address));
        found.or_else(|| self.trunks.get(trunk).copied().flatten())
    }
}

impl Table {
    /// The site of a trunk's peer at an address; empty for none.
    #[must_use]
    pub fn site_of(&self, trunk: TrunkId, address: IpAddr) -> Arc<str> {
        let sites = &self.scopes.places;
        let found = sites.of(trunk.index(), Some(address)).and_then(|at| sites.names.get(at));
        found.unwrap_or(&sites.nowhere).clone()
    }

    /// Whether two trunks are no legs of one call, because one of them is kept to its site (R69): what is
    /// at `from` on the one and at `to` on the other. Without an address a trunk's own site counts.
    #[must_use]
    pub fn are_apart(
        &self,
        (one, from): (TrunkId, Option<IpAddr>),
        (other, to): (TrunkId, Option<IpAddr>),
    ) -> bool {
        let kept = |id: TrunkId| self.trunks.get(id.index()).is_some_and(|trunk| trunk.site_only);
        if !kept(one) && !kept(other) {
            return false;
        }
        let sites = &self.scopes.places;
        let here = sites.of(one.index(), from);
        here.is_none() || here != sites.of(other.index(), to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_of_all_sites_says_where_an_address_is() {
        let text = r#"
version = 1
[site.berlin]
subnets = ["10.10.0.0/16", "2001:db8:10::/48"]
[site.lab]
subnets = ["10.10.7.0/24", "10.10.7.9/32"]
[listen.a]
address = "192.0.2.1"
sip = ["udp:5060"]
rtp = "20000-20099"
[trunk.pbx]
kind = "direct"
listen = "a"
gateways = ["10.0.0.1"]
[trunk.home]
kind = "direct"
listen = "a"
site = "berlin"
gateways = ["10.0.0.2"]
"#;
        let loaded = config::parse(text, "t", config::Format::Toml).unwrap_or_else(|e| panic!("{e}"));
        let table = Table::compile(&loaded.config);
        let at = |trunk, address: &str| table.site_of(TrunkId(trunk), address.parse().unwrap()).to_string();
        assert_eq!(at(0, "10.10.0.1"), "berlin");
        assert_eq!(at(0, "10.10.7.1"), "lab");
        assert_eq!(at(0, "10.10.7.9"), "lab");
        assert_eq!(at(0, "::ffff:10.10.7.1"), "lab", "an IPv4 address in IPv6");
        assert_eq!(at(0, "2001:db8:10::7"), "berlin");
        assert_eq!(at(0, "10.11.0.1"), "");
        assert_eq!(at(1, "10.11.0.1"), "berlin", "the trunk's own");
        assert_eq!(at(1, "10.10.7.1"), "lab", "the address comes before the trunk");
    }
}
