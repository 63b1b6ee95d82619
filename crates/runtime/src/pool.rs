//! All stream connections: who may open one, which is reused, and when it ends.
//!
//! Outgoing messages take the connection that their flow names, else one to the same peer under
//! the same rules, else a new one. Everything here has a limit, because anybody may connect: what a
//! connection costs before it has delivered its first whole message is bounded per source and per
//! interface, and the oldest such connection gives way to the newest. Enter through
//! [`Pool::ready`] for news from the poll and [`Pool::send`] for messages.

mod admission;
mod listener;

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
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// A TCP connect takes at most this long.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A TLS handshake takes at most this long, connect included.
pub(crate) const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// A peer that connects has this long for its first whole message.
pub(crate) const FIRST_MESSAGE_MAX: Duration = Duration::from_secs(30);
/// A connection that carries nothing is closed after this long, while no call lives.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(600);
/// And after this long while calls live, one of which may need it for its end.
pub(crate) const IDLE_WITH_CALLS_MAX: Duration = Duration::from_secs(7200);
/// Limits of time are looked at this often.
const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// Bytes read from a connection at once.
const READ_BYTES: usize = 16 * 1024;
/// Numbers of stream connections stay below this bit; datagram ports have it.
pub(crate) const DATAGRAM_BIT: u32 = 1 << 31;

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

    /// When [`Pool::sweep`] is due; `None`: there is nothing to look at.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let nothing = self.streams.is_empty() && self.listeners.iter().all(|l| !l.muted);
        (!nothing).then_some(self.sweep_at)
    }

    /// A listening port has news: takes the connections that wait, up to a budget.
    pub(crate) fn accept(&mut self, index: u32, now: Time, net: &Net<'_>) {
        for _ in 0..listener::ACCEPTS_PER_TURN {
            let Some(listener) = self.listeners.get_mut(index as usize) else { return };
            match listener.accept() {
                Ok(Some((socket, remote))) => self.admit(index, socket, remote, now, net),
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

    fn admit(&mut self, index: u32, socket: TcpStream, remote: SocketAddr, now: Time, net: &Net<'_>) {
        let Some(listener) = self.listeners.get(index as usize) else { return };
        let (listen, transport) = (listener.listen, listener.transport);
        while let Some(full) = self.admission.obstacle(listen, remote.ip()) {
            let oldest = self.oldest_unproven(listen, full.source_only.then_some(remote.ip()));
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
        let flow = Flow { listen, transport, remote, conn: Some(ConnId(id)), trunk: None };
        let stream = Stream::accepted(socket, tls, flow, &self.message_limits, now);
        // Requests go back over it only to the very address and port that it came from; under TLS it has
        // not been checked for the name of any trunk, so only its own dialogs use it.
        if transport == Transport::Tcp {
            self.by_peer.entry(Peer::of(&flow)).or_insert(id);
        }
        self.insert(id, stream, now);
        self.admission.enter(listen, remote.ip());
        self.counters.accepted += 1;
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

    fn oldest_unproven(&self, listen: ListenId, source: Option<IpAddr>) -> Option<u32> {
        let same_source = |s: &Stream| source.is_none_or(|ip| admission::same_source(ip, s.flow.remote.ip()));
        self.streams
            .iter()
            .filter(|(_, s)| s.inbound && !s.proven && s.flow.listen == listen && same_source(s))
            .min_by_key(|(id, s)| (s.opened, **id))
            .map(|(id, _)| *id)
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
        if (ready.writable || stream.is_waiting()) && !stream.listed {
            stream.listed = true;
            self.listed.push(id);
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
        let Some(stream) = self.streams.get_mut(&id) else { return Err(SendError::Closed) };
        if let Err(why) = stream.enqueue(bytes, token) {
            self.doom(id, why);
            return Err(why.send_error());
        }
        if !stream.listed {
            stream.listed = true;
            self.listed.push(id);
        }
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
                let (config, name) =
                    net.rules.client(flow.trunk, flow.remote, net.reached).map_err(SendError::Tls)?;
                let connection = ClientConnection::new(config, name);
                Some(Connection::from(
                    connection.map_err(|e| SendError::Tls(crate::tls::verify::reason(&e)))?,
                ))
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
    fn doom(&mut self, id: u32, why: Close) {
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
            self.admission.leave(stream.flow.listen, stream.flow.remote.ip(), stream.proven);
        } else {
            self.admission.hung_up();
        }
        self.counters.count(why);
        tracing::debug!(
            remote = %stream.flow.remote,
            transport = %stream.flow.transport,
            inbound = stream.inbound,
            why = ?why,
            "connection closed"
        );
    }

    /// Looks at the limits of time.
    pub(crate) fn sweep(&mut self, now: Time, live_calls: usize, poll: &Poll) {
        if now < self.sweep_at {
            return;
        }
        self.sweep_at = now + SWEEP_EVERY;
        for (index, listener) in self.listeners.iter_mut().enumerate().filter(|(_, l)| l.muted) {
            listener.mute(poll, Source::Listener(index as u32), false);
        }
        let idle_max = if live_calls == 0 { IDLE_MAX } else { IDLE_WITH_CALLS_MAX };
        let overdue: Vec<(u32, Close)> =
            self.streams.iter().filter_map(|(id, s)| Some((*id, overdue(s, now, idle_max)?))).collect();
        for (id, why) in overdue {
            self.doom(id, why);
        }
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

/// Which limit of time a connection has passed.
fn overdue(stream: &Stream, now: Time, idle_max: Duration) -> Option<Close> {
    let age = now - stream.opened;
    match stream.stage() {
        Stage::Connecting if age >= CONNECT_MAX => Some(Close::TooSlow),
        Stage::Handshaking if age >= HANDSHAKE_MAX => Some(Close::TooSlow),
        Stage::Open if stream.inbound && !stream.proven && age >= FIRST_MESSAGE_MAX => Some(Close::Silent),
        Stage::Open if now - stream.used >= idle_max => Some(Close::Idle),
        _ => None,
    }
}
