//! What crosses inside a call: headers by name, and who answered (RFC 3325 in responses and in
//! requests inside the dialog).

use super::party::Party;
use super::privacy::Privacy;
use super::rows::{Scene, asserted_value, push_party};
use super::{Remote, rows};
use crate::epoch::Epoch;
use crate::headers::{Kind, pass_rows, push_row};
use base::TrunkId;
use config::{Caller, CallerWritten, Withheld};
use sip_msg::{Msg, Name};

/// Between which trunks a message crosses.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) from: TrunkId,
    pub(crate) to: TrunkId,
    /// The sender asked for privacy when the call began.
    pub(crate) withheld: bool,
}

/// Appends the rows of `msg` that cross from one trunk to another, and whom the sender names as itself.
pub(crate) fn cross(msg: Msg<'_>, kind: Kind, epoch: &Epoch, way: Way, out: &mut Vec<u8>) {
    pass_rows(msg, kind, epoch.policy(way.from), epoch.policy(way.to), out);
    if kind != Kind::Bye && epoch.policy(way.from).caller.trust {
        connected(msg, epoch, way, out);
    }
}

/// The identity of the other party, from a trusted trunk, by the policy of the one it goes to.
fn connected(msg: Msg<'_>, epoch: &Epoch, way: Way, out: &mut Vec<u8>) {
    let trunk = epoch.trunk(way.to);
    let policy = &trunk.policy.caller;
    let asserted = Party::first(msg.list(Name::PAssertedIdentity));
    let remote = Remote::of(msg, !msg.is_request());
    let mut privacy = Privacy::of(msg);
    let withheld = way.withheld || privacy.id || privacy.user || remote.as_ref().is_some_and(|r| r.private);
    let remote = remote.map(|r| r.party).filter(|r| !r.number.is_empty());
    if withheld && !(policy.trust && policy.withheld == Withheld::Keep) {
        return;
    }
    let table = &epoch.snapshot.table;
    let restate = |party: &Party| {
        let number = table.read_number(&party.number, way.from);
        Party { number: table.write_number(&number, way.to).into(), display: party.display.clone() }
    };
    let host = trunk.domain.as_deref().unwrap_or(epoch.face(trunk.listen).host());
    let scene = Scene { host, user_phone: trunk.policy.user_phone, trust: policy.trust };
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
        rows::push_remote_params(&mut value, party, true, withheld);
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
