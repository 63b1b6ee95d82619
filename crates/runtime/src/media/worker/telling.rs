//! News for the engine's owner: told at once where the channel has room, and later where not.

use super::{News, Worker};
use std::sync::mpsc::TrySendError;

impl Worker {
    /// Passes news on and wakes the engine's owner if there is any.
    pub(super) fn announce(&mut self) {
        self.send_backlog();
        if std::mem::take(&mut self.told) {
            (self.notify)();
        }
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
