//! Whose media go between the peers, and whose through this node (R50, R52).
//!
//! One judgement for live calls, transfers and `route test`: [`Table::media_path`]. A call's media leave the node only
//! where both of its trunks let them go; `media.bypass` says how far that holds.

use crate::table::Table;
use base::TrunkId;
use config::{Bypass, Config, MediaMode, Networks, Recorder};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The way of a call's media, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MediaPath<'t> {
    /// Through this node: one of the trunks anchors.
    Anchored,
    /// Through this node: `media.bypass` is off.
    Off,
    /// Through this node: the trunks share no id.
    Apart,
    /// Through this node: the call is recorded.
    Recorded,
    /// Through this node: one peer speaks IPv4 and the other IPv6, so that neither reaches the other.
    Families,
    /// Between the peers: all that may.
    Always,
    /// Between the peers: it leaves by the trunk that it came by.
    Same,
    /// Between the peers: the trunks share this id.
    Shared(&'t str),
}

impl MediaPath<'_> {
    /// Whether the node sees no media.
    #[must_use]
    pub fn is_direct(self) -> bool {
        matches!(self, MediaPath::Always | MediaPath::Same | MediaPath::Shared(_))
    }
}

impl fmt::Display for MediaPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MediaPath::Anchored => f.write_str("media through this node"),
            MediaPath::Off => f.write_str("media through this node: bypass is off"),
            MediaPath::Recorded => f.write_str("media through this node: recorded"),
            MediaPath::Apart => f.write_str("media through this node: no common bypass id"),
            MediaPath::Families => f.write_str("media through this node: IPv4 and IPv6"),
            MediaPath::Always => f.write_str("media between the peers"),
            MediaPath::Same => f.write_str("media between the peers: it leaves as it came"),
            MediaPath::Shared(id) => write!(f, "media between the peers: bypass id {id}"),
        }
    }
}

/// What is known of trunks' media.
#[derive(Default)]
pub(crate) struct Paths {
    mode: Option<Bypass>,
    ids: Vec<Arc<str>>,
    /// Of each trunk: the places of its ids; `None` where it anchors.
    trunks: Vec<Option<SmallVec<[u16; 2]>>>,
    /// Of each trunk: who records its calls.
    records: Vec<Option<Recorder>>,
    /// Of each trunk: whether its interface speaks IPv6.
    six: Vec<bool>,
}

impl Paths {
    pub(crate) fn compile(config: &Config) -> Paths {
        let mut paths = Paths { mode: Some(config.media.bypass), ..Paths::default() };
        let mut known = BTreeMap::new();
        let (networks, all) = (Networks::of(&config.sites), (&*config.sites, &*config.gateways));
        for trunk in &config.trunks {
            let direct = trunk.policy.media == MediaMode::Direct;
            let ids =
                direct.then(|| networks.ids(trunk, all).map(|id| paths.place(id, &mut known)).collect());
            paths.trunks.push(ids);
            paths.records.push(trunk.record);
            paths.six.push(config.listen(trunk.listen).is_some_and(|listen| listen.address.is_ipv6()));
        }
        paths
    }

    fn place<'c>(&mut self, id: &'c str, known: &mut BTreeMap<&'c str, u16>) -> u16 {
        *known.entry(id).or_insert_with(|| {
            self.ids.push(id.into());
            u16::try_from(self.ids.len() - 1).unwrap_or(u16::MAX)
        })
    }

    /// Whether two trunks speak different versions of IP.
    fn differ(&self, one: TrunkId, other: TrunkId) -> bool {
        self.six.get(one.index()) != self.six.get(other.index())
    }

    fn of(&self, trunk: TrunkId) -> Option<&[u16]> {
        self.trunks.get(trunk.index())?.as_deref()
    }
}

impl Table {
    /// Who records a call between two trunks, that of its caller first, and by a route that may say so itself.
    #[must_use]
    pub fn recorder(&self, one: TrunkId, other: TrunkId, route: Option<Recorder>) -> Option<TrunkId> {
        let of = |trunk: TrunkId| self.paths.records.get(trunk.index()).copied().flatten();
        route.or_else(|| of(one)).or_else(|| of(other)).and_then(Recorder::by)
    }

    /// Whether media of a trunk's calls always go through this node.
    pub(crate) fn anchors(&self, trunk: TrunkId) -> bool {
        self.paths.of(trunk).is_none()
    }

    /// The way of the media between two trunks, of a call by a route that may say who records it.
    #[must_use]
    pub fn media_path(&self, one: TrunkId, other: TrunkId, route: Option<Recorder>) -> MediaPath<'_> {
        let (Some(ours), Some(theirs)) = (self.paths.of(one), self.paths.of(other)) else {
            return MediaPath::Anchored;
        };
        if self.paths.mode != Some(Bypass::Off) && self.recorder(one, other, route).is_some() {
            return MediaPath::Recorded;
        }
        let shared = || ours.iter().find(|id| theirs.contains(id));
        match self.paths.mode {
            None | Some(Bypass::Off) => MediaPath::Off,
            Some(_) if self.paths.differ(one, other) => MediaPath::Families,
            Some(Bypass::Always) => MediaPath::Always,
            Some(Bypass::Match) if one == other => MediaPath::Same,
            Some(Bypass::Match) => match shared().and_then(|id| self.paths.ids.get(usize::from(*id))) {
                Some(id) => MediaPath::Shared(id),
                None => MediaPath::Apart,
            },
        }
    }
}
