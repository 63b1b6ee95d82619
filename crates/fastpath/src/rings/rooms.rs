//! The devices whose queues are served, and where in the program's map the sockets of each worker at them are. Devices
//! come and go; workers take what came for them, and leave what is gone, when they look.

use super::pool::{Bound, Pool};
use super::port::Port;
use super::socket::Manner;
use super::{Hand, QUEUES_MAX, SOCKETS_MAX, Stand};
use crate::devices::Device;
use crate::hops;
use aya::maps::{MapData, XskMap};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// How often a queue is asked for that is taken, and how long is waited in between: the kernel frees those of a process that
/// was killed a moment after its end.
pub(super) const ASKS_MAX: u32 = 20;
const ASK_AGAIN: Duration = Duration::from_millis(25);

/// The queues of a device, each with its memory and a first socket.
pub(super) type Queues = Vec<(Arc<Pool>, Bound)>;

/// See the module text.
pub(super) struct Rooms {
    all: Vec<Room>,
    /// Devices that came and of which none can be had, and why.
    without: Vec<(Device, String)>,
    map: XskMap<MapData>,
    /// First places in the map that nobody has. Those of a worker that has ended are not given to another: lanes may
    /// still lead there.
    free: Vec<u32>,
    workers: Vec<u32>,
    /// Sockets that wait for the worker whose they are.
    coming: Vec<(u32, Vec<Port>)>,
}

struct Room {
    device: Device,
    pools: Vec<Arc<Pool>>,
    /// The first place of each worker's sockets.
    seats: Vec<(u32, u32)>,
}

impl Rooms {
    pub(super) fn new(map: XskMap<MapData>) -> Rooms {
        let free = (0..SOCKETS_MAX / QUEUES_MAX).rev().map(|block| block * QUEUES_MAX).collect();
        let (all, without, workers, coming) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Rooms { all, without, map, free, workers, coming }
    }

    pub(super) fn has(&self, device: u32) -> bool {
        self.all.iter().any(|room| room.device.number == device)
    }

    /// Names of the devices, and how many queues of each are served.
    pub(super) fn devices(&self) -> Vec<(String, u32)> {
        self.all.iter().map(|room| (room.device.name.clone(), room.pools.len() as u32)).collect()
    }

    pub(super) fn without(&self) -> Vec<(String, String)> {
        self.without.iter().map(|(device, reason)| (device.name.clone(), reason.clone())).collect()
    }

    /// Why nothing of a device can be had; whether that is news.
    pub(super) fn do_without(&mut self, device: &Device, reason: &str) -> bool {
        let told = (device.clone(), reason.to_owned());
        let known = self.without.contains(&told);
        self.without.retain(|(without, _)| without.number != device.number);
        self.without.push(told);
        !known
    }

    /// Takes a device in, with sockets for all workers: none of it where one of them cannot have them.
    pub(super) fn take_in(&mut self, device: &Device, queues: Queues) -> Result<(), String> {
        let (pools, first): (Vec<Arc<Pool>>, Vec<Bound>) = queues.into_iter().unzip();
        self.all.push(Room { device: device.clone(), pools, seats: Vec::new() });
        let (at, mut first) = (self.all.len() - 1, Some(first));
        for worker in self.workers.clone() {
            match self.seat(worker, at, first.take()) {
                Ok(ports) => self.coming.push((worker, ports)),
                Err(reason) => {
                    self.leave(device.number);
                    return Err(reason);
                }
            }
        }
        self.without.retain(|(without, _)| without.number != device.number);
        Ok(())
    }

    /// A device is gone, and what waited for workers there.
    pub(super) fn leave(&mut self, device: u32) {
        let Rooms { all, free, coming, without, .. } = self;
        for room in all.extract_if(.., |room| room.device.number == device) {
            free.extend(room.seats.iter().map(|(_, first)| first));
        }
        coming.iter_mut().for_each(|(_, ports)| ports.retain(|port| port.device != device));
        coming.retain(|(_, ports)| !ports.is_empty());
        without.retain(|(gone, _)| gone.number != device);
    }

    /// One more worker: its sockets at all devices.
    pub(super) fn join(&mut self, worker: u32) -> Result<Vec<Port>, String> {
        let mut ports = Vec::new();
        for at in 0..self.all.len() {
            match self.seat(worker, at, None) {
                Ok(more) => ports.extend(more),
                Err(reason) => {
                    self.give_back(worker);
                    return Err(reason);
                }
            }
        }
        self.workers.push(worker);
        Ok(ports)
    }

    /// A worker that never came has no places.
    fn give_back(&mut self, worker: u32) {
        for room in &mut self.all {
            let gone = room.seats.extract_if(.., |(of, _)| *of == worker);
            self.free.extend(gone.map(|(_, first)| first));
        }
    }

    /// A worker has ended.
    pub(super) fn part(&mut self, worker: u32) {
        self.workers.retain(|of| *of != worker);
        self.coming.retain(|(of, _)| *of != worker);
    }

    /// What has come for a worker.
    pub(super) fn collect(&mut self, worker: u32) -> Vec<Port> {
        self.coming.extract_if(.., |(of, _)| *of == worker).flat_map(|(_, ports)| ports).collect()
    }

    /// Where packets that arrive at a device are handed to a worker, once it has its sockets there.
    pub(super) fn hand(&self, worker: u32, device: u32) -> Option<Hand> {
        let room = self.all.iter().find(|room| room.device.number == device)?;
        let (_, first) = room.seats.iter().find(|(of, _)| *of == worker)?;
        let waits =
            |(of, ports): &(u32, Vec<Port>)| *of == worker && ports.iter().any(|port| port.device == device);
        let hand = Hand { first: first + 1, device, queues: room.pools.len() as u32 };
        (!self.coming.iter().any(waits)).then_some(hand)
    }

    /// Sockets of a worker at all queues of a device, to which the program hands frames from now on. `first`: those that
    /// came with the memory.
    fn seat(&mut self, worker: u32, at: usize, first: Option<Vec<Bound>>) -> Result<Vec<Port>, String> {
        let Rooms { all, map, free, .. } = self;
        let Some(room) = all.get_mut(at) else { return Ok(Vec::new()) };
        let name = &room.device.name;
        let join = || room.pools.iter().map(|pool| pool.join()).collect();
        let bound: Result<Vec<Bound>, _> = first.map_or_else(join, Ok);
        let bound = bound.map_err(|error| format!("{name}: {error}"))?;
        let block =
            free.pop().ok_or_else(|| format!("{name} has no place for sockets of one more worker"))?;
        room.seats.push((worker, block));
        let mut ports = Vec::new();
        for ((queue, pool), (socket, rings)) in (0..).zip(&room.pools).zip(bound) {
            let device = (name.clone(), room.device.number);
            let port = Port::new(Arc::clone(pool), Stand::new(worker, device, queue, pool, socket), rings);
            let set = map.set(block + queue, port.stand.socket.fd().as_raw_fd(), 0);
            set.map_err(|error| format!("{name} socket {}: {error}", block + queue))?;
            ports.push(port);
        }
        Ok(ports)
    }
}

/// The queues of a device, each with its memory and a first socket; `asks`: how often those are asked for that are taken.
pub(super) fn queues_of(device: &Device, share: u32, asks: u32) -> Result<Queues, String> {
    let zero_copy = hops::offers_zero_copy(device.number).unwrap_or(false);
    let (mut found, mut asked) = (Vec::new(), 0);
    let mut open = |queue| loop {
        let opened = Pool::open((device.number, queue), Manner { share, zero_copy });
        asked += 1;
        match opened {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && asked < asks => {
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
