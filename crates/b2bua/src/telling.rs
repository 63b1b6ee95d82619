//! Where a call meets `identity`: what it says of who calls, and what of a message crosses to the other
//! side. Answers of ours pass here too, for the header rules of a trunk.

use crate::attempt::Candidate;
use crate::call::Call;
use crate::context::{Context, User};
use crate::epoch::Epoch;
use crate::offer::State;
use base::{ReasonId, TrunkId};
use config::{ContactUser, HeaderOn, SpeaksFor};
use identity::header_rules::shape;
use identity::headers::Kind;
use identity::{Crossing, Identity, Numbering, Telling, Told, Towards};
use media::Side;
use routing::{Facts, Table};
use sip_core::{Response, ServerTxn};
use sip_msg::Msg;

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
    // Users who speak for themselves alone are outside of the trust domain.
    let users = &epoch.trunk(way.from).users;
    let crossing = Crossing {
        believed: users.all.is_empty() || users.authenticate.caller == SpeaksFor::Any,
        from: (way.from, epoch.policy(way.from)),
        to: epoch.towards(way.to),
        withheld: way.withheld,
        numbers: &OnWire::of(&epoch.snapshot.table),
        agent: epoch.face(epoch.trunk(way.to).listen).host(),
    };
    identity::cross(msg, kind, &crossing, out);
}

/// Numbers as routing reads and writes them, for a call of somebody.
pub(crate) struct OnWire<'a>(&'a Table, Facts<'a>);

impl<'a> OnWire<'a> {
    pub(crate) fn of(table: &'a Table) -> OnWire<'a> {
        OnWire(table, Facts::new(TrunkId(0), "", ""))
    }
}

impl Numbering for OnWire<'_> {
    fn read(&self, received: &str, on: TrunkId) -> String {
        self.0.read_number_of(received, &Facts { on, ..self.1 })
    }

    fn write(&self, number: &str, to: TrunkId) -> String {
        self.0.write_number(number, to)
    }
}

impl Epoch {
    /// A trunk as one to which something is told.
    fn towards(&self, id: TrunkId) -> Towards<'_> {
        let trunk = self.trunk(id);
        let host = trunk.domain.as_deref().unwrap_or(self.face(trunk.listen).host());
        Towards { trunk: id, policy: &trunk.policy, host, account: None, contact: None }
    }

    /// The same, for a call of this caller.
    fn placed_at(&self, id: TrunkId, caller: &str) -> Towards<'_> {
        let trunk = self.trunk(id);
        let number = self.account_for(id, caller);
        let account = trunk.login.accounts.get(usize::from(number));
        Towards { account, contact: self.account_contact(id, number), ..self.towards(id) }
    }

    /// The user of our Contact where the trunk wants that of the account.
    pub(crate) fn account_contact(&self, id: TrunkId, account: u8) -> Option<&str> {
        let trunk = self.trunk(id);
        let wanted = trunk.policy.contact == ContactUser::Account;
        let account = trunk.login.accounts.get(usize::from(account)).filter(|_| wanted)?;
        Some(trunk.login.contact_user(account))
    }
}

impl Call {
    /// What an attempt tells of the caller, by the policy of its trunk.
    ///
    /// # Errors
    /// The caller may not be shown to this peer, or asks for privacy that cannot be given.
    pub(crate) fn tell(&self, candidate: &Candidate, cx: &Context<'_>) -> Result<Told, ReasonId> {
        let (epoch, nobody) = (&self.epoch, Identity::default());
        let telling = Telling {
            who: self.arrived.as_ref().map_or(&nobody, |arrived| &arrived.identity),
            on: self.trunk_in,
            to: epoch.placed_at(candidate.trunk, &self.caller),
            screening: epoch.screening(candidate.trunk),
            numbers: &OnWire(&epoch.snapshot.table, self.facts_of(Side::A, "", "", cx)),
            caller: (&self.caller, &candidate.caller),
            replaced: candidate.replaced,
            called: &candidate.called,
            direct: matches!(self.media.state, State::Direct),
        };
        telling.tell()
    }

    /// Answers a request of a peer, as the rules of its trunk want it.
    pub(crate) fn reply(&self, txn: ServerTxn, response: &Response<'_>, cx: &mut Context<'_>) {
        let trunk = match cx.txns.server_user(txn) {
            Some(User::Inner(_, side)) => self.trunk_of(side),
            _ => self.trunk_in,
        };
        let rules = &self.epoch.policy(trunk).headers.rules_out;
        if rules.is_empty() {
            return cx.txns.respond(cx.now, txn, response, &mut cx.out.sip);
        }
        let mut rows = cx.take_rows();
        rows.extend_from_slice(response.rows);
        shape(rules, HeaderOn::Response, &mut rows);
        cx.txns.respond(cx.now, txn, &Response { rows: &rows, ..*response }, &mut cx.out.sip);
        cx.give_rows(rows);
    }
}
