//! Registrations of our accounts at providers: who is registered where, and what follows for calls.
//!
//! The rules of one binding are `sip_core::registration`'s; this room keeps what belongs to it
//! (identity, address, route) and outlives configurations. `drive` sends and hears, `keeping` keeps flows open; what a
//! REGISTER says is `peers::Order`'s.

mod drive;
mod keeping;

use crate::attempt::Candidate;
use crate::context::Context;
use crate::epoch::Epoch;
use crate::leg::listen_of;
use base::TrunkId;
use identity::headers::push_row;
use sip_core::Flow;

impl Epoch {
    /// The account with which a caller's calls are placed.
    pub(crate) fn account_for(&self, trunk: TrunkId, number: &str) -> u8 {
        let accounts = &self.trunk(trunk).login.accounts;
        let own = accounts.iter().position(|account| account.has_number(number));
        let place = own.or_else(|| accounts.iter().position(|account| account.numbers.is_empty()));
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
    }
}

/// The way of a call's INVITE: on the connection of its registration, where that leads to the same place
/// (RFC 5626 §5.3).
pub(crate) fn way_to(epoch: &Epoch, candidate: &Candidate, account: u8, cx: &Context<'_>) -> Flow {
    let (remote, transport) = (candidate.target.address, candidate.target.transport);
    let place = Some(candidate.target);
    let reached = cx.runs.binding(epoch.run(candidate.trunk), account, place, cx.now).and_then(|b| b.reached);
    let same = reached.filter(|flow| flow.remote == remote && flow.transport == transport);
    let conn = same.and_then(|flow| flow.conn).filter(|_| transport.is_reliable());
    Flow { listen: listen_of(epoch, candidate.trunk), transport, remote, conn, trunk: Some(candidate.trunk) }
}

/// Appends the Route rows of a call: the outbound proxy, then the registrar's Service-Route (RFC 3261
/// §8.1.2, RFC 3608 §6.1).
pub(crate) fn push_routes(
    epoch: &Epoch,
    candidate: &Candidate,
    account: u8,
    cx: &Context<'_>,
    rows: &mut Vec<u8>,
) {
    let trunk = candidate.trunk;
    if let Some(proxy) = &epoch.trunk(trunk).login.proxy_route {
        push_row(rows, b"Route", proxy.as_bytes());
    }
    if let Some(binding) = cx.runs.binding(epoch.run(trunk), account, Some(candidate.target), cx.now) {
        rows.extend_from_slice(&binding.route_rows);
        rows.extend_from_slice(&binding.order.call_rows(&binding.verify));
    }
}
