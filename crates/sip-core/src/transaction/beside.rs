//! Requests beside the machines: ACKs without a transaction, requests that the TU forgets, and those
//! that it may want to send again with credentials (RFC 3261 §22).

use super::Transactions;
use super::alarm::Key;
use super::branch::Branch;
use super::client::{Cancel, Machine};
use super::counters::Counters;
use super::machine::invite_client;
use super::types::{ClientTxn, Request, RequestError};
use crate::flow::Flow;
use crate::outbox::Outbox;
use sip_msg::Method;
use std::time::Duration;

/// How long an INVITE that the TU forgot may proceed.
pub(super) const FORGOTTEN_PATIENCE: Duration = Duration::from_secs(180);

/// A request that was answered 401 or 407, as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The whole message.
    pub message: Box<[u8]>,
    /// The way that the TU wanted it to go.
    pub flow: Flow,
    /// What the TU noted with it.
    pub note: u32,
}

impl<U: Copy> Transactions<U> {
    /// Sends a request without a transaction: the ACK for a 2xx (RFC 3261 §13.2.2.4).
    ///
    /// # Errors
    /// No datagram can carry it.
    pub fn send_stateless(&mut self, request: &Request<'_>, out: &mut Outbox) -> Result<(), RequestError> {
        let branch = Branch { shard: self.shard, slot: 0, secret: self.rng.next_u64() }.encode();
        let start = out.bytes.len();
        let flow = self.print_fitting(request, &branch, out)?;
        Counters::by_method(&mut self.counters.requests_out, Method::from_token(request.method));
        out.seal(start, flow, None);
        Ok(())
    }

    /// The TU cares no more: nothing of this transaction is reported again; failures are still acknowledged.
    ///
    /// An INVITE that nobody cancelled and whose peer never ends it is given up after three minutes, the
    /// patience that RFC 3261 §16.6 item 11 gives a proxy.
    pub fn forget(&mut self, txn: ClientTxn) {
        let Some(client) = self.clients.get_mut(txn) else { return };
        client.user = None;
        let proceeding = client.machine == Machine::Invite(invite_client::State::Proceeding);
        if proceeding && client.cancel == Cancel::No {
            client.slow.set(&mut self.wheel, Key::ClientSlow(txn), self.latest + FORGOTTEN_PATIENCE);
        }
    }

    /// Keeps the text of the request that was just sent (the last message of `out`) until its final response;
    /// `note` is the TU's own.
    pub fn keep(&mut self, txn: ClientTxn, flow: Flow, note: u32, out: &Outbox) {
        let Some(client) = self.clients.get_mut(txn) else { return };
        let Some(message) = out.transmits.last().map(|sent| out.message(sent)) else { return };
        client.kept = Some(Box::new(Kept { message: message.into(), flow, note }));
    }

    /// The request to which a 401 or 407 was just reported, if it was kept; once.
    pub fn take_challenged(&mut self, txn: ClientTxn) -> Option<Kept> {
        let (_, kept) = self.challenged.take_if(|(of, _)| *of == txn)?;
        Some(*kept)
    }

    /// A final response: what was kept is at the TU's disposal or forgotten.
    pub(super) fn settle_kept(&mut self, txn: ClientTxn, status: u16) {
        let Some(kept) = self.clients.get_mut(txn).and_then(|client| client.kept.take_if(|_| status >= 200))
        else {
            return;
        };
        self.challenged = matches!(status, 401 | 407).then_some((txn, kept));
    }
}
