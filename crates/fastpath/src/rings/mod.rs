//! Packets that the process must touch, brought to it in shared memory (AF_XDP): the program hands frames of open touched
//! lanes to sockets of the worker whose session it is, one socket for each worker at each queue of each device.
//!
//! Where a frame comes to a queue that is not served it goes up to its UDP socket. What the ring or the memory has no
//! room for is lost, as what a UDP socket has no room for. Enter through [`Hall::open`].

mod guest;
mod pool;
mod port;
mod ring;
mod rooms;
mod socket;
mod stock;
mod worker;

pub(crate) use guest::Guest;
pub(crate) use worker::Worker;

use crate::devices::Device;
use aya::maps::{MapData, XskMap};
use media::{Rings, TouchedQueue, TouchedStatus, TouchedWorker};
use pool::Pool;
use port::Port;
use ring::ENTRIES;
use rooms::{ASKS_MAX, Rooms, queues_of};
use socket::Socket;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Queues of a device that are served; what arrives at others goes up to its socket: limit `touched_queues`.
const QUEUES_MAX: u32 = 16;
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
    rooms: Mutex<Rooms>,
    /// How often devices have come or gone.
    turn: AtomicU32,
    /// Packets that may wait for a worker at a queue.
    share: u32,
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
    /// At sockets that are no more.
    lost: AtomicU64,
}

impl fmt::Debug for Hall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hall({:?})", lock(&self.rooms).devices())
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
        // Whoever stands still must not have what all others need.
        let shares = u32::try_from(workers).unwrap_or(u32::MAX).clamp(1, ENTRIES).next_power_of_two();
        let hall = Arc::new(Hall {
            rooms: Mutex::new(Rooms::new(map)),
            turn: AtomicU32::new(0),
            share: (ENTRIES / shares).max(SHARE_MIN),
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
        let mut opened = VecDeque::from([hall.join(hall.next())?]);
        for device in devices {
            let queues = queues_of(device, hall.share, ASKS_MAX)?;
            lock(&hall.rooms).take_in(device, queues)?;
        }
        opened.iter_mut().for_each(|worker: &mut Worker| worker.renew());
        for _ in 1..workers {
            opened.push_back(hall.join(hall.next())?);
        }
        Ok((hall, opened))
    }

    /// A device has come, or is there as before: its queues are served too, if they can be had.
    pub(crate) fn come(&self, device: &Device) {
        if lock(&self.rooms).has(device.number) {
            return;
        }
        let queues = queues_of(device, self.share, 1);
        let mut rooms = lock(&self.rooms);
        match queues.and_then(|queues| rooms.take_in(device, queues)) {
            Ok(()) => {
                tracing::info!(
                    device = device.name,
                    "what must be touched is brought from a device that came"
                );
                self.turn.fetch_add(1, Ordering::SeqCst);
            }
            Err(reason) if rooms.do_without(device, &reason) => {
                tracing::warn!(%reason, "what must be touched comes by sockets at a device that came");
            }
            Err(_) => {}
        }
    }

    /// A device is gone.
    pub(crate) fn leave(&self, device: u32) {
        lock(&self.rooms).leave(device);
        self.turn.fetch_add(1, Ordering::SeqCst);
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
        let turn = self.turn.load(Ordering::SeqCst);
        let ports = lock(&self.rooms).join(number)?;
        self.note(&ports);
        Ok(Worker::new(Arc::clone(self), (number, turn), ports))
    }

    /// A worker has these from now on.
    fn note(&self, ports: &[Port]) {
        let mut taken = lock(&self.taken);
        taken.retain(|stand| stand.strong_count() > 0);
        taken.extend(ports.iter().map(|port| Arc::downgrade(&port.stand)));
    }

    /// A worker leaves its socket at a device that is gone; what was lost there stays counted.
    fn retire(&self, port: Port) {
        let _taken = lock(&self.taken);
        self.counts.lost.fetch_add(port.stand.socket.lost(), Ordering::Relaxed);
        drop(port);
    }

    /// Where packets that arrive at a device are handed to a worker.
    pub(crate) fn hand(&self, worker: u32, device: u32) -> Option<Hand> {
        lock(&self.rooms).hand(worker, device)
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

    /// What it does, at a glance.
    pub(crate) fn status(&self) -> TouchedStatus {
        let read = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let (devices, without) = {
            let rooms = lock(&self.rooms);
            (rooms.devices(), rooms.without())
        };
        let taken = lock(&self.taken);
        let mut status = TouchedStatus {
            devices,
            without,
            reason: None,
            workers: Vec::new(),
            lanes: read(&self.lanes),
            received: read(&self.counts.received),
            sent: read(&self.counts.sent),
            unsound: read(&self.counts.unsound),
            lost: read(&self.counts.lost),
            full: read(&self.counts.full),
        };
        let with = |number| TouchedWorker { number, queues: Vec::new(), reason: None };
        for stand in taken.iter().filter_map(Weak::upgrade) {
            let (device, queue, zero_copy) = (stand.device.0.clone(), stand.queue, stand.zero_copy);
            let (received, lost) = (read(&stand.received), stand.socket.lost());
            status.lost += lost;
            if status.workers.iter().all(|worker| worker.number != stand.worker) {
                status.workers.push(with(stand.worker));
            }
            if let Some(worker) = status.workers.iter_mut().find(|worker| worker.number == stand.worker) {
                worker.queues.push(TouchedQueue { device, queue, zero_copy, received, lost });
            }
        }
        for (number, reason) in lock(&self.without).iter() {
            status.workers.push(TouchedWorker { reason: Some(reason.clone()), ..with(*number) });
        }
        status
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
