//! The sockets of one worker, at all queues: packets come and go by the batch.

use super::guest::Guest;
use super::port::Port;
use super::{Counts, Hall, lock};
use media::{Arrived, Leaving, Rings};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// See the module text.
#[derive(Debug)]
pub(crate) struct Worker {
    hall: Arc<Hall>,
    number: u32,
    /// The turn of devices that it has followed.
    turn: u32,
    ports: Vec<Port>,
    /// The port that is emptied now.
    at: usize,
    /// By device: the port that its packets leave by.
    exits: Vec<(u32, usize)>,
    /// What is known of lanes, and under which mark it was told.
    guests: Vec<Option<Box<(u32, Guest)>>>,
    /// Not yet told to the hall: received, unsound, full.
    counted: [u64; 3],
}

impl Worker {
    pub(super) fn new(hall: Arc<Hall>, (number, turn): (u32, u32), ports: Vec<Port>) -> Worker {
        let guests = hall.guests.marks.iter().map(|_| None).collect();
        let exits = exits_of(number, &ports);
        Worker { hall, number, turn, ports, at: 0, exits, guests, counted: [0; 3] }
    }

    fn publish(&mut self) {
        let Counts { received, sent, unsound, full, .. } = &self.hall.counts;
        for (to, counted) in [received, unsound, full].into_iter().zip(&mut self.counted) {
            tell(to, counted);
        }
        for port in &mut self.ports {
            tell(&port.stand.received, &mut port.received);
            tell(sent, &mut port.sent);
            tell(full, &mut port.refused);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        lock(&self.hall.rooms).part(self.number);
    }
}

/// By device the port that a worker's packets leave by: workers share out its queues.
fn exits_of(number: u32, ports: &[Port]) -> Vec<(u32, usize)> {
    let mut exits: Vec<(u32, usize)> = Vec::new();
    for port in ports {
        let of_device = |at: &usize| ports.get(*at).is_some_and(|other| other.device == port.device);
        let all: Vec<usize> = (0..ports.len()).filter(of_device).collect();
        let own = all.get(number as usize % all.len().max(1)).copied();
        if !exits.iter().any(|(device, _)| *device == port.device) {
            exits.extend(own.map(|own| (port.device, own)));
        }
    }
    exits
}

fn tell(to: &AtomicU64, counted: &mut u64) {
    if *counted > 0 {
        to.fetch_add(std::mem::take(counted), Ordering::Relaxed);
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
            self.counted[1] += u64::from(!arrived.is_some_and(|arrived| arrived.sound));
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
        self.counted[2] += u64::from(!left);
        if left { Leaving::Left } else { Leaving::Full }
    }

    fn flush(&mut self) {
        self.ports.iter_mut().filter(|port| port.unsent > 0).for_each(Port::push_out);
        self.publish();
    }

    #[inline]
    fn is_stale(&self) -> bool {
        self.turn != self.hall.turn.load(Ordering::Acquire)
    }

    #[cold]
    fn renew(&mut self) {
        // What changes meanwhile is seen the next time.
        self.turn = self.hall.turn.load(Ordering::SeqCst);
        let mut rooms = lock(&self.hall.rooms);
        let come = rooms.collect(self.number);
        let gone = |port: &mut Port| !rooms.has(port.device);
        let mut gone: Vec<Port> = self.ports.extract_if(.., gone).collect();
        drop(rooms);
        self.hall.note(&come);
        self.ports.extend(come);
        (self.at, self.exits) = (0, exits_of(self.number, &self.ports));
        for port in &mut gone {
            port.end();
            tell(&port.stand.received, &mut port.received);
            tell(&self.hall.counts.sent, &mut port.sent);
            tell(&self.hall.counts.full, &mut port.refused);
        }
        gone.into_iter().for_each(|port| self.hall.retire(port));
    }
}
