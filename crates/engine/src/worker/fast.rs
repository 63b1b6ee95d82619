//! The directions of sessions that a fast path relays; what is decided about them stands in [`media::Lendings`].

use super::{Entry, Worker};
use base::Time;
use media::token::Token;
use media::{FastPath, Lendings, Session};
use std::net::SocketAddr;

impl Worker {
    /// Lends the directions of a session that are settled, and follows those that are lent.
    pub(super) fn lend(&mut self, at: u32) {
        let Some(path) = self.fast.clone() else { return };
        let birth = self.birth;
        let clock = || Time(u64::try_from(birth.elapsed().as_nanos()).unwrap_or(u64::MAX));
        self.with_lendings(at, |entry| {
            let Entry { session, streams, lendings, .. } = entry;
            let road = |(side, stream)| {
                let ports = streams.get(usize::from(stream))?.as_ref()?;
                Some(ports.road(side))
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

    /// Takes all back that a session has lent.
    pub(super) fn recall(&mut self, at: u32) {
        let Some(path) = self.fast.clone() else { return };
        self.with_lendings(at, |entry| entry.lendings.recall(&*path, &mut entry.session));
    }

    fn with_lendings(&mut self, at: u32, work: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut()) else {
            return;
        };
        work(entry);
        let (packets, bytes) = entry.lendings.take_passed();
        self.counters.packets += packets;
        self.counters.bytes += bytes;
        self.counters.fast_packets += packets;
    }
}

/// A datagram has come up for a session that lends.
pub(super) fn meet(
    path: Option<&dyn FastPath>,
    (lendings, session): (&mut Lendings, &mut Session),
    now: Time,
    token: Token,
    heard: (SocketAddr, &[u8]),
) {
    if let Some(path) = path {
        lendings.meet(path, session, now, (token.side, token.stream), heard);
    }
}

/// The fast path that a worker may have.
pub(super) type Path = Option<std::sync::Arc<dyn FastPath>>;
