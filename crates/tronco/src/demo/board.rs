//! What was seen: messages on the wire and how each end of each call went, as the scripted peers tell it.

use super::heard::Heard;
use super::peer::message::Message;
use super::script::{Role, Script};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Whose wire a message was seen on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// The IP-PBX's.
    Pbx,
    /// The provider's.
    Itsp,
}

impl Side {
    /// Its name in texts.
    pub(super) fn name(self) -> &'static str {
        if self == Side::Pbx { "IP-PBX" } else { "ITSP" }
    }
}

/// One SIP message as a peer sent or received it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) at: Instant,
    /// The call, from 0.
    pub(super) script: usize,
    pub(super) side: Side,
    /// The peer sent it to the server; else the server sent it to the peer.
    pub(super) sent: bool,
    pub(super) message: Message,
}

/// How a call went at one end.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) call_id: String,
    /// The calling number in From, the called one in the Request-URI, as sent or received.
    pub(super) caller: String,
    pub(super) called: String,
    pub(super) invited: Option<Instant>,
    pub(super) ringing: Option<Instant>,
    /// When the final response left or came.
    pub(super) decided: Option<Instant>,
    /// The final response.
    pub(super) status: u16,
    /// Where this end was told to send audio.
    pub(super) media: Option<SocketAddr>,
    /// When the first audio packet left or came.
    pub(super) audio_at: Option<Instant>,
    pub(super) heard: Option<Heard>,
    /// An address of the other side that the server let through.
    pub(super) leak: Option<String>,
    /// What should not have happened.
    pub(super) trouble: Option<String>,
}

/// Filled by the peers' threads, read by the judge.
#[derive(Debug)]
pub(super) struct Board {
    seen: Mutex<Vec<Seen>>,
    ends: Mutex<Vec<Ends>>,
    dead: Mutex<Vec<(Instant, Message)>>,
    strays: Mutex<Vec<String>>,
}

/// Both ends of a call, as far as they are over.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    pub(super) caller: Option<Facts>,
    pub(super) callee: Option<Facts>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    pub(super) fn new(calls: usize) -> Board {
        Board {
            seen: Mutex::default(),
            ends: Mutex::new(vec![Ends::default(); calls]),
            dead: Mutex::default(),
            strays: Mutex::default(),
        }
    }

    /// A message of a call.
    pub(super) fn note(&self, seen: Seen) {
        lock(&self.seen).push(seen);
    }

    /// The messages of one call, in order of time.
    pub(super) fn messages(&self, script: usize) -> Vec<Seen> {
        let mut messages: Vec<Seen> =
            lock(&self.seen).iter().filter(|s| s.script == script).cloned().collect();
        messages.sort_by_key(|s| s.at);
        messages
    }

    /// One end of a call is over.
    pub(super) fn over(&self, script: usize, role: Role, facts: Facts) {
        if let Some(ends) = lock(&self.ends).get_mut(script) {
            match role {
                Role::Caller => ends.caller = Some(facts),
                Role::Callee => ends.callee = Some(facts),
            }
        }
    }

    /// How a call went so far.
    pub(super) fn ends(&self, script: usize) -> Ends {
        lock(&self.ends).get(script).cloned().unwrap_or_default()
    }

    /// Whether nothing more is to come from a call.
    pub(super) fn is_over(&self, script: usize, plan: &Script) -> bool {
        let ends = lock(&self.ends);
        let Some(Ends { caller: Some(caller), callee }) = ends.get(script) else { return false };
        // A call that was to be answered and was refused may never have reached the other end.
        callee.is_some() || (caller.status != plan.status() && caller.status != 200)
    }

    /// The dead gateway got a request of a call.
    pub(super) fn knocked(&self, message: Message) {
        lock(&self.dead).push((Instant::now(), message));
    }

    /// What the dead gateway got for this number.
    pub(super) fn knocks(&self, called: &str) -> Vec<(Instant, Message)> {
        lock(&self.dead).iter().filter(|(_, message)| message.called() == called).cloned().collect()
    }

    /// A call arrived that no script expects.
    pub(super) fn stray(&self, what: String) {
        lock(&self.strays).push(what);
    }

    /// Calls that no script expects.
    pub(super) fn strays(&self) -> Vec<String> {
        lock(&self.strays).clone()
    }
}
