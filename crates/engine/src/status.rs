//! What the engine shows of itself.
//!
//! Workers keep plain counters of their own and publish them a few times a second into a [`Board`];
//! nothing is shared per packet.

use super::{Engine, Interface};
use media::{DropReason, FastStatus, PortStatus, Status, TouchedStatus};
use std::sync::atomic::{AtomicU64, Ordering};

impl Engine {
    /// The engine at a glance.
    #[must_use]
    pub fn status(&self) -> Status {
        let port = |i: &Interface| {
            let r = self.ranges.get(i.range)?;
            let (used, limit, exhausted) = (r.used(), r.limit.max, r.limit.hits);
            let (listen, address) = (i.listen.id, i.listen.address);
            Some(PortStatus { listen, address, used, limit, foreign: r.foreign(), exhausted })
        };
        let mut status = Status {
            engine: "portable",
            workers: self.hands.len(),
            sessions: self.held.len() as u64,
            ports: self.interfaces.iter().filter_map(port).collect(),
            busy: self.busy,
            unknown_sessions: self.unknown_sessions,
            fast: self.fast_status(),
            ..Status::default()
        };
        for hand in &self.hands {
            hand.shared.board.add_to(&mut status);
        }
        status
    }

    fn fast_status(&self) -> FastStatus {
        match &self.fast {
            Ok(path) => path.status(),
            Err(reason) => {
                let touched = TouchedStatus { reason: Some(reason.clone()), ..TouchedStatus::default() };
                FastStatus { reason: Some(reason.clone()), touched, ..FastStatus::default() }
            }
        }
    }
}

/// A worker's own counters.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Counters {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) fast_packets: u64,
    pub(super) drops: [u64; DropReason::COUNT],
    pub(super) socket_errors: u64,
    pub(super) unknown_sessions: u64,
    pub(super) replies_lost: u64,
    pub(super) panics: u64,
}

/// Where one worker publishes its counters.
#[derive(Default, Debug)]
pub(super) struct Board {
    packets: AtomicU64,
    bytes: AtomicU64,
    fast_packets: AtomicU64,
    drops: [AtomicU64; DropReason::COUNT],
    socket_errors: AtomicU64,
    unknown_sessions: AtomicU64,
    replies_lost: AtomicU64,
    panics: AtomicU64,
}

impl Board {
    pub(super) fn publish(&self, c: &Counters) {
        let set = |to: &AtomicU64, value: u64| to.store(value, Ordering::Relaxed);
        set(&self.packets, c.packets);
        set(&self.bytes, c.bytes);
        set(&self.fast_packets, c.fast_packets);
        for (to, &value) in self.drops.iter().zip(&c.drops) {
            set(to, value);
        }
        set(&self.socket_errors, c.socket_errors);
        set(&self.unknown_sessions, c.unknown_sessions);
        set(&self.replies_lost, c.replies_lost);
        set(&self.panics, c.panics);
    }

    pub(super) fn add_to(&self, s: &mut Status) {
        let read = |from: &AtomicU64| from.load(Ordering::Relaxed);
        s.packets += read(&self.packets);
        s.bytes += read(&self.bytes);
        s.fast_packets += read(&self.fast_packets);
        for (to, from) in s.drops.iter_mut().zip(&self.drops) {
            *to += read(from);
        }
        s.socket_errors += read(&self.socket_errors);
        s.unknown_sessions += read(&self.unknown_sessions);
        s.replies_lost += read(&self.replies_lost);
        s.panics += read(&self.panics);
    }
}
