//! All stream connections: who may open one, which is reused, and when it ends.
//!
//! Outgoing messages take the connection that their flow names, else one to the same peer under
//! the same rules, else a new one. Everything here has a limit, because anybody may connect: what a
//! connection costs before it has delivered its first whole message is bounded per source and per
//! interface, and the oldest such connection gives way to the newest. Who belongs to no trunk is a
//! stranger: never answered, soon closed, and few of them, so that they cannot crowd out those who do.
//! Enter through [`Pool::ready`] for news from the poll and [`Pool::send`] for messages.

mod admission;
mod arrival;
mod listener;
mod times;

pub(crate) use listener::Listener;

use crate::poll::{Poll, Ready, Source};
use crate::socket;
use crate::status::{StreamCounters, StreamCounts};
use crate::stream::{Close, Sink, Stage, Stream};
use crate::tls::{Reached, TlsRules};
use admission::Admission;
use base::hash::{Fast, Keyed};
use base::{ListenId, Time, Transport, TrunkId};
use rustls::{ClientConnection, Connection};
use sip_core::{ConnId, Flow, SendError, SendToken};
use sip_msg::Limits;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use times::SWEEP_EVERY;

/// Bytes read from a connection at once.
const READ_BYTES: usize = 16 * 1024;
/// Numbers of stream connections stay below this bit; datagram ports have it.
pub(crate) const DATAGRAM_BIT: u32 = 1 << 31;

/// Whether a source belongs to a trunk, by its address and the names in its verified certificate.
pub(crate) type Whose<'a> = &'a dyn Fn(&Flow, &[String]) -> bool;

/// What opening a connection needs to know.
pub(crate) struct Net<'a> {
    pub(crate) poll: &'a Poll,
    pub(crate) rules: &'a TlsRules,
    pub(crate) reached: &'a Reached,
    /// Address and traffic class of each interface.
    pub(crate) interfaces: &'a [(IpAddr, u8)],
}

/// Whom a connection may be reused for: TLS rules are a trunk's own (a connection that was made under
/// one name must not serve another).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Peer {
    listen: ListenId,
    transport: Transport,
    remote: SocketAddr,
    trunk: Option<TrunkId>,
}

impl Peer {
    fn of(flow: &Flow) -> Peer {
        let trunk = if flow.transport == Transport::Tls { flow.trunk } else { None };
        Peer { listen: flow.listen, transport: flow.transport, remote: flow.remote, trunk }
    }
}

/// All connections and listening ports.
pub(crate) struct Pool {
    streams: HashMap<u32, Box<Stream>, Fast>,
    by_peer: HashMap<Peer, u32, Keyed>,
    listeners: Vec<Listener>,
    admission: Admission,
    next: u32,
    /// Connections with something to write in this turn.
    listed: Vec<u32>,
    /// Connections that end with this turn.
    doomed: Vec<(u32, Close)>,
    scratch: Box<[u8]>,
    message_limits: Limits,
    sweep_at: Time,
    /// Connections that have ended and were not told of yet.
    pub(crate) ended: Vec<ConnId>,
    pub(crate) counters: StreamCounters,
}

impl Pool {
    /// No connections yet; `interfaces` is their number.
    pub(crate) fn new(listeners: Vec<Listener>, interfaces: usize, seed: (u64, u64), limits: Limits) -> Pool {
        Pool {
            streams: HashMap::default(),
            by_peer: HashMap::with_hasher(Keyed(seed.0, seed.1)),
            listeners,
            admission: Admission::new(interfaces, Keyed(seed.1, seed.0)),
            next: 0,
            listed: Vec::new(),
            doomed: Vec::new(),
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
            message_limits: limits,
            sweep_at: Time::ZERO,
            ended: Vec::new(),
            counters: StreamCounters::default(),
        }
    }

    /// Watches the listening ports.
    pub(crate) fn watch(&self, poll: &Poll) -> std::io::Result<()> {
        for (index, listener) in self.listeners.iter().enumerate() {
            poll.add(listener.fd(), Source::Listener(index as u32), false)?;
        }
        Ok(())
    }

    /// The listening ports of one interface.
    pub(crate) fn local_addresses(&self, listen: ListenId) -> Vec<(Transport, SocketAddr)> {
        let ours = self.listeners.iter().filter(|l| l.listen == listen);
        ours.map(|l| (l.transport, l.local)).collect()
    }

    fn insert(&mut self, id: u32, stream: Stream, now: Time) {
        if self.streams.is_empty() {
            self.sweep_at = now + SWEEP_EVERY;
        }
        self.streams.insert(id, Box::new(stream));
    }

    fn number(&mut self) -> u32 {
        loop {
            self.next = (self.next + 1) & !DATAGRAM_BIT;
            if !self.streams.contains_key(&self.next) {
                return self.next;
            }
        }
    }

    /// Has it written with the end of this turn.
    fn list(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id).filter(|s| !s.listed) {
            stream.listed = true;
            self.listed.push(id);
        }
    }

    /// A connection has news.
    pub(crate) fn ready(&mut self, id: u32, ready: Ready, now: Time, sink: Sink<'_>) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let was_proven = stream.proven;
        let mut outcome = Ok(());
        if ready.writable {
            outcome = stream.connected();
        }
        if ready.readable && outcome.is_ok() {
            outcome = stream.read(now, &mut self.scratch, sink);
        }
        if stream.proven && !was_proven && stream.inbound {
            self.admission.prove(stream.flow.listen, stream.flow.remote.ip());
        }
        if ready.writable || stream.is_waiting() {
            self.list(id);
        }
        if let Err(why) = outcome {
            self.doom(id, why);
        }
    }

    /// Queues a message on the connection that its flow asks for; it leaves with [`Pool::finish`].
    ///
    /// # Errors
    /// It cannot be sent; the token is not reported again.
    pub(crate) fn send(
        &mut self,
        now: Time,
        flow: &Flow,
        bytes: &[u8],
        token: Option<SendToken>,
        net: &Net<'_>,
    ) -> Result<(), SendError> {
        let id = match self.find(flow) {
            Some(id) => id,
            None => self.dial(now, flow, net)?,
        };
        // Whom the house speaks to is no stranger, wherever a request inside a call came from.
        self.befriend(id);
        let Some(stream) = self.streams.get_mut(&id) else { return Err(SendError::Closed) };
        if let Err(why) = stream.enqueue(bytes, token) {
            self.doom(id, why);
            return Err(why.send_error());
        }
        self.list(id);
        Ok(())
    }

    /// The connection that a flow asks for: the one it names (even when its peer has stopped sending: it
    /// may still read, RFC 3261 §18.2.2), else one to the same peer.
    fn find(&self, flow: &Flow) -> Option<u32> {
        if let Some(ConnId(id)) = flow.conn
            && self.streams.contains_key(&id)
            && !self.doomed.iter().any(|(doomed, why)| *doomed == id && !why.still_answers())
        {
            return Some(id);
        }
        self.by_peer.get(&Peer::of(flow)).copied()
    }

    fn dial(&mut self, now: Time, flow: &Flow, net: &Net<'_>) -> Result<u32, SendError> {
        if !self.admission.may_dial() {
            return Err(SendError::QueueFull);
        }
        let &(address, dscp) = net.interfaces.get(flow.listen.index()).ok_or(SendError::Unreachable)?;
        let tls = match flow.transport {
            Transport::Tls => {
                let (config, name) = net.rules.client(flow.trunk, flow.remote, net.reached)?;
                let connection = ClientConnection::new(config, name);
                Some(Connection::from(connection.map_err(|error| Close::of_tls(&error).send_error())?))
            }
            _ => None,
        };
        let socket = listener::connect(SocketAddr::new(address, 0), flow.remote, dscp)
            .map_err(|error| Close::of_connect(&error).send_error())?;
        let id = self.number();
        net.poll.add(&socket, Source::Stream(id), true).map_err(|_| SendError::QueueFull)?;
        socket::tune_stream(&socket);
        let flow = Flow { conn: Some(ConnId(id)), ..*flow };
        let stream = Stream::dialled(socket, tls, flow, &self.message_limits, now);
        self.by_peer.insert(Peer::of(&flow), id);
        self.insert(id, stream, now);
        self.admission.dialled();
        self.counters.dialled += 1;
        Ok(id)
    }

    /// Marks a connection to end with this turn, after what is queued had its chance to leave.
    pub(crate) fn doom(&mut self, id: u32, why: Close) {
        if self.doomed.iter().any(|(doomed, _)| *doomed == id) {
            return;
        }
        if let Some(stream) = self.streams.get(&id) {
            forget_peer(&mut self.by_peer, &stream.flow, id);
            self.doomed.push((id, why));
        }
    }

    /// Writes what was queued and ends what is to end.
    pub(crate) fn finish(&mut self, now: Time, poll: &Poll, failures: &mut Vec<(SendToken, SendError)>) {
        let mut listed = std::mem::take(&mut self.listed);
        for id in listed.drain(..) {
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            stream.listed = false;
            let outcome = stream.flush(now);
            let want = stream.stage() == Stage::Connecting || stream.is_waiting();
            if want != stream.watching {
                stream.watching = want;
                // Without the watch a queue would be stuck; the connection is worth less than that.
                if poll.watch_write(stream.socket(), Source::Stream(id), want).is_err() {
                    self.doom(id, Close::Reset);
                }
            }
            if let Err(why) = outcome {
                self.doom(id, why);
            }
        }
        self.listed = listed;
        let mut doomed = std::mem::take(&mut self.doomed);
        for (id, why) in doomed.drain(..) {
            self.end(id, why, failures);
        }
        self.doomed = doomed;
    }

    fn end(&mut self, id: u32, why: Close, failures: &mut Vec<(SendToken, SendError)>) {
        let Some(mut stream) = self.streams.remove(&id) else { return };
        forget_peer(&mut self.by_peer, &stream.flow, id);
        stream.close(why, failures);
        if stream.inbound {
            let remote = stream.flow.remote.ip();
            self.admission.leave(stream.flow.listen, remote, stream.proven, stream.known);
        } else {
            self.admission.hung_up();
        }
        self.counters.count(why);
        self.ended.push(ConnId(id));
        tracing::debug!(
            remote = %stream.flow.remote,
            transport = %stream.flow.transport,
            inbound = stream.inbound,
            why = ?why,
            "connection closed"
        );
    }

    /// Ends all connections.
    pub(crate) fn close_all(&mut self) {
        let ids: Vec<u32> = self.streams.keys().copied().collect();
        for id in ids {
            self.end(id, Close::Stopping, &mut Vec::new());
        }
    }

    /// Rules have changed: connections dialled under the old ones serve the dialogs that name them, and no
    /// new request.
    pub(crate) fn rules_changed(&mut self) {
        self.by_peer.retain(|peer, _| peer.transport != Transport::Tls);
    }

    /// Whether some connection has bytes that its peer has not taken yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.streams.values().any(|s| s.is_waiting())
    }

    /// Connections of one interface, now.
    pub(crate) fn counts(&self, listen: ListenId) -> StreamCounts {
        let mut counts = StreamCounts::default();
        for stream in self.streams.values().filter(|s| s.flow.listen == listen) {
            match (stream.inbound, stream.stage()) {
                (_, Stage::Connecting | Stage::Handshaking) => counts.half_open += 1,
                (true, Stage::Open) => counts.inbound += 1,
                (false, Stage::Open) => counts.outbound += 1,
            }
        }
        counts
    }

    /// The named limits and how often each was hit.
    pub(crate) fn limits(&self) -> Vec<base::Limit> {
        self.admission.limits()
    }
}

fn forget_peer(by_peer: &mut HashMap<Peer, u32, Keyed>, flow: &Flow, id: u32) {
    let peer = Peer::of(flow);
    if by_peer.get(&peer) == Some(&id) {
        by_peer.remove(&peer);
    }
}

#[cfg(test)]
mod tests;
