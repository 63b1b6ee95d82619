//! `sips:` in the Request-URI of a call: a demand for TLS on every leg (RFC 3261 §26.2.2, RFC 5630).

use crate::attempt::Candidate;
use crate::call::Call;
use crate::context::Context;
use crate::epoch::Epoch;
use crate::leg::{Abilities, Leg};
use crate::setup::Arrival;
use base::{ReasonId, Transport};
use config::Sips;
use media::Side;
use sip_core::dialog::Dialog;
use sip_msg::{Msg, Scheme, Uri};

/// The caller's leg. Whether TLS is demanded, the URI says, if the trunk's policy lets it.
pub(crate) fn leg_of_caller(dialog: Dialog, arrival: &Arrival<'_>, epoch: &Epoch) -> Leg {
    let Arrival { msg, flow, trunk, .. } = *arrival;
    let mut leg = Leg::new(Side::A, dialog, flow, trunk, Abilities::of(msg));
    leg.secure = epoch.policy(trunk).sips == Sips::Demand && is_sips(msg);
    // What came without TLS is refused: nothing is to lead elsewhere.
    if !leg.secure || flow.transport == Transport::Tls {
        leg.route(epoch);
    }
    leg
}

fn is_sips(msg: Msg<'_>) -> bool {
    Uri::parse(msg.request_uri()).is_ok_and(|uri| uri.scheme == Scheme::Sips)
}

impl Call {
    /// Refuses a call that demands TLS and came without (RFC 3261 §26.2.2); `false`: it was refused.
    pub(crate) fn heed_sips(&mut self, cx: &mut Context<'_>) -> bool {
        if self.a.secure && self.a.flow.transport != Transport::Tls {
            self.refuse(cx, ReasonId::SipsArrival, b"");
            return false;
        }
        true
    }

    /// Whether the call demands more than a candidate's transport gives.
    pub(crate) fn is_too_open(&self, candidate: &Candidate) -> bool {
        self.a.secure && candidate.target.transport != Transport::Tls
    }
}
