//! Which sites' WAN links the media of a call cross, and how often; whether they have room left (R88–R90).
//!
//! Media go from place to place: between the peers where they bypass this node, else from each peer to the node. What
//! goes from one place to another one crosses the links of both; what stays in a place crosses none. Who is at no site
//! is outside, where no link counts.

use crate::bypass::MediaPath;
use crate::decision::{SkipReason, Told};
use crate::facts::State;
use crate::table::Table;
use base::TrunkId;
use config::{Config, Host, Networks, Recorder};
use smallvec::SmallVec;
use std::net::IpAddr;

/// A peer of a call: its trunk, and its address where that is known.
pub type Peer = (TrunkId, Option<IpAddr>);

/// How often something crosses the links of sites, which stand as in the configuration; no site twice.
pub type Crossing = SmallVec<[(u16, u32); 4]>;

type Place = Option<usize>;

/// What is known of links, and of where media are.
#[derive(Default)]
pub(crate) struct Links {
    /// Of each site: how many calls its link takes.
    max: Vec<Option<u32>>,
    /// Whether any link has a limit.
    limited: bool,
    /// Where this node is.
    node: Place,
    /// Of each trunk with an address that stands for its media: where that is.
    media: Vec<Option<Place>>,
    /// Of each trunk: the addresses of its gateways, as far as they are written.
    gates: Vec<SmallVec<[Option<IpAddr>; 1]>>,
}

/// A link without room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FullLink {
    /// The place of its site in the configuration.
    pub site: u16,
    /// Calls that cross it.
    pub calls: u32,
    /// How many may.
    pub max: u32,
}

impl Links {
    /// `names`: of the sites, and behind them that of the node's own where it has no table.
    pub(crate) fn compile(config: &Config, names: &[std::sync::Arc<str>]) -> Links {
        let networks = Networks::of(&config.sites);
        let max: Vec<Option<u32>> = config.sites.iter().map(|site| site.wan_calls_max).collect();
        let address = |at: &base::GatewayId| match config.gateway(*at)?.host {
            Host::Ip(address) => Some(address),
            Host::Name(_) => None,
        };
        Links {
            limited: max.iter().any(Option::is_some),
            max,
            node: config.node.site.as_deref().and_then(|own| names.iter().position(|name| **name == *own)),
            media: config.trunks.iter().map(|t| t.media_address.map(|at| networks.holding(at))).collect(),
            gates: config.trunks.iter().map(|t| t.gateways.iter().map(address).collect()).collect(),
        }
    }

    fn span(&self, one: Place, other: Place, all: &mut Crossing) {
        if one == other {
            return;
        }
        for site in [one, other].into_iter().flatten().filter(|site| *site < self.max.len()) {
            let Ok(site) = u16::try_from(site) else { continue };
            match all.iter_mut().find(|(known, _)| *known == site) {
                Some((_, times)) => *times += 1,
                None => all.push((site, 1)),
            }
        }
    }
}

impl Table {
    /// Whether there are sites, so that calls may cross their links.
    #[must_use]
    pub fn has_links(&self) -> bool {
        !self.links.max.is_empty()
    }

    /// Whether the link of a site has a limit.
    #[must_use]
    pub fn is_limited(&self, site: u16) -> bool {
        self.links.max.get(usize::from(site)).is_some_and(Option::is_some)
    }

    fn media_at(&self, (trunk, address): Peer) -> Place {
        let fixed = self.links.media.get(trunk.index()).copied().flatten();
        fixed.unwrap_or_else(|| self.scopes.places.of(trunk.index(), address))
    }

    /// The links that the media between two peers cross; `direct`: without this node.
    #[must_use]
    pub fn crossing(&self, one: Peer, other: Peer, direct: bool) -> Crossing {
        let mut all = Crossing::new();
        let (here, there) = (self.media_at(one), self.media_at(other));
        if direct {
            self.links.span(here, there, &mut all);
        } else {
            self.links.span(here, self.links.node, &mut all);
            self.links.span(self.links.node, there, &mut all);
        }
        all
    }

    /// The link that leaves a trunk no call of a peer: of all of its gateways the first that is in the way. `None` as
    /// well where only the address of who is called says where that is.
    pub(crate) fn full_link(
        &self,
        from: Peer,
        to: TrunkId,
        route: Option<Recorder>,
        state: &dyn State,
    ) -> Option<FullLink> {
        if !self.links.limited || self.scopes.places.varies(to) {
            return None;
        }
        let direct = self.media_path(from.0, to, route).is_direct();
        let full = |address: &Option<IpAddr>| {
            let crossing = self.crossing(from, (to, *address), direct);
            crossing.into_iter().find_map(|(site, times)| {
                let max = self.links.max.get(usize::from(site)).copied().flatten()?;
                let calls = state.link(site);
                (calls.saturating_add(times) > max).then_some(FullLink { site, calls, max })
            })
        };
        let gates = self.links.gates.get(to.index())?;
        let first = full(gates.first().unwrap_or(&None))?;
        gates.iter().all(|gate| full(gate).is_some()).then_some(first)
    }

    /// What keeps the media of a call to a trunk on a link that they would not cross if they went between the peers; empty
    /// where nothing does.
    pub(crate) fn detour(&self, from: Peer, to: TrunkId, site: u16, route: Option<Recorder>) -> String {
        let gate = self.links.gates.get(to.index()).and_then(|gates| gates.first().copied().flatten());
        let path = self.media_path(from.0, to, route);
        let straight = self.crossing(from, (to, gate), true);
        if path.is_direct() || straight.iter().any(|(crossed, _)| *crossed == site) {
            return String::new();
        }
        let direct = "`media = \"direct\"` at";
        let missing = match path {
            MediaPath::Families => return "; IPv4 and IPv6 never pass each other by".to_owned(),
            MediaPath::Recorded => return "; its media stay here to be recorded".to_owned(),
            MediaPath::Off => "`bypass = \"match\"`".to_owned(),
            MediaPath::Apart => "a common `bypass` id of the two trunks".to_owned(),
            _ if from.0 == to => format!("{direct} {}", self.trunk_name(to)),
            _ => {
                let anchored = [from.0, to].into_iter().filter(|trunk| self.anchors(*trunk));
                let names: Vec<&str> = anchored.map(|trunk| self.trunk_name(trunk)).collect();
                format!("{direct} {}", names.join(" and "))
            }
        };
        format!("; between the peers they would not cross it, for which {missing} is missing")
    }

    /// A reason with what names it holds.
    #[must_use]
    pub fn told(&self, why: SkipReason) -> Told<'_> {
        Told(why, if let SkipReason::LinkFull(full) = why { self.site_name(full.site) } else { "" })
    }

    /// The name of a site by its place; `?` for one of another configuration.
    pub(crate) fn site_name(&self, site: u16) -> &str {
        self.scopes.places.names().get(usize::from(site)).map_or("?", |name| name)
    }
}
