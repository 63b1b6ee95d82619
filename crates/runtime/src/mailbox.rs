//! Letters to the shard: the only way for other threads to reach it.
//!
//! A letter is put in the box, then the bell is rung. Questions carry the box that their answer goes to, and
//! whoever asks waits for a bounded time. Enter through [`Mailbox::send`] and [`Mailbox::ask`].

use crate::dns;
use crate::poll::Bell;
use crate::status::TransportStatus;
use crate::tls::TlsRules;
use b2bua::view::{CallView, KeptBinding, StatusView, TrunkView};
use b2bua::{Command, Snapshot, Switchboard};
use base::Time;
use engine::{Asker, Status as EngineStatus};
use media::SessionId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// A question waits at most this long for its answer.
pub const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Letters from other threads that may wait, at most. Answers of the resolver are not counted: the shard asked
/// for them.
const WAITING_MAX: usize = 1024;

/// The shard is gone, or did not answer within [`ANSWER_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the node has stopped or does not answer")]
pub struct NodeGone;

/// How a node stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stopped {
    /// Calls that ended by themselves while the node drained.
    pub ended_calls: usize,
    /// Calls that the node ended when the time was up.
    pub cut_calls: usize,
}

/// What the shard is told or asked.
pub(crate) enum Letter {
    Calls(SyncSender<Vec<CallView>>),
    Trunks(SyncSender<Vec<TrunkView>>),
    Bindings(SyncSender<Vec<KeptBinding>>),
    Status(SyncSender<StatusView>),
    Transport(SyncSender<TransportStatus>),
    Engine(SyncSender<EngineStatus>),
    Look(SessionId, Asker),
    Command(Command),
    Apply(Arc<Snapshot>, Arc<TlsRules>, SyncSender<()>),
    Current(SyncSender<Arc<Snapshot>>),
    Copy((u64, u64), SyncSender<Option<(Box<Switchboard>, Time)>>),
    Resolved(dns::Answer),
    Stop { drain: Duration, stopped: SyncSender<Stopped> },
}

/// The sending side.
#[derive(Clone)]
pub(crate) struct Mailbox {
    letters: Sender<Letter>,
    waiting: Arc<AtomicUsize>,
    bell: Bell,
}

/// The shard's side.
pub(crate) struct Letters {
    letters: Receiver<Letter>,
    waiting: Arc<AtomicUsize>,
}

/// A mailbox whose letters ring this bell.
pub(crate) fn mailbox(bell: Bell) -> (Mailbox, Letters) {
    let (sender, receiver) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Mailbox { letters: sender, waiting: waiting.clone(), bell }, Letters { letters: receiver, waiting })
}

impl Mailbox {
    /// Puts a letter in the box.
    ///
    /// # Errors
    /// The shard is gone, or too many letters wait.
    pub(crate) fn send(&self, letter: Letter) -> Result<(), NodeGone> {
        let counted = !matches!(letter, Letter::Resolved(_) | Letter::Stop { .. });
        if counted && self.waiting.load(Ordering::Relaxed) >= WAITING_MAX {
            return Err(NodeGone);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.letters.send(letter).map_err(|_| NodeGone)?;
        self.bell.ring();
        Ok(())
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The shard is gone or does not answer in time.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Letter) -> Result<T, NodeGone> {
        let (sender, answer) = sync_channel(1);
        self.send(question(sender))?;
        answer.recv_timeout(ANSWER_MAX).map_err(|_| NodeGone)
    }
}

impl Letters {
    /// The next letter, if any.
    pub(crate) fn next(&mut self) -> Option<Letter> {
        let letter = self.letters.try_recv().ok()?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(letter)
    }
}
