//! A copy of a switchboard's state to try a call on; whoever drives it sees to it that nothing leaves.

use crate::output::Outbox;
use crate::setup::Arrival;
use crate::switchboard::{Setup, Switchboard};
use base::time::WallClock;
use base::{Time, TrunkId};
use peers::Voucher;
use routing::Snapshot;
use sip_core::{Flow, Incoming};
use sip_msg::{Index, Leniency};
use std::sync::Arc;
use std::time::Duration;

/// For how long a trunk is supposed to be down.
const DOWN: Duration = Duration::from_secs(86_400);

impl Switchboard {
    /// A switchboard without calls on the present state of the trunks. Costs as much as that state.
    #[must_use]
    pub fn copy(&self, seed: (u64, u64)) -> Switchboard {
        let setup = Setup { shard: self.shard, seed, secret: [0; 32], proof: [0; 32], clock: self.clock };
        let mut copy = Switchboard::with(setup, self.epoch.clone(), self.runs.clone());
        copy.counters = self.counters.clone();
        copy.draining = self.draining;
        copy
    }

    /// The configuration for new calls.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.epoch.snapshot
    }

    /// Supposes another time of day.
    pub fn set_clock(&mut self, clock: WallClock) {
        self.clock = clock;
    }

    /// Supposes that nobody answers at a trunk.
    pub fn suppose_down(&mut self, trunk: TrunkId, now: Time) {
        let run = self.epoch.run(trunk);
        self.runs.suppose_down(run, now + DOWN);
    }

    /// Takes an INVITE as one of a trunk, wherever it comes from, and as proven by `voucher`.
    pub fn arrive(
        &mut self,
        now: Time,
        (flow, trunk, voucher): (Flow, TrunkId, Voucher),
        bytes: &[u8],
        out: &mut Outbox,
    ) {
        let mut index = Index::new();
        let Ok(msg) = sip_msg::parse(bytes, &mut index, self.limits(), Leniency::default()) else { return };
        if let Incoming::Request(txn) = self.txns.receive(now, &msg, &flow, &mut out.sip) {
            self.on_invite(now, Arrival { msg, flow, trunk, txn, voucher }, out);
        }
    }
}
