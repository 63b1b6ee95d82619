//! Packets that the process must touch, brought to it in shared memory (AF_XDP): the program hands frames of open touched
//! lanes to sockets of the worker whose session it is, one socket for each worker at each queue of each device.
//!
//! Where a frame comes to a queue that is not served it goes up to its UDP socket. What the ring or the memory has no
//! room for is lost, as what a UDP socket has no room for. Enter through [`Hall::open`].

mod guest;
mod pool;
mod ring;
mod socket;
mod worker;

pub(crate) use guest::Guest;
pub(crate) use worker::Worker;

use crate::devices::Device;
use aya::maps::{MapData, XskMap};
use media::TouchedStatus;
use pool::{Bound, Pool};
use socket::Socket;
use std::collections::VecDeque;
use std::fmt;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use worker::Port;

/// Queues of a device that are served; what arrives at others goes up to its socket: limit `touched_queues`.
const QUEUES_MAX: u32 = 16;
/// Places in the program's map of sockets: one for each queue, served or not, of each device and worker.
pub(crate) const SOCKETS_MAX: u32 = 4_096;

/// Where a lane's packets are handed over, as the program has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Hand {
    /// One more than the first place in the map of sockets; 0: nowhere.
    pub(crate) first: u32,
    /// Number of the device.
    pub(crate) device: u32,
    /// How many of its queues are served.
    pub(crate) queues: u32,
}

/// What all workers share.
pub(crate) struct Hall {
    devices: Vec<(Device, Vec<Arc<Pool>>)>,
    map: Mutex<XskMap<MapData>>,
    guests: Guests,
    counts: Counts,
    /// Of all workers.
    sockets: Mutex<Vec<Weak<Socket>>>,
    given: AtomicU32,
    /// Lanes whose packets are brought here.
    lanes: AtomicU64,
    /// Why a worker that came later has none.
    without: Mutex<Option<String>>,
}

/// The lanes whose packets are brought here. Workers keep what they know of one until its mark has changed.
#[derive(Debug)]
struct Guests {
    marks: Box<[AtomicU32]>,
    all: Mutex<Vec<Option<Guest>>>,
}

/// Counters of all workers.
#[derive(Debug, Default)]
struct Counts {
    received: AtomicU64,
    sent: AtomicU64,
    unsound: AtomicU64,
    full: AtomicU64,
}

impl fmt::Debug for Hall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hall({:?})", self.devices())
    }
}

impl Hall {
    /// Takes the queues of devices, with the sockets of so many workers (at least 1); `lanes`: how many there are.
    ///
    /// # Errors
    /// Why it cannot be had, in words for a log.
    pub(crate) fn open(
        devices: &[Device],
        map: XskMap<MapData>,
        lanes: u32,
        workers: usize,
    ) -> Result<(Arc<Hall>, VecDeque<Worker>), String> {
        let (mut opened, mut bound) = (Vec::new(), Vec::new());
        for device in devices {
            let queues = queues_of(device)?;
            let (pools, first): (Vec<Arc<Pool>>, Vec<Bound>) = queues.into_iter().unzip();
            opened.push((device.clone(), pools));
            bound.push(first);
        }
        let hall = Arc::new(Hall {
            devices: opened,
            map: Mutex::new(map),
            guests: Guests {
                marks: (0..lanes).map(|_| AtomicU32::new(0)).collect(),
                all: Mutex::new(vec![None; lanes as usize]),
            },
            counts: Counts::default(),
            sockets: Mutex::new(Vec::new()),
            given: AtomicU32::new(0),
            lanes: AtomicU64::new(0),
            without: Mutex::new(None),
        });
        let mut opened = VecDeque::from([hall.worker(bound)?]);
        for _ in 1..workers {
            opened.push_back(hall.join()?);
        }
        Ok((hall, opened))
    }

    /// One more worker, with sockets of its own.
    ///
    /// # Errors
    /// As [`Hall::open`].
    pub(crate) fn join(self: &Arc<Hall>) -> Result<Worker, String> {
        let mut bound = Vec::new();
        for (device, pools) in &self.devices {
            let joined: Result<Vec<Bound>, _> = pools.iter().map(|pool| pool.join()).collect();
            bound.push(joined.map_err(|error| format!("{}: {error}", device.name))?);
        }
        self.worker(bound)
    }

    /// A worker has no sockets, and touches packets without; status says why.
    #[cold]
    pub(crate) fn lack(&self, reason: String) {
        *lock(&self.without) = Some(format!("a worker of several: {reason}"));
    }

    /// A worker with its sockets by device and queue, to which the program hands frames from now on.
    fn worker(self: &Arc<Hall>, bound: Vec<Vec<Bound>>) -> Result<Worker, String> {
        let number = self.given.fetch_add(1, Ordering::SeqCst);
        let mut ports = Vec::new();
        for ((at, (device, pools)), sockets) in self.devices.iter().enumerate().zip(bound) {
            for ((queue, pool), bound) in (0..).zip(pools).zip(sockets) {
                let port = Port::new(device.number, Arc::clone(pool), bound);
                let place = self.place(number, at) + queue;
                let set = lock(&self.map).set(place, port.socket.fd().as_raw_fd(), 0);
                set.map_err(|error| format!("{} socket {place}: {error}", device.name))?;
                lock(&self.sockets).push(Arc::downgrade(&port.socket));
                ports.push(port);
            }
        }
        Ok(Worker::new(Arc::clone(self), number, ports))
    }

    /// The first place of a worker's sockets at a device.
    fn place(&self, worker: u32, device: usize) -> u32 {
        (worker * self.devices.len() as u32 + device as u32) * QUEUES_MAX
    }

    /// Where packets that arrive at a device are handed to a worker.
    pub(crate) fn hand(&self, worker: u32, device: u32) -> Option<Hand> {
        let at = self.devices.iter().position(|(own, _)| own.number == device)?;
        let (_, pools) = self.devices.get(at)?;
        Some(Hand { first: self.place(worker, at) + 1, device, queues: pools.len() as u32 })
    }

    /// A lane's packets are brought here from now on.
    pub(crate) fn host(&self, lane: u32, guest: Guest) {
        if let Some(place) = lock(&self.guests.all).get_mut(lane as usize) {
            *place = Some(guest);
        }
        if let Some(mark) = self.guests.marks.get(lane as usize) {
            mark.fetch_add(1, Ordering::SeqCst);
        }
        self.lanes.fetch_add(1, Ordering::SeqCst);
    }

    /// No further packets of a lane are brought here; what is known of it still serves those that are on their way.
    pub(crate) fn dismiss(&self) {
        self.lanes.fetch_sub(1, Ordering::SeqCst);
    }

    /// What is known of a lane.
    #[cold]
    fn guest(&self, lane: u32) -> Option<Guest> {
        lock(&self.guests.all).get(lane as usize).cloned().flatten()
    }

    fn devices(&self) -> Vec<(String, u32)> {
        self.devices.iter().map(|(device, pools)| (device.name.clone(), pools.len() as u32)).collect()
    }

    /// What it does, at a glance.
    pub(crate) fn status(&self) -> TouchedStatus {
        let read = |of: &AtomicU64| of.load(Ordering::Relaxed);
        TouchedStatus {
            devices: self.devices(),
            reason: lock(&self.without).clone(),
            lanes: read(&self.lanes),
            received: read(&self.counts.received),
            sent: read(&self.counts.sent),
            unsound: read(&self.counts.unsound),
            lost: lock(&self.sockets).iter().filter_map(Weak::upgrade).map(|socket| socket.lost()).sum(),
            full: read(&self.counts.full),
        }
    }
}

/// The queues of a device, each with its memory and a first socket.
fn queues_of(device: &Device) -> Result<Vec<(Arc<Pool>, Bound)>, String> {
    let mut found = Vec::new();
    for queue in 0..QUEUES_MAX {
        match Pool::new((device.number, queue)) {
            Ok((pool, bound)) => found.push((Arc::new(pool), bound)),
            // There is none of this number.
            Err(error) if queue > 0 && error.raw_os_error() == Some(libc::EINVAL) => break,
            Err(error) => return Err(format!("{} queue {queue}: {error}", device.name)),
        }
    }
    Ok(found)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
