//! What a worker tells: the engine of its sessions, and the sockets of whom a session expects.

use super::{News, Worker};
use crate::orders::Asker;
use base::Time;
use media::{Component, SessionId, Side};
use std::sync::mpsc::TrySendError;

impl Worker {
    /// Passes news on and wakes the engine's owner if there is any.
    pub(super) fn announce(&mut self) {
        self.send_backlog();
        if std::mem::take(&mut self.told) {
            (self.notify)();
        }
    }

    /// Brings the sockets of a session in line with whom it expects, and fetches its news.
    #[cold]
    pub(super) fn follow(&mut self, slot: u32) {
        self.review(slot);
        let Some(Some(entry)) = self.slots.get_mut(slot as usize).map(|s| &mut s.entry) else { return };
        for (stream, ports) in (0u8..).zip(&mut entry.streams) {
            let Some(ports) = ports else { continue };
            for side in Side::BOTH {
                for component in Component::BOTH {
                    let want = entry.session.filter(side, stream, component);
                    ports.port_mut(side, component).associate(want);
                }
            }
        }
        let mut told = Vec::new();
        while let Some(reply) = entry.session.poll_reply() {
            told.push(reply);
        }
        for reply in told {
            self.tell(News::Reply(reply));
        }
    }

    /// Tells somebody who asked how a session is doing; nothing about it changes.
    pub(super) fn look(&mut self, now: Time, session: SessionId, asker: &Asker) {
        let mut report = None;
        if let Some(at) = self.ids.get(&session).copied() {
            self.guarded(at, |worker| {
                worker.sync(at);
                let slot = worker.slots.get(at as usize);
                let Some(entry) = slot.and_then(|slot| slot.entry.as_ref()) else { return };
                let mut found = Box::new(entry.session.report(now));
                entry.lendings.name_engines(worker.fast.as_deref(), &mut found);
                report = Some(found);
            });
        }
        // Whoever has gone needs no answer.
        let _ = asker.try_send(report);
    }

    pub(super) fn tell(&mut self, news: News) {
        self.told = true;
        if !self.backlog.is_empty() {
            return self.backlog.push_back(news);
        }
        if let Err(TrySendError::Full(news)) = self.news.try_send(news) {
            self.backlog.push_back(news);
        }
    }

    pub(super) fn send_backlog(&mut self) {
        while let Some(news) = self.backlog.pop_front() {
            if let Err(TrySendError::Full(news)) = self.news.try_send(news) {
                self.backlog.push_front(news);
                return;
            }
        }
    }
}
