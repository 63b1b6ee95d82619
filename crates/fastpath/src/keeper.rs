//! What changes in the network under open lanes: routes, devices, neighbours. A thread listens to the kernel's news; each
//! piece that may concern a lane begins a new generation, and lanes of an older one are looked at again.

use crate::hops::{self, Hop};
use crate::netlink::{self, Netlink};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long the thread waits for news before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_secs(1);
/// How often the kernel is told that next hops are in use.
const KEEP: Duration = Duration::from_secs(10);
/// Next hops that are remembered; beyond, all are asked for anew: limit `fast_path_hops`.
const HOPS_MAX: usize = 4096;

/// See the module text.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    generation: AtomicU64,
    hops: Mutex<Hops>,
}

#[derive(Debug, Default)]
struct Hops {
    /// By our address and the peer's; in which generation it was found.
    found: HashMap<(IpAddr, IpAddr), (u64, Hop)>,
    /// How many lanes use a next hop on a device.
    used: HashMap<(u32, IpAddr), (usize, Hop)>,
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
    pub(crate) fn find(&self, from: IpAddr, to: IpAddr) -> Option<Hop> {
        let now = self.generation();
        if let Some((_, hop)) = self.hops().found.get(&(from, to)).filter(|(then, _)| *then == now) {
            return Some(*hop);
        }
        let hop = hops::find(from, to).ok().flatten()?;
        let mut hops = self.hops();
        if hops.found.len() >= HOPS_MAX {
            hops.found.clear();
        }
        hops.found.insert((from, to), (now, hop));
        Some(hop)
    }

    /// A lane uses a hop from now on.
    pub(crate) fn hold(&self, hop: &Hop) {
        self.hops().used.entry((hop.device, hop.next)).or_insert((0, *hop)).0 += 1;
    }

    /// A lane uses it no more.
    pub(crate) fn release(&self, hop: &Hop) {
        let mut hops = self.hops();
        if let Some((count, _)) = hops.used.get_mut(&(hop.device, hop.next)) {
            *count -= 1;
            if *count == 0 {
                hops.used.remove(&(hop.device, hop.next));
            }
        }
    }

    /// Whether a piece of news may concern a lane.
    fn concerns(&self, kind: u16, body: &[u8]) -> bool {
        if !netlink::is_of_neighbour(kind) {
            return true;
        }
        let Some((device, next, mac)) = hops::told(body) else { return false };
        let gone = kind != netlink::NEW_NEIGHBOUR;
        let hops = self.hops();
        let known = hops.used.get(&(device, next)).map(|(_, hop)| hop.to);
        known.is_some_and(|known| gone || mac != Some(known))
    }

    fn keep_known(&self) {
        let used: Vec<Hop> = self.hops().used.values().map(|(_, hop)| *hop).collect();
        let Ok(link) = Netlink::new(libc::NETLINK_ROUTE) else { return };
        for hop in used {
            // What cannot be asked for will be told by the news.
            let _ = hops::keep_known(&link, &hop);
        }
    }
}

fn listen(news: &Netlink, keeper: &Weak<Keeper>) {
    let mut kept = Instant::now();
    loop {
        let heard = news.hear();
        let Some(keeper) = keeper.upgrade() else { return };
        match heard {
            Ok(messages) if messages.iter().any(|(kind, body)| keeper.concerns(*kind, body)) => {
                keeper.renew()
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // News were lost (ENOBUFS): anything may have changed.
            Err(_) => keeper.renew(),
        }
        if kept.elapsed() >= KEEP {
            kept = Instant::now();
            keeper.keep_known();
        }
    }
}
