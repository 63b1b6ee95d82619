//! Messages that could not be sent: RFC 3261 §17.1.4, §17.2.4, §18.4.

use super::alarm::Key;
use super::branch::Branch;
use super::client::{Cancel, Client};
use super::machine::{ClientDeed, invite_client, invite_server, other_client, other_server};
use super::types::{ClientTxn, Event, ServerTxn};
use super::{Transactions, client, print, server};
use crate::outbox::SendError;
use base::Time;
use slotmap::Key as _;

impl<U: Copy> Transactions<U> {
    /// A response could not be sent. RFC 3261 §17.2.4; an INVITE keeps trying as RFC 6026 §8.5 has it. A
    /// full queue of ours is a loss like any other, which repeats repair.
    pub(super) fn server_send_failed(&mut self, txn: ServerTxn, error: SendError) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        if error == SendError::QueueFull && !server.stream {
            return;
        }
        let over = match server.machine {
            server::Machine::Invite(state) => {
                let next = invite_server::step(state, invite_server::Input::TransportError).0;
                next == invite_server::State::Terminated
            }
            server::Machine::Other(state) => {
                let next = other_server::step(state, other_server::Input::TransportError).0;
                next == other_server::State::Terminated
            }
        };
        if over {
            self.remove_server(txn);
        }
    }

    /// The request could not be sent. RFC 3261 §17.1.4, §18.1.1, §18.4.
    ///
    /// A request that took a stream for its size goes back to its datagram flow; a full queue of ours over
    /// UDP is a loss like any other, which the next repeat repairs.
    pub(super) fn client_send_failed(
        &mut self,
        now: Time,
        txn: ClientTxn,
        error: SendError,
        events: &mut Vec<Event<U>>,
    ) {
        let Some(client) = self.clients.get_mut(txn) else { return };
        if error == SendError::QueueFull && !client.stream {
            return;
        }
        let deed = match client.machine {
            client::Machine::Invite(state) => {
                invite_client::step(state, invite_client::Input::TransportError).1
            }
            client::Machine::Other(state) => other_client::step(state, other_client::Input::TransportError).1,
        };
        if deed != ClientDeed::ReportFailure || self.fall_back(now, txn) {
            return;
        }
        if let Some(user) = self.clients.get(txn).and_then(|c| c.user) {
            events.push(Event::Failed { txn, user, error });
        }
        self.remove_client(txn);
    }

    /// Whether the request has a datagram flow to go back to; it leaves with the next timeout, which is now.
    /// RFC 3261 §18.1.1. Not one that is cancelled or forgotten: nobody is to ring for it any more.
    fn fall_back(&mut self, now: Time, txn: ClientTxn) -> bool {
        let wanted = |client: &&mut Client<U>| client.cancel == Cancel::No && client.user.is_some();
        let Some(client) = self.clients.get_mut(txn).filter(wanted) else { return false };
        let Some(bulk) = client.bulk.as_deref_mut() else { return false };
        let Some(fallback) = bulk.fallback.take() else { return false };
        let branch = Branch { shard: self.shard, slot: txn.data().as_ffi(), secret: client.secret }.encode();
        let (flow, sent_by) = *fallback;
        bulk.message = print::with_via(&bulk.message, &flow, &sent_by, &branch);
        bulk.flow = flow;
        client.stream = false;
        // Half of T1: the repeat that is due now doubles it.
        client.interval = self.timers.t1 / 2;
        client.fast.set(&mut self.wheel, Key::ClientFast(txn), now);
        self.counters.stream_fallbacks += 1;
        true
    }
}
