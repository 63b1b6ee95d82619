//! The sockets of one worker, at all queues: packets come and go by the batch.

use super::guest::Guest;
use super::pool::Pool;
use super::ring::Ring;
use super::{Counts, Hall, Stand};
use media::{Arrived, Leaving, Rings};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Places that are taken or given at once.
pub(super) const BATCH: usize = 64;
/// Packets after which the kernel is asked to send: it takes so many at a time.
const KICK_AFTER: usize = 32;
/// Times that the kernel is asked to send what stands in a ring. No more: who asks on and on keeps the processor from
/// whom the device waits for.
const KICKS: usize = 4;

/// A worker's socket at one queue of a device.
#[derive(Debug)]
pub(super) struct Port {
    device: u32,
    pool: Arc<Pool>,
    pub(super) stand: Arc<Stand>,
    coming: Ring<libc::xdp_desc>,
    leaving: Ring<libc::xdp_desc>,
    /// Places to be given back to the kernel, and places for what leaves.
    emptied: Vec<u64>,
    stock: Vec<u64>,
    /// Packets that stand in the ring and were not taken by the kernel yet, as far as is known.
    unsent: usize,
    /// Places of entries of the ring that were made void.
    void: Vec<u64>,
    /// Not yet told: packets that came, and packets that the device did not take.
    received: u64,
    refused: u64,
}

impl Port {
    pub(super) fn new(pool: Arc<Pool>, stand: Stand, [coming, leaving]: [Ring<libc::xdp_desc>; 2]) -> Port {
        let (emptied, stock) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        let (device, stand) = (stand.device.1, Arc::new(stand));
        let (unsent, void, received, refused) = (0, Vec::new(), 0, 0);
        Port { device, pool, stand, coming, leaving, emptied, stock, unsent, void, received, refused }
    }

    /// The next frame, with its place.
    #[inline]
    fn next(&mut self) -> Option<libc::xdp_desc> {
        let frame = self.coming.pop();
        // Places are given back by the batch, and when there is time.
        if self.emptied.len() >= BATCH || (frame.is_none() && !self.emptied.is_empty()) {
            self.pool.refill(&mut self.emptied);
        }
        frame
    }

    /// A free place for a packet.
    #[inline]
    fn place(&mut self) -> Option<u64> {
        if self.stock.is_empty() {
            self.pool.take(&mut self.stock);
        }
        if self.stock.is_empty() {
            self.push_out();
            self.pool.take(&mut self.stock);
        }
        self.stock.pop()
    }

    /// Puts a packet into the ring; whether there was room.
    #[inline]
    fn put(&mut self, headers: &[u8], payload: &[u8]) -> bool {
        let Some(addr) = self.place() else { return false };
        let len = self.pool.memory.write(addr, [headers, payload]);
        if !self.leaving.push(libc::xdp_desc { addr, len, options: 0 }) {
            self.stock.push(addr);
            return false;
        }
        self.unsent += 1;
        if self.unsent.is_multiple_of(KICK_AFTER) {
            self.push_out();
        }
        true
    }

    /// Has the kernel send what stands in the ring; what it does not take now it takes the next time.
    fn push_out(&mut self) {
        // It takes a void entry, or one that the device refuses, by a call of its own.
        let mut tries = KICKS + self.void.len();
        let mut refusals = self.leaving.waiting();
        while tries > 0 && self.leaving.waiting() > 0 && self.leaving.is_asked_for() {
            match self.stand.socket.kick() {
                Ok(()) => tries -= 1,
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) && refusals > 0 => {
                    (self.refused, refusals) = (self.refused + 1, refusals - 1);
                }
                Err(error) if is_gone(&error) && !self.pool.manner.zero_copy => {
                    self.revoke();
                    break;
                }
                // It is full: the next time.
                Err(_) => break,
            }
        }
        self.unsent = self.leaving.waiting() as usize;
        if self.unsent == 0 && !self.void.is_empty() {
            self.pool.settle(&std::mem::take(&mut self.void));
        }
    }

    /// The device is down or gone: what stands in the ring must not leave when it is long over.
    #[cold]
    fn revoke(&mut self) {
        let before = self.void.len();
        self.leaving.revoke(&mut self.void);
        let places = self.void.get(before..).unwrap_or_default();
        self.refused += places.len() as u64;
        self.pool.make_void(places);
    }
}

fn is_gone(error: &io::Error) -> bool {
    [libc::ENETDOWN, libc::ENXIO, libc::ENODEV].contains(&error.raw_os_error().unwrap_or_default())
}

/// See the module text.
#[derive(Debug)]
pub(crate) struct Worker {
    hall: Arc<Hall>,
    number: u32,
    ports: Vec<Port>,
    /// The port that is emptied now.
    at: usize,
    /// By device: the port that its packets leave by.
    exits: Vec<(u32, usize)>,
    /// What is known of lanes, and under which mark it was told.
    guests: Vec<Option<Box<(u32, Guest)>>>,
    /// Not yet told to the hall: received, sent, unsound, full.
    counted: [u64; 4],
}

impl Worker {
    pub(super) fn new(hall: Arc<Hall>, number: u32, ports: Vec<Port>) -> Worker {
        let guests = hall.guests.marks.iter().map(|_| None).collect();
        let mut exits: Vec<(u32, usize)> = Vec::new();
        for port in &ports {
            let of_device = |at: &usize| ports.get(*at).is_some_and(|other| other.device == port.device);
            let all: Vec<usize> = (0..ports.len()).filter(of_device).collect();
            // Workers share out the queues of a device.
            let own = all.get(number as usize % all.len().max(1)).copied();
            if !exits.iter().any(|(device, _)| *device == port.device) {
                exits.extend(own.map(|own| (port.device, own)));
            }
        }
        Worker { hall, number, ports, at: 0, exits, guests, counted: [0; 4] }
    }

    fn publish(&mut self) {
        let Counts { received, sent, unsound, full } = &self.hall.counts;
        for (to, counted) in [received, sent, unsound, full].into_iter().zip(&mut self.counted) {
            if *counted > 0 {
                to.fetch_add(std::mem::take(counted), Ordering::Relaxed);
            }
        }
        for port in &mut self.ports {
            if port.received > 0 {
                port.stand.received.fetch_add(std::mem::take(&mut port.received), Ordering::Relaxed);
            }
            if port.refused > 0 {
                full.fetch_add(std::mem::take(&mut port.refused), Ordering::Relaxed);
            }
        }
    }
}

/// What is known of a lane.
#[inline]
fn known<'g>(hall: &Hall, guests: &'g mut [Option<Box<(u32, Guest)>>], lane: u32) -> Option<&'g Guest> {
    let mark = hall.guests.marks.get(lane as usize)?.load(Ordering::Acquire);
    let place = guests.get_mut(lane as usize)?;
    if place.as_ref().is_none_or(|told| told.0 != mark) {
        *place = hall.guest(lane).map(|guest| Box::new((mark, guest)));
    }
    place.as_ref().map(|told| &told.1)
}

impl Rings for Worker {
    fn number(&self) -> u32 {
        self.number
    }

    fn descriptors(&self) -> Vec<i32> {
        self.ports.iter().map(|port| port.stand.socket.fd().as_raw_fd()).collect()
    }

    fn waiting(&self) -> usize {
        self.ports.iter().map(|port| port.coming.waiting() as usize).sum()
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrived> {
        let mut empty = 0;
        while empty < self.ports.len() {
            let port = self.ports.get_mut(self.at)?;
            let Some(desc) = port.next() else {
                (empty, self.at) = (empty + 1, (self.at + 1) % self.ports.len());
                continue;
            };
            self.counted[0] += 1;
            port.received += 1;
            let frame = port.pool.memory.frame(desc.addr, desc.len);
            let lane = frame.first_chunk().map(|four| u32::from_ne_bytes(*four));
            let guest = lane.and_then(|lane| known(&self.hall, &mut self.guests, lane));
            let arrived = guest.map(|guest| {
                let payload = guest.payload(frame);
                let room = payload.and_then(|payload| Some((buffer.get_mut(..payload.len())?, payload)));
                let length = room.map(|(room, payload)| {
                    room.copy_from_slice(payload);
                    payload.len()
                });
                let (length, sound) = (length.unwrap_or_default(), length.is_some());
                Arrived { token: guest.token, source: guest.source, length, sound }
            });
            port.emptied.push(desc.addr);
            self.counted[2] += u64::from(!arrived.is_some_and(|arrived| arrived.sound));
            // One of a lane that nobody knows is no session's.
            if arrived.is_some() {
                return arrived;
            }
        }
        None
    }

    #[inline]
    fn send(&mut self, lane: u32, to: SocketAddr, bytes: &[u8]) -> Leaving {
        let Some(guest) = known(&self.hall, &mut self.guests, lane) else { return Leaving::Elsewhere };
        if guest.to != to || !guest.is_fit(bytes) {
            return Leaving::Elsewhere;
        }
        let exit = self.exits.iter().find(|(device, _)| *device == guest.device);
        let Some(port) = exit.and_then(|(_, at)| self.ports.get_mut(*at)) else { return Leaving::Elsewhere };
        let (headers, length) = guest.headers(bytes);
        let left = port.put(headers.get(..length).unwrap_or_default(), bytes);
        self.counted[if left { 1 } else { 3 }] += 1;
        if left { Leaving::Left } else { Leaving::Full }
    }

    fn flush(&mut self) {
        self.ports.iter_mut().filter(|port| port.unsent > 0).for_each(Port::push_out);
        self.publish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rings::ring::ENTRIES;
    use crate::rings::socket::Manner;

    /// The loopback device of a network of the calling thread's own, which is down; where this user may have none, nothing
    /// is tried.
    #[allow(unsafe_code)]
    fn port() -> Option<Port> {
        let wish = Manner { share: ENTRIES, zero_copy: true };
        // SAFETY: no pointers. The thread is the test's, and ends with it.
        let moved = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        let moved = if moved == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        match moved.and_then(|()| Pool::open((1, 0), wish)) {
            Ok((pool, (socket, rings))) => {
                let stand = Stand::new(0, ("lo".to_owned(), 1), 0, &pool, socket);
                Some(Port::new(Arc::new(pool), stand, rings))
            }
            Err(error) => {
                let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
                assert!(!declared, "the kernel's engine is declared to work here: {error}");
                println!("skipped, no such socket can be had here: {error}");
                None
            }
        }
    }

    fn set_up() {
        let done = std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(done.unwrap().success());
    }

    /// Each place for what leaves is free, once.
    fn all_are_free(port: &mut Port) {
        let mut all = Vec::with_capacity(ENTRIES as usize);
        all.append(&mut port.stock);
        port.pool.take(&mut all);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ENTRIES as usize);
    }

    #[test]
    fn where_no_place_is_left_a_packet_finds_no_room_and_where_one_is_again_it_does() {
        let Some(mut port) = port() else { return };
        set_up();
        let mut all = Vec::with_capacity(ENTRIES as usize);
        port.pool.take(&mut all);
        assert_eq!(all.len(), ENTRIES as usize);
        assert!(!port.put(&[0; 14], &[0; 20]));
        port.stock.extend(all.pop());
        assert!(port.put(&[0; 14], &[0; 20]) && port.unsent == 1);
        port.push_out();
        assert!(port.put(&[0; 14], &[0; 20]), "the place of the first one came back");
    }

    #[test]
    fn what_stands_in_the_ring_of_a_device_that_is_down_is_void_and_what_follows_leaves() {
        let Some(mut port) = port() else { return };
        (0..20).for_each(|_| assert!(port.put(&[0; 14], &[0; 20])));
        port.push_out();
        port.push_out();
        assert_eq!((port.refused, port.void.len(), port.unsent), (20, 20, 20));
        set_up();
        // The kernel passes over all of them, and gives the one that follows back.
        assert!(port.put(&[0; 14], &[0; 20]));
        port.push_out();
        assert_eq!((port.leaving.waiting(), port.void.len(), port.refused), (0, 0, 20));
        all_are_free(&mut port);
    }

    #[test]
    fn a_ring_full_of_what_a_device_did_not_take_is_emptied_when_it_is_up() {
        let Some(mut port) = port() else { return };
        (0..ENTRIES).for_each(|_| assert!(port.put(&[0; 14], &[0; 20])));
        assert!(!port.put(&[0; 14], &[0; 20]), "the ring is full of them");
        assert_eq!(port.refused, u64::from(ENTRIES));
        set_up();
        port.push_out();
        assert_eq!((port.leaving.waiting(), port.void.len()), (0, 0));
        assert!(port.put(&[0; 14], &[0; 20]));
        port.push_out();
        all_are_free(&mut port);
    }

    #[test]
    fn a_device_that_offers_no_zero_copy_after_all_is_had_by_copies() {
        let Some(port) = port() else { return };
        assert_eq!(port.pool.manner, Manner { share: ENTRIES, zero_copy: false });
        assert!(!port.stand.zero_copy);
    }
}
