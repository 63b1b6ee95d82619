//! What crosses inside a call: headers by name, and who answered (RFC 3325 in responses and in
//! requests inside the dialog).

use crate::headers::{Kind, pass_rows, push_row};
use crate::party::Party;
use crate::privacy::Privacy;
use crate::rows::{self, asserted_value, push_party};
use crate::{Numbering, Remote, Towards};
use base::TrunkId;
use config::{Caller, CallerWritten, Policy, Withheld};
use sip_msg::{Msg, Name};

/// Between which trunks a message crosses.
pub struct Crossing<'a, N> {
    /// The trunk that sent it.
    pub from: (TrunkId, &'a Policy),
    /// The trunk that it goes to.
    pub to: Towards<'a>,
    /// What the sender says of itself may be believed, where its trunk is trusted.
    pub believed: bool,
    /// The sender asked for privacy when the call began.
    pub withheld: bool,
    /// How numbers stand on the wire.
    pub numbers: &'a N,
    /// This node's host on the side that it goes to.
    pub agent: &'a str,
}

/// Appends the rows of `msg` that cross from one trunk to another, and whom the sender names as itself.
pub fn cross(msg: Msg<'_>, kind: Kind, way: &Crossing<'_, impl Numbering>, out: &mut Vec<u8>) {
    let policy = way.from.1;
    pass_rows(msg, kind, policy, (way.to.policy, way.agent), out);
    if kind != Kind::Bye && policy.caller.trust && way.believed {
        connected(msg, way, out);
    }
}

/// The identity of the other party, from a trusted trunk, by the policy of the one it goes to.
fn connected(msg: Msg<'_>, way: &Crossing<'_, impl Numbering>, out: &mut Vec<u8>) {
    let policy = &way.to.policy.caller;
    let asserted = Party::first(msg.list(Name::PAssertedIdentity));
    let remote = Remote::of(msg, !msg.is_request());
    let mut privacy = Privacy::of(msg);
    let withheld = way.withheld || privacy.id || privacy.user || remote.as_ref().is_some_and(|r| r.private);
    let screened = asserted.is_some() || remote.as_ref().is_some_and(|r| r.screened);
    let remote = remote.map(|r| r.party).filter(|r| !r.number.is_empty());
    if withheld && !(policy.trust && policy.withheld == Withheld::Keep) {
        return;
    }
    let restate = |party: &Party| {
        let number = way.numbers.read(&party.number, way.from.0);
        Party { number: way.numbers.write(&number, way.to.trunk).into(), display: party.display.clone() }
    };
    let scene = way.to.scene();
    let writes = |what, arrived: bool| wants(policy, what, arrived);
    let named = asserted.as_ref().or(remote.as_ref()).map(restate);
    let pai = named.as_ref().filter(|_| writes(CallerWritten::Pai, asserted.is_some()));
    let rpid = named.as_ref().filter(|_| writes(CallerWritten::Rpid, remote.is_some()));
    if let Some(party) = pai {
        push_row(out, b"P-Asserted-Identity", &asserted_value(party, policy.pai, &scene));
    }
    if let Some(party) = rpid {
        let mut value = Vec::new();
        push_party(&mut value, party, false, &scene);
        let party: &[u8] = if msg.is_request() { b"calling" } else { b"called" };
        rows::push_remote_params(&mut value, party, screened, withheld);
        push_row(out, b"Remote-Party-ID", &value);
    }
    if policy.trust {
        privacy.id |= withheld && pai.or(rpid).is_some();
        let value = privacy.value();
        if !value.is_empty() {
            push_row(out, b"Privacy", value.as_bytes());
        }
    }
}

/// Whether the policy writes a header; without a list, when it arrived.
fn wants(policy: &Caller, what: CallerWritten, arrived: bool) -> bool {
    policy.write.as_ref().map_or(arrived, |list| list.contains(&what))
}
