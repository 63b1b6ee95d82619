//! Commands of whoever runs the node: apply, drain, end, switch a trunk.

use super::Switchboard;
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::epoch::Epoch;
use crate::input::{Command, RecordWish};
use crate::journal::CallKey;
use crate::output::Outbox;
use crate::record::ReleasedBy;
use crate::tag::CallRef;
use base::{GatewayId, ReasonId, Time, TrunkId};
use peers::Duty;
use std::sync::Arc;

impl Switchboard {
    pub(super) fn on_command(&mut self, now: Time, command: Command, out: &mut Outbox) {
        match command {
            Command::Apply(snapshot) => {
                self.runs.begin();
                self.epoch = Arc::new(Epoch::new(snapshot, &mut self.runs));
                self.sources = self.epoch.sources(&self.runs);
                self.watch_gateways(now, out);
            }
            Command::Drain => {
                self.draining = true;
                self.leave(now, out, |_| true);
            }
            Command::Restore(kept) => self.restore_bindings(now, kept),
            Command::EndAll => self.end_all(now, out),
            Command::HangUp(key) => self.with_key(now, key, out, |call, cx| {
                call.release(ReasonId::Hangup, ReleasedBy::Operator, cx);
            }),
            Command::Record { call, wish } => {
                let by = if let RecordWish::By(id) = wish { Some(id.index()) } else { None };
                let name = by.and_then(|at| self.epoch.snapshot.trunk_names.get(at)).cloned();
                self.with_key(now, call, out, |call, _| {
                    let by = name.and_then(|name| call.epoch.snapshot.config.recorder_named(&name));
                    call.record.order(wish, by);
                });
            }
            Command::SetDuty { trunk, gateway, duty } => self.set_duty(trunk, gateway, duty),
        }
    }

    /// Lets the live call of a name act.
    fn with_key(
        &mut self,
        now: Time,
        key: CallKey,
        out: &mut Outbox,
        act: impl FnOnce(&mut Call, &mut Context<'_>),
    ) {
        let is = |c: &Call| c.key == key && c.phase != Phase::Over && !c.is_placed();
        if let Some(call) = self.calls.iter().find(|(_, c)| is(c)).map(|(me, _)| me) {
            self.with_call(now, call, out, act);
        }
    }

    fn set_duty(&mut self, trunk: TrunkId, gateway: Option<GatewayId>, duty: Duty) {
        let epoch = self.epoch.clone();
        let config = &epoch.snapshot.config;
        match gateway {
            None if trunk.index() < config.trunks.len() => {
                self.runs.trunk_mut(epoch.run(trunk)).duty = duty;
            }
            Some(id) if config.gateway(id).is_some_and(|g| g.trunk == trunk) => {
                self.runs.gateway_mut(epoch.gateway_run(id)).duty = duty;
            }
            _ => {}
        }
    }

    fn end_all(&mut self, now: Time, out: &mut Outbox) {
        self.draining = true;
        self.leave(now, out, |_| true);
        let live: Vec<CallRef> =
            self.calls.iter().filter(|(_, c)| c.phase != Phase::Over).map(|(me, _)| me).collect();
        for call in live {
            self.with_call(now, call, out, |call, cx| call.release(ReasonId::Drained, ReleasedBy::Us, cx));
        }
    }
}
