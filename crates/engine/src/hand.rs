//! The engine's side of a worker thread: orders go in here, never blocking and never lost.
//!
//! Enter through [`start`].

use super::ORDERS_MAX;
use super::orders::{News, Notify, Order, Shared};
use super::sockets::StreamPorts;
use super::sys::{Bell, Poll};
use super::worker::{Links, Worker};
use media::FastPath;
use media::token::{Place, Token};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

/// The engine's side of one worker thread.
pub(super) struct Hand {
    pub(super) orders: SyncSender<Order>,
    /// Orders that the full channel did not take.
    pub(super) behind: VecDeque<Order>,
    pub(super) bell: Arc<Bell>,
    /// What the worker waits with.
    poll: Arc<Poll>,
    /// Places of ended sessions, to be taken again.
    free: Vec<Place>,
    /// Places that were ever taken.
    places: u32,
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: usize,
    pub(super) ended: Receiver<()>,
    pub(super) thread: Option<JoinHandle<()>>,
}

impl Hand {
    /// A place for a session, whose sockets are watched from now on.
    pub(super) fn place(&mut self, streams: &[StreamPorts]) -> io::Result<Place> {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places += 1;
            Place { slot: self.places - 1, generation: 0 }
        });
        self.watch(place, 0, streams).inspect_err(|_| self.vacate(place))?;
        Ok(place)
    }

    /// The sockets of a session's streams are watched from now on; `first`: which stream comes first.
    pub(super) fn watch(&self, place: Place, first: u8, streams: &[StreamPorts]) -> io::Result<()> {
        for (stream, ports) in (first..).zip(streams) {
            for (side, component, port) in ports.all() {
                self.poll.add(port.fd(), Token { place, stream, side, component }.pack())?;
            }
        }
        Ok(())
    }

    /// The session has ended, or was never told to the worker.
    pub(super) fn vacate(&mut self, place: Place) {
        self.free.push(Place { generation: place.generation.wrapping_add(1), ..place });
    }

    /// Passes an order on, never blocking and never losing one. A worker that sweeps looks for orders by itself
    /// within some milliseconds, and before it judges any packet; what the order leads to on the wire comes
    /// later. So only a worker without sessions is woken: that costs more than the orders of a whole call.
    pub(super) fn order(&mut self, order: Order) {
        self.put(order);
        fence(Ordering::SeqCst);
        if !self.behind.is_empty() || !self.shared.sweeping.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    fn put(&mut self, order: Order) {
        self.catch_up();
        if !self.behind.is_empty() {
            self.behind.push_back(order);
        } else if let Err(TrySendError::Full(order)) = self.orders.try_send(order) {
            self.behind.push_back(order);
        }
    }

    pub(super) fn ring(&self) {
        if !self.shared.rung.swap(true, Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    /// Passes on what the channel now has room for. A worker that has emptied a full channel
    /// notifies the owner, who then comes here.
    pub(super) fn catch_up(&mut self) {
        if self.behind.is_empty() {
            return;
        }
        while let Some(order) = self.behind.pop_front() {
            if let Err(TrySendError::Full(order)) = self.orders.try_send(order) {
                self.behind.push_front(order);
                break;
            }
        }
        self.ring();
    }
}

/// Starts worker number `n`.
pub(super) fn start(
    n: usize,
    (news, notify): (&SyncSender<News>, &Notify),
    birth: Instant,
    certificate: Arc<dtls::Certificate>,
    fast: Option<Arc<dyn FastPath>>,
) -> io::Result<Hand> {
    let (orders, inbox) = sync_channel(ORDERS_MAX);
    let (alive, ended) = sync_channel(1);
    let bell = Arc::new(Bell::new()?);
    let shared = Arc::new(Shared::default());
    let poll = Arc::new(Poll::new()?);
    let links = Links { poll: poll.clone(), bell: bell.clone(), shared: shared.clone(), orders: inbox, fast };
    let desk = dtls::Desk::new(certificate).map_err(io::Error::other)?;
    let worker = Worker::new(links, news.clone(), notify.clone(), birth, desk)?;
    let thread = std::thread::Builder::new().name(format!("media-{n}")).spawn(move || {
        let _alive = alive;
        worker.run();
    })?;
    Ok(Hand {
        orders,
        behind: VecDeque::new(),
        bell,
        poll,
        free: Vec::new(),
        places: 0,
        shared,
        sessions: 0,
        ended,
        thread: Some(thread),
    })
}
