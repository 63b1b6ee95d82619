//! Connections that peers open: taken from the port, let in against the limits, and whose they are.
//!
//! A peer of no trunk is a stranger until its address or certificate, or what the house has to say to it,
//! tells otherwise.

use super::admission::{self, Standing};
use super::{Net, Peer, Pool, Whose, listener};
use crate::poll::Source;
use crate::socket;
use crate::stream::{Close, Stage, Stream};
use base::{ListenId, Time, Transport};
use rustls::Connection;
use sip_core::{ConnId, Flow};
use std::net::{IpAddr, TcpStream};

impl Pool {
    /// A listening port has news: takes the connections that wait, up to a budget.
    pub(crate) fn accept(&mut self, index: u32, now: Time, net: &Net<'_>, whose: Whose<'_>) {
        for _ in 0..listener::ACCEPTS_PER_TURN {
            let Some(listener) = self.listeners.get_mut(index as usize) else { return };
            match listener.accept() {
                Ok(Some((socket, remote))) => {
                    let flow = Flow {
                        listen: listener.listen,
                        transport: listener.transport,
                        remote,
                        conn: None,
                        trunk: None,
                    };
                    self.admit(socket, flow, whose(&flow, &[]), now, net);
                }
                Ok(None) => return,
                Err(_) => {
                    // No descriptors are left: deaf until the next sweep, instead of a busy loop.
                    self.counters.accept_failed += 1;
                    listener.mute(net.poll, Source::Listener(index), true);
                    return;
                }
            }
        }
    }

    fn admit(&mut self, socket: TcpStream, flow: Flow, known: bool, now: Time, net: &Net<'_>) {
        let Flow { listen, transport, remote, .. } = flow;
        while let Some(full) = self.admission.obstacle(listen, remote.ip(), known) {
            let oldest = self.oldest(full.among, listen, full.source_only.then_some(remote.ip()));
            let Some(oldest) = oldest.filter(|_| full.may_displace) else {
                self.counters.refused += 1;
                return;
            };
            self.end(oldest, Close::Displaced, &mut Vec::new());
        }
        let tls = match transport {
            Transport::Tls => {
                let identity = net.rules.server(listen).map(|i| i.config.clone());
                match identity.map(rustls::ServerConnection::new) {
                    Some(Ok(connection)) => Some(Connection::from(connection)),
                    _ => return,
                }
            }
            _ => None,
        };
        let id = self.number();
        if net.poll.add(&socket, Source::Stream(id), false).is_err() {
            self.counters.accept_failed += 1;
            return;
        }
        socket::tune_stream(&socket);
        let flow = Flow { conn: Some(ConnId(id)), ..flow };
        let stream = Stream::accepted(socket, tls, flow, &self.message_limits, now, known);
        // Requests go back over it only to the very address and port that it came from; under TLS it has
        // not been checked for the name of any trunk, so only its own dialogs use it.
        if transport == Transport::Tcp {
            self.by_peer.entry(Peer::of(&flow)).or_insert(id);
        }
        self.insert(id, stream, now);
        self.admission.enter(listen, remote.ip(), known);
        self.counters.accepted += 1;
    }

    /// The oldest connection that may give way to a newer one.
    fn oldest(&self, among: Standing, listen: ListenId, source: Option<IpAddr>) -> Option<u32> {
        let same_source = |s: &Stream| source.is_none_or(|ip| admission::same_source(ip, s.flow.remote.ip()));
        let rival = |s: &Stream| match among {
            Standing::Unproven => !s.proven && s.flow.listen == listen,
            Standing::Stranger => !s.known,
        };
        self.streams
            .iter()
            .filter(|(_, s)| s.inbound && rival(s) && same_source(s))
            .min_by_key(|(id, s)| (s.opened, **id))
            .map(|(id, _)| *id)
    }

    /// Asks again who a stranger is.
    pub(super) fn look_closely(&mut self, id: u32, whose: Whose<'_>) {
        let Some(stream) = self.streams.get(&id) else { return };
        if stream.stage() == Stage::Open && whose(&stream.flow, stream.verified()) {
            self.befriend(id);
        }
    }

    /// A connection is no stranger's any more.
    pub(super) fn befriend(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id).filter(|s| !s.known) else { return };
        self.admission.befriend(stream.flow.listen, stream.flow.remote.ip());
        if let Err(why) = stream.befriend() {
            self.doom(id, why);
        } else {
            self.list(id);
        }
    }

    /// After [`Pool::ready`]: whose a connection is that may just have shown its certificate.
    pub(crate) fn met(&mut self, id: u32, whose: Whose<'_>) {
        if self.streams.get(&id).is_some_and(|s| !s.known && s.flow.transport == Transport::Tls) {
            self.look_closely(id, whose);
        }
    }
}
