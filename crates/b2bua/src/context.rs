//! What a call needs of its switchboard while it handles one input.

use crate::epoch::Epoch;
use crate::output::{Level, Note, Outbox};
use crate::relay::SILENT_MAX;
use crate::runs::{GatewayRef, Runs, TargetRef};
use crate::tag::CallRef;
use crate::transfer::Errand;
use base::time::WallClock;
use base::{Rng, ShardId, Time, WallTime, Wheel};
pub(crate) use contract::{Counters, Sessions};
use media::Side;
use negotiation::{Draws, Mint};
use peers::EnrolmentRef;
use sip_core::{ClientTxn, Transactions};
use std::sync::Arc;

/// Whom a transaction belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum User {
    /// The INVITE that began a call.
    Arrived(CallRef),
    /// Our INVITE of an attempt, by its number.
    Invite(CallRef, u16),
    /// A peer's request inside a dialog.
    Inner(CallRef, Side),
    /// A request passed on to a side.
    Relay(CallRef, Side),
    /// A request of our own to a side.
    Own(CallRef, Side, Own),
    /// REGISTER of an account.
    Register(EnrolmentRef),
    /// OPTIONS to an address of a gateway.
    Options(TargetRef),
    /// A request to or of the recorder of a call.
    Recorder(CallRef),
    /// A request whose answer changes nothing.
    Nobody,
}

/// Requests of our own inside a dialog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Own {
    Bye,
    Prack,
    /// INFO with a digit, in this turn of its line.
    Digit(u16),
    /// A session refresh by UPDATE.
    RefreshUpdate,
    /// A session refresh by INVITE.
    RefreshInvite,
    /// A re-INVITE that moves a party's media to another one.
    Move,
    /// NOTIFY of the transfer with this number.
    Notify(u16),
}

/// A deadline of a call or gateway; whoever fires checks whether it still means anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Alarm {
    /// `failover_after` of an attempt.
    Silence(CallRef, u16),
    /// `ring_timeout` of an attempt.
    Ring(CallRef, u16),
    /// `ringing.after` of the caller's trunk.
    Ringback(CallRef),
    /// The caller's invitation runs out at this time.
    Expires(CallRef, Time),
    /// A session timer of a side.
    Session(CallRef, Side),
    /// An INVITE inside a call has been under way for long.
    Unanswered(CallRef, ClientTxn),
    /// A session refresh is tried again after glare.
    Refresh(CallRef, Side),
    /// The media report of an ended call is overdue.
    Report(CallRef),
    /// An announcement before a refusal has taken too long.
    Parting(CallRef),
    /// A party of a transfer was busy with its session: it is asked again.
    Transfer(CallRef),
    /// The recording of a call wants to act.
    Recording(CallRef),
    /// OPTIONS to an address of a gateway is due.
    Liveness(TargetRef),
    /// A REGISTER is due.
    Register(EnrolmentRef),
    /// The flow of a registration is to be pinged, or its pong is overdue.
    Keepalive(EnrolmentRef),
    /// Bindings of users run out.
    Bindings,
    /// A gateway's name is to be resolved again.
    Resolve(GatewayRef),
}

/// Lent to a call for the time of one input.
pub(crate) struct Context<'a> {
    pub(crate) now: Time,
    pub(crate) clock: WallClock,
    pub(crate) shard: ShardId,
    pub(crate) out: &'a mut Outbox,
    pub(crate) txns: &'a mut Transactions<User>,
    pub(crate) runs: &'a mut Runs,
    pub(crate) wheel: &'a mut Wheel<Alarm>,
    pub(crate) rng: &'a mut Rng,
    /// Master keys of ours for SRTP.
    pub(crate) mint: &'a mut Mint,
    pub(crate) counters: &'a mut Counters,
    pub(crate) sessions: &'a mut Sessions,
    /// What is to be done in other calls when this one has acted.
    pub(crate) errands: &'a mut Vec<Errand>,
    pub(crate) scratch: &'a mut Vec<Vec<u8>>,
    pub(crate) current: &'a Arc<Epoch>,
}

impl Context<'_> {
    pub(crate) fn draws(&mut self) -> Draws<'_> {
        Draws { rng: self.rng, mint: self.mint }
    }

    pub(crate) fn wall(&self) -> WallTime {
        self.clock.at(self.now)
    }

    /// An INVITE inside a call has left: it is looked after when it has been under way for long.
    pub(crate) fn watch_invite(&mut self, user: User, client: ClientTxn) {
        if let User::Relay(call, _) | User::Own(call, ..) = user {
            self.wheel.insert(self.now + SILENT_MAX, Alarm::Unanswered(call, client));
        }
    }

    /// An empty buffer for header rows; give it back.
    pub(crate) fn take_rows(&mut self) -> Vec<u8> {
        let mut rows = self.scratch.pop().unwrap_or_else(|| Vec::with_capacity(2_048));
        rows.clear();
        rows
    }

    pub(crate) fn give_rows(&mut self, rows: Vec<u8>) {
        self.scratch.push(rows);
    }

    /// Says why a gateway's calls are given to others first, when that has turned out.
    pub(crate) fn tell_quality(&mut self, gateway: GatewayRef, why: Option<String>) {
        if let Some(why) = why {
            let detail = format!("gateway {}: {why}", self.runs.gateway(gateway).name);
            self.note(Level::Warn, "gateway of poor quality", detail);
        }
    }

    pub(crate) fn note(&mut self, level: Level, what: &'static str, detail: String) {
        self.out.notes.push(Note { level, what, detail });
    }
}
