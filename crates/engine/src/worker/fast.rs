//! The directions of sessions that a fast path relays; what is decided about them stands in [`media::Lendings`].

use super::rings::Shared;
use super::{Counters, Entry, Slot, Worker};
use base::Time;
use media::token::{Place, Token};
use media::{Component, FastPath, Home, Road, Side};
use std::net::SocketAddr;

impl Worker {
    /// Lends the directions of a session that are settled, and follows those that are lent.
    pub(super) fn lend(&mut self, at: u32) {
        let Some(path) = self.fast.clone() else { return };
        let birth = self.birth;
        let clock = || Time(u64::try_from(birth.elapsed().as_nanos()).unwrap_or(u64::MAX));
        let Some(slot) = self.slots.get(at as usize) else { return };
        let place = Place { slot: at, generation: slot.generation };
        let token = |side, stream| Token { place, stream, side, component: Component::Rtp };
        let home = self.rings.home(token(Side::A, 0));
        self.with_lendings(at, |entry| {
            let Entry { session, streams, lendings, .. } = entry;
            let road = |(side, stream)| {
                let ports = streams.get(usize::from(stream))?.as_ref()?;
                let home = home.map(|home| Home { token: token(side, stream).pack(), ..home });
                Some(Road { home, ..ports.road(side) })
            };
            lendings.advance(&*path, session, road, clock);
        });
    }

    /// Lets a session know what has been counted for it.
    pub(super) fn sync(&mut self, at: u32) {
        let Some(path) = self.fast.clone() else { return };
        self.with_lendings(at, |entry| entry.lendings.sync(&*path, &mut entry.session));
    }

    /// Takes back what is no more as it was lent.
    pub(super) fn review(&mut self, at: u32) {
        let Some(path) = self.fast.clone() else { return };
        self.with_lendings(at, |entry| entry.lendings.review(&*path, &mut entry.session));
    }

    /// A packet was brought that is not sound: those that follow come by their socket.
    #[cold]
    pub(super) fn refuse(&mut self, now: Time, token: Token) {
        let Some(path) = self.fast.clone() else { return };
        let current = |slot: &Slot| slot.generation == token.place.generation;
        if self.slots.get(token.place.slot as usize).is_some_and(current) {
            self.with_lendings(token.place.slot, |entry| {
                entry.lendings.refuse(&*path, &mut entry.session, now, (token.side, token.stream));
            });
        }
    }

    /// Takes all back that a session has lent.
    pub(super) fn recall(&mut self, at: u32) {
        let Some(path) = self.fast.clone() else { return };
        self.with_lendings(at, |entry| entry.lendings.recall(&*path, &mut entry.session));
    }

    /// A datagram has come up for a session that lends. It lies in the buffer, and waits while what came by rings before
    /// it is judged.
    #[cold]
    pub(super) fn meet(&mut self, now: Time, token: Token, source: SocketAddr, length: usize) {
        let Some(path) = self.fast.clone() else { return };
        let Worker { slots, rings, counters, buffer, .. } = self;
        let heard = (source, buffer.get(..length).unwrap_or_default());
        with_lendings((slots, rings, counters), token.place.slot, |entry| {
            let direction = (token.side, token.stream);
            entry.lendings.meet(&*path, &mut entry.session, now, direction, heard);
        });
        if self.rings.is_due() {
            // Both are whole whatever happens meanwhile.
            std::mem::swap(&mut self.buffer, &mut self.spare);
            self.serve_due_rings(now);
            std::mem::swap(&mut self.buffer, &mut self.spare);
        }
    }

    fn with_lendings(&mut self, at: u32, work: impl FnOnce(&mut Entry)) {
        with_lendings((&mut self.slots, &mut self.rings, &mut self.counters), at, work);
    }
}

/// Does something with what a session has lent; what follows for the rings and is counted.
fn with_lendings(
    (slots, rings, counters): (&mut [Slot], &mut Shared, &mut Counters),
    at: u32,
    work: impl FnOnce(&mut Entry),
) {
    let Some(entry) = slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut()) else { return };
    work(entry);
    rings.note(&mut entry.lendings);
    let (packets, bytes) = entry.lendings.take_passed();
    counters.packets += packets;
    counters.bytes += bytes;
    counters.fast_packets += packets;
}

/// The fast path that a worker may have.
pub(super) type Path = Option<std::sync::Arc<dyn FastPath>>;
