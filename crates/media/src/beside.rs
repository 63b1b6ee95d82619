//! Several peers on one side before the answer, as when a call forks: who speaks first is heard.
//!
//! One peer is the one that was set; those beside it are kept until the answer. Of them one takes its place when
//! it speaks while the other has not spoken yet, or has fallen silent; then the two have changed places. So
//! nobody who is heard is cut off by another, and nobody is believed who was not named by signalling.

use crate::control::{Latch, Remote};
use crate::flow::Component;
use crate::half::Half;
use crate::secured::Srtp;
use base::Time;
use std::net::SocketAddr;
use std::time::Duration;

/// Peers kept beside the one that was set: limit `media_beside`.
const BESIDE_MAX: usize = 8;
/// A peer that was heard keeps its place until it has been silent for this long.
const TURN_SILENCE: Duration = Duration::from_millis(500);

impl Half {
    /// A description of a peer; one that is not beside another is the only one.
    pub(crate) fn set_peer(&mut self, now: Time, remote: Remote) {
        if remote.beside {
            return self.set_beside(now, remote);
        }
        self.beside.clear();
        self.set(now, remote);
    }

    /// A further peer that may speak; one that may not (`receive` is off) is forgotten.
    fn set_beside(&mut self, now: Time, remote: Remote) {
        // Who is behind an address that checks prove is known by its fragment, which counts with the answer.
        if remote.ice.is_some() && remote.receive {
            return;
        }
        self.beside.retain(|one| one.rtp != remote.rtp);
        let heard = self.remote.as_ref().is_some_and(|one| one.rtp == remote.rtp);
        // Who is protected is known by its keys, which are told with the answer.
        let may_speak = remote.receive && remote.rtp.is_some() && remote.srtp == Srtp::Off;
        match may_speak {
            true if !heard && self.beside.len() < BESIDE_MAX => self.beside.push(remote),
            true => {}
            false if heard => {
                let next = if self.beside.is_empty() { remote } else { self.beside.remove(0) };
                self.set(now, Remote { beside: false, ..next });
                self.lock.forget_previous();
            }
            false => {}
        }
    }

    /// Lets the peer that sends from `source` have the place, if it may: true when it has it.
    pub(crate) fn turn(&mut self, now: Time, source: SocketAddr) -> bool {
        let spoke = self.last_rtp.filter(|_| self.heard_since_change > 0);
        if self.guard.is_some()
            || self.beside.is_empty()
            || spoke.is_some_and(|then| now.since(then) < TURN_SILENCE)
        {
            return false;
        }
        let is_from = |one: &Remote| {
            let near = one.latch != Latch::Off && one.rtp.is_some_and(|rtp| rtp.ip() == source.ip());
            near || one.rtp == Some(source)
        };
        let Some(at) = self.beside.iter().position(is_from) else { return false };
        let next = self.beside.remove(at);
        let before = self.remote.clone();
        self.set(now, Remote { beside: false, ..next });
        if let Some(before) = before.filter(|before| before.receive) {
            self.beside.push(Remote { beside: true, ..before });
        }
        true
    }

    /// The only source from which the socket of `component` need hear, when that is certain.
    pub(crate) fn filter(&self, component: Component) -> Option<SocketAddr> {
        let exact = self.lock.mode() == Latch::Off;
        match component {
            // A check may come from anywhere.
            _ if self.checks.is_some() => None,
            Component::Rtp if self.lock.is_moving() || (self.unfiltered && !exact) => None,
            Component::Rtp => self.lock.locked().filter(|_| self.beside.is_empty()),
            Component::Rtcp => self.rtcp_lock.locked().filter(|_| exact && self.rtcp_lock.is_exact()),
        }
    }
}
