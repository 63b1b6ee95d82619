//! Sessions whose packets are changed on their way: what their bridges must do by time.
//!
//! A session is looked at every [`TICK`] while a bridge of it says that something is due, and not otherwise.

use super::{Entry, Worker};
use crate::relay::pass_made;
use base::Time;
use media::{Datagram, MAX_STREAMS, Session, SessionId, Side};
use std::time::Duration;

/// How often bridges that wait for a time are served.
const TICK: Duration = Duration::from_millis(10);

/// The sessions that have something to do by time.
#[derive(Default)]
pub(super) struct Waking {
    slots: Vec<u32>,
    /// Room for those that are being served.
    served: Vec<u32>,
    next: Time,
}

impl Waking {
    /// A bridge has taken a packet, or something else begun: its session is served from now on if it waits for a time.
    #[inline]
    pub(super) fn note(&mut self, now: Time, slot: u32, entry: &mut Entry) {
        if !entry.awake && entry.session.wakes() {
            entry.awake = true;
            if self.slots.is_empty() {
                self.next = now + TICK;
            }
            self.slots.push(slot);
        }
    }

    /// When the worker must be back at the latest.
    pub(super) fn due(&self) -> Option<Time> {
        (!self.slots.is_empty()).then_some(self.next)
    }
}

impl Worker {
    /// Serves the sessions that wait, when it is time.
    pub(super) fn serve_bridges(&mut self, now: Time) {
        if self.waking.due().is_none_or(|due| now < due) {
            return;
        }
        self.waking.next = now + TICK;
        let mut slots = std::mem::take(&mut self.waking.served);
        std::mem::swap(&mut slots, &mut self.waking.slots);
        for at in slots.drain(..) {
            self.guarded(at, |worker| worker.serve_bridge(now, at));
        }
        self.waking.served = slots;
    }

    /// Changes what a session makes by itself: of what a side says on a stream, or in its place.
    pub(super) fn touch(
        &mut self,
        now: Time,
        session: SessionId,
        change: impl FnOnce(&mut Session) -> Option<(Side, u8)>,
    ) {
        let Some(at) = self.ids.get(&session).copied() else {
            self.counters.unknown_sessions += 1;
            return;
        };
        self.guarded(at, |worker| {
            let entry = worker.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut());
            let Some(entry) = entry else { return };
            if let Some((side, stream)) = change(&mut entry.session)
                && let Some(Some(ports)) = entry.streams.get(usize::from(stream))
            {
                let packet = Datagram { buffer: &mut worker.buffer, length: 0 };
                let out = worker.rings.out(&entry.lendings, (side, stream));
                let made = pass_made((side, stream), &mut entry.session, (ports, out), packet);
                worker.counters.note_made(made);
            }
            worker.waking.note(now, at, entry);
            if entry.session.take_changed() {
                worker.follow(at);
            }
        });
    }

    fn serve_bridge(&mut self, now: Time, at: u32) {
        let entry = self.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut());
        let Some(entry) = entry.filter(|entry| entry.awake) else { return };
        let mut made = [[false; 2]; MAX_STREAMS];
        entry.session.on_bridge_tick(now, |side, stream| made[usize::from(stream)][side.index()] = true);
        let all = (0u8..)
            .zip(made)
            .flat_map(|(stream, made)| Side::BOTH.map(|side| (side, stream, made[side.index()])));
        for (side, stream, _) in all.filter(|(.., made)| *made) {
            let Some(Some(ports)) = entry.streams.get(usize::from(stream)) else { continue };
            let packet = Datagram { buffer: &mut self.buffer, length: 0 };
            let out = self.rings.out(&entry.lendings, (side, stream));
            let made = pass_made((side, stream), &mut entry.session, (ports, out), packet);
            self.counters.note_made(made);
        }
        entry.awake = entry.session.wakes();
        if entry.awake {
            self.waking.slots.push(at);
        }
        if entry.session.take_changed() {
            self.follow(at);
        }
    }
}
