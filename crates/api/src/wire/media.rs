//! The media engines at a glance: what is relayed, by whom, and why not in a better way.

use ::media::FastStatus;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The media engine.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Media {
    /// Which engine relays.
    pub engine: String,
    /// Worker threads.
    pub workers: u64,
    /// Open sessions.
    pub sessions: u64,
    /// Packets relayed since the start.
    pub packets: u64,
    /// Their UDP payload bytes.
    pub bytes: u64,
    /// Packets not relayed, by reason; reasons without any are left out.
    pub drops: BTreeMap<String, u64>,
    /// What of it the kernel does.
    #[serde(default)]
    pub fast_path: FastPath,
    /// What of it comes to the process in shared memory.
    #[serde(default)]
    pub touched_path: TouchedPath,
}

/// Settled media that must be touched and that come and leave in memory shared with the kernel (AF_XDP).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TouchedPath {
    /// Devices, and how many queues of each are served.
    pub devices: BTreeMap<String, u64>,
    /// Devices that came since the start and whose media come by UDP sockets, and why.
    #[serde(default)]
    pub without: BTreeMap<String, String>,
    /// Why there are none.
    pub reason: Option<String>,
    /// What each media worker has of it.
    #[serde(default)]
    pub workers: Vec<TouchedWorker>,
    /// Directions of streams that come so, or are watched for it.
    pub directions: u64,
    /// Packets that came.
    pub received: u64,
    /// Packets that left.
    pub sent: u64,
    /// Packets that came with wrong headers or a wrong sum.
    pub unsound: u64,
    /// Packets that found no room on their way in.
    pub lost: u64,
    /// Packets that found no room on their way out.
    pub full: u64,
}

/// What one media worker has of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TouchedWorker {
    /// In the order in which workers came.
    pub worker: u64,
    /// Where it has sockets.
    pub queues: Vec<TouchedQueue>,
    /// Why it has none: what it touches comes by UDP sockets.
    pub reason: Option<String>,
}

/// A worker's socket at a queue of a device.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TouchedQueue {
    /// The device.
    pub device: String,
    /// The number of its queue.
    pub queue: u64,
    /// `copy`: packets are copied on their way; `zero_copy`: they are not.
    pub mode: String,
    /// Packets that came there.
    pub received: u64,
    /// Packets that found no room there.
    pub lost: u64,
}

impl TouchedWorker {
    fn of(worker: &::media::TouchedWorker) -> TouchedWorker {
        let mode = |zero_copy: bool| if zero_copy { "zero_copy" } else { "copy" }.to_owned();
        let queues = worker.queues.iter().map(|at| TouchedQueue {
            device: at.device.clone(),
            queue: at.queue.into(),
            mode: mode(at.zero_copy),
            received: at.received,
            lost: at.lost,
        });
        TouchedWorker {
            worker: worker.number.into(),
            queues: queues.collect(),
            reason: worker.reason.clone(),
        }
    }
}

impl TouchedPath {
    /// What the engine says.
    pub(crate) fn of(touched: &::media::TouchedStatus) -> TouchedPath {
        TouchedPath {
            devices: touched.devices.iter().map(|(name, queues)| (name.clone(), (*queues).into())).collect(),
            without: touched.without.iter().cloned().collect(),
            reason: touched.reason.clone(),
            workers: touched.workers.iter().map(TouchedWorker::of).collect(),
            directions: touched.lanes,
            received: touched.received,
            sent: touched.sent,
            unsound: touched.unsound,
            lost: touched.lost,
            full: touched.full,
        }
    }
}

/// Settled media that are relayed in the kernel.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FastPath {
    /// Devices that it works on, and by which hook: `xdp` or `tcx`.
    pub devices: BTreeMap<String, String>,
    /// Why it works on none.
    pub reason: Option<String>,
    /// Directions of streams that are relayed or watched now.
    pub directions: u64,
    /// How many there may be.
    pub directions_max: u64,
    /// Directions that were not taken although they were settled, for none was free.
    pub refused: u64,
    /// Packets that it has relayed since the start; they are counted among all.
    pub packets: u64,
}

/// Who relays settled plain media that arrive at an interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Relayed {
    /// `xdp`, `tcx`, or `sockets`.
    pub by: String,
    /// The device that the kernel's program stands on.
    pub device: Option<String>,
    /// Why by `tcx` and not by `xdp`, or why by sockets.
    pub reason: Option<String>,
}

impl Relayed {
    /// What the engine says of an address at which media arrive.
    pub(crate) fn at(address: IpAddr, fast: &FastStatus) -> Relayed {
        let place = fast.places.iter().find(|(place, _)| *place == address);
        let (device, reason) = match place {
            Some((_, Ok(device))) => (Some(device.clone()), fast.lesser.clone()),
            Some((_, Err(reason))) => (None, Some(reason.clone())),
            None => (None, fast.reason.clone()),
        };
        let hook = fast.hook_at(address).unwrap_or(::media::fast::SOCKETS);
        Relayed { by: hook.to_owned(), device, reason }
    }
}
