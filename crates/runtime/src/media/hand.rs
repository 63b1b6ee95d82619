//! The engine's side of a worker thread: orders go in here, never blocking and never lost.
//!
//! Enter through [`start`].

use super::ORDERS_MAX;
use super::sys::Bell;
use super::worker::{News, Notify, Order, Shared, Worker};
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
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: usize,
    pub(super) ended: Receiver<()>,
    pub(super) thread: Option<JoinHandle<()>>,
}

impl Hand {
    /// Passes an order on, never blocking and never losing one.
    pub(super) fn order(&mut self, order: Order) {
        self.put(order);
        self.ring();
    }

    /// Passes on an order that may wait for a worker's next sweep, some milliseconds: waking a thread costs
    /// more than closing a session does.
    pub(super) fn order_soon(&mut self, order: Order) {
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

    fn ring(&self) {
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
pub(super) fn start(n: usize, news: &SyncSender<News>, notify: &Notify, birth: Instant) -> io::Result<Hand> {
    let (orders, inbox) = sync_channel(ORDERS_MAX);
    let (alive, ended) = sync_channel(1);
    let bell = Arc::new(Bell::new()?);
    let shared = Arc::new(Shared::default());
    let worker = Worker::new(bell.clone(), shared.clone(), inbox, news.clone(), notify.clone(), birth)?;
    let thread = std::thread::Builder::new().name(format!("media-{n}")).spawn(move || {
        let _alive = alive;
        worker.run();
    })?;
    Ok(Hand { orders, behind: VecDeque::new(), bell, shared, sessions: 0, ended, thread: Some(thread) })
}
