//! The signalling loop: one thread, one brain, all its sockets.
//!
//! A turn: wait until something is ready; read within a budget and feed the brain; feed it the time;
//! then drain what it said, in the order media, journal, names, messages, log. The journal is written
//! before any message leaves, once per turn. The loop decides nothing about SIP: it moves bytes,
//! keeps limits and tells the brain what failed. Enter through [`Shard::run`].

mod core;
mod drain;
mod letters;

pub(crate) use letters::GRACE_MAX;
use letters::Stopping;

use self::core::Core;
use crate::brain::Brain;
use crate::clock::Clock;
use crate::dns::Dns;
use crate::journal::JournalSink;
use crate::mailbox::Letters;
use crate::poll::{News, Poll, Ready, Source};
use crate::pool::{Net, Pool};
use crate::status::ShardCounters;
use crate::stream::PONG;
use crate::tls::{Reached, TlsRules};
use crate::udp::gather::Gather;
use crate::udp::{UdpPort, is_keepalive};
use b2bua::{Input, Outbox, Snapshot};
use base::pace::Pace;
use base::{ListenId, Time, Transport};
use engine::Engine;
use engine::mmsg::RecvBatch;
use sip_core::{Flow, SendError, SendToken};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Datagrams taken from one port per turn, at most.
const DATAGRAMS_PER_TURN: usize = 64;
/// The largest datagram that UDP can carry, bytes.
const DATAGRAM_BYTES: usize = 65_535;
/// After a panic the next turn waits at least this long when only a deadline is due, so that a deadline that
/// panics each time cannot take the whole processor.
const PANIC_PAUSE: Duration = Duration::from_millis(10);

/// What a shard is built from.
pub(crate) struct Parts<B> {
    pub(crate) clock: Clock,
    pub(crate) poll: Poll,
    pub(crate) brain: B,
    /// What the brain said at birth.
    pub(crate) out: Outbox,
    pub(crate) ports: Vec<UdpPort>,
    pub(crate) pool: Pool,
    pub(crate) rules: Arc<TlsRules>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) engine: Engine,
    pub(crate) dns: Dns,
    pub(crate) journal: Box<dyn JournalSink>,
    pub(crate) letters: Letters,
}

/// See the module text.
pub(crate) struct Shard<B> {
    clock: Clock,
    poll: Poll,
    core: Core<B>,
    ports: Vec<UdpPort>,
    /// The port that each interface's datagrams leave from, unless their flow names another.
    port_of: Vec<Option<u32>>,
    interfaces: Vec<(IpAddr, u8)>,
    batch: RecvBatch,
    gather: Gather,
    pool: Pool,
    rules: Arc<TlsRules>,
    reached: Reached,
    snapshot: Arc<Snapshot>,
    engine: Engine,
    dns: Dns,
    journal: Box<dyn JournalSink>,
    letters: Letters,
    /// Media commands being executed; kept for its memory.
    media: Vec<media::Command>,
    /// Sends that failed and were not told yet.
    failures: Vec<(SendToken, SendError)>,
    /// Letters may wait that this turn's budget did not cover.
    more_letters: bool,
    stopping: Option<Stopping>,
    counters: ShardCounters,
}

impl<B: Brain> Shard<B> {
    /// Puts the parts together and watches the sockets.
    ///
    /// # Errors
    /// The sockets cannot be watched.
    pub(crate) fn new(parts: Parts<B>) -> std::io::Result<Shard<B>> {
        let listens = &parts.snapshot.config.listens;
        let mut port_of = vec![None; listens.len()];
        for (index, port) in parts.ports.iter().enumerate() {
            parts.poll.add(port.fd(), Source::Datagrams(index as u32), false)?;
            if let Some(slot) = port_of.get_mut(port.listen.index()) {
                slot.get_or_insert(index as u32);
            }
        }
        parts.pool.watch(&parts.poll)?;
        Ok(Shard {
            interfaces: listens.iter().map(|l| (l.address, l.dscp_sip)).collect(),
            clock: parts.clock,
            poll: parts.poll,
            core: Core::new(parts.brain, parts.out),
            ports: parts.ports,
            port_of,
            batch: RecvBatch::new(DATAGRAMS_PER_TURN, DATAGRAM_BYTES),
            gather: Gather::new(),
            pool: parts.pool,
            rules: parts.rules,
            reached: Reached::new(),
            snapshot: parts.snapshot,
            engine: parts.engine,
            dns: parts.dns,
            journal: parts.journal,
            letters: parts.letters,
            media: Vec::new(),
            failures: Vec::new(),
            more_letters: false,
            stopping: None,
            counters: ShardCounters::default(),
        })
    }

    /// Turns until it is told to stop and has stopped.
    ///
    /// # Errors
    /// The poll itself fails.
    pub(crate) fn run(mut self) -> std::io::Result<()> {
        let mut news = News::new();
        let mut panics = 0;
        let mut pace = Pace::default();
        self.drain(self.clock.now());
        loop {
            let pause = if self.core.panics == panics { Duration::ZERO } else { PANIC_PAUSE };
            panics = self.core.panics;
            let patience = self.patience(self.clock.now(), pause);
            self.poll.wait(patience, &mut news)?;
            let now = self.clock.now();
            self.counters.turns += 1;
            for one in &news.ready {
                self.read(*one, now);
            }
            if self.core.brain.next_deadline().is_some_and(|due| due <= now) {
                self.core.feed(now, Input::Timeout);
            }
            let brain = &self.core.brain;
            self.pool.sweep(now, brain.live_calls(), &self.poll, &|flow, names| brain.knows(flow, names));
            self.drain(now);
            if self.has_stopped(now) {
                break;
            }
            let rest = pace.rest(now, self.clock.now(), self.core.messages);
            if !rest.is_zero() {
                std::thread::sleep(rest);
            }
        }
        self.pool.close_all();
        self.engine.shutdown(ENGINE_STOP_MAX);
        Ok(())
    }

    /// How long to wait for news: until the next deadline.
    fn patience(&mut self, now: Time, at_least: Duration) -> Option<Duration> {
        let unwanted = self.engine.close_unwanted();
        if self.more_letters || !self.failures.is_empty() {
            return Some(Duration::ZERO);
        }
        let stop = self.stopping.as_ref().map(Stopping::deadline);
        let dues = [self.core.brain.next_deadline(), self.pool.next_deadline(), stop];
        let due = dues.into_iter().flatten().min().map(|due| due.since(now));
        Some(due.into_iter().chain(unwanted).min()?.max(at_least))
    }

    /// Reads from whatever has news.
    fn read(&mut self, news: Ready, now: Time) {
        match news.source {
            Source::Bell => {
                while let Some(reply) = self.engine.poll_reply() {
                    self.core.feed(now, Input::Media(reply));
                }
                self.read_letters(now);
            }
            Source::Datagrams(index) => self.read_datagrams(index, news, now),
            Source::Listener(index) => {
                let net = Net {
                    poll: &self.poll,
                    rules: &self.rules,
                    reached: &self.reached,
                    interfaces: &self.interfaces,
                };
                let brain = &self.core.brain;
                self.pool.accept(index, now, &net, &|flow, names| brain.knows(flow, names));
            }
            Source::Stream(number) => {
                let core = &mut self.core;
                self.pool.ready(number, news, now, &mut |flow, verified, bytes| match flow.conn {
                    Some(conn) if bytes == PONG => core.feed(now, Input::Pong(conn)),
                    _ => core.message(now, flow, verified, bytes),
                });
                let brain = &self.core.brain;
                self.pool.met(number, &|flow, names| brain.knows(flow, names));
            }
        }
        if self.more_letters && news.source != Source::Bell {
            self.read_letters(now);
        }
    }

    fn read_datagrams(&mut self, index: u32, news: Ready, now: Time) {
        let Some(port) = self.ports.get_mut(index as usize) else { return };
        if news.error {
            port.errors(&mut self.failures);
        }
        if news.writable && !port.writable(&mut self.gather) {
            // A watch that stays costs a turn, no more.
            let _ = self.poll.watch_write(port.fd(), Source::Datagrams(index), false);
        }
        // An error said here is an ICMP error's second voice; the queue has told it.
        let Ok(datagrams) = self.batch.recv(port.fd()) else { return };
        let (listen, conn) = (port.listen, port.conn);
        let (mut received, mut keepalives) = (0, 0);
        for datagram in datagrams {
            if is_keepalive(datagram.bytes) {
                keepalives += 1;
                continue;
            }
            received += 1;
            let flow = Flow { listen, transport: Transport::Udp, remote: datagram.source, conn, trunk: None };
            self.core.message(now, flow, &[], datagram.bytes);
        }
        port.counters.received += received;
        port.counters.keepalives += keepalives;
    }

    /// The datagram port that a flow leaves from.
    fn port_for(&self, listen: ListenId, conn: Option<sip_core::ConnId>) -> Option<u32> {
        let named = conn.map(|c| c.0).filter(|n| n & crate::pool::DATAGRAM_BIT != 0);
        let named = named.map(|n| n & !crate::pool::DATAGRAM_BIT);
        let ours = |n: &u32| self.ports.get(*n as usize).is_some_and(|p| p.listen == listen);
        named.filter(ours).or_else(|| self.port_of.get(listen.index()).copied().flatten())
    }
}

/// The media threads have this long to end.
const ENGINE_STOP_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
pub(crate) mod tests;
