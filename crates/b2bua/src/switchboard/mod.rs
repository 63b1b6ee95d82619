//! The switchboard: takes every input of a shard to the call, gateway or answer it belongs to.

mod commands;
mod events;
mod messages;

use crate::call::Call;
use crate::context::{Alarm, Context, Counters, Sessions, User};
use crate::epoch::Epoch;
use crate::input::Input;
use crate::output::Outbox;
use crate::tag::CallRef;
use crate::transfer::Errand;
use base::hash::Fast;
use base::time::WallClock;
use base::{Rng, ShardId, Time, Wheel};
use media::Side;
use negotiation::Mint;
use peers::{Desk, Runs, Sources};
use routing::Snapshot;
use sip_core::{Event, Timers, Transactions};
use sip_msg::{Index, Limits};
use slotmap::SlotMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What a switchboard is born with.
pub struct Setup {
    /// Which shard it is; its tags and branches carry the number.
    pub shard: ShardId,
    /// 128 secret bits; the whole future follows from them and the inputs.
    pub seed: (u64, u64),
    /// 256 bits from the operating system, for master keys of SRTP; and what names the certificate of handshakes.
    pub secret: [u8; 32],
    pub proof: [u8; 32],
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
    mint: Mint,
    pub(crate) counters: Counters,
    pub(crate) sessions: Sessions,
    pub(crate) desk: Desk,
    pub(crate) draining: bool,
    scratch: Vec<Vec<u8>>,
    index: Index,
    limits: Limits,
    events: Vec<Event<User>>,
    pub(crate) errands: Vec<Errand>,
    /// Where legs are whose tags name another call.
    pub(crate) moved: HashMap<(CallRef, Side), CallRef, Fast>,
}

impl Switchboard {
    /// A switchboard with a first configuration; asks for names to resolve at once.
    #[must_use]
    pub fn new(setup: Setup, snapshot: Arc<Snapshot>, now: Time, out: &mut Outbox) -> Switchboard {
        let mut runs = Runs::default();
        let epoch = Arc::new(Epoch::new(snapshot, &mut runs));
        let mut board = Switchboard::with(setup, epoch, runs);
        board.watch_gateways(now, out);
        board
    }

    /// A switchboard without calls on a present state of trunks.
    pub(crate) fn with(setup: Setup, epoch: Arc<Epoch>, runs: Runs) -> Switchboard {
        let mut rng = Rng::new(setup.seed);
        let config = epoch.snapshot.config.clone();
        let table_max = config.limits.transactions_max as usize;
        let txns = Transactions::new(sip_core::Setup {
            shard: setup.shard,
            seed: rng.next_pair(),
            timers: timers(&config.signalling),
            server_max: table_max,
            client_max: table_max,
        });
        Switchboard {
            shard: setup.shard,
            clock: setup.clock,
            sources: epoch.sources(&runs),
            epoch,
            runs,
            txns,
            calls: SlotMap::with_key(),
            wheel: Wheel::new(),
            desk: Desk::new(rng.next_pair()),
            rng,
            mint: Mint::new(setup.secret).with_certificate(setup.proof),
            counters: Counters::default(),
            sessions: Sessions::default(),
            draining: false,
            scratch: Vec::new(),
            index: Index::new(),
            limits: Limits { message: config.limits.message_max, ..Limits::default() },
            events: Vec::new(),
            errands: Vec::new(),
            moved: HashMap::default(),
        }
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
            Input::Closed(conn) => self.on_closed(now, conn, out),
            Input::Pong(conn) => self.on_pong(now, conn, out),
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

    /// Calls that are kept: live ones, and those whose last messages are not answered yet; registrations
    /// that are being given up count with them.
    #[must_use]
    pub fn kept_calls(&self) -> usize {
        self.calls.len() + self.runs.leaving()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn context<'a>(&'a mut self, now: Time, out: &'a mut Outbox) -> Context<'a> {
        self.split(now, out).1
    }

    /// The calls, and what a call needs beside itself.
    pub(crate) fn split<'a>(
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
            mint: &mut self.mint,
            counters: &mut self.counters,
            sessions: &mut self.sessions,
            scratch: &mut self.scratch,
            errands: &mut self.errands,
            current: &self.epoch,
        };
        (&mut self.calls, context)
    }

    /// Lets a call act; forgets it when it is done.
    pub(crate) fn with_call(
        &mut self,
        now: Time,
        call: CallRef,
        out: &mut Outbox,
        act: impl FnOnce(&mut Call, &mut Context<'_>),
    ) -> bool {
        let (calls, mut context) = self.split(now, out);
        let Some(found) = calls.get_mut(call) else { return false };
        act(found, &mut context);
        found.join_codecs(&mut context);
        found.attend_recording(&mut context);
        found.heed_links(&mut context);
        // What it wants of others may need it.
        if !self.errands.is_empty() {
            self.run_errands(now, out);
        }
        if self.calls.get(call).is_some_and(|found| found.is_done())
            && let Some(transfers) = self.calls.remove(call).and_then(|mut call| call.transfers.take())
        {
            self.forget_moved(call, &transfers);
        }
        true
    }
}

/// The timers of transactions (RFC 3261 §17).
fn timers(signalling: &config::Signalling) -> Timers {
    let millis = |ms: u32| Duration::from_millis(u64::from(ms));
    Timers {
        t1: millis(signalling.t1_ms),
        t2: millis(signalling.t2_ms),
        t4: millis(signalling.t4_ms),
        ..Timers::default()
    }
}
