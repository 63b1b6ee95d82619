//! What a call needs of its switchboard while it handles one input.

use crate::epoch::Epoch;
use crate::output::{Level, Note, Outbox};
use crate::relay::SILENT_MAX;
use crate::transfer::Errand;
use base::time::WallClock;
use base::{Rng, ShardId, Time, WallTime, Wheel};
pub(crate) use contract::{Alarm, Counters, Own, Sessions, User};

use negotiation::{Draws, Mint};
use peers::{GatewayRef, Runs};
use sip_core::{ClientTxn, Transactions};
use std::sync::Arc;

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
