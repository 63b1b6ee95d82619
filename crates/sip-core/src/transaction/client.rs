//! The client side: what the tables of the client machines order, done.

use super::alarm::{Alarm, Key};
use super::beside::{FORGOTTEN_PATIENCE, Kept};
use super::branch::Branch;
use super::counters::Counters;
use super::machine::{ClientDeed, invite_client, other_client};
use super::types::{ClientTxn, Event, Incoming, Request, RequestError};
use super::{Transactions, client_token, print};
use crate::flow::Flow;
use crate::outbox::Outbox;
use crate::text::own_head;
use base::{ListenId, Time, Transport};
use sip_msg::{Method, Msg, Name};
use slotmap::Key as _;
use smallvec::SmallVec;
use std::time::Duration;

/// The largest UDP payload over IPv4.
const DATAGRAM_MAX: usize = 65_507;

/// Which machine a request runs, and where in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Machine {
    Invite(invite_client::State),
    Other(other_client::State),
}

impl Machine {
    /// The machine of a request that is about to leave.
    fn first(method: Method) -> Machine {
        match method {
            Method::Invite => Machine::Invite(invite_client::State::Calling),
            _ => Machine::Other(other_client::State::Trying),
        }
    }
}

/// How far the cancelling of an INVITE is. RFC 3261 §9.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cancel {
    /// Nobody asked.
    No,
    /// Waits for a provisional response.
    Wanted,
    /// Sent.
    Sent,
    /// Answered; the INVITE's own final response is still awaited.
    Answered,
}

/// What a live transaction needs beyond its key; dropped when only the key still matters.
pub(super) struct Bulk {
    pub(super) flow: Flow,
    /// The request while it may be repeated or cancelled (over a stream its head only), then the ACK.
    pub(super) message: Box<[u8]>,
    /// The TU's rows for the CANCEL.
    pub(super) cancel_rows: Box<[u8]>,
    /// Last RSeq of each early dialog: hash of its To tag, number.
    early: SmallVec<[(u64, u32); 2]>,
    /// The datagram flow for a request that was too large for it, should the stream not open.
    pub(super) fallback: Option<Box<(Flow, Box<[u8]>)>>,
}

/// One request that we sent.
pub(super) struct Client<U> {
    /// The random bits of its branch.
    pub(super) secret: u64,
    /// The interface that it left by, where its responses come.
    pub(super) listen: ListenId,
    pub(super) machine: Machine,
    /// The CSeq method of its responses.
    method: Method,
    pub(super) user: Option<U>,
    pub(super) stream: bool,
    pub(super) cancel: Cancel,
    pub(super) fast: Alarm,
    pub(super) slow: Alarm,
    pub(super) interval: Duration,
    pub(super) bulk: Option<Box<Bulk>>,
    /// The request as the TU may want it again.
    pub(super) kept: Option<Box<Kept>>,
}

impl<U: Copy> Transactions<U> {
    /// Sends a request other than ACK and CANCEL. RFC 3261 §17.1.1.2, §17.1.2.2, §18.1.1.
    ///
    /// # Errors
    /// Nothing is sent and kept when the table is full or no datagram can carry the request.
    pub fn request(
        &mut self,
        now: Time,
        user: U,
        request: &Request<'_>,
        out: &mut Outbox,
    ) -> Result<ClientTxn, RequestError> {
        self.latest = now;
        if !self.counters.client_limit.admit(self.clients.len() as u64) {
            return Err(RequestError::TableFull(self.counters.client_limit.name));
        }
        let method = Method::from_token(request.method);
        let machine = Machine::first(method);
        let (secret, listen) = (self.rng.next_u64(), request.flow.listen);
        let txn = self.clients.insert(Client {
            secret,
            listen,
            machine,
            method,
            user: Some(user),
            stream: false,
            cancel: Cancel::No,
            fast: Alarm::OFF,
            slow: Alarm::OFF,
            interval: self.timers.t1,
            bulk: None,
            kept: None,
        });
        let branch = Branch { shard: self.shard, slot: txn.data().as_ffi(), secret }.encode();
        let start = out.bytes.len();
        let printed = self.print_fitting(request, &branch, out);
        let flow = printed.inspect_err(|_| drop(self.clients.remove(txn)))?;
        Counters::by_method(&mut self.counters.requests_out, method);
        self.counters.client_live = self.clients.len();
        self.launch(now, txn, request, flow, out.bytes.get(start..).unwrap_or_default());
        out.seal(start, flow, Some(client_token(txn)));
        Ok(txn)
    }

    /// Prints at the end of `out`, over the alternative when too large for a datagram; says the way taken.
    pub(super) fn print_fitting(
        &mut self,
        request: &Request<'_>,
        branch: &[u8],
        out: &mut Outbox,
    ) -> Result<Flow, RequestError> {
        let start = out.bytes.len();
        print::request(&mut out.bytes, request, &request.flow, request.sent_by, branch);
        let bytes = out.bytes.len() - start;
        if request.flow.transport != Transport::Udp || bytes <= request.udp_max {
            return Ok(request.flow);
        }
        if let Some((flow, sent_by)) = request.alternative {
            out.bytes.truncate(start);
            print::request(&mut out.bytes, request, &flow, sent_by, branch);
            return Ok(flow);
        }
        if bytes > DATAGRAM_MAX {
            out.bytes.truncate(start);
            return Err(RequestError::TooLarge { bytes, max: DATAGRAM_MAX });
        }
        self.counters.oversize_udp += 1;
        Ok(request.flow)
    }

    /// Keeps what a new transaction needs and starts its timers (A and B, or E and F).
    fn launch(&mut self, now: Time, txn: ClientTxn, request: &Request<'_>, flow: Flow, printed: &[u8]) {
        let Some(client) = self.clients.get_mut(txn) else { return };
        client.stream = flow.transport.is_reliable();
        let fallback =
            (client.stream && request.flow.transport == Transport::Udp && printed.len() < DATAGRAM_MAX)
                .then(|| Box::new((request.flow, request.sent_by.into())));
        let kept: Option<&[u8]> = match (client.stream && fallback.is_none(), client.method) {
            (false, _) => Some(printed),
            (true, Method::Invite) => Some(own_head(printed)),
            (true, _) => None,
        };
        client.bulk = kept.map(|kept| {
            Box::new(Bulk {
                flow,
                message: kept.into(),
                cancel_rows: Box::default(),
                early: SmallVec::new(),
                fallback,
            })
        });
        if !client.stream {
            client.fast.set(&mut self.wheel, Key::ClientFast(txn), now + self.timers.t1);
        }
        client.slow.set(&mut self.wheel, Key::ClientSlow(txn), now + self.timers.patience());
    }

    /// A response with a branch of ours. RFC 3261 §17.1.3.
    pub(super) fn client_response(
        &mut self,
        now: Time,
        txn: ClientTxn,
        msg: Msg<'_>,
        cseq_method: Method,
        out: &mut Outbox,
    ) -> Incoming<U> {
        let Some(client) = self.clients.get_mut(txn) else { return Incoming::Absorbed };
        if client.method == Method::Invite && cseq_method == Method::Cancel {
            if client.cancel == Cancel::Sent && msg.status() >= 200 {
                client.cancel = Cancel::Answered;
                client.fast.clear();
            }
            return Incoming::Absorbed;
        }
        if client.method != cseq_method {
            self.counters.stray_responses += 1;
            return Incoming::Absorbed;
        }
        let machine = client.machine;
        self.settle_kept(txn, msg.status());
        match machine {
            Machine::Invite(state) => self.invite_response(now, txn, state, msg, out),
            Machine::Other(state) => self.other_response(now, txn, state, msg.status()),
        }
    }

    fn invite_response(
        &mut self,
        now: Time,
        txn: ClientTxn,
        state: invite_client::State,
        msg: Msg<'_>,
        out: &mut Outbox,
    ) -> Incoming<U> {
        use invite_client::{Input, State};
        let status = msg.status();
        let input = match status {
            0..=199 => Input::Provisional,
            200..=299 => Input::Success,
            _ => Input::Failure,
        };
        let (next, deed) = invite_client::step(state, input);
        let Some(client) = self.clients.get_mut(txn) else { return Incoming::Absorbed };
        client.machine = Machine::Invite(next);
        let user = client.user;
        let (entered, wanted) = (next != state, client.cancel == Cancel::Wanted);
        match deed {
            ClientDeed::Report => {
                if entered {
                    self.invite_entered(now, txn, next);
                }
                if wanted && next == State::Proceeding {
                    self.send_cancel(now, txn, out);
                }
                if input == Input::Provisional && !self.is_next_reliable(txn, msg) {
                    return Incoming::Absorbed;
                }
                self.report(txn, user, status)
            }
            ClientDeed::AckAndReport => {
                self.first_ack(now, txn, msg, out);
                self.report(txn, user, status)
            }
            ClientDeed::Ack => {
                self.counters.retransmissions_in += 1;
                if let Some(bulk) = self.clients.get(txn).and_then(|c| c.bulk.as_deref()) {
                    out.push(bulk.flow, &bulk.message, None);
                    self.counters.retransmissions_out += 1;
                }
                Incoming::Absorbed
            }
            _ => Incoming::Absorbed,
        }
    }

    /// Timers and memory of Proceeding (A and B off) and Accepted (M). RFC 3261 §17.1.1.2, RFC 6026 §8.4.
    fn invite_entered(&mut self, now: Time, txn: ClientTxn, next: invite_client::State) {
        let Some(client) = self.clients.get_mut(txn) else { return };
        client.fast.clear();
        client.slow.clear();
        if next == invite_client::State::Proceeding && client.user.is_none() {
            client.slow.set(&mut self.wheel, Key::ClientSlow(txn), now + FORGOTTEN_PATIENCE);
        }
        if next == invite_client::State::Accepted {
            client.bulk = None;
            client.slow.set(&mut self.wheel, Key::ClientSlow(txn), now + self.timers.patience());
        }
    }

    /// The failure's first ACK; timer D (zero over a stream) for the next ones. RFC 3261 §17.1.1.2.
    fn first_ack(&mut self, now: Time, txn: ClientTxn, msg: Msg<'_>, out: &mut Outbox) {
        let Some(client) = self.clients.get_mut(txn) else { return };
        client.fast.clear();
        if let Some(bulk) = client.bulk.as_deref_mut() {
            let start = out.bytes.len();
            print::ack(&mut out.bytes, &bulk.message, msg);
            bulk.message = out.bytes.get(start..).unwrap_or_default().into();
            bulk.cancel_rows = Box::default();
            bulk.early = SmallVec::new();
            out.seal(start, bulk.flow, None);
            Counters::by_method(&mut self.counters.requests_out, Method::Ack);
        }
        if client.stream {
            self.remove_client(txn);
        } else {
            client.slow.set(&mut self.wheel, Key::ClientSlow(txn), now + self.timers.patience());
        }
    }

    /// Whether the TU is to see this provisional: all unreliable ones, and reliable ones in their order,
    /// each once. RFC 3262 §4.
    fn is_next_reliable(&mut self, txn: ClientTxn, msg: Msg<'_>) -> bool {
        let Ok(Some(rseq)) = msg.rseq() else { return true };
        if msg.status() == 100 || !msg.has_token(Name::Require, "100rel") {
            return true;
        }
        let Some(bulk) = self.clients.get_mut(txn).and_then(|c| c.bulk.as_deref_mut()) else { return true };
        let tag = msg.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        let hash = super::fingerprint::short(self.print_key, tag);
        if let Some((_, last)) = bulk.early.iter_mut().find(|(known, _)| *known == hash) {
            let in_order = rseq == last.wrapping_add(1);
            if in_order {
                *last = rseq;
            } else if rseq <= *last {
                self.counters.retransmissions_in += 1;
            } else {
                self.counters.rseq_gaps += 1;
            }
            return in_order;
        }
        if !self.counters.early_limit.admit(bulk.early.len() as u64) {
            return false;
        }
        bulk.early.push((hash, rseq));
        true
    }

    fn other_response(
        &mut self,
        now: Time,
        txn: ClientTxn,
        state: other_client::State,
        status: u16,
    ) -> Incoming<U> {
        use other_client::{Input, State};
        let input = if status < 200 { Input::Provisional } else { Input::Final };
        let (next, deed) = other_client::step(state, input);
        let Some(client) = self.clients.get_mut(txn) else { return Incoming::Absorbed };
        client.machine = Machine::Other(next);
        let user = client.user;
        if deed != ClientDeed::Report {
            self.counters.retransmissions_in += 1;
            return Incoming::Absorbed;
        }
        if next == State::Completed {
            client.fast.clear();
            client.bulk = None;
            if client.stream {
                self.remove_client(txn);
            } else {
                // Timer K.
                client.slow.set(&mut self.wheel, Key::ClientSlow(txn), now + self.timers.t4);
            }
        }
        self.report(txn, user, status)
    }

    fn report(&mut self, txn: ClientTxn, user: Option<U>, status: u16) -> Incoming<U> {
        let Some(user) = user else {
            self.counters.orphaned_successes += u64::from((200..300).contains(&status));
            return Incoming::Absorbed;
        };
        Counters::by_class(&mut self.counters.responses_in, status);
        Incoming::Response { txn, user, status }
    }

    /// The fast timer: A, E, or E of our CANCEL.
    pub(super) fn client_resend_due(&mut self, now: Time, txn: ClientTxn, out: &mut Outbox) {
        let Some(client) = self.clients.get_mut(txn) else { return };
        let (deed, longest) = match client.machine {
            Machine::Invite(state) => match invite_client::step(state, invite_client::Input::Resend).1 {
                // Timer A doubles without a ceiling, timer E up to T2. RFC 3261 §17.1.1.2, §17.1.2.2.
                ClientDeed::Resend => (ClientDeed::Resend, Duration::MAX),
                deed => (deed, self.timers.t2),
            },
            Machine::Other(state) => {
                if state == other_client::State::Proceeding {
                    client.interval = self.timers.t2;
                }
                (other_client::step(state, other_client::Input::Resend).1, self.timers.t2)
            }
        };
        client.interval = client.interval.saturating_mul(2).min(longest);
        let next = now + client.interval;
        match deed {
            ClientDeed::Resend => {
                client.fast.set(&mut self.wheel, Key::ClientFast(txn), next);
                if let Some(bulk) = client.bulk.as_deref() {
                    out.push(bulk.flow, &bulk.message, Some(client_token(txn)));
                    self.counters.retransmissions_out += 1;
                }
            }
            ClientDeed::ResendCancel if client.cancel == Cancel::Sent => {
                client.fast.set(&mut self.wheel, Key::ClientFast(txn), next);
                self.push_cancel(txn, out);
                self.counters.retransmissions_out += 1;
            }
            _ => {}
        }
    }

    /// The slow timer: B, D, F, K, M, or the end of the wait after a CANCEL.
    pub(super) fn client_expired(&mut self, txn: ClientTxn, events: &mut Vec<Event<U>>) {
        let Some(client) = self.clients.get(txn) else { return };
        let deed = match client.machine {
            Machine::Invite(state) => invite_client::step(state, invite_client::Input::Expire).1,
            Machine::Other(state) => other_client::step(state, other_client::Input::Expire).1,
        };
        if deed == ClientDeed::ReportTimeout {
            self.counters.timeouts += 1;
            if let Some(user) = client.user {
                events.push(Event::Timeout { txn, user });
            }
        }
        self.remove_client(txn);
    }

    pub(super) fn remove_client(&mut self, txn: ClientTxn) {
        if self.clients.remove(txn).is_some() {
            self.counters.client_live = self.clients.len();
        }
    }
}
