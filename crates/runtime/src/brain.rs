//! What the shard's loop needs of the pure house, so that the loop can be tried with less of it.

use b2bua::view::{CallView, KeptBinding, StatusView, TrunkView};
use b2bua::{Input, Outbox, Switchboard};
use base::Time;
use sip_core::Flow;

/// A pure thing that takes inputs and fills an outbox; in a node, a [`Switchboard`].
pub(crate) trait Brain {
    /// Takes one input; what it causes is added to `out`.
    fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Outbox);
    /// When [`Input::Timeout`] is due next.
    fn next_deadline(&self) -> Option<Time>;
    /// Calls that are not over.
    fn live_calls(&self) -> usize;
    /// Calls whose last messages are not answered yet, live ones included.
    fn kept_calls(&self) -> usize {
        self.live_calls()
    }
    /// Whether a source belongs to a trunk, by its address or the names in its verified certificate.
    fn knows(&self, flow: &Flow, verified: &[String]) -> bool;
    /// The live calls.
    fn calls(&self) -> Vec<CallView>;
    /// The trunks.
    fn trunks(&self, now: Time) -> Vec<TrunkView>;
    /// What users have registered, as far as it can be kept.
    fn bindings(&self) -> Vec<KeptBinding> {
        Vec::new()
    }
    /// The counters.
    fn status(&self) -> StatusView;
    /// A copy to try a call on; `None` for what has no calls.
    fn copy(&self, _seed: (u64, u64)) -> Option<Switchboard> {
        None
    }
}

impl Brain for Switchboard {
    fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Outbox) {
        Switchboard::handle(self, now, input, out);
    }

    fn next_deadline(&self) -> Option<Time> {
        Switchboard::next_deadline(self)
    }

    fn live_calls(&self) -> usize {
        Switchboard::live_calls(self)
    }

    fn kept_calls(&self) -> usize {
        Switchboard::kept_calls(self)
    }

    fn knows(&self, flow: &Flow, verified: &[String]) -> bool {
        Switchboard::knows(self, flow, verified)
    }

    fn calls(&self) -> Vec<CallView> {
        Switchboard::calls(self)
    }

    fn trunks(&self, now: Time) -> Vec<TrunkView> {
        Switchboard::trunks(self, now)
    }

    fn bindings(&self) -> Vec<KeptBinding> {
        Switchboard::kept_bindings(self)
    }

    fn status(&self) -> StatusView {
        Switchboard::status(self)
    }

    fn copy(&self, seed: (u64, u64)) -> Option<Switchboard> {
        Some(Switchboard::copy(self, seed))
    }
}
