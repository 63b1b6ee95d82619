//! A media worker: one thread, one epoll loop, and the sessions it owns.
//!
//! Packets are received, judged by their [`media::Session`] and sent at once, without lock or
//! allocation. Commands come over a bounded channel and a bell; news goes back the same way.
//! Enter through [`Worker::run`].

use super::orders::{News, Notify, Order, Shared};
use super::relay::{Passed, relay};
use super::sockets::StreamPorts;
use super::status::Counters;
use super::sys::{self, Bell, Poll, Ready};
use base::hash::Fast;
use base::{Rng, Time};
use bridged::Waking;
use dtls::{Associations, Desk};
use media::token::{Place, Token};
use media::{Datagram, Lendings, Report, Session, SessionId};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

mod ahead;
mod bridged;
mod copied;
mod fast;
mod keying;
mod lives;
mod rings;
mod ripening;
mod telling;
mod tending;

/// Descriptors taken from one wait.
const EVENTS_MAX: usize = 256;
/// The largest datagram that is relayed, bytes.
const DATAGRAM_MAX: usize = 9216;
/// Receives that may fail on one socket in one go (an ICMP error is said once each).
const RECV_TRIES: usize = 2;
/// Datagrams taken from one socket in one go before its filter is trusted.
const DRAIN_MAX: usize = 64;
/// Every session is looked at once in this time, in [`SLICES`] slices.
const SWEEP: Duration = Duration::from_millis(200);
/// Slices of a sweep, so that thousands of sessions do not delay packets at once.
const SLICES: usize = 8;
/// The token of the bell.
const BELL: u64 = u64::MAX;

/// A session and its sockets.
struct Entry {
    session: Session,
    streams: Vec<Option<StreamPorts>>,
    lendings: Lendings,
    /// It is among [`Worker::waking`].
    awake: bool,
    /// Handshakes on its ports, if it needs any.
    handshakes: Option<Box<Associations>>,
    /// The session that leads to its recorder.
    copies: Option<Place>,
}

/// A place for a session; its generation tells late events of an earlier one.
#[derive(Default)]
struct Slot {
    generation: u16,
    entry: Option<Entry>,
}

/// What ties a worker to its engine.
pub(super) struct Links {
    pub(super) poll: Arc<Poll>,
    pub(super) bell: Arc<Bell>,
    pub(super) shared: Arc<Shared>,
    pub(super) orders: Receiver<Order>,
    pub(super) fast: fast::Path,
}

/// See the module text.
pub(super) struct Worker {
    poll: Arc<Poll>,
    bell: Arc<Bell>,
    shared: Arc<Shared>,
    orders: Receiver<Order>,
    fast: fast::Path,
    rings: rings::Shared,
    news: SyncSender<News>,
    /// News that the full channel did not take; bounded by what sessions may say.
    backlog: VecDeque<News>,
    told: bool,
    notify: Notify,
    birth: Instant,
    slots: Vec<Slot>,
    ids: HashMap<SessionId, u32, Fast>,
    counters: Counters,
    buffer: Box<[u8]>,
    /// A second one, for what is served while a datagram waits in the first.
    spare: Box<[u8]>,
    waking: Waking,
    rng: Rng,
    next_slice: Time,
    slice: usize,
    stopping: bool,
    desk: Desk,
}

impl Worker {
    pub(super) fn new(
        Links { poll, bell, shared, orders, fast }: Links,
        news: SyncSender<News>,
        notify: Notify,
        birth: Instant,
        desk: Desk,
    ) -> io::Result<Worker> {
        poll.add(bell.fd(), BELL)?;
        let rings = rings::Shared::watch(fast.as_ref().and_then(|path| path.rings()), &poll)?;
        Ok(Worker {
            poll,
            bell,
            shared,
            orders,
            fast,
            rings,
            news,
            backlog: VecDeque::new(),
            told: false,
            notify,
            birth,
            slots: Vec::new(),
            ids: HashMap::default(),
            counters: Counters::default(),
            buffer: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            spare: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            waking: Waking::default(),
            rng: Rng::new(sys::seed()),
            next_slice: Time::ZERO,
            slice: 0,
            stopping: false,
            desk,
        })
    }

    fn now(&self) -> Time {
        Time(u64::try_from(self.birth.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Runs until told to stop.
    pub(super) fn run(mut self) {
        let mut ready = Ready::new(EVENTS_MAX);
        while !self.stopping {
            let timeout = self.before_wait();
            if self.poll.wait(&mut ready, timeout).is_err() {
                // Only a broken descriptor can cause this; do not spin on it.
                self.counters.socket_errors += 1;
                std::thread::sleep(SWEEP);
            }
            let now = self.now();
            // Before any packet is judged: it may be what an order led to.
            self.take_orders(now);
            self.serve_rings(now);
            for at in 0..ready.len() {
                self.look_ahead(&ready, at);
                let token = ready.token(at);
                if token == BELL {
                    self.answer_bell(now);
                } else if token != rings::RINGS {
                    let token = Token::unpack(token);
                    self.guarded(token.place.slot, |w| _ = w.receive(now, token));
                }
            }
            self.serve_bridges(now);
            if now >= self.next_slice {
                self.sweep(now);
            }
            self.rings.flush();
            self.announce();
        }
        self.shared.board.publish(&self.counters);
    }

    /// How long to wait now. Before a wait without end, orders that did not ring because the worker was
    /// still sweeping are looked for once more.
    fn before_wait(&mut self) -> i32 {
        let limit = self.timeout();
        self.shared.sweeping.store(limit >= 0, Ordering::SeqCst);
        if limit >= 0 {
            return limit;
        }
        // The engine puts its order in first and looks at the flag then; with the fences one of both sees
        // the other.
        fence(Ordering::SeqCst);
        self.take_orders(self.now());
        self.announce();
        self.timeout()
    }

    /// Milliseconds until the next slice of a sweep; −1 when nothing is to be swept.
    fn timeout(&self) -> i32 {
        if self.ids.is_empty() && self.backlog.is_empty() {
            return -1;
        }
        let next = self.waking.due().map_or(self.next_slice, |due| due.min(self.next_slice));
        let wait = next.since(self.now()).as_micros().div_ceil(1000);
        i32::try_from(wait).unwrap_or(i32::MAX)
    }

    /// Does something for the session in a slot; a panic costs that session, not the thread.
    #[inline]
    fn guarded(&mut self, slot: u32, work: impl FnOnce(&mut Worker)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.counters.panics += 1;
            if let Some(entry) = self.remove(slot) {
                let (session, report) = (entry.session.id(), Box::<Report>::default());
                self.tell(News::Closed { session, report, streams: Vec::new() });
            }
        }
    }

    /// Receives one datagram and passes it on. One is the normal case at 50 packets a second a stream;
    /// the level-triggered poll comes back for more.
    /// False when nothing waited.
    #[inline]
    fn receive(&mut self, now: Time, token: Token) -> bool {
        self.serve_due_rings(now);
        let Some(slot) = self.slots.get_mut(token.place.slot as usize) else { return false };
        let current = slot.generation == token.place.generation;
        let Some(entry) = slot.entry.as_mut().filter(|_| current) else { return false };
        let Some(Some(ports)) = entry.streams.get(usize::from(token.stream)) else { return false };
        let port = ports.port(token.side, token.component);
        entry.session.hot_lines(token.side, token.stream).for_each(sys::prefetch);
        entry.session.bridge_lines(token.side, token.stream).for_each(sys::prefetch);
        for _ in 0..RECV_TRIES {
            match port.receive(&mut self.buffer) {
                Ok((length, Some(source))) => {
                    if !entry.lendings.is_empty() {
                        self.meet(now, token, source, length);
                    }
                    self.hear(now, token, source, length);
                    return true;
                }
                Ok((_, None)) => return true,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                Err(e) => self.counters.socket_errors += copied::failed(now, token, &mut entry.session, &e),
            }
        }
        true
    }

    /// Passes on a datagram that lies in the buffer.
    #[inline]
    fn hear(&mut self, now: Time, token: Token, source: SocketAddr, length: usize) {
        let Some(slot) = self.slots.get_mut(token.place.slot as usize) else { return };
        let current = slot.generation == token.place.generation;
        let Some(entry) = slot.entry.as_mut().filter(|_| current) else { return };
        let Some(Some(ports)) = entry.streams.get(usize::from(token.stream)) else { return };
        let (session, buffer) = (&mut entry.session, &mut self.buffer);
        let out = self.rings.out(&entry.lendings, (token.side, token.stream));
        let passed = relay(now, token, session, (ports, out), source, Datagram { buffer, length });
        match &passed {
            Some(Passed::Taken(_)) => self.waking.note(now, token.place.slot, entry),
            Some(Passed::Handshake) => {
                keying::hear(now, token, source, (entry, &self.buffer[..length]), &mut self.desk);
            }
            _ => {}
        }
        self.counters.note(&passed, length);
        self.after(now, token);
    }

    /// Sees to what a packet of the session has changed, and to its copy.
    #[inline]
    fn after(&mut self, now: Time, token: Token) {
        let entry = self.slots.get_mut(token.place.slot as usize).and_then(|slot| slot.entry.as_mut());
        let Some(entry) = entry else { return };
        let copied = entry.copies;
        if entry.session.take_changed() {
            self.follow(token.place.slot);
        }
        if let Some(to) = copied {
            self.pass_copy(now, token, to);
        }
    }

    /// Lets time go on for one session.
    fn visit(&mut self, now: Time, at: u32) {
        self.sync(at);
        let Some(entry) = self.slots.get_mut(at as usize).and_then(|s| s.entry.as_mut()) else { return };
        entry.session.on_tick(now);
        keying::tick(now, entry, &mut self.desk);
        Worker::tend(now, entry, &mut self.buffer);
        self.counters.gather(&mut entry.session);
        if entry.session.take_changed() | entry.session.has_replies() {
            self.follow(at);
        }
        self.lend(at);
        self.report_copies(now, at);
        self.ripen(now, at);
    }

    /// The engine rang.
    fn answer_bell(&mut self, now: Time) {
        self.bell.silence();
        // Before the channel is emptied: an order that comes later rings again.
        self.shared.rung.store(false, Ordering::SeqCst);
        self.take_orders(now);
        self.stopping = self.shared.stop.load(Ordering::SeqCst);
        self.shared.board.publish(&self.counters);
    }

    /// Does what the engine has asked.
    fn take_orders(&mut self, now: Time) {
        let mut taken = 0;
        while let Ok(order) = self.orders.try_recv() {
            taken += 1;
            match order {
                Order::Open { session, place, streams } => self.open(now, session, place, streams),
                Order::Grow { session, streams } => self.grow(now, session, streams),
                Order::Set { session, side, stream, remote } => {
                    self.with(session, |s| s.set(now, side, stream, remote));
                    self.shake(now, session);
                }
                Order::Bridge { session, stream, plans, seed } => {
                    self.with(session, |s| s.bridge(stream, plans, seed));
                }
                Order::Digit { session, toward, digit } => {
                    self.touch(now, session, |s| s.say(now, toward, digit));
                }
                Order::Play { session, at, play, seed } => {
                    self.touch(now, session, |s| s.play(now, at, play.map(|play| *play), seed));
                }
                Order::Ice { session, side, local } => {
                    self.with(session, |s| {
                        s.set_ice(now, side, &local);
                        true
                    });
                }
                Order::Copy { of, to, seed } => self.copy(of, to, seed),
                Order::Reject { session, stream } => self.reject(now, session, stream),
                Order::Look { session, asker } => self.look(now, session, &asker),
                Order::Close { session } => self.close(now, session),
            }
        }
        // Whoever filled the channel may have orders waiting behind it.
        self.told |= taken >= super::ORDERS_MAX / 2;
    }

    /// Changes an open session; what the change answered, false when there is no such session.
    fn with(&mut self, session: SessionId, change: impl FnOnce(&mut Session) -> bool) -> bool {
        let Some(at) = self.ids.get(&session).copied() else {
            self.counters.unknown_sessions += 1;
            return false;
        };
        let mut done = false;
        self.guarded(at, |worker| {
            worker.recall(at);
            let entry = worker.slots.get_mut(at as usize).and_then(|s| s.entry.as_mut());
            let Some(entry) = entry else { return };
            done = change(&mut entry.session);
            if entry.session.take_changed() {
                worker.follow(at);
            }
        });
        done
    }

    /// Lets time go on for one slice of the sessions.
    fn sweep(&mut self, now: Time) {
        self.follow_devices(now);
        for at in (self.slice..self.slots.len()).step_by(SLICES) {
            self.guarded(at as u32, |worker| worker.visit(now, at as u32));
        }
        self.slice = (self.slice + 1) % SLICES;
        self.next_slice = now + SWEEP / SLICES as u32;
        self.shared.board.publish(&self.counters);
    }
}
