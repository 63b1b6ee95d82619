//! Sorts what arrives: to the transaction that it belongs to, to a new one, to the TU, or nowhere.

use super::alarm::{Alarm, Key};
use super::branch::{Branch, push_base32};
use super::counters::Counters;
use super::fingerprint::{Fingerprint, Heads, fingerprint};
use super::machine::{invite_server, other_server};
use super::server::{Bulk, Machine, Server};
use super::types::{ClientTxn, Incoming, Response, ServerTxn};
use super::{Transactions, reply};
use crate::flow::Flow;
use crate::outbox::Outbox;
use base::{ListenId, Time};
use sip_msg::{HeaderError, HeaderErrorKind, Method, Msg, Name};
use slotmap::KeyData;
use smallvec::SmallVec;

/// Beyond `server_transactions`, this part of it (one in so many) is kept for requests inside dialogs: a
/// full table must not keep calls from ending.
const DIALOG_RESERVE: u64 = 8;
/// Rows of the answer to a request that finds the table full.
const FULL_ROWS: &[u8] = b"Retry-After: 5\r\n";

impl<U: Copy> Transactions<U> {
    /// Takes one received message. RFC 3261 §17.1.3, §17.2.3, §18.1.2, §18.2.1.
    pub fn receive(&mut self, now: Time, msg: &Msg<'_>, flow: &Flow, out: &mut Outbox) -> Incoming<U> {
        self.latest = now;
        if msg.is_request() {
            self.receive_request(now, *msg, flow, out)
        } else {
            self.receive_response(now, *msg, flow.listen, out)
        }
    }

    /// Whether a request belongs to a server transaction that exists: a repetition, an ACK, a CANCEL.
    /// RFC 3261 §9.2, §17.2.3.
    #[must_use]
    pub fn knows(&self, request: &Msg<'_>) -> bool {
        let method = match request.method() {
            Method::Ack | Method::Cancel => Method::Invite,
            method => method,
        };
        request_heads(*request).is_ok_and(|heads| {
            self.by_print.contains_key(&fingerprint(self.print_key, *request, &heads, method))
        })
    }

    /// RFC 3261 §17.1.3, §18.1.2; one Via only, §8.1.3.3. A response belongs to a transaction only on the
    /// interface that its request left by.
    fn receive_response(
        &mut self,
        now: Time,
        msg: Msg<'_>,
        listen: ListenId,
        out: &mut Outbox,
    ) -> Incoming<U> {
        let (branch, cseq) = match response_heads(msg) {
            Ok(heads) => heads,
            Err(error) => {
                self.counters.malformed += 1;
                return Incoming::Malformed(error);
            }
        };
        match branch {
            Some(branch) if branch.shard == self.shard && msg.list(Name::Via).nth(1).is_none() => {
                let txn = ClientTxn::from(KeyData::from_ffi(branch.slot));
                if self.clients.get(txn).is_none_or(|c| c.secret != branch.secret || c.listen != listen) {
                    self.counters.stray_responses += 1;
                    return Incoming::Absorbed;
                }
                self.client_response(now, txn, msg, cseq, out)
            }
            _ => {
                self.counters.stray_responses += 1;
                Incoming::Absorbed
            }
        }
    }

    fn receive_request(&mut self, now: Time, msg: Msg<'_>, flow: &Flow, out: &mut Outbox) -> Incoming<U> {
        let heads = match request_heads(msg) {
            Ok(heads) => heads,
            Err(error) => {
                self.counters.malformed += 1;
                if msg.method() != Method::Ack {
                    self.answer_malformed(msg, flow, out);
                }
                return Incoming::Malformed(error);
            }
        };
        match msg.method() {
            Method::Ack => self.receive_ack(now, msg, &heads),
            Method::Cancel => self.receive_cancel(msg, &heads, flow, out),
            method => {
                let print = fingerprint(self.print_key, msg, &heads, method);
                match self.by_print.get(&print) {
                    Some(&known) => {
                        self.server_repeated(known, out);
                        Incoming::Absorbed
                    }
                    None => self.receive_new(now, msg, &heads, print, flow, out),
                }
            }
        }
    }

    fn receive_ack(&mut self, now: Time, msg: Msg<'_>, heads: &Heads<'_>) -> Incoming<U> {
        Counters::by_method(&mut self.counters.requests_in, Method::Ack);
        let print = fingerprint(self.print_key, msg, heads, Method::Invite);
        match self.by_print.get(&print).copied() {
            Some(invite) if !self.server_ack(now, invite) => Incoming::Absorbed,
            _ => Incoming::Ack,
        }
    }

    /// RFC 3261 §9.2. The answer follows from the INVITE alone, so a repeated CANCEL gets it again without a
    /// transaction of its own.
    fn receive_cancel(
        &mut self,
        msg: Msg<'_>,
        heads: &Heads<'_>,
        flow: &Flow,
        out: &mut Outbox,
    ) -> Incoming<U> {
        let print = fingerprint(self.print_key, msg, heads, Method::Invite);
        let Some(invite) = self.by_print.get(&print).copied() else {
            self.counters.stray_cancels += 1;
            self.answer(msg, heads, print, flow, &Response { status: 481, ..Response::default() }, out);
            return Incoming::Absorbed;
        };
        let Some(server) = self.servers.get_mut(invite) else { return Incoming::Absorbed };
        let ends = !server.is_final();
        if ends
            && let Some(bulk) = server.bulk.as_deref_mut()
            && bulk.tag.is_empty()
        {
            // §9.2: the CANCEL's response carries the To tag of the INVITE's; the TU has chosen none yet.
            push_tag(&mut bulk.tag, print);
        }
        let first = !std::mem::replace(&mut server.cancelled, true);
        let user = server.user;
        let tag = server.bulk.as_ref().map(|b| b.tag.clone()).unwrap_or_default();
        let ok = Response { status: 200, to_tag: &tag, ..Response::default() };
        self.answer(msg, heads, print, flow, &ok, out);
        if first {
            Counters::by_method(&mut self.counters.requests_in, Method::Cancel);
        } else {
            self.counters.retransmissions_in += 1;
        }
        if first && ends { Incoming::Cancel { invite, user } } else { Incoming::Absorbed }
    }

    fn receive_new(
        &mut self,
        now: Time,
        msg: Msg<'_>,
        heads: &Heads<'_>,
        print: Fingerprint,
        flow: &Flow,
        out: &mut Outbox,
    ) -> Incoming<U> {
        let live = self.servers.len() as u64;
        let limit = &mut self.counters.server_limit;
        let reserve = if heads.to.tag().is_some() { limit.max / DIALOG_RESERVE } else { 0 };
        if live >= limit.max + reserve {
            limit.hits += 1;
            let full = Response { status: 503, rows: FULL_ROWS, ..Response::default() };
            self.answer(msg, heads, print, flow, &full, out);
            return Incoming::Refused;
        }
        Counters::by_method(&mut self.counters.requests_in, msg.method());
        self.scratch.clear();
        let marks = reply::collect(msg, &heads.via, heads.to.tag().is_some(), flow.remote, &mut self.scratch);
        let invite = msg.method() == Method::Invite;
        let txn = self.servers.insert(Server {
            print,
            machine: if invite {
                Machine::Invite(invite_server::State::Proceeding)
            } else {
                Machine::Other(other_server::State::Trying)
            },
            user: None,
            stream: flow.transport.is_reliable(),
            cancelled: false,
            acked: false,
            fast: Alarm::OFF,
            slow: Alarm::OFF,
            interval: self.timers.t1,
            bulk: Some(Box::new(Bulk {
                flow: *flow,
                back_port: reply::way_back(flow, &heads.via).remote.port(),
                echo: self.scratch.as_slice().into(),
                marks,
                last: Box::default(),
                reliable: None,
                tag: SmallVec::new(),
                cseq: heads.cseq,
            })),
        });
        self.by_print.insert(print, txn);
        self.counters.server_live = self.servers.len();
        self.start_server(now, txn, invite);
        Incoming::Request(txn)
    }

    /// The first timer: the 100 of an INVITE (RFC 3261 §17.2.1), or how long any other may stay unanswered.
    fn start_server(&mut self, now: Time, txn: ServerTxn, invite: bool) {
        let Some(server) = self.servers.get_mut(txn) else { return };
        if invite {
            server.fast.set(&mut self.wheel, Key::ServerFast(txn), now + self.timers.trying_after);
        } else {
            server.slow.set(&mut self.wheel, Key::ServerSlow(txn), now + self.timers.patience());
        }
    }

    /// Answers without a transaction; repeats get the same To tag. RFC 3261 §8.2.6.2, §8.2.7.
    fn answer(
        &mut self,
        msg: Msg<'_>,
        heads: &Heads<'_>,
        print: Fingerprint,
        flow: &Flow,
        response: &Response<'_>,
        out: &mut Outbox,
    ) {
        let mut tag: SmallVec<[u8; 32]> = SmallVec::from_slice(response.to_tag);
        if tag.is_empty() {
            push_tag(&mut tag, print);
        }
        self.scratch.clear();
        let marks = reply::collect(msg, &heads.via, heads.to.tag().is_some(), flow.remote, &mut self.scratch);
        let start = out.bytes.len();
        let response = Response { to_tag: &tag, ..*response };
        reply::print(&mut out.bytes, &self.scratch, marks, &response, None);
        Counters::by_class(&mut self.counters.responses_out, response.status);
        out.seal(start, reply::way_back(flow, &heads.via), None);
    }

    /// A 400 with what can be copied, if at least the top Via can be read. RFC 3261 §8.2, §16.3 item 1.
    fn answer_malformed(&mut self, msg: Msg<'_>, flow: &Flow, out: &mut Outbox) {
        let Ok(via) = msg.via() else { return };
        self.scratch.clear();
        let tagged = msg.to().is_ok_and(|to| to.tag().is_some());
        let marks = reply::collect(msg, &via, tagged, flow.remote, &mut self.scratch);
        // §8.2.6.2, §8.2.7: a To tag that a repeat gets again.
        let mut tag = Vec::with_capacity(13);
        push_base32(&mut tag, super::fingerprint::short(self.print_key, msg.bytes()));
        let start = out.bytes.len();
        let response = Response { status: 400, to_tag: &tag, ..Response::default() };
        reply::print(&mut out.bytes, &self.scratch, marks, &response, None);
        Counters::by_class(&mut self.counters.responses_out, 400);
        out.seal(start, reply::way_back(flow, &via), None);
    }
}

/// A To tag that a repeat gets again.
fn push_tag(tag: &mut SmallVec<[u8; 32]>, print: Fingerprint) {
    let mut text = Vec::with_capacity(13);
    push_base32(&mut text, print.0 ^ print.1);
    tag.extend_from_slice(&text);
}

/// The headers that every request must have, readable. RFC 3261 §8.1.1, §8.2.
fn request_heads(msg: Msg<'_>) -> Result<Heads<'_>, HeaderError> {
    let via = msg.via()?;
    let (from, to, call_id, cseq) = (msg.from()?, msg.to()?, msg.call_id()?, msg.cseq()?);
    if cseq.token != msg.method_token() {
        let kind = HeaderErrorKind::Malformed { expected: "the request's method" };
        return Err(HeaderError { name: Name::CSeq, kind, offset: 0 });
    }
    Ok(Heads { via, from, to, call_id, cseq: cseq.number })
}

/// Branch (if it is one of ours) and CSeq method; the headers that the TU will need are readable.
fn response_heads(msg: Msg<'_>) -> Result<(Option<Branch>, Method), HeaderError> {
    let via = msg.via()?;
    msg.from()?;
    msg.to()?;
    msg.call_id()?;
    Ok((Branch::decode(via.branch), msg.cseq()?.method))
}
