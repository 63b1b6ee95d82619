//! Packets that the process must touch, brought to it in shared memory (AF_XDP): the program hands frames of open touched
//! lanes to sockets of the worker whose session it is, one socket for each worker at each queue of each device.
//!
//! Where a frame comes to a queue that is not served it goes up to its UDP socket. What the ring or the memory has no
//! room for is lost, as what a UDP socket has no room for. Enter through [`Hall::open`].

mod guest;
mod pool;
mod port;
mod ring;
mod socket;
mod stock;
mod worker;

pub(crate) use guest::Guest;
pub(crate) use worker::Worker;

use crate::devices::Device;
use crate::hops;
use aya::maps::{MapData, XskMap};
use media::{TouchedQueue, TouchedStatus, TouchedWorker};
use pool::{Bound, Pool};
use port::Port;
use ring::ENTRIES;
use socket::{Manner, Socket};
use std::collections::VecDeque;
use std::fmt;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Queues of a device that are served; what arrives at others goes up to its socket: limit `touched_queues`.
const QUEUES_MAX: u32 = 16;
/// How often a queue is asked for that is taken, and how long is waited in between: the kernel frees those of a process that
/// was killed a moment after its end.
const ASKS_MAX: u32 = 20;
const ASK_AGAIN: Duration = Duration::from_millis(25);
/// Packets that may wait for one worker at a queue, at least.
const SHARE_MIN: u32 = 256;
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
    taken: Mutex<Vec<Weak<Stand>>>,
    given: AtomicU32,
    /// Lanes whose packets are brought here.
    lanes: AtomicU64,
    /// Workers that came and have none, and why.
    without: Mutex<Vec<(u32, String)>>,
}

/// A worker's socket at a queue of a device.
#[derive(Debug)]
struct Stand {
    worker: u32,
    /// Name and number.
    device: (String, u32),
    queue: u32,
    zero_copy: bool,
    socket: Socket,
    /// Packets that were brought there.
    received: AtomicU64,
}

impl Stand {
    fn new(worker: u32, device: (String, u32), queue: u32, pool: &Pool, socket: Socket) -> Stand {
        let (zero_copy, received) = (pool.manner.zero_copy, AtomicU64::new(0));
        Stand { worker, device, queue, zero_copy, socket, received }
    }
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
        // Whoever stands still must not have what all others need.
        let shares = u32::try_from(workers).unwrap_or(u32::MAX).clamp(1, ENTRIES).next_power_of_two();
        let share = (ENTRIES / shares).max(SHARE_MIN);
        for device in devices {
            let queues = queues_of(device, share)?;
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
            taken: Mutex::new(Vec::new()),
            given: AtomicU32::new(0),
            lanes: AtomicU64::new(0),
            without: Mutex::new(Vec::new()),
        });
        let mut opened = VecDeque::from([hall.worker(hall.next(), bound)?]);
        for _ in 1..workers {
            opened.push_back(hall.join(hall.next())?);
        }
        Ok((hall, opened))
    }

    /// The number of one more worker.
    fn next(&self) -> u32 {
        self.given.fetch_add(1, Ordering::SeqCst)
    }

    /// One more worker, with sockets of its own. One that cannot have them touches packets without; status says why.
    ///
    /// # Errors
    /// As [`Hall::open`].
    pub(crate) fn admit(self: &Arc<Hall>) -> Result<Worker, String> {
        let number = self.next();
        let joined = self.join(number);
        if let Err(reason) = &joined {
            lock(&self.without).push((number, reason.clone()));
        }
        joined
    }

    fn join(self: &Arc<Hall>, number: u32) -> Result<Worker, String> {
        let mut bound = Vec::new();
        for (device, pools) in &self.devices {
            let joined: Result<Vec<Bound>, _> = pools.iter().map(|pool| pool.join()).collect();
            bound.push(joined.map_err(|error| format!("{}: {error}", device.name))?);
        }
        self.worker(number, bound)
    }

    /// A worker with its sockets by device and queue, to which the program hands frames from now on.
    fn worker(self: &Arc<Hall>, number: u32, bound: Vec<Vec<Bound>>) -> Result<Worker, String> {
        let mut ports = Vec::new();
        for ((at, (device, pools)), sockets) in self.devices.iter().enumerate().zip(bound) {
            for ((queue, pool), (socket, rings)) in (0..).zip(pools).zip(sockets) {
                let name = (device.name.clone(), device.number);
                let port = Port::new(Arc::clone(pool), Stand::new(number, name, queue, pool, socket), rings);
                let place = self.place(number, at) + queue;
                let set = lock(&self.map).set(place, port.stand.socket.fd().as_raw_fd(), 0);
                set.map_err(|error| format!("{} socket {place}: {error}", device.name))?;
                ports.push(port);
            }
        }
        lock(&self.taken).extend(ports.iter().map(|port| Arc::downgrade(&port.stand)));
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
        self.know(lane, guest);
        self.lanes.fetch_add(1, Ordering::SeqCst);
    }

    /// What leaves as a lane's packets leaves so from now on.
    pub(crate) fn know(&self, lane: u32, guest: Guest) {
        if let Some(place) = lock(&self.guests.all).get_mut(lane as usize) {
            *place = Some(guest);
        }
        if let Some(mark) = self.guests.marks.get(lane as usize) {
            mark.fetch_add(1, Ordering::SeqCst);
        }
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
        let mut status = TouchedStatus {
            devices: self.devices(),
            reason: None,
            workers: Vec::new(),
            lanes: read(&self.lanes),
            received: read(&self.counts.received),
            sent: read(&self.counts.sent),
            unsound: read(&self.counts.unsound),
            lost: 0,
            full: read(&self.counts.full),
        };
        let with = |number| TouchedWorker { number, queues: Vec::new(), reason: None };
        for stand in lock(&self.taken).iter().filter_map(Weak::upgrade) {
            let (device, queue, zero_copy) = (stand.device.0.clone(), stand.queue, stand.zero_copy);
            let (received, lost) = (read(&stand.received), stand.socket.lost());
            status.lost += lost;
            // Of one worker all stand together.
            if status.workers.last().is_none_or(|last| last.number != stand.worker) {
                status.workers.push(with(stand.worker));
            }
            if let Some(worker) = status.workers.last_mut() {
                worker.queues.push(TouchedQueue { device, queue, zero_copy, received, lost });
            }
        }
        for (number, reason) in lock(&self.without).iter() {
            status.workers.push(TouchedWorker { reason: Some(reason.clone()), ..with(*number) });
        }
        status
    }
}

/// The queues of a device, each with its memory and a first socket.
fn queues_of(device: &Device, share: u32) -> Result<Vec<(Arc<Pool>, Bound)>, String> {
    let zero_copy = hops::offers_zero_copy(device.number).unwrap_or(false);
    let (mut found, mut asks) = (Vec::new(), 0);
    let mut open = |queue| loop {
        let opened = Pool::open((device.number, queue), Manner { share, zero_copy });
        asks += 1;
        match opened {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && asks < ASKS_MAX => {
                std::thread::sleep(ASK_AGAIN);
            }
            opened => return opened,
        }
    };
    for queue in 0..QUEUES_MAX {
        match open(queue) {
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
