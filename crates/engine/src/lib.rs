//! The portable media engine: sockets and threads around `media`'s pure sessions.
//!
//! Always there, on any Linux, without privileges. [`Engine::execute`] takes ports and opens
//! sockets in the caller's thread, so that signalling has its answer at once; a worker thread then
//! owns them, relays every packet and reports back. One engine has one owner (a signalling shard);
//! give owners that share an interface different port ranges. What may be relayed is decided in
//! `media`, never here.

mod hand;
mod held;
pub mod mmsg;
mod opening;
mod orders;
mod ports;
mod relay;
mod sockets;
mod status;
mod sys;
mod worker;

pub use held::MediaListen;
pub use media::{PortStatus, Status};
pub use orders::Asker;

use base::{ListenId, Rng, Time};
use hand::{Hand, start};
use held::{Held, Interface};
use media::fast::Choice;
use media::{Command, MAX_STREAMS, OpenError, Ports, Reply, SessionId, Side, StreamPorts};
use orders::{News, Notify, Order};
use ports::PortRange;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Orders that a worker may have waiting in its channel.
const ORDERS_MAX: usize = 4096;
/// Orders beyond that, kept here, from which on no further session is opened.
const BEHIND_MAX: usize = 4096;
/// News that may wait for the owner; more waits with the workers.
const NEWS_MAX: usize = 4096;
/// One pair of ports in so many descriptors that the process may have stays bound between calls.
const PAIRS_KEPT_OF_DESCRIPTORS: usize = 32;
/// How long dropping an engine waits for its threads.
const DROP_WAIT: Duration = Duration::from_secs(2);

/// See the module text.
pub struct Engine {
    interfaces: Vec<Interface>,
    ranges: Vec<PortRange>,
    hands: Vec<Hand>,
    news: Receiver<News>,
    held: HashMap<SessionId, Held>,
    birth: Instant,
    rng: Rng,
    unknown_sessions: u64,
    busy: u64,
    fast: Choice,
}

impl Engine {
    /// Starts `workers` threads (at least 1). `notify` is called from them when
    /// [`Engine::poll_reply`] has something; it must not block. `certificate`: what handshakes on media ports show.
    ///
    /// # Errors
    /// What the operating system says when threads or descriptors cannot be had.
    pub fn new(
        listens: Vec<MediaListen>,
        workers: usize,
        certificate: Arc<dtls::Certificate>,
        notify: Box<dyn Fn() + Send + Sync>,
    ) -> io::Result<Engine> {
        Engine::with_fast_path(listens, workers, certificate, notify, Err("not asked for".to_owned()))
    }

    /// As [`Engine::new`]; settled directions are lent to a fast path.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_fast_path(
        listens: Vec<MediaListen>,
        workers: usize,
        certificate: Arc<dtls::Certificate>,
        notify: Box<dyn Fn() + Send + Sync>,
        fast: Choice,
    ) -> io::Result<Engine> {
        let (news_in, news) = sync_channel(NEWS_MAX);
        let notify: Notify = Arc::from(notify);
        let birth = Instant::now();
        let path = fast.as_ref().ok();
        let begin = |n| start(n, (&news_in, &notify), birth, certificate.clone(), path.cloned());
        let hands = (0..workers.max(1)).map(begin).collect::<io::Result<_>>()?;
        let mut engine = Engine {
            interfaces: Vec::new(),
            ranges: Vec::new(),
            hands,
            news,
            held: HashMap::new(),
            birth,
            rng: Rng::new(sys::seed()),
            unknown_sessions: 0,
            busy: 0,
            fast,
        };
        engine.reconfigure(listens);
        Ok(engine)
    }

    /// Replaces the interfaces. Open sessions keep their ports; a range that is unchanged keeps its
    /// state.
    pub fn reconfigure(&mut self, listens: Vec<MediaListen>) {
        let mut old = std::mem::take(&mut self.ranges);
        self.interfaces.clear();
        for listen in listens {
            let same = |r: &PortRange| r.address == listen.address && r.ports == listen.range;
            let range = self.ranges.iter().position(same).unwrap_or_else(|| {
                let kept = old.iter().position(same).map(|at| old.swap_remove(at));
                let range = kept.unwrap_or_else(|| {
                    let held = self.held.values().flat_map(|h| h.pairs.iter().flatten().flatten());
                    let taken: Vec<u16> =
                        held.filter(|(a, _)| *a == listen.address).map(|&(_, p)| p).collect();
                    let ready_max = sys::descriptors() / PAIRS_KEPT_OF_DESCRIPTORS;
                    PortRange::new(listen.address, listen.range.clone(), &mut self.rng, &taken, ready_max)
                });
                self.ranges.push(range);
                self.ranges.len() - 1
            });
            self.interfaces.push(Interface { listen, range });
        }
    }

    fn now(&self) -> Time {
        Time(u64::try_from(self.birth.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Does what signalling asks. [`Command::Open`] and [`Command::Grow`] are answered here.
    pub fn execute(&mut self, command: Command) -> Option<Reply> {
        match command {
            Command::Open { session, a, b, streams } => {
                return Some(opened(session, self.open_anew(session, (a, b), streams)));
            }
            Command::Grow { session, a, b, streams } => {
                return Some(Reply::Grown { session, ports: self.grow(session, (a, b), streams) });
            }
            Command::Copy { session, of, listen, streams, seed } => {
                return Some(opened(session, self.open_copy(session, of, listen, (streams, seed))));
            }
            Command::Set { session, side, stream, remote } => {
                // The system refuses a new source until the worker has heard of it: that cannot wait.
                let moved = self.note_told(session, side, stream, remote.rtp);
                self.pass(session, Order::Set { session, side, stream, remote });
                moved.then(|| self.wake(session));
            }
            Command::Bridge { session, stream, plans, seed } => {
                self.pass(session, Order::Bridge { session, stream, plans, seed });
            }
            Command::Digit { session, toward, digit } => {
                self.pass_now(session, Order::Digit { session, toward, digit });
            }
            Command::Ice { session, side, local } => {
                self.pass(session, Order::Ice { session, side, local });
            }
            Command::Play { session, stream, toward, play, seed } => {
                self.pass_now(session, Order::Play { session, at: (stream, toward), play, seed });
            }
            Command::Reject { session, stream } => {
                self.pass(session, Order::Reject { session, stream });
            }
            Command::Close { session } => {
                let passed = self.pass(session, Order::Close { session });
                self.held.get_mut(&session).into_iter().for_each(|held| held.closing |= passed);
            }
        }
        None
    }

    /// Remembers where a stream's media go; whether that was another place before.
    fn note_told(&mut self, session: SessionId, side: Side, stream: u8, to: Option<SocketAddr>) -> bool {
        let held = self.held.get_mut(&session);
        let told = held.and_then(|h| h.told.get_mut(usize::from(stream))?.get_mut(side.index()));
        let before = told.and_then(|told| std::mem::replace(told, to));
        before.is_some() && before != to
    }

    /// Wakes the worker of a session.
    fn wake(&self, session: SessionId) {
        let worker = self.held.get(&session).and_then(|held| self.hands.get(held.worker));
        worker.into_iter().for_each(Hand::ring);
    }

    /// Closes sockets that no call has wanted for long; how long until there may be more to close. Call it
    /// before each wait.
    pub fn close_unwanted(&mut self) -> Option<Duration> {
        let now = self.now();
        let due = self.ranges.iter_mut().filter_map(|range| range.close_unwanted(now)).min();
        due.map(|due| due.since(now))
    }

    /// Passes an order on that somebody waits for.
    fn pass_now(&mut self, session: SessionId, order: Order) {
        self.pass(session, order);
        self.wake(session);
    }

    /// Passes an order to the worker of an open session.
    fn pass(&mut self, session: SessionId, order: Order) -> bool {
        let worker = self.held.get(&session).filter(|h| !h.closing).map(|h| h.worker);
        match worker.and_then(|w| self.hands.get_mut(w)) {
            Some(hand) => {
                hand.order(order);
                true
            }
            None => {
                self.unknown_sessions += 1;
                false
            }
        }
    }

    fn open(
        &mut self,
        session: SessionId,
        (a, b): (ListenId, ListenId),
        streams: u8,
        worker: usize,
    ) -> Result<Ports, OpenError> {
        if self.held.contains_key(&session) {
            return Err(OpenError::Duplicate);
        }
        let now = self.now();
        let count = usize::from(streams).clamp(1, MAX_STREAMS);
        let (pairs, opened) = self.open_streams(now, (a, b), count)?;
        let mut ports = Ports::default();
        pairs.iter().flatten().for_each(|pair| ports.push(ports_of(pair)));
        let Some(hand) = self.hands.get_mut(worker) else { return Err(OpenError::Busy) };
        let Ok(place) = hand.place(&opened) else {
            drop(opened);
            self.release(now, &pairs, Vec::new());
            return Err(OpenError::Descriptors);
        };
        hand.sessions += 1;
        hand.order(Order::Open { session, place, streams: opened });
        self.held.insert(session, Held { worker, place, pairs, told: Default::default(), closing: false });
        Ok(ports)
    }

    /// Takes ports for streams of an open session that it does not have yet.
    fn grow(
        &mut self,
        session: SessionId,
        at: (ListenId, ListenId),
        streams: u8,
    ) -> Result<Ports, OpenError> {
        let held = self.held.get(&session).filter(|held| !held.closing);
        let (had, worker, place) =
            held.map(|h| (h.pairs.len(), h.worker, h.place)).ok_or(OpenError::Unknown)?;
        let now = self.now();
        let (pairs, opened) =
            self.open_streams(now, at, usize::from(streams).min(MAX_STREAMS).saturating_sub(had))?;
        let hand = self.hands.get_mut(worker).filter(|hand| hand.behind.len() < BEHIND_MAX);
        let Some(hand) = hand else {
            drop(opened);
            self.release(now, &pairs, Vec::new());
            return Err(OpenError::Busy);
        };
        if hand.watch(place, had as u8, &opened).is_err() {
            drop(opened);
            self.release(now, &pairs, Vec::new());
            return Err(OpenError::Descriptors);
        }
        hand.order(Order::Grow { session, streams: opened });
        let held = self.held.get_mut(&session).ok_or(OpenError::Unknown)?;
        held.pairs.extend(pairs);
        let mut ports = Ports::default();
        held.pairs.iter().for_each(|pair| ports.push(pair.as_ref().map(ports_of).unwrap_or_default()));
        Ok(ports)
    }

    /// The living worker with the fewest sessions.
    fn least_loaded(&mut self) -> Result<usize, OpenError> {
        let able =
            |h: &Hand| h.behind.len() < BEHIND_MAX && h.thread.as_ref().is_some_and(|t| !t.is_finished());
        let found = (0..).zip(&self.hands).filter(|(_, h)| able(h)).min_by_key(|(_, h)| h.sessions);
        let at = found.map(|(at, _)| at);
        self.busy += u64::from(at.is_none());
        at.ok_or(OpenError::Busy)
    }

    /// The next news from the workers; call until `None` after each `notify`.
    pub fn poll_reply(&mut self) -> Option<Reply> {
        self.hands.iter_mut().for_each(Hand::catch_up);
        loop {
            match self.news.try_recv().ok()? {
                News::Freed { session, stream, ports } => self.freed(session, stream, ports),
                News::Reply(reply) => {
                    if let Reply::Unkeyed { side, why, .. } = &reply {
                        tracing::warn!(?side, %why, "a handshake for SRTP did not succeed in time");
                    }
                    return Some(reply);
                }
                News::Closed { session, report, streams } => {
                    self.closed(session, streams);
                    return Some(Reply::Closed { session, report });
                }
            }
        }
    }

    fn freed(&mut self, session: SessionId, stream: u8, ports: Option<Box<sockets::StreamPorts>>) {
        let held = self.held.get_mut(&session);
        let pair = held.and_then(|h| h.pairs.get_mut(usize::from(stream))?.take());
        self.release(self.now(), &[pair], vec![ports.map(|p| *p)]);
    }

    fn closed(&mut self, session: SessionId, streams: Vec<Option<sockets::StreamPorts>>) {
        if let Some(held) = self.held.remove(&session) {
            self.release(self.now(), &held.pairs, streams);
            if let Some(hand) = self.hands.get_mut(held.worker) {
                hand.vacate(held.place);
                hand.sessions = hand.sessions.saturating_sub(1);
            }
        }
    }

    /// Stops the workers, which closes every socket; sessions still open end without a report. True
    /// when all threads have ended within `limit`; a thread that has not is left to itself.
    pub fn shutdown(mut self, limit: Duration) -> bool {
        self.stop(limit)
    }

    fn stop(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        for hand in &mut self.hands {
            hand.shared.stop.store(true, Ordering::SeqCst);
            hand.bell.ring();
        }
        let mut all = true;
        for hand in &mut self.hands {
            let Some(thread) = hand.thread.take() else { continue };
            // The sender is dropped when the thread ends, so this wakes at that moment.
            let left = deadline.saturating_duration_since(Instant::now());
            let ended = matches!(
                hand.ended.recv_timeout(left),
                Ok(()) | Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
            );
            all &= ended && thread.join().is_ok();
        }
        all
    }
}

/// The answer to [`Command::Open`].
fn opened(session: SessionId, ports: Result<Ports, OpenError>) -> Reply {
    match ports {
        Ok(ports) => Reply::Opened { session, ports },
        Err(reason) => Reply::OpenFailed { session, reason },
    }
}

/// Our ports of a stream.
fn ports_of(pair: &[(IpAddr, u16); 2]) -> StreamPorts {
    StreamPorts { a_rtp: pair[0].1, b_rtp: pair[1].1 }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop(DROP_WAIT);
    }
}
