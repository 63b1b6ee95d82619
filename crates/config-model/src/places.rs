//! Where addresses and trunks are: by the networks of the sites, the longest prefix of all; a trunk's own site for
//! addresses in none of them, and where all its gateways are for a trunk without one (R69).

use super::{Gateway, Host, Site, Trunk};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The networks of all sites; of each prefix length those of it, sorted, with the places of their sites. The longest
/// length is the first.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<(u8, Vec<(IpNet, usize)>)>);

impl Networks {
    /// Gathers them.
    #[must_use]
    pub fn of(sites: &[Site]) -> Networks {
        let mut all: Vec<(IpNet, usize)> = Vec::new();
        for (at, site) in sites.iter().enumerate() {
            all.extend(site.subnets.iter().map(|net| (net.trunc(), at)));
        }
        all.sort_by_key(|&(net, _)| (std::cmp::Reverse(net.prefix_len()), net));
        let same = |a: &(IpNet, usize), b: &(IpNet, usize)| a.0.prefix_len() == b.0.prefix_len();
        let each = all.chunk_by(same).map(|of| (of.first().map_or(0, |n| n.0.prefix_len()), of.to_vec()));
        Networks(each.collect())
    }

    /// Whether no site has any: then addresses say nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The site with the narrowest network that holds an address.
    #[must_use]
    pub fn holding(&self, address: IpAddr) -> Option<usize> {
        let address = address.to_canonical();
        self.0.iter().find_map(|(length, networks)| {
            let net = IpNet::new(address, *length).ok()?.trunc();
            let at = networks.binary_search_by_key(&net, |(known, _)| *known).ok()?;
            networks.get(at).map(|(_, site)| *site)
        })
    }

    /// The one site where all gateways of a trunk are, when they are written as addresses.
    #[must_use]
    pub fn common(&self, trunk: &Trunk, gateways: &[Gateway]) -> Option<usize> {
        let mut sites = written(trunk, gateways).map(|gateway| match gateway.host {
            Host::Ip(address) => self.holding(address),
            Host::Name(_) => None,
        });
        let first = sites.next().flatten()?;
        sites.all(|site| site == Some(first)).then_some(first)
    }

    /// Where a trunk is: the site that it names, else that of its gateways.
    #[must_use]
    pub fn home(&self, trunk: &Trunk, (sites, gateways): (&[Site], &[Gateway])) -> Option<usize> {
        match trunk.site.as_deref() {
            Some(name) => sites.iter().position(|site| site.name == name),
            None => self.common(trunk, gateways),
        }
    }

    /// Where a trunk's media are: where the address is that stands for them, else where the trunk is (R52).
    #[must_use]
    pub fn of_media(&self, trunk: &Trunk, all: (&[Site], &[Gateway])) -> Option<usize> {
        match trunk.media_address {
            Some(address) => self.holding(address),
            None => self.home(trunk, all),
        }
    }

    /// The ids that a trunk's media go by where those of two trunks have to match: its own, else the name of the site that
    /// they are at.
    pub fn ids<'a>(
        &self,
        trunk: &'a Trunk,
        (sites, gateways): (&'a [Site], &[Gateway]),
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let named = trunk.site.as_deref().filter(|_| trunk.media_address.is_none());
        let site =
            named.or_else(|| sites.get(self.of_media(trunk, (sites, gateways))?).map(|site| &*site.name));
        trunk.bypass.iter().map(String::as_str).chain(site.filter(|_| trunk.bypass.is_empty()))
    }

    /// Everywhere that a peer of the trunk may be, as far as a configuration can tell; `None` among them: at no site.
    #[must_use]
    pub fn around(&self, trunk: &Trunk, all: (&[Site], &[Gateway])) -> BTreeSet<Option<usize>> {
        let home = self.home(trunk, all);
        let by_name = |gateway: &Gateway| matches!(gateway.host, Host::Name(_));
        let roams = trunk.users.registrar.is_some()
            || !trunk.users.all.is_empty()
            || !trunk.tls.peer_names.is_empty()
            || written(trunk, all.1).any(by_name);
        if self.is_empty() {
            return BTreeSet::from([home]);
        }
        let meets = |net: &IpNet| {
            let wide = trunk.sources.iter();
            wide.map(IpNet::trunc).any(|source| source.contains(net) || net.contains(&source))
        };
        let networks = self.0.iter().flat_map(|(_, networks)| networks);
        let mut places: BTreeSet<Option<usize>> =
            networks.filter(|(net, _)| roams || meets(net)).map(|(_, site)| Some(*site)).collect();
        let settled = written(trunk, all.1).filter_map(|gateway| match gateway.host {
            Host::Ip(address) => Some(self.holding(address).or(home)),
            Host::Name(_) => None,
        });
        places.extend(settled);
        if roams || !trunk.sources.is_empty() {
            places.insert(home);
        }
        places
    }
}

/// The gateways of a trunk but for users that register.
fn written<'a>(trunk: &'a Trunk, gateways: &'a [Gateway]) -> impl Iterator<Item = &'a Gateway> {
    trunk.gateways.iter().filter_map(|id| gateways.get(id.index())).filter(|gateway| gateway.user.is_none())
}
