//! Users of trunks at work: asked for passwords, registered, called.
//!
//! Who proves what and what a REGISTER binds is judged in `peers`; this room answers requests, keeps the deadlines of
//! bindings and leads calls to them. A user that registers is a gateway of its trunk, its bindings are the
//! gateway's addresses. Requests enter at [`Switchboard::vouch`], INVITEs of ours at [`way_of`].

mod admission;
mod enrolling;
mod reach;

pub(crate) use reach::{push_path, way_of};

use crate::runs::{GatewayRef, Runs, TargetRef};
use crate::view::BindingView;
use base::Time;
use sip_core::registrar::Binding;

impl Runs {
    /// A binding, while its gateway's address stands for it.
    pub(crate) fn binding_at(&self, at: TargetRef) -> Option<&Binding> {
        let target = self.gateway(at.gateway).targets.iter().find(|target| target.id == at.id)?;
        self.bindings.at(at.gateway, &target.choice)
    }

    /// For people.
    pub(crate) fn binding_views(&self, at: GatewayRef, now: Time) -> Vec<BindingView> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
        let views = self.bindings.of(at).iter().map(|binding| BindingView {
            contact: text(&binding.contact),
            source: binding.flow.remote,
            transport: binding.flow.transport,
            expires: binding.until.since(now),
            flow: binding.reg_id,
            agent: text(&binding.agent),
        });
        views.collect()
    }
}
