//! What changes in the network under open lanes: routes, devices, neighbours. A thread listens to the kernel's news; each
//! piece that may concern a lane begins a new generation, and lanes of an older one are looked at again.

use crate::ground::Ground;
use crate::hops::{self, Hop};
use crate::netlink::{self, Netlink};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long the thread waits for news before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_secs(1);
/// How often the kernel is told that next hops are in use.
const KEEP: Duration = Duration::from_secs(10);
/// Next hops that are remembered; beyond, all are asked for anew: limit `fast_path_hops`.
const HOPS_MAX: usize = 4096;
/// How often a next hop is asked for while news of neighbours come in.
const ASKS_MAX: usize = 4;

/// See the module text.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    generation: AtomicU64,
    hops: Mutex<Hops>,
    /// Where the program stands, which is looked at again when devices change.
    ground: OnceLock<Weak<Ground>>,
}

/// A next hop, and the generation in which it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) generation: u64,
    pub(crate) hop: Hop,
}

/// A next hop as lanes have it: its device, whom it is, its hardware address.
type Used = (u32, IpAddr, [u8; 6]);

#[derive(Debug, Default)]
struct Hops {
    /// By our address and the peer's.
    found: HashMap<(IpAddr, IpAddr), Found>,
    /// How many lanes use each.
    used: BTreeMap<Used, usize>,
    /// News of neighbours so far.
    heard: u64,
}

impl Keeper {
    /// Starts the thread, which ends some time after the keeper is dropped.
    pub(crate) fn start() -> io::Result<Arc<Keeper>> {
        let keeper = Arc::new(Keeper::default());
        let news = Netlink::news(LOOK)?;
        let weak = Arc::downgrade(&keeper);
        std::thread::Builder::new().name("next-hops".into()).spawn(move || listen(&news, &weak))?;
        Ok(keeper)
    }

    /// Has the ground looked at again when devices change.
    pub(crate) fn mind(&self, ground: &Arc<Ground>) {
        // It is said once.
        let _ = self.ground.set(Arc::downgrade(ground));
        ground.review();
    }

    fn review(&self) {
        if let Some(ground) = self.ground.get().and_then(Weak::upgrade) {
            ground.review();
        }
    }

    fn hops(&self) -> MutexGuard<'_, Hops> {
        self.hops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present generation.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn renew(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// The next hop from one of our addresses to a peer.
    pub(crate) fn find(&self, from: IpAddr, to: IpAddr) -> Option<Found> {
        for _ in 0..ASKS_MAX {
            let generation = self.generation();
            let heard = {
                let hops = self.hops();
                if let Some(found) = hops.found.get(&(from, to)).filter(|had| had.generation == generation) {
                    return Some(*found);
                }
                hops.heard
            };
            let found = Found { generation, hop: hops::find(from, to).ok().flatten()? };
            let mut hops = self.hops();
            // What was told meanwhile may be of this one, and is told once.
            if hops.heard == heard {
                if hops.found.len() >= HOPS_MAX {
                    hops.found.clear();
                }
                hops.found.insert((from, to), found);
                return Some(found);
            }
        }
        None
    }

    /// A lane uses a hop from now on.
    pub(crate) fn hold(&self, hop: &Hop) {
        *self.hops().used.entry((hop.device, hop.next, hop.to)).or_default() += 1;
    }

    /// A lane uses it no more.
    pub(crate) fn release(&self, hop: &Hop) {
        let mut hops = self.hops();
        let of = (hop.device, hop.next, hop.to);
        if let Some(count) = hops.used.get_mut(&of) {
            *count -= 1;
            if *count == 0 {
                hops.used.remove(&of);
            }
        }
    }

    /// Whether a hop, held by now, is as it was found: what is told of it from now on begins a new generation, what was
    /// told before has made it forgotten.
    pub(crate) fn stands(&self, from: IpAddr, to: IpAddr, hop: &Hop) -> bool {
        self.hops().found.get(&(from, to)).is_some_and(|found| found.hop == *hop)
    }

    /// Takes a piece of news; whether it may concern a lane.
    fn concerns(&self, kind: u16, body: &[u8]) -> bool {
        if !netlink::is_of_neighbour(kind) {
            return true;
        }
        let Some((device, next, mac)) = hops::told(body) else { return false };
        let mac = mac.filter(|_| kind == netlink::NEW_NEIGHBOUR);
        let mut hops = self.hops();
        hops.heard += 1;
        let is_it = |hop: &Hop| (hop.device, hop.next) == (device, next) && mac != Some(hop.to);
        hops.found.retain(|_, found| !is_it(&found.hop));
        let all = (device, next, [0; 6])..=(device, next, [0xff; 6]);
        hops.used.range(all).any(|((_, _, known), _)| mac != Some(*known))
    }

    fn keep_known(&self) {
        let used: Vec<Used> = self.hops().used.keys().copied().collect();
        let Ok(link) = Netlink::new(libc::NETLINK_ROUTE) else { return };
        for (device, next, _) in used {
            match hops::keep_known(&link, device, next) {
                // No answer: a late one would be taken for that of the next.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // What cannot be asked for will be told by the news.
                Ok(()) | Err(_) => {}
            }
        }
    }
}

fn listen(news: &Netlink, keeper: &Weak<Keeper>) {
    let mut kept = Instant::now();
    loop {
        let heard = news.hear();
        let Some(keeper) = keeper.upgrade() else { return };
        match heard {
            // Each is taken.
            Ok(messages) => {
                if messages.iter().filter(|(kind, body)| keeper.concerns(*kind, body)).count() > 0 {
                    keeper.renew();
                }
                if messages.iter().any(|(kind, _)| netlink::is_of_device(*kind)) {
                    keeper.review();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // News were lost (ENOBUFS): anything may have changed.
            Err(_) => {
                keeper.renew();
                keeper.review();
            }
        }
        if kept.elapsed() >= KEEP {
            kept = Instant::now();
            keeper.keep_known();
        }
    }
}
