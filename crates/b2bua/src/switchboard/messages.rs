//! Messages: whose they are, and the call, gateway or refusal that they belong to.

use super::Switchboard;
use crate::call::{Call, RETRY_AFTER_SECONDS};
use crate::context::{Context, User};
use crate::gateways;
use crate::local;
use crate::output::Outbox;
use crate::setup::Arrival;
use crate::stray::{self, Unwanted};
use crate::tag::{CallRef, Tag};
use base::{ReasonId, Time, TrunkId};
use identity::headers::push_number;
use media::Side;
use peers::Voucher;
use sip_core::{Flow, Incoming, ServerTxn};
use sip_msg::{Leniency, Method, Msg, Uri};

impl Switchboard {
    pub(super) fn on_bytes(
        &mut self,
        now: Time,
        flow: Flow,
        verified: &[String],
        bytes: &[u8],
        out: &mut Outbox,
    ) {
        let mut index = std::mem::take(&mut self.index);
        match sip_msg::parse(bytes, &mut index, &self.limits, Leniency::default()) {
            Ok(msg) => self.on_message(now, flow, verified, msg, out),
            Err(error) => {
                self.counters.malformed += 1;
                if let Some(msg) = sip_msg::salvage(bytes, &mut index, &self.limits) {
                    self.refuse_broken(now, flow, verified, msg, error.kind.status(), out);
                }
            }
        }
        self.index = index;
    }

    /// A request that cannot be acted on, from a known source: the status that the RFC names, if it
    /// can be answered at all (RFC 3261 §8.2, §16.3).
    fn refuse_broken(
        &mut self,
        now: Time,
        flow: Flow,
        verified: &[String],
        msg: Msg<'_>,
        status: u16,
        out: &mut Outbox,
    ) {
        if msg.method() == Method::Ack || self.identify(&flow, verified).is_none() {
            return;
        }
        if let Incoming::Request(txn) = self.txns.receive(now, &msg, &flow, &mut out.sip) {
            local::answer(&mut self.context(now, out), txn, status, b"");
        }
    }

    fn on_message(&mut self, now: Time, flow: Flow, verified: &[String], msg: Msg<'_>, out: &mut Outbox) {
        let mut trunk = None;
        if msg.is_request() && !self.is_within_call(msg, &flow) {
            trunk = self.identify(&flow, verified).map(|found| self.by_contact(found, now, &flow, msg));
            trunk = trunk.map(|found| self.by_user(found, &flow, msg));
            // Unknown sources are dropped without an answer (DESIGN §5); not so who has lost its trunk
            // while a request of its was under way, which it repeats or cancels.
            if trunk.is_none() && !self.txns.knows(&msg) {
                self.counters.unknown_sources += 1;
                return;
            }
        }
        if let Err(fault) = sip_msg::verify(msg, Leniency::default()) {
            self.counters.malformed += 1;
            if msg.is_request() {
                self.refuse_broken(now, flow, verified, msg, fault.status(), out);
            }
            return;
        }
        match self.txns.receive(now, &msg, &flow, &mut out.sip) {
            Incoming::Absorbed | Incoming::Refused => {}
            Incoming::Malformed(_) => self.counters.malformed += 1,
            Incoming::Request(txn) => self.on_request(now, flow, trunk, msg, txn, out),
            Incoming::Ack => {
                if let Some((call, side)) = self.seek(msg, &flow) {
                    self.with_call(now, call, out, |call, cx| match side {
                        Some(side) => call.on_ack(side, msg, cx),
                        None => call.on_recorder(cx, |session, _, env| session.on_ack(msg, env)),
                    });
                }
            }
            Incoming::Cancel { user: Some(User::Arrived(call)), .. } => {
                self.with_call(now, call, out, |call, cx| call.on_cancel(msg, cx));
            }
            Incoming::Cancel { invite, user: Some(User::Inner(call, _)) } => {
                self.with_call(now, call, out, |call, cx| call.on_cancel_inside(invite, msg, cx));
            }
            Incoming::Cancel { .. } => {}
            Incoming::Response { txn, user, .. } => self.on_response(now, flow, txn, user, msg, out),
        }
    }

    /// Whether a request is inside a dialog of ours: then it may come from any address behind the leg's
    /// interface, for its tags and Call-ID are known to the peer alone. A tag that only looks like ours is
    /// no pass, nor is one that comes from another side of this node.
    fn is_within_call(&self, msg: Msg<'_>, flow: &Flow) -> bool {
        self.seek(msg, flow).is_some()
    }

    /// Whether a source belongs to a trunk, so that its requests outside a call are heard.
    #[must_use]
    pub fn knows(&self, flow: &Flow, verified: &[String]) -> bool {
        self.identify(flow, verified).is_some()
    }

    /// To which trunk a source belongs: its certificate's names, a gateway's address, a network.
    fn identify(&self, flow: &Flow, verified: &[String]) -> Option<TrunkId> {
        let epoch = &self.epoch;
        if !verified.is_empty()
            && let Some(trunk) = epoch.networks.named(flow.listen, verified)
        {
            return Some(trunk);
        }
        let address = flow.remote.ip().to_canonical();
        let found = self
            .sources
            .find(flow.listen, address, flow.remote.port())
            .or_else(|| epoch.networks.narrowest(flow.listen, address))?;
        // A trunk that is known by certificate is not known by address alone.
        let needs_name = !epoch.trunk(found).tls.peer_names.is_empty();
        (!needs_name).then_some(found)
    }

    /// Of several trunks that share a source, that whose registered Contact is called.
    fn by_contact(&self, found: TrunkId, now: Time, flow: &Flow, msg: Msg<'_>) -> TrunkId {
        let Ok(uri) = Uri::parse(msg.request_uri()) else { return found };
        let address = flow.remote.ip().to_canonical();
        let shares = |trunk| self.sources.has(flow.listen, address, trunk);
        self.runs.trunk_of_contact(uri.user, now, shares).unwrap_or(found)
    }

    fn on_request(
        &mut self,
        now: Time,
        flow: Flow,
        trunk: Option<TrunkId>,
        msg: Msg<'_>,
        txn: ServerTxn,
        out: &mut Outbox,
    ) {
        if let Some(found) = self.seek(msg, &flow) {
            return self.on_inside(now, flow, found, (msg, txn), out);
        }
        let foreign = msg.to().is_ok_and(|to| to.tag().is_some_and(|tag| Tag::decode(tag).is_some()));
        if foreign {
            self.counters.outside_dialog += 1;
            return local::answer(&mut self.context(now, out), txn, 481, b"");
        }
        let Some(trunk) = trunk else { return };
        let in_dialog = msg.to().is_ok_and(|to| to.tag().is_some());
        if in_dialog {
            self.counters.outside_dialog += 1;
            return local::answer(&mut self.context(now, out), txn, 481, b"");
        }
        self.on_outside(now, Arrival { msg, flow, trunk, txn, voucher: Voucher::Source }, out);
    }

    /// A request inside a dialog of ours.
    fn on_inside(
        &mut self,
        now: Time,
        flow: Flow,
        (call, side): (CallRef, Option<Side>),
        (msg, txn): (Msg<'_>, ServerTxn),
        out: &mut Outbox,
    ) {
        let Some(side) = side else {
            self.with_call(now, call, out, |call, cx| call.on_left(msg, txn, &flow, cx));
            return;
        };
        if self.vouch_inside(now, (call, side), (msg, flow, txn), out) {
            self.with_call(now, call, out, |call, cx| call.on_inner(side, msg, txn, cx));
        }
    }

    /// A request outside any dialog.
    fn on_outside(&mut self, now: Time, arrival: Arrival<'_>, out: &mut Outbox) {
        let Some(voucher) = self.vouch(now, &arrival, out) else { return };
        let arrival = Arrival { voucher, ..arrival };
        let Arrival { msg, flow, trunk, txn, .. } = arrival;
        if msg.method() == Method::Invite {
            self.on_invite(now, arrival, out);
        } else if msg.method() == Method::Register {
            self.on_register(now, &arrival, voucher, out);
        } else if identity::abilities::unusable_uri(msg) == Some(ReasonId::UriScheme) {
            // RFC 3261 §8.2.2.1.
            local::answer(&mut self.context(now, out), txn, 416, b"");
        } else if msg.method() == Method::Options
            && (self.draining || self.runs.refuses(self.epoch.run(trunk), flow.remote).is_some())
        {
            // Whoever asks before it calls may go elsewhere at once (R83).
            let mut rows = Vec::new();
            push_number(&mut rows, b"Retry-After", RETRY_AFTER_SECONDS);
            local::answer(&mut self.context(now, out), txn, 503, &rows);
        } else {
            local::outside_dialog(&mut self.context(now, out), msg, trunk, txn);
        }
    }

    pub(crate) fn on_invite(&mut self, now: Time, arrival: Arrival<'_>, out: &mut Outbox) {
        let draining = self.draining;
        let full = self.live_calls() >= self.epoch.snapshot.config.limits.calls_max as usize;
        let unusable = identity::abilities::unusable_uri(arrival.msg);
        let (calls, mut cx) = self.split(now, out);
        let call = calls.try_insert_with_key(|me| Call::begin(me, &arrival, &mut cx).map(Box::new));
        let Ok(call) = call else { return local::answer(&mut cx, arrival.txn, 400, b"") };
        self.with_call(now, call, out, |call, cx| match unusable {
            Some(reason) => call.refuse_at_once(reason, cx),
            None => call.start(arrival.msg, draining, full, cx),
        });
    }

    fn on_response(
        &mut self,
        now: Time,
        flow: Flow,
        txn: sip_core::ClientTxn,
        user: User,
        msg: Msg<'_>,
        out: &mut Outbox,
    ) {
        if matches!(msg.status(), 401 | 407) && self.answer_challenge(now, txn, user, msg, out).is_ok() {
            return;
        }
        match user {
            User::Options(at) => {
                if msg.status() >= 200 {
                    gateways::options_answered(at, txn, &mut self.context(now, out));
                }
            }
            User::Invite(call, number) => self.on_invite_response(now, flow, (call, number), msg, out),
            User::Relay(call, _) => {
                if !self.with_call(now, call, out, |call, cx| call.on_relayed(txn, msg, flow, cx)) {
                    self.on_stray_answer(now, flow, msg, Unwanted::Ended, out);
                }
            }
            User::Own(call, side, what) => {
                if !self.with_call(now, call, out, |call, cx| call.on_own(side, what, Some(msg), cx)) {
                    self.on_stray_answer(now, flow, msg, Unwanted::Ended, out);
                }
            }
            User::Recorder(call) => self.on_recorder_response(now, flow, call, msg, out),
            User::Register(at) => self.context(now, out).register_answered(at, msg, flow),
            User::Arrived(_) | User::Inner(..) | User::Nobody => {}
        }
    }

    fn on_recorder_response(&mut self, now: Time, flow: Flow, call: CallRef, msg: Msg<'_>, out: &mut Outbox) {
        let mut known = false;
        self.with_call(now, call, out, |call, cx| {
            call.on_recorder(cx, |session, _, env| {
                known = session.knows(msg);
                session.on_response(msg, env)
            });
        });
        if !known {
            self.on_stray_answer(now, flow, msg, Unwanted::Fork, out);
        }
    }

    fn on_invite_response(
        &mut self,
        now: Time,
        flow: Flow,
        (call, number): (CallRef, u16),
        msg: Msg<'_>,
        out: &mut Outbox,
    ) {
        let mut wanted = false;
        self.with_call(now, call, out, |call, cx| {
            wanted = true;
            match msg.status() {
                100..=199 => call.on_provisional(number, msg, flow, cx),
                200..=299 => wanted = call.on_invite_2xx(number, msg, flow, cx),
                _ => call.on_refusal(number, msg, cx),
            }
        });
        if !wanted && !self.repeat_for_moved(now, msg, out) {
            self.on_stray_answer(now, flow, msg, Unwanted::Fork, out);
        }
    }

    /// A response for a call that is forgotten: a 2xx to an INVITE is acknowledged all the same.
    fn on_stray_answer(&mut self, now: Time, flow: Flow, msg: Msg<'_>, what: Unwanted, out: &mut Outbox) {
        let invite = msg.cseq().is_ok_and(|c| c.method == Method::Invite);
        if !invite || msg.status() / 100 != 2 {
            return;
        }
        // The branch proves that it answers us, even if its trunk has left the configuration since.
        let epoch = self.epoch.clone();
        let neighbour = || {
            let trunks = &epoch.snapshot.config.trunks;
            let at = trunks.iter().position(|t| t.listen == flow.listen)?;
            u32::try_from(at).ok().map(TrunkId)
        };
        let Some(trunk) = self.identify(&flow, &[]).or_else(neighbour) else { return };
        stray::end(msg, flow, trunk, what, &epoch, &mut self.context(now, out));
    }
}

impl Call {
    /// Whether a request with our tag really belongs to a dialog of that side.
    pub(crate) fn hears(&self, side: Side, msg: Msg<'_>, flow: &Flow) -> bool {
        if let Some(leg) = self.leg(side) {
            return leg.hears(&msg, flow);
        }
        let early = self.live.iter().flat_map(|a| a.early.iter());
        early.into_iter().any(|e| e.leg.hears(&msg, flow))
    }

    fn refuse_at_once(&mut self, reason: ReasonId, cx: &mut Context<'_>) {
        let run = self.epoch.run(self.trunk_in);
        cx.runs.trunk_mut(run).calls_in += 1;
        self.refuse(cx, reason, b"");
    }
}
