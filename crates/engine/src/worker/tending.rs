//! What sessions send on their own account: reports (RTCP) and keepalives by time, farewells at their end.

use super::{Entry, Worker};
use crate::relay::send;
use base::Time;
use media::{Datagram, Sending};

impl Worker {
    /// Sends what is due.
    pub(super) fn tend(now: Time, entry: &mut Entry, buffer: &mut [u8]) {
        let mut packet = Datagram { buffer, length: 0 };
        while let Some(sending) = entry.session.take_due(now, &mut packet) {
            leave(entry, sending, packet.bytes());
        }
    }

    /// Says farewell to the peers of a session, or of one stream of it, that is about to end.
    pub(super) fn say_farewell(&mut self, now: Time, at: u32, only: Option<u8>) {
        self.guarded(at, |worker| {
            let entry = worker.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut());
            let Some(entry) = entry else { return };
            let mut packet = Datagram { buffer: &mut worker.buffer, length: 0 };
            while let Some(sending) = entry.session.take_farewell(now, only, &mut packet) {
                leave(entry, sending, packet.bytes());
            }
        });
    }
}

/// Whoever does not hear it will hear the next one.
fn leave(entry: &Entry, Sending { side, stream, component, to }: Sending, bytes: &[u8]) {
    if let Some(Some(ports)) = entry.streams.get(usize::from(stream)) {
        send(ports.port(side, component), bytes, to);
    }
}
