//! Sessions of a worker begin, take on further streams, and end.

use super::{Entry, News, Slot, Worker};
use crate::sockets::{Pair, StreamPorts};
use base::Time;
use media::token::Place;
use media::{Lendings, Session, SessionId};

impl Worker {
    /// Its sockets are watched already.
    pub(super) fn open(&mut self, now: Time, id: SessionId, place: Place, streams: Vec<StreamPorts>) {
        let at = place.slot as usize;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, Slot::default);
        }
        let Some(slot) = self.slots.get_mut(at) else { return };
        let session = Session::new(id, now, streams.len() as u8).with_seed(self.rng.next_pair());
        slot.generation = place.generation;
        slot.entry = Some(Entry {
            session,
            streams: streams.into_iter().map(Some).collect(),
            awake: false,
            copies: None,
            lendings: Lendings::default(),
            handshakes: None,
        });
        if self.ids.is_empty() {
            self.next_slice = now;
        }
        self.ids.insert(id, place.slot);
    }

    /// The sockets of further streams are watched already.
    pub(super) fn grow(&mut self, now: Time, session: SessionId, streams: Vec<StreamPorts>) {
        let Some(slot) = self.ids.get(&session).and_then(|&at| self.slots.get_mut(at as usize)) else {
            self.counters.unknown_sessions += 1;
            return;
        };
        if let Some(entry) = &mut slot.entry {
            entry.streams.extend(streams.into_iter().map(Some));
            entry.session.grow(now, entry.streams.len() as u8);
        }
    }

    /// Ends the use of a stream's sockets; they come back when they may be used again.
    fn retire(&mut self, mut ports: StreamPorts) -> Option<StreamPorts> {
        let unwatched = ports.all().all(|(_, _, port)| self.poll.remove(port.fd()).is_ok());
        (unwatched && ports.0.iter_mut().all(Pair::deafen)).then_some(ports)
    }

    pub(super) fn reject(&mut self, now: Time, session: SessionId, stream: u8) {
        if let Some(at) = self.ids.get(&session).copied() {
            self.say_farewell(now, at, Some(stream));
        }
        if !self.with(session, |s| s.reject(now, stream)) {
            return;
        }
        let slot = self.ids.get(&session).and_then(|&at| self.slots.get_mut(at as usize));
        if let Some(entry) = slot.and_then(|s| s.entry.as_mut())
            && let Some(ports) = entry.streams.get_mut(usize::from(stream))
        {
            let ports = ports.take().and_then(|p| self.retire(p)).map(Box::new);
            self.tell(News::Freed { session, stream, ports });
        }
    }

    pub(super) fn close(&mut self, now: Time, session: SessionId) {
        let Some(at) = self.ids.get(&session).copied() else {
            self.counters.unknown_sessions += 1;
            return;
        };
        self.say_farewell(now, at, None);
        if let Some(Entry { session: ended, mut streams, .. }) = self.remove(at) {
            self.counters.replies_lost += ended.replies_lost();
            let report = Box::new(ended.close(now));
            for ports in &mut streams {
                *ports = ports.take().and_then(|p| self.retire(p));
            }
            // Who hears of the end finds all of it counted.
            self.shared.board.publish(&self.counters);
            self.tell(News::Closed { session, report, streams });
        }
    }

    /// Takes a session out; sockets that are left in the entry close with it.
    pub(super) fn remove(&mut self, at: u32) -> Option<Entry> {
        self.recall(at);
        let slot = self.slots.get_mut(at as usize)?;
        let mut entry = slot.entry.take()?;
        self.counters.gather(&mut entry.session);
        self.ids.remove(&entry.session.id());
        Some(entry)
    }
}
