//! The server side: what the tables of the server machines order, done.

use super::alarm::{Alarm, Key};
use super::counters::Counters;
use super::fingerprint::Fingerprint;
use super::machine::{ServerDeed, invite_server, other_server};
use super::reliable::Reliable;
use super::reply::{self, Marks};
use super::types::{Event, Response, ServerTxn};
use super::{Transactions, server_token};
use crate::flow::Flow;
use crate::outbox::Outbox;
use base::Time;
use smallvec::SmallVec;
use std::time::Duration;

/// Which machine a request runs, and where in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Machine {
    Invite(invite_server::State),
    Other(other_server::State),
}

/// What a live transaction needs beyond its key; dropped when only the key still matters.
pub(super) struct Bulk {
    /// The way that the request came.
    pub(super) flow: Flow,
    /// The port that responses go to; all else of their way is as in `flow`.
    pub(super) back_port: u16,
    /// Rows that responses copy.
    pub(super) echo: Box<[u8]>,
    pub(super) marks: Marks,
    /// The last response sent; empty: none.
    pub(super) last: Box<[u8]>,
    pub(super) reliable: Option<Box<Reliable>>,
    /// The To tag of our responses.
    pub(super) tag: SmallVec<[u8; 32]>,
    /// The request's CSeq number.
    pub(super) cseq: u32,
}

impl Bulk {
    /// The way that responses go.
    pub(super) fn back(&self) -> Flow {
        let mut back = self.flow;
        back.remote.set_port(self.back_port);
        back
    }
}

/// One request that we received.
pub(super) struct Server<U> {
    pub(super) print: Fingerprint,
    pub(super) machine: Machine,
    pub(super) user: Option<U>,
    /// Whether it came over a reliable transport.
    pub(super) stream: bool,
    /// Whether a CANCEL was reported.
    pub(super) cancelled: bool,
    /// Whether the 2xx was acknowledged.
    pub(super) acked: bool,
    pub(super) fast: Alarm,
    pub(super) slow: Alarm,
    /// The present wait between repeats.
    pub(super) interval: Duration,
    pub(super) bulk: Option<Box<Bulk>>,
}

impl<U> Server<U> {
    pub(super) fn is_final(&self) -> bool {
        match self.machine {
            Machine::Invite(state) => state != invite_server::State::Proceeding,
            Machine::Other(state) => {
                !matches!(state, other_server::State::Trying | other_server::State::Proceeding)
            }
        }
    }

    /// The message to repeat: an unacknowledged reliable provisional, else the last response.
    fn repeatable(&self) -> Option<(&Bulk, &[u8])> {
        let bulk = self.bulk.as_deref()?;
        let flying = bulk.reliable.as_ref().and_then(|r| r.in_flight.as_ref());
        let message = match flying {
            Some(flying) if !self.is_final() => &flying.provisional.message,
            _ => &bulk.last,
        };
        if message.is_empty() { None } else { Some((bulk, message)) }
    }
}

impl<U: Copy> Transactions<U> {
    /// Remembers whom a request belongs to.
    pub fn bind(&mut self, txn: ServerTxn, user: U) {
        if let Some(server) = self.servers.get_mut(txn) {
            server.user = Some(user);
        }
    }

    /// Whom a request belongs to, if it lives and was bound.
    #[must_use]
    pub fn server_user(&self, txn: ServerTxn) -> Option<U> {
        self.servers.get(txn)?.user
    }

    /// The way that a request came; `None` once its 2xx was acknowledged or the transaction ended.
    #[must_use]
    pub fn server_flow(&self, txn: ServerTxn) -> Option<Flow> {
        Some(self.servers.get(txn)?.bulk.as_ref()?.flow)
    }

    /// Whether a final response left (one that still waits for a PRACK did not), or the request is gone.
    #[must_use]
    pub fn is_answered(&self, txn: ServerTxn) -> bool {
        self.servers.get(txn).is_none_or(Server::is_final)
    }

    /// Forgets a request without an answer.
    pub fn drop_server(&mut self, txn: ServerTxn) {
        self.remove_server(txn);
    }

    /// Sends a response. RFC 3261 §17.2.1, §17.2.2.
    ///
    /// A 2xx to INVITE is repeated on every transport, first after T1, then doubling up to T2, until
    /// [`Transactions::acked`] or 64*T1 (§13.3.1.4), then [`Event::AckMissing`]. A second final response is
    /// ignored and counted.
    pub fn respond(&mut self, now: Time, txn: ServerTxn, response: &Response<'_>, out: &mut Outbox) {
        let Some(server) = self.servers.get_mut(txn) else {
            self.counters.late_responses += 1;
            return;
        };
        let is_final = server.is_final();
        let Some(bulk) = server.bulk.as_deref_mut().filter(|_| !is_final) else {
            self.counters.late_responses += 1;
            return;
        };
        if bulk.tag.is_empty() {
            bulk.tag.extend_from_slice(response.to_tag);
        }
        let start = out.bytes.len();
        reply::print(&mut out.bytes, &bulk.echo, bulk.marks, response, None);
        let printed = out.bytes.get(start..).unwrap_or_default();
        let success = (200..300).contains(&response.status);
        if let Some(reliable) = bulk.reliable.as_deref_mut().filter(|r| success && r.blocks_success()) {
            reliable.held_success = Some(printed.into());
            out.bytes.truncate(start);
            return;
        }
        bulk.last = printed.into();
        Counters::by_class(&mut self.counters.responses_out, response.status);
        out.seal(start, bulk.back(), Some(server_token(txn)));
        self.responded(now, txn, response.status);
    }

    /// A response of this status left: runs the machine and sets the timers of the state it enters.
    pub(super) fn responded(&mut self, now: Time, txn: ServerTxn, status: u16) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        match server.machine {
            Machine::Invite(state) => {
                use invite_server::Input::{Failure, Provisional, Success};
                let input = match status {
                    0..=199 => Provisional,
                    200..=299 => Success,
                    _ => Failure,
                };
                server.machine = Machine::Invite(invite_server::step(state, input).0);
            }
            Machine::Other(state) => {
                use other_server::Input::{Final, Provisional};
                let input = if status < 200 { Provisional } else { Final };
                server.machine = Machine::Other(other_server::step(state, input).0);
            }
        }
        self.server_entered(now, txn);
    }

    /// Timers and memory of the state just entered. RFC 3261 §17.2.1 (G, H), §17.2.2 (J), RFC 6026 §8.5 (L).
    fn server_entered(&mut self, now: Time, txn: ServerTxn) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        let (wheel, fast, slow) = (&mut self.wheel, Key::ServerFast(txn), Key::ServerSlow(txn));
        let patience = now + self.timers.patience();
        let mut over = false;
        match server.machine {
            Machine::Invite(invite_server::State::Proceeding) => {
                // Something left, so no 100 is due; a reliable provisional in flight keeps its timer.
                let flying = server.bulk.as_ref().and_then(|b| b.reliable.as_ref());
                if flying.is_none_or(|r| r.in_flight.is_none()) {
                    server.fast.clear();
                }
            }
            Machine::Invite(state @ (invite_server::State::Accepted | invite_server::State::Completed)) => {
                let repeats = state == invite_server::State::Accepted || !server.stream;
                server.interval = self.timers.t1;
                if repeats {
                    server.fast.set(wheel, fast, now + self.timers.t1);
                } else {
                    server.fast.clear();
                }
                server.slow.set(wheel, slow, patience);
                if let Some(bulk) = server.bulk.as_deref_mut() {
                    bulk.echo = Box::default();
                    if let Some(reliable) = bulk.reliable.as_deref_mut() {
                        reliable.end();
                    }
                }
            }
            Machine::Invite(invite_server::State::Confirmed) => {
                server.fast.clear();
                server.bulk = None;
                over = server.stream;
                server.slow.set(wheel, slow, now + self.timers.t4);
            }
            Machine::Other(other_server::State::Completed) => {
                over = server.stream;
                server.slow.set(wheel, slow, patience);
                if let Some(bulk) = server.bulk.as_deref_mut() {
                    bulk.echo = Box::default();
                }
            }
            Machine::Other(other_server::State::Trying | other_server::State::Proceeding) => {}
            Machine::Invite(invite_server::State::Terminated)
            | Machine::Other(other_server::State::Terminated) => over = true,
        }
        if over {
            self.remove_server(txn);
        }
    }

    /// The ACK for the 2xx came: it is repeated no more. RFC 3261 §13.3.1.4.
    ///
    /// The key stays until timer L, to absorb late repeats of the INVITE (RFC 6026 §8.5).
    pub fn acked(&mut self, txn: ServerTxn) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        if server.machine != Machine::Invite(invite_server::State::Accepted) {
            return;
        }
        server.acked = true;
        server.fast.clear();
        let awaits_prack = |b: &Bulk| b.reliable.as_ref().is_some_and(|r| r.in_flight.is_some());
        if !server.bulk.as_deref().is_some_and(awaits_prack) {
            server.bulk = None;
        }
    }

    /// The same request again. RFC 3261 §17.2.1, §17.2.2.
    pub(super) fn server_repeated(&mut self, txn: ServerTxn, out: &mut Outbox) {
        self.counters.retransmissions_in += 1;
        let Some(server) = self.servers.get_mut(txn) else { return };
        let deed = match server.machine {
            Machine::Invite(state) => invite_server::step(state, invite_server::Input::Invite).1,
            Machine::Other(state) => other_server::step(state, other_server::Input::Request).1,
        };
        if deed != ServerDeed::Resend {
            return;
        }
        if let Some((bulk, message)) = server.repeatable() {
            out.push(bulk.back(), message, Some(server_token(txn)));
            self.counters.retransmissions_out += 1;
        }
    }

    /// An ACK with the INVITE's branch: whether it is for the TU. RFC 3261 §17.2.1, RFC 6026 §8.5.
    pub(super) fn server_ack(&mut self, now: Time, txn: ServerTxn) -> bool {
        let Some(server) = self.servers.get_mut(txn) else { return true };
        let Machine::Invite(state) = server.machine else { return true };
        let (next, deed) = invite_server::step(state, invite_server::Input::Ack);
        if next != state {
            server.machine = Machine::Invite(next);
            self.server_entered(now, txn);
        }
        deed == ServerDeed::Pass
    }

    /// The fast timer: 100 or a reliable provisional, timer G, or the 2xx again.
    pub(super) fn server_resend_due(
        &mut self,
        now: Time,
        txn: ServerTxn,
        out: &mut Outbox,
        events: &mut Vec<Event<U>>,
    ) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        let Machine::Invite(state) = server.machine else { return };
        match invite_server::step(state, invite_server::Input::Resend).1 {
            ServerDeed::TryingOrReliable => self.trying_or_reliable(now, txn, out, events),
            ServerDeed::ResendSlower => {
                let interval = server.interval.saturating_mul(2).min(self.timers.t2);
                server.interval = interval;
                server.fast.set(&mut self.wheel, Key::ServerFast(txn), now + interval);
                if let Some((bulk, message)) = server.repeatable() {
                    out.push(bulk.back(), message, Some(server_token(txn)));
                    self.counters.retransmissions_out += 1;
                }
            }
            _ => {}
        }
    }

    /// The slow timer: H, I, J, L, or a request that the TU left unanswered.
    pub(super) fn server_expired(&mut self, txn: ServerTxn, events: &mut Vec<Event<U>>) {
        let Some(server) = self.servers.get(txn) else { return };
        let over = match server.machine {
            Machine::Invite(state) => {
                if state == invite_server::State::Accepted && !server.acked {
                    self.counters.ack_missing += 1;
                    events.push(Event::AckMissing { txn, user: server.user });
                }
                let next = invite_server::step(state, invite_server::Input::Expire).0;
                next == invite_server::State::Terminated
            }
            Machine::Other(state) => {
                self.counters.unanswered += u64::from(!server.is_final());
                let next = other_server::step(state, other_server::Input::Expire).0;
                next == other_server::State::Terminated
            }
        };
        if over {
            self.remove_server(txn);
        }
    }

    pub(super) fn remove_server(&mut self, txn: ServerTxn) {
        if let Some(server) = self.servers.remove(txn) {
            self.by_print.remove(&server.print);
            self.counters.server_live = self.servers.len();
        }
    }
}
