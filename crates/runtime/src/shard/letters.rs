//! Letters from other threads, and the way to a stop.

use super::Shard;
use crate::brain::Brain;
use crate::mailbox::{Letter, Stopped};
use crate::node;
use crate::status::{ListenStatus, TransportStatus};
use crate::udp::DatagramCounters;
use b2bua::{Command, Input, Resolution};
use base::{ListenId, Time};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// Letters read per turn, at most.
const LETTERS_PER_TURN: usize = 256;
/// After the calls were cut: time for their last messages.
pub(crate) const GRACE_MAX: Duration = Duration::from_secs(5);
/// How often a stopping shard looks whether its calls have ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A stop under way.
pub(super) struct Stopping {
    /// Draining until then, or ending until then.
    until: Time,
    look_at: Time,
    calls_at_start: usize,
    /// Calls that were cut; `None` while they still may end by themselves.
    cut: Option<usize>,
    stopped: SyncSender<Stopped>,
}

impl Stopping {
    pub(super) fn deadline(&self) -> Time {
        self.look_at
    }
}

/// An answer that nobody waits for any more is no failure.
fn answer<T>(asker: &SyncSender<T>, value: T) {
    let _ = asker.try_send(value);
}

impl<B: Brain> Shard<B> {
    /// Reads the letters that wait, up to a budget.
    pub(super) fn read_letters(&mut self, now: Time) {
        self.more_letters = false;
        for _ in 0..LETTERS_PER_TURN {
            let Some(letter) = self.letters.next() else { return };
            self.read_letter(letter, now);
        }
        self.more_letters = true;
    }

    fn read_letter(&mut self, letter: Letter, now: Time) {
        match letter {
            Letter::Calls(asker) => answer(&asker, self.core.brain.calls()),
            Letter::Trunks(asker) => answer(&asker, self.core.brain.trunks(now)),
            Letter::Bindings(asker) => answer(&asker, self.core.brain.bindings()),
            Letter::Status(asker) => answer(&asker, self.core.brain.status()),
            Letter::Transport(asker) => answer(&asker, self.transport_status(now)),
            Letter::Engine(asker) => answer(&asker, self.engine.status()),
            Letter::Look(session, asker) => self.engine.look(session, asker),
            Letter::Copy(seed, asker) => {
                answer(&asker, self.core.brain.copy(seed).map(|copy| (Box::new(copy), now)));
            }
            Letter::Current(asker) => answer(&asker, self.snapshot.clone()),
            Letter::Command(command) => self.core.feed(now, Input::Command(command)),
            Letter::Apply(snapshot, rules, done) => {
                self.engine.reconfigure(node::media_listens(&snapshot.config));
                self.interfaces = snapshot.config.listens.iter().map(|l| (l.address, l.dscp_sip)).collect();
                self.snapshot = snapshot.clone();
                self.rules = rules;
                self.reached.clear();
                self.pool.rules_changed();
                self.core.feed(now, Input::Command(Command::Apply(snapshot)));
                answer(&done, ());
            }
            Letter::Resolved(found) => self.resolved(found, now),
            Letter::Stop { drain, stopped } => {
                self.core.feed(now, Input::Command(Command::Drain));
                let calls_at_start = self.core.brain.live_calls();
                self.stopping =
                    Some(Stopping { until: now + drain, look_at: now, calls_at_start, cut: None, stopped });
            }
        }
    }

    /// A name has its addresses, or has none.
    fn resolved(&mut self, found: crate::dns::Answer, now: Time) {
        if let Resolution::Found { choices, .. } = &found.resolution
            && found.revision == self.snapshot.revision
        {
            self.reached.insert(found.gateway, choices.iter().map(|c| c.target.address).collect());
        }
        let crate::dns::Answer { revision, gateway, resolution } = found;
        self.core.feed(now, Input::Resolved { revision, gateway, resolution });
    }

    /// Whether a stop is complete: no call lives and everything has left, or the time is up.
    pub(super) fn has_stopped(&mut self, now: Time) -> bool {
        let Some(stopping) = &mut self.stopping else { return false };
        stopping.look_at = now + LOOK_EVERY;
        let live = self.core.brain.live_calls();
        if stopping.cut.is_none() && live > 0 && now >= stopping.until {
            stopping.cut = Some(live);
            stopping.until = now + GRACE_MAX;
            self.core.feed(now, Input::Command(Command::EndAll));
            self.drain(now);
            return false;
        }
        // What ended has its last messages to send again until they are answered; not for ever.
        if live == 0 {
            stopping.until = stopping.until.min(now + GRACE_MAX);
        }
        let done = self.core.brain.kept_calls() == 0 && !self.pool.is_waiting();
        if !done && now < stopping.until {
            return false;
        }
        let cut_calls = stopping.cut.unwrap_or(0);
        let ended_calls = stopping.calls_at_start.saturating_sub(cut_calls);
        answer(&stopping.stopped, Stopped { ended_calls, cut_calls });
        true
    }

    fn transport_status(&self, now: Time) -> TransportStatus {
        let limits = self.pool.limits();
        let mut shard = self.counters;
        shard.messages_in = self.core.messages;
        shard.panics = self.core.panics;
        TransportStatus {
            uptime: now - Time::ZERO,
            listens: (0..self.snapshot.config.listens.len()).map(|index| self.listen_status(index)).collect(),
            streams: self.pool.counters,
            limits: limits.iter().map(|limit| (limit.name, limit.max, limit.hits)).collect(),
            shard,
        }
    }

    fn listen_status(&self, index: usize) -> ListenStatus {
        let listen = ListenId(index as u16);
        let mut datagrams = DatagramCounters::default();
        let mut ports = self.pool.local_addresses(listen);
        for port in self.ports.iter().filter(|p| p.listen == listen) {
            datagrams.add(&port.counters);
            ports.insert(0, (base::Transport::Udp, port.local));
        }
        ListenStatus {
            name: self.snapshot.config.listens.get(index).map(|l| l.name.clone()).unwrap_or_default(),
            ports,
            connections: self.pool.counts(listen),
            datagrams,
            certificate_ends: self.rules.server(listen).and_then(|identity| identity.not_after),
        }
    }
}
