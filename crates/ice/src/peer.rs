//! What is known of one peer of an agent: one branch of a forked call, or one generation of its credentials.

use crate::COMPONENTS;
use base::Time;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::time::Duration;

/// Candidates of a peer that are remembered, for their priorities; more are left out: limit `ice_priorities`.
pub const CANDIDATES_MAX: usize = 16;
/// While a nomination is younger than this, one of a lesser priority does not replace it: a peer that nominates
/// with every check wants the best of them (RFC 8445 §8.1.1, RFC 5245 §8.1.1.2). One that nominates
/// again later has moved.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// Addresses that good checks came from that are remembered for each component; a further one takes the place of the one
/// proved first: limit `ice_proved`.
const PROVED_MAX: usize = 8;

/// Component, address and priority of a peer's candidates.
pub type Candidates = SmallVec<[(u8, SocketAddr, u32); 4]>;

/// What a peer said of itself in its session description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerDescription {
    /// Its user name fragment.
    pub ufrag: Box<str>,
    /// Its candidates, at most [`CANDIDATES_MAX`] of which count.
    pub candidates: Candidates,
}

/// The pair that was nominated for a component; ours is always the same.
#[derive(Clone, Copy, Debug)]
struct Nominated {
    source: SocketAddr,
    priority: u32,
    at: Time,
}

/// See the module text.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) ufrag: SmallVec<[u8; 16]>,
    candidates: Candidates,
    nominated: [Option<Nominated>; COMPONENTS],
    proved: [SmallVec<[SocketAddr; 2]>; COMPONENTS],
    /// How often the agent had restarted when it was first heard of.
    pub(crate) generation: u32,
    /// When it last proved to be there; until then, when it was first heard of.
    pub(crate) heard: Time,
}

impl Peer {
    pub(crate) fn new(ufrag: &[u8], generation: u32, now: Time) -> Peer {
        let nominated = [None; COMPONENTS];
        Peer {
            ufrag: SmallVec::from_slice(ufrag),
            candidates: Candidates::new(),
            nominated,
            proved: Default::default(),
            generation,
            heard: now,
        }
    }

    pub(crate) fn describe(&mut self, candidates: &Candidates) {
        self.candidates = candidates.iter().take(CANDIDATES_MAX).copied().collect();
    }

    pub(crate) fn selected(&self, component: usize) -> Option<SocketAddr> {
        self.nominated.get(component).copied().flatten().map(|n| n.source)
    }

    /// A good check has come from `source`.
    pub(crate) fn prove(&mut self, component: usize, source: SocketAddr) {
        let Some(proved) = self.proved.get_mut(component).filter(|p| !p.contains(&source)) else { return };
        if proved.len() >= PROVED_MAX {
            proved.remove(0);
        }
        proved.push(source);
    }

    /// Whether a good check has come from anywhere.
    pub(crate) fn has_proved(&self) -> bool {
        self.proved.iter().any(|proved| !proved.is_empty())
    }

    pub(crate) fn is_proved(&self, component: usize, source: SocketAddr) -> bool {
        self.proved.get(component).is_some_and(|proved| proved.contains(&source))
    }

    /// A check that nominates has come; whether that changed the selected address.
    pub(crate) fn nominate(&mut self, now: Time, component: usize, source: SocketAddr, claimed: u32) -> bool {
        let known = |c: &&(u8, SocketAddr, u32)| usize::from(c.0) == component + 1 && is_same(c.1, source);
        let priority = self.candidates.iter().find(known).map_or(claimed, |c| c.2);
        let Some(slot) = self.nominated.get_mut(component) else { return false };
        let new = Nominated { source, priority, at: now };
        match slot {
            Some(old) if old.source == source => {
                *slot = Some(new);
                false
            }
            Some(old) if priority <= old.priority && now.since(old.at) < SETTLED_AFTER => false,
            _ => {
                *slot = Some(new);
                true
            }
        }
    }
}

fn is_same(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}
