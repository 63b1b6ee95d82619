//! Users of trunks at work: asked for passwords, registered, called.
//!
//! Who proves what and what a REGISTER binds is judged in `peers`; this room answers requests, keeps the deadlines of
//! bindings and leads calls to them. A user that registers is a gateway of its trunk, its bindings are the
//! gateway's addresses. Requests enter at [`Switchboard::vouch`], INVITEs of ours at [`way_of`].

mod admission;
mod enrolling;
mod kept;
mod reach;

pub(crate) use reach::{push_path, way_of};

use crate::runs::{Runs, TargetRef};
use sip_core::registrar::Binding;

impl Runs {
    /// A binding, while its gateway's address stands for it.
    pub(crate) fn binding_at(&self, at: TargetRef) -> Option<&Binding> {
        let target = self.gateway(at.gateway).targets.iter().find(|target| target.id == at.id)?;
        self.bindings.at(at.gateway, &target.choice)
    }
}
