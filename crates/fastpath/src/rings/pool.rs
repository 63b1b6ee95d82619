//! One queue of a device: its memory, and the addresses in it that are free. The sockets of all workers at the queue share
//! it, for the kernel allows one memory for each queue. A worker takes and gives addresses by the batch, so that the
//! lock is held for a moment of each batch and not of each packet.

use super::ring::{ENTRIES, FRAMES, Memory, PLACE, Ring};
use super::socket::Socket;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A socket at a queue, with its rings of what comes and of what leaves.
pub(super) type Bound = (Socket, [Ring<libc::xdp_desc>; 2]);

/// See the module text.
#[derive(Debug)]
pub(super) struct Pool {
    free: Mutex<Free>,
    pub(super) memory: Memory,
    /// The first socket, whose memory it is.
    first: OwnedFd,
    at: (u32, u32),
}

#[derive(Debug)]
struct Free {
    /// Where the kernel takes places for what comes.
    fill: Ring<u64>,
    /// Where it puts places of what was sent.
    sent: Ring<u64>,
    /// Places for what is to be sent.
    stock: Vec<u64>,
}

impl Pool {
    /// The memory of a queue, with the first socket there.
    pub(super) fn new(at: (u32, u32)) -> io::Result<(Pool, Bound)> {
        let memory = Memory::new()?;
        let (socket, [mut fill, sent]) = Socket::with(&memory)?;
        let rings = socket.bind(at, None)?;
        for place in 0..u64::from(ENTRIES) {
            fill.push(place * PLACE as u64);
        }
        let stock = (u64::from(ENTRIES)..u64::from(FRAMES)).map(|place| place * PLACE as u64).collect();
        let first = socket.fd().try_clone_to_owned()?;
        let pool = Pool { free: Mutex::new(Free { fill, sent, stock }), memory, first, at };
        Ok((pool, (socket, rings)))
    }

    /// A further socket at the queue.
    pub(super) fn join(&self) -> io::Result<Bound> {
        let socket = Socket::further()?;
        let rings = socket.bind(self.at, Some(self.first.as_fd()))?;
        Ok((socket, rings))
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the kernel places for what comes.
    pub(super) fn refill(&self, places: &mut Vec<u64>) {
        let mut free = self.free();
        for place in places.drain(..) {
            // The ring has an entry for each of them.
            free.fill.push(place / PLACE as u64 * PLACE as u64);
        }
    }

    /// Takes places for what is to be sent, as many as `own` has room for.
    pub(super) fn take(&self, own: &mut Vec<u64>) {
        let mut free = self.free();
        while let Some(place) = free.sent.pop() {
            free.stock.push(place / PLACE as u64 * PLACE as u64);
        }
        let some = free.stock.len().saturating_sub(own.capacity() - own.len());
        own.extend(free.stock.drain(some..));
    }
}
