//! Sessions whose keys are agreed on by handshakes on their ports (RFC 5764). What is said in them is the affair of
//! `dtls`; here datagrams come and go.

use super::{Entry, Worker};
use crate::relay::send;
use crate::sockets::StreamPorts;
use base::Time;
use dtls::Desk;
use media::token::Token;
use media::{SessionId, Spot};
use std::net::SocketAddr;

impl Worker {
    /// A description has come: handshakes begin that it asks for.
    pub(super) fn shake(&mut self, now: Time, session: SessionId) {
        let Some(at) = self.ids.get(&session).copied() else { return };
        self.guarded(at, |worker| {
            let entry = worker.slots.get_mut(at as usize).and_then(|slot| slot.entry.as_mut());
            let Some(Entry { session, streams, handshakes, .. }) = entry else { return };
            if handshakes.is_none() && session.handshakes().next().is_none() {
                return;
            }
            let all = handshakes.get_or_insert_default();
            all.follow(now, session, &mut worker.desk, &mut |spot, to, bytes| {
                leave(streams, spot, to, bytes)
            });
        });
    }
}

/// A datagram of a handshake has come.
#[cold]
pub(super) fn hear(
    now: Time,
    token: Token,
    source: SocketAddr,
    (Entry { session, streams, handshakes, .. }, datagram): (&mut Entry, &[u8]),
    desk: &mut Desk,
) {
    let spot = Spot { side: token.side, stream: token.stream, component: token.component };
    let all = handshakes.get_or_insert_default();
    let mut leaves = |spot, to, bytes: &[u8]| leave(streams, spot, to, bytes);
    all.receive(now, (spot, source), datagram, (session, desk), &mut leaves);
}

/// Time goes on.
pub(super) fn tick(now: Time, Entry { session, streams, handshakes, .. }: &mut Entry, desk: &mut Desk) {
    if let Some(all) = handshakes {
        all.on_tick(now, session, desk, &mut |spot, to, bytes| leave(streams, spot, to, bytes));
    }
}

/// What does not leave is said again when its time comes.
fn leave(streams: &[Option<StreamPorts>], spot: Spot, to: SocketAddr, bytes: &[u8]) {
    if let Some(Some(ports)) = streams.get(usize::from(spot.stream)) {
        let _ = send(ports.port(spot.side, spot.component), bytes, to);
    }
}
