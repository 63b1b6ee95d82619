//! Sessions that are copied: each packet goes a second time, out of the ports of another session of this worker, to
//! a recorder. What becomes of it there is that session's own affair.

use super::Worker;
use crate::relay::{send, send_heard};
use base::Time;
use media::token::{Place, Token};
use media::{Component, Datagram, Leaving, Session, SessionId};
use std::io;

impl Worker {
    /// A session is copied to another one from here on.
    pub(super) fn copy(&mut self, of: SessionId, to: Place, seed: u64) {
        let copy = self.slots.get_mut(to.slot as usize).filter(|slot| slot.generation == to.generation);
        let Some(copy) = copy.and_then(|slot| slot.entry.as_mut()) else { return };
        copy.session.serve_recorder(seed);
        let Some(at) = self.ids.get(&of).copied() else { return };
        // What an engine relays by itself is not seen here.
        self.recall(at);
        if let Some(copied) = self.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut()) {
            copied.session.give_copies(true);
            copied.copies = Some(to);
            self.follow(at);
        }
    }

    /// Passes on the copy of the packet that was just relayed.
    pub(super) fn pass_copy(&mut self, now: Time, token: Token, to: Place) {
        let entry = self.slots.get_mut(token.place.slot as usize).and_then(|slot| slot.entry.as_mut());
        let Some(entry) = entry else { return };
        let Some(length) = entry.session.take_copy(&mut self.buffer) else { return };
        let copy = self.slots.get_mut(to.slot as usize).filter(|slot| slot.generation == to.generation);
        let Some(copy) = copy.and_then(|slot| slot.entry.as_mut()) else {
            return self.stop_copies(token.place.slot);
        };
        let mut packet = Datagram { buffer: &mut self.buffer, length };
        let Some(target) = copy.session.copy(now, token.side, token.stream, &mut packet) else { return };
        let Some(Some(ports)) = copy.streams.get(usize::from(token.stream)) else { return };
        let exit = copy.lendings.exit((token.side, token.stream));
        let (left, refused) = match self.rings.leave(exit, target, packet.bytes()) {
            Leaving::Elsewhere => send_heard(ports.port(token.side, Component::Rtp), packet.bytes(), target),
            // Where its host refuses them the port hears of it.
            by_rings => (by_rings == Leaving::Left, false),
        };
        if refused {
            copy.session.copy_refused(now);
        }
        if !left {
            copy.session.copy_failed(token.side, token.stream, refused);
        }
    }

    /// The recorder's session has ended.
    #[cold]
    fn stop_copies(&mut self, at: u32) {
        if let Some(entry) = self.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut()) {
            entry.copies = None;
            entry.session.give_copies(false);
        }
    }

    /// Sends the sender reports that are due to a recorder.
    pub(super) fn report_copies(&mut self, now: Time, at: u32) {
        let entry = self.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut());
        let Some(entry) = entry.filter(|entry| entry.session.serves_recorder()) else { return };
        let streams = &entry.streams;
        let mut packet = Datagram { buffer: &mut self.buffer, length: 0 };
        entry.session.report_copies(now, &mut packet, |side, stream, component, to, bytes| {
            if let Some(Some(ports)) = streams.get(usize::from(stream)) {
                let _ = send(ports.port(side, component), bytes, to);
            }
        });
    }
}

/// A socket has failed, which is counted; where it leads to a recorder, whose host has refused what was sent there,
/// its session hears of it.
#[cold]
pub(super) fn failed(now: Time, token: Token, session: &mut Session, error: &io::Error) -> u64 {
    let unreached = [libc::ECONNREFUSED, libc::EHOSTUNREACH, libc::ENETUNREACH, libc::EHOSTDOWN];
    // Reports may go to a port that nobody has.
    let media = token.component == Component::Rtp;
    if media && error.raw_os_error().is_some_and(|code| unreached.contains(&code)) {
        session.copy_refused(now);
    }
    1
}
