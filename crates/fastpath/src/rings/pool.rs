//! One queue of a device: its memory, and the addresses in it that are free. The sockets of all workers at the queue share
//! it, for the kernel allows one memory for each queue. A worker takes and gives addresses by the batch, so that the
//! lock is held for a moment of each batch and not of each packet.

use super::ring::{ENTRIES, FRAMES, Memory, PLACE, Ring};
use super::socket::{Manner, Seat, Socket};
use super::stock::{Spot, Stock};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A socket at a queue, with its rings of what comes and of what leaves.
pub(super) type Bound = (Socket, [Ring<libc::xdp_desc>; 2]);

/// See the module text.
#[derive(Debug)]
pub(super) struct Pool {
    free: Mutex<Free>,
    pub(super) memory: Memory,
    /// The first socket, whose memory it is.
    first: Socket,
    at: (u32, u32),
    pub(super) manner: Manner,
}

#[derive(Debug)]
struct Free {
    /// Where the kernel takes places for what comes.
    fill: Ring<u64>,
    /// Where it puts places of what was sent.
    sent: Ring<u64>,
    /// Places for what is to be sent.
    stock: Stock,
}

impl Free {
    /// Takes what the kernel gives back.
    fn collect(&mut self) {
        while let Some(address) = self.sent.pop() {
            self.stock.sent(address);
        }
    }
}

impl Pool {
    /// The memory of a queue, with the first socket there: without copies where the driver offers that and the kernel does
    /// not refuse it after all.
    pub(super) fn open(at: (u32, u32), wish: Manner) -> io::Result<(Pool, Bound)> {
        if wish.zero_copy {
            // Of the places for what comes the driver always has half.
            match Pool::new(at, Manner { share: wish.share / 2, ..wish }) {
                Ok(opened) => return Ok(opened),
                Err(error) => tracing::info!(device = at.0, queue = at.1, %error, "no zero copy at a queue"),
            }
        }
        Pool::new(at, Manner { zero_copy: false, ..wish })
    }

    fn new(at: (u32, u32), manner: Manner) -> io::Result<(Pool, Bound)> {
        let memory = Memory::new()?;
        let (socket, [mut fill, sent]) = Socket::with(&memory)?;
        let rings = socket.bind(at, Seat::First, manner)?;
        for place in 0..u64::from(ENTRIES) {
            fill.push(place * PLACE as u64);
        }
        let first = socket.again()?;
        let free = Mutex::new(Free { fill, sent, stock: Stock::new(ENTRIES, FRAMES) });
        Ok((Pool { free, memory, first, at, manner }, (socket, rings)))
    }

    /// A further socket at the queue.
    pub(super) fn join(&self) -> io::Result<Bound> {
        let socket = Socket::further()?;
        let rings = socket.bind(self.at, Seat::Beside(self.first.fd()), self.manner)?;
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
        if self.manner.zero_copy && free.fill.is_asked_for() {
            self.first.wake();
        }
    }

    /// Leaves of entries that seem to wait those that do: the kernel may have sent others, and given their places back.
    #[cold]
    pub(super) fn keep_unsent(&self, entries: &mut Vec<(u32, Spot)>) {
        let mut free = self.free();
        free.collect();
        entries.retain(|(_, spot)| free.stock.is_out(*spot));
    }

    /// The kernel has passed over void entries: their places are free. Some kernels give them back, others do not.
    #[cold]
    pub(super) fn settle(&self, void: &[Spot]) {
        let mut free = self.free();
        free.collect();
        for spot in void {
            free.stock.give_back(*spot);
        }
    }

    /// Takes places for what is to be sent, as many as `own` has room for.
    pub(super) fn take(&self, own: &mut Vec<Spot>) {
        let mut free = self.free();
        free.collect();
        free.stock.take(own);
    }
}
