//! Reliable provisional responses on the server side, sent, repeated and acknowledged: RFC 3262 §3.
//!
//! What waits and what is in flight is kept by [`Reliable`]; here it meets the INVITE's transaction.

use super::alarm::Key;
use super::counters::Counters;
use super::reliable::{Provisional, Reliable};
use super::types::{Event, LimitHit, Response, ServerTxn};
use super::{Transactions, reply, server_token};
use crate::outbox::Outbox;
use base::Time;
use sip_msg::{Method, RAck};

impl<U: Copy> Transactions<U> {
    /// Sends a provisional response reliably and says its RSeq. RFC 3262 §3.
    ///
    /// `Require: 100rel` and RSeq are added; it is repeated from T1, doubling, until [`Transactions::prack`]
    /// or 64*T1, then [`Event::PrackMissing`]. Behind an unacknowledged one it waits.
    ///
    /// # Errors
    /// Too many wait already (limit `reliable_provisionals_queued`), or the request is gone or answered.
    pub fn respond_reliably(
        &mut self,
        now: Time,
        txn: ServerTxn,
        response: &Response<'_>,
        out: &mut Outbox,
    ) -> Result<u32, LimitHit> {
        let gone = LimitHit { limit: "transaction_gone" };
        let Some(server) = self.servers.get_mut(txn).filter(|s| !s.is_final()) else {
            self.counters.late_responses += 1;
            return Err(gone);
        };
        let bulk = server.bulk.as_deref_mut().ok_or(gone)?;
        if bulk.reliable.is_none() {
            bulk.reliable = Some(Box::new(Reliable::new(self.rng.next_u64())));
        }
        let reliable = bulk.reliable.as_deref_mut().ok_or(gone)?;
        if !reliable.is_idle() && !self.counters.reliable_limit.admit(reliable.queued() as u64) {
            return Err(LimitHit { limit: self.counters.reliable_limit.name });
        }
        if bulk.tag.is_empty() {
            bulk.tag.extend_from_slice(response.to_tag);
        }
        let rseq = reliable.take_rseq();
        let start = out.bytes.len();
        reply::print(&mut out.bytes, &bulk.echo, bulk.marks, response, Some(rseq));
        let message: Box<[u8]> = out.bytes.get(start..).unwrap_or_default().into();
        out.bytes.truncate(start);
        let provisional = Provisional { rseq, message, sdp: !response.body.is_empty() };
        Counters::by_class(&mut self.counters.responses_out, response.status);
        if reliable.is_idle() {
            self.fly(now, txn, provisional, out);
        } else {
            reliable.enqueue(provisional);
        }
        Ok(rseq)
    }

    /// Sends a reliable provisional whose turn it is, and starts its timer.
    fn fly(&mut self, now: Time, txn: ServerTxn, provisional: Provisional, out: &mut Outbox) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        let Some(bulk) = server.bulk.as_deref_mut() else { return };
        out.push(bulk.back(), &provisional.message, Some(server_token(txn)));
        bulk.last = provisional.message.clone();
        if let Some(reliable) = bulk.reliable.as_deref_mut() {
            reliable.fly(provisional, now, self.timers.t1);
        }
        server.fast.set(&mut self.wheel, Key::ServerFast(txn), now + self.timers.t1);
    }

    /// Whether a reliable provisional for this INVITE is not acknowledged yet.
    #[must_use]
    pub fn awaits_prack(&self, txn: ServerTxn) -> bool {
        let bulk = self.servers.get(txn).and_then(|server| server.bulk.as_deref());
        bulk.and_then(|bulk| bulk.reliable.as_deref()).is_some_and(|reliable| !reliable.is_idle())
    }

    /// A PRACK came for this INVITE: true, it acknowledges the reliable provisional in flight, and the TU
    /// answers it 200; false, it fits nothing, and the TU answers 481. RFC 3262 §3.
    pub fn prack(&mut self, now: Time, txn: ServerTxn, rack: &RAck<'_>, out: &mut Outbox) -> bool {
        let Some(server) = self.servers.get_mut(txn) else { return false };
        let is_final = server.is_final();
        let Some(bulk) = server.bulk.as_deref_mut() else { return false };
        let Some(reliable) = bulk.reliable.as_deref_mut() else { return false };
        if rack.cseq != bulk.cseq || rack.method != Method::Invite || !reliable.acknowledge(rack.rseq) {
            return false;
        }
        if is_final {
            return true;
        }
        server.fast.clear();
        self.release_success(now, txn, out);
        let next = self.servers.get_mut(txn).filter(|s| !s.is_final()).and_then(|s| {
            let bulk = s.bulk.as_deref_mut()?;
            bulk.reliable.as_deref_mut()?.next()
        });
        if let Some(next) = next {
            self.fly(now, txn, next, out);
        }
        true
    }

    /// Sends the 2xx that waited, if nothing holds it back any more.
    fn release_success(&mut self, now: Time, txn: ServerTxn, out: &mut Outbox) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        let Some(bulk) = server.bulk.as_deref_mut() else { return };
        let Some(reliable) = bulk.reliable.as_deref_mut().filter(|r| !r.blocks_success()) else { return };
        let Some(success) = reliable.held_success.take() else { return };
        out.push(bulk.back(), &success, Some(server_token(txn)));
        bulk.last = success;
        Counters::by_class(&mut self.counters.responses_out, 200);
        self.responded(now, txn, 200);
    }

    /// RFC 3261 §17.2.1: the 100 after 200 ms; RFC 3262 §3: the repeats, whose wait has no ceiling but 64*T1.
    pub(super) fn trying_or_reliable(
        &mut self,
        now: Time,
        txn: ServerTxn,
        out: &mut Outbox,
        events: &mut Vec<Event<U>>,
    ) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        let Some(bulk) = server.bulk.as_deref_mut() else { return };
        let back = bulk.back();
        let Some(flying) = bulk.reliable.as_deref_mut().and_then(|r| r.in_flight.as_mut()) else {
            if bulk.last.is_empty() {
                self.respond(now, txn, &Response { status: 100, ..Response::default() }, out);
            }
            return;
        };
        let end = flying.since + self.timers.patience();
        if now >= end {
            self.counters.prack_missing += 1;
            events.push(Event::PrackMissing { txn, user: server.user });
            return;
        }
        flying.interval = flying.interval.saturating_mul(2);
        let next = (now + flying.interval).min(end);
        out.push(back, &flying.provisional.message, Some(server_token(txn)));
        self.counters.retransmissions_out += 1;
        server.fast.set(&mut self.wheel, Key::ServerFast(txn), next);
    }
}
