//! How a call gets to a gateway: for a user that registered the way of its binding, for any other that of the
//! trunk. RFC 3261 §16.5, §16.6, RFC 3327 §5.3, RFC 5626 §5.3, RFC 6140 §5.3.

use crate::attempt::Candidate;
use crate::context::Context;
use crate::epoch::Epoch;
use crate::invite::request_uri;
use crate::registrations::{push_routes, way_to};
use base::ReasonId;
use config::CallsTo;
use identity::{number_at, push_uri};
use sip_core::{Flow, request_uri_form};

/// The way of one INVITE.
pub(crate) struct Way {
    pub(crate) flow: Flow,
    /// Request-URI.
    pub(crate) uri: Vec<u8>,
    /// The URI in To, where it is not the Request-URI.
    pub(crate) to: Option<Vec<u8>>,
}

/// The way to a candidate, its Route rows appended to `rows`.
///
/// # Errors
/// Its user has not registered, or not any more.
pub(crate) fn way_of(
    epoch: &Epoch,
    candidate: &Candidate,
    account: u8,
    secure: bool,
    cx: &Context<'_>,
    rows: &mut Vec<u8>,
) -> Result<Way, ReasonId> {
    let trunk = epoch.trunk(candidate.trunk);
    let gateway = &epoch.snapshot.config.gateways[candidate.gateway.index()];
    let Some(user) = gateway.user else {
        push_routes(epoch, candidate, account, cx, rows);
        let flow = way_to(epoch, candidate, account, cx);
        return Ok(Way { flow, uri: request_uri(epoch, candidate, secure), to: None });
    };
    let binding = cx.runs.binding_at(candidate.at).ok_or(ReasonId::NotRegistered)?;
    peers::push_path(binding, rows);
    let by_number = trunk.users.registrar.as_ref().is_some_and(|r| r.calls_to == CallsTo::Number);
    let numbered =
        (by_number || binding.bulk).then(|| number_at(&binding.contact, &candidate.called, &trunk.policy));
    let account = trunk.users.all.get(usize::from(user));
    let domain = trunk.domain.as_deref().or(account.and_then(|account| account.domain.as_deref()));
    let mut to = Vec::with_capacity(64);
    let host = domain.unwrap_or(epoch.face(trunk.listen).host());
    push_uri(&mut to, &candidate.called, host, b"", &trunk.policy);
    let uri = numbered.flatten().unwrap_or_else(|| request_uri_form(&binding.contact).into_vec());
    Ok(Way { flow: Flow { trunk: Some(candidate.trunk), ..binding.flow }, uri, to: Some(to) })
}
