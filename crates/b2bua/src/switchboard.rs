//! The switchboard: takes every input of a shard to the call, gateway or answer it belongs to.

use crate::call::{Call, Phase};
use crate::context::{Alarm, Context, Counters, Sessions, User};
use crate::epoch::{Epoch, Sources};
use crate::gateways;
use crate::input::{Command, Input};
use crate::local;
use crate::output::Outbox;
use crate::record::ReleasedBy;
use crate::runs::Runs;
use crate::setup::Arrival;
use crate::snapshot::Snapshot;
use crate::stray::{self, Unwanted};
use crate::tag::{CallRef, Tag};
use base::time::WallClock;
use base::{ReasonId, Rng, ShardId, Time, TrunkId, Wheel};
use media::{Reply, SessionId, Side};
use sip_core::{Event, Flow, Incoming, SendError, ServerTxn, Timers, Transactions};
use sip_msg::{Index, Leniency, Limits, Method, Msg, Start};
use slotmap::SlotMap;
use std::sync::Arc;
use std::time::Duration;

/// What a switchboard is born with.
pub struct Setup {
    /// Which shard it is; its tags and branches carry the number.
    pub shard: ShardId,
    /// 128 secret bits; the whole future follows from them and the inputs.
    pub seed: (u64, u64),
    /// Wall time at [`Time::ZERO`].
    pub clock: WallClock,
}

/// One shard's calls; see the module text.
pub struct Switchboard {
    pub(crate) shard: ShardId,
    pub(crate) clock: WallClock,
    pub(crate) epoch: Arc<Epoch>,
    pub(crate) runs: Runs,
    pub(crate) sources: Sources,
    pub(crate) txns: Transactions<User>,
    pub(crate) calls: SlotMap<CallRef, Box<Call>>,
    pub(crate) wheel: Wheel<Alarm>,
    pub(crate) rng: Rng,
    pub(crate) counters: Counters,
    pub(crate) sessions: Sessions,
    pub(crate) draining: bool,
    scratch: Vec<Vec<u8>>,
    index: Index,
    limits: Limits,
    events: Vec<Event<User>>,
}

impl Switchboard {
    /// A switchboard with a first configuration; asks for names to resolve at once.
    #[must_use]
    pub fn new(setup: Setup, snapshot: Arc<Snapshot>, now: Time, out: &mut Outbox) -> Switchboard {
        let mut rng = Rng::new(setup.seed);
        let mut runs = Runs::default();
        let config = snapshot.config.clone();
        let epoch = Arc::new(Epoch::new(snapshot, &mut runs));
        let signalling = &config.signalling;
        let millis = |ms: u32| Duration::from_millis(u64::from(ms));
        let timers = Timers {
            t1: millis(signalling.t1_ms),
            t2: millis(signalling.t2_ms),
            t4: millis(signalling.t4_ms),
            ..Timers::default()
        };
        let table_max = config.limits.transactions_max as usize;
        let txns = Transactions::new(sip_core::Setup {
            shard: setup.shard,
            seed: rng.next_pair(),
            timers,
            server_max: table_max,
            client_max: table_max,
        });
        let sources = Sources::gather(&epoch, &runs);
        let mut board = Switchboard {
            shard: setup.shard,
            clock: setup.clock,
            epoch,
            runs,
            sources,
            txns,
            calls: SlotMap::with_key(),
            wheel: Wheel::new(),
            rng,
            counters: Counters::default(),
            sessions: Sessions::default(),
            draining: false,
            scratch: Vec::new(),
            index: Index::new(),
            limits: Limits { message: config.limits.message_max, ..Limits::default() },
            events: Vec::new(),
        };
        board.watch_gateways(now, out);
        board
    }

    /// Takes one input; what it caused is added to `out`.
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Outbox) {
        match input {
            Input::Message { flow, verified, bytes } => self.on_bytes(now, flow, verified, bytes, out),
            Input::Media(reply) => self.on_media(now, reply, out),
            Input::SendFailed { token, error } => {
                let mut events = std::mem::take(&mut self.events);
                self.txns.send_failed(now, token, error, &mut events);
                self.on_events(now, events, out);
            }
            Input::Resolved { revision, gateway, resolution } => {
                self.on_resolved(now, revision, gateway, resolution, out);
            }
            Input::Command(command) => self.on_command(now, command, out),
            Input::Timeout => self.on_timeout(now, out),
        }
    }

    /// When [`Input::Timeout`] is due next; `None` while nothing waits.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        match (self.txns.next_deadline(), self.wheel.next_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Calls that are not over.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        usize::try_from(self.counters.accepted - self.counters.ended).unwrap_or(usize::MAX)
    }

    /// Calls that are kept: live ones, and those whose last messages are not answered yet.
    #[must_use]
    pub fn kept_calls(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn context<'a>(&'a mut self, now: Time, out: &'a mut Outbox) -> Context<'a> {
        self.split(now, out).1
    }

    /// The calls, and what a call needs beside itself.
    fn split<'a>(
        &'a mut self,
        now: Time,
        out: &'a mut Outbox,
    ) -> (&'a mut SlotMap<CallRef, Box<Call>>, Context<'a>) {
        let context = Context {
            now,
            clock: self.clock,
            shard: self.shard,
            out,
            txns: &mut self.txns,
            runs: &mut self.runs,
            wheel: &mut self.wheel,
            rng: &mut self.rng,
            counters: &mut self.counters,
            sessions: &mut self.sessions,
            scratch: &mut self.scratch,
            current: &self.epoch,
        };
        (&mut self.calls, context)
    }

    /// Lets a call act; forgets it when it is done.
    fn with_call(
        &mut self,
        now: Time,
        call: CallRef,
        out: &mut Outbox,
        act: impl FnOnce(&mut Call, &mut Context<'_>),
    ) -> bool {
        let (calls, mut context) = self.split(now, out);
        let Some(found) = calls.get_mut(call) else { return false };
        act(found, &mut context);
        if found.is_done() {
            calls.remove(call);
        }
        true
    }

    fn on_bytes(&mut self, now: Time, flow: Flow, verified: &[String], bytes: &[u8], out: &mut Outbox) {
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
        if msg.is_request() && !self.is_within_call(msg) {
            trunk = self.identify(&flow, verified);
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
                if let Some((call, side)) = self.own_tag(msg) {
                    self.with_call(now, call, out, |call, cx| {
                        if call.matches(side, msg) {
                            call.on_ack(side, msg, cx);
                        }
                    });
                }
            }
            Incoming::Cancel { user, .. } => {
                if let Some(User::Arrived(call)) = user {
                    self.with_call(now, call, out, |call, cx| call.on_cancel(msg, cx));
                }
            }
            Incoming::Response { txn, user, .. } => self.on_response(now, flow, txn, user, msg, out),
        }
    }

    /// The call and side that our tag in To names, for a request inside a dialog.
    fn own_tag(&self, msg: Msg<'_>) -> Option<(CallRef, Side)> {
        let (shard, side, call) = Tag::decode(msg.to().ok()?.tag()?)?;
        (shard == self.shard).then_some((call, side))
    }

    /// Whether a request is inside a dialog of ours: then it may come from anywhere, for its tags and
    /// Call-ID are known to the peer alone. A tag that only looks like ours is no pass.
    fn is_within_call(&self, msg: Msg<'_>) -> bool {
        let named = self.own_tag(msg);
        named.is_some_and(|(call, side)| self.calls.get(call).is_some_and(|c| c.matches(side, msg)))
    }

    /// To which trunk a source belongs: its certificate's names, a gateway's address, a network.
    fn identify(&self, flow: &Flow, verified: &[String]) -> Option<TrunkId> {
        let epoch = &self.epoch;
        if !verified.is_empty()
            && let Some(trunk) = epoch.trunk_of_names(flow.listen, verified)
        {
            return Some(trunk);
        }
        let address = flow.remote.ip().to_canonical();
        let found = self
            .sources
            .find(flow.listen, address, flow.remote.port())
            .or_else(|| epoch.trunk_of_network(flow.listen, address))?;
        // A trunk that is known by certificate is not known by address alone.
        let needs_name = !epoch.trunk(found).tls.peer_names.is_empty();
        (!needs_name).then_some(found)
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
        if let Some((call, side)) = self.own_tag(msg) {
            let mut matched = false;
            self.with_call(now, call, out, |call, cx| {
                matched = call.matches(side, msg);
                if matched {
                    call.on_inner(side, msg, txn, cx);
                }
            });
            if !matched {
                self.counters.outside_dialog += 1;
                local::answer(&mut self.context(now, out), txn, 481, b"");
            }
            return;
        }
        let Some(trunk) = trunk else { return };
        let in_dialog = msg.to().is_ok_and(|to| to.tag().is_some());
        if in_dialog {
            self.counters.outside_dialog += 1;
            return local::answer(&mut self.context(now, out), txn, 481, b"");
        }
        if msg.method() == Method::Invite {
            self.on_invite(now, Arrival { msg, flow, trunk, txn }, out);
        } else if unusable_uri(msg) == Some(ReasonId::UriScheme) {
            // RFC 3261 §8.2.2.1.
            local::answer(&mut self.context(now, out), txn, 416, b"");
        } else {
            local::outside_dialog(&mut self.context(now, out), msg, txn);
        }
    }

    fn on_invite(&mut self, now: Time, arrival: Arrival<'_>, out: &mut Outbox) {
        let draining = self.draining;
        let full = self.live_calls() >= self.epoch.snapshot.config.limits.calls_max as usize;
        let unusable = unusable_uri(arrival.msg);
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
        match user {
            User::Options(at) => {
                if msg.status() >= 200 {
                    gateways::options_answered(at, &mut self.context(now, out));
                }
            }
            User::Invite(call, number) => {
                let mut wanted = false;
                self.with_call(now, call, out, |call, cx| {
                    wanted = true;
                    match msg.status() {
                        100..=199 => call.on_provisional(number, msg, flow, cx),
                        200..=299 => wanted = call.on_invite_2xx(number, msg, flow, cx),
                        _ => call.on_refusal(number, msg, cx),
                    }
                });
                if !wanted {
                    self.on_stray_answer(now, flow, msg, Unwanted::Fork, out);
                }
            }
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
            User::Arrived(_) | User::Inner(..) | User::Nobody => {}
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

    fn on_timeout(&mut self, now: Time, out: &mut Outbox) {
        let mut events = std::mem::take(&mut self.events);
        self.txns.handle_timeout(now, &mut out.sip, &mut events);
        self.on_events(now, events, out);
        while let Some(alarm) = self.wheel.pop(now) {
            self.on_alarm(now, alarm, out);
        }
    }

    fn on_events(&mut self, now: Time, mut events: Vec<Event<User>>, out: &mut Outbox) {
        for event in events.drain(..) {
            match event {
                Event::Timeout { txn, user } => self.on_lost(now, txn, user, None, out),
                Event::Failed { txn, user, error } => self.on_lost(now, txn, user, Some(error), out),
                Event::AckMissing { user, .. } => self.on_unacknowledged(now, user, out),
                Event::PrackMissing { user, .. } => {
                    if let Some(User::Arrived(call)) = user {
                        // RFC 3262 §3: the INVITE is refused with a 5xx.
                        self.with_call(now, call, out, |call, cx| {
                            call.release(ReasonId::NoPrack, ReleasedBy::Caller, cx);
                        });
                    }
                }
            }
        }
        self.events = events;
    }

    /// A request of ours got no answer, or could not be sent.
    fn on_lost(
        &mut self,
        now: Time,
        txn: sip_core::ClientTxn,
        user: User,
        error: Option<SendError>,
        out: &mut Outbox,
    ) {
        match user {
            User::Options(at) => gateways::missed(at, &mut self.context(now, out)),
            User::Invite(call, number) => {
                self.with_call(now, call, out, |call, cx| call.on_lost(number, error, cx));
            }
            User::Relay(call, _) => {
                self.with_call(now, call, out, |call, cx| call.on_relay_lost(txn, cx));
            }
            User::Own(call, side, what) => {
                self.with_call(now, call, out, |call, cx| call.on_own(side, what, None, cx));
            }
            User::Arrived(_) | User::Inner(..) | User::Nobody => {}
        }
    }

    /// Our 2xx was never acknowledged (RFC 3261 §13.3.1.4): the call is ended.
    fn on_unacknowledged(&mut self, now: Time, user: Option<User>, out: &mut Outbox) {
        let (call, side) = match user {
            Some(User::Arrived(call)) => (call, Side::A),
            Some(User::Inner(call, side)) => (call, side),
            _ => return,
        };
        self.with_call(now, call, out, |call, cx| {
            if let Some(leg) = call.leg_mut(side) {
                leg.await_ack = None;
            }
            call.send_held_bye(side, cx);
            call.lose(side, ReasonId::NoAck, cx);
        });
    }

    fn on_alarm(&mut self, now: Time, alarm: Alarm, out: &mut Outbox) {
        match alarm {
            Alarm::Silence(call, number) => {
                self.with_call(now, call, out, |call, cx| call.on_silence(number, cx));
            }
            Alarm::Ring(call, number) => {
                self.with_call(now, call, out, |call, cx| call.on_ring_timeout(number, cx));
            }
            Alarm::Session(call, side) => {
                self.with_call(now, call, out, |call, cx| call.on_session_alarm(side, cx));
            }
            Alarm::Refresh(call, side) => {
                self.with_call(now, call, out, |call, cx| call.refresh_session(side, cx));
            }
            Alarm::Report(call) => {
                self.with_call(now, call, out, |call, cx| {
                    if let Some(session) = call.media.session() {
                        cx.counters.media_reports_missed += u64::from(!call.recorded);
                        call.on_report(session, None, cx);
                    }
                });
            }
            Alarm::Liveness(at) => self.on_liveness_alarm(at, now, out),
            Alarm::Resolve(at) => self.on_resolve_alarm(now, at, out),
        }
    }

    fn on_media(&mut self, now: Time, reply: Reply, out: &mut Outbox) {
        let session: SessionId = reply.session();
        let Some(call) = self.sessions.call_of(session) else { return };
        self.with_call(now, call, out, |call, cx| match reply {
            Reply::Opened { .. } | Reply::OpenFailed { .. } => call.on_media_opened(&reply, cx),
            Reply::Closed { session, report } => call.on_report(session, Some(report), cx),
            Reply::Timeout { .. } if call.media.session() == Some(session) => {
                call.release(ReasonId::MediaTimeout, ReleasedBy::Us, cx);
            }
            Reply::Timeout { .. } | Reply::OneWay { .. } | Reply::Latched { .. } => {}
        });
    }

    fn on_command(&mut self, now: Time, command: Command, out: &mut Outbox) {
        match command {
            Command::Apply(snapshot) => {
                self.runs.begin();
                self.epoch = Arc::new(Epoch::new(snapshot, &mut self.runs));
                self.sources = Sources::gather(&self.epoch, &self.runs);
                self.watch_gateways(now, out);
            }
            Command::Drain => self.draining = true,
            Command::EndAll => self.end_all(now, out),
            Command::HangUp(key) => {
                let found = self.calls.iter().find(|(_, c)| c.key == key).map(|(me, _)| me);
                if let Some(call) = found {
                    self.with_call(now, call, out, |call, cx| {
                        call.release(ReasonId::Hangup, ReleasedBy::Operator, cx);
                    });
                }
            }
            Command::EnableTrunk(trunk, enabled) => {
                if trunk.index() < self.epoch.snapshot.config.trunks.len() {
                    let run = self.epoch.run(trunk);
                    self.runs.trunk_mut(run).override_enabled = Some(enabled);
                }
            }
        }
    }

    fn end_all(&mut self, now: Time, out: &mut Outbox) {
        self.draining = true;
        let live: Vec<CallRef> =
            self.calls.iter().filter(|(_, c)| c.phase != Phase::Over).map(|(me, _)| me).collect();
        for call in live {
            self.with_call(now, call, out, |call, cx| call.release(ReasonId::Drained, ReleasedBy::Us, cx));
        }
    }
}

/// What is wrong with a request's URI, if anything.
fn unusable_uri(msg: Msg<'_>) -> Option<ReasonId> {
    match msg.start() {
        Start::Request { uri, .. } => local::check_uri(uri),
        Start::Response { .. } => Some(ReasonId::BadRequest),
    }
}

impl Call {
    /// Whether a request with our tag really belongs to a dialog of that side.
    fn matches(&self, side: Side, msg: Msg<'_>) -> bool {
        if let Some(leg) = self.leg(side) {
            return leg.dialog.matches(&msg);
        }
        let early = self.live.iter().flat_map(|a| a.early.iter());
        early.into_iter().any(|e| e.leg.dialog.matches(&msg))
    }

    fn refuse_at_once(&mut self, reason: ReasonId, cx: &mut Context<'_>) {
        let run = self.epoch.run(self.trunk_in);
        cx.runs.trunk_mut(run).calls_in += 1;
        self.refuse(cx, reason, b"");
    }
}
