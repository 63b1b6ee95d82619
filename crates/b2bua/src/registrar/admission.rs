//! Requests that have to prove their user: let in, or answered here.

use crate::call::Call;
use crate::context::Context;
use crate::local;
use crate::output::Level;
use crate::setup::Arrival;
use crate::switchboard::Switchboard;
use crate::tag::CallRef;
use base::{ReasonId, Time, TrunkId};
use config::{Guarded, Trunk};
use identity::is_nobody;
use media::Side;
use peers::{Voucher, user_named};
use routing::Plan;
use sip_core::{Flow, ServerTxn};
use sip_msg::{Method, Msg, Uri};

impl Switchboard {
    /// Who stands for a request outside a call; `None`: it was answered.
    pub(crate) fn vouch(
        &mut self,
        now: Time,
        arrival: &Arrival<'_>,
        out: &mut crate::Outbox,
    ) -> Option<Voucher> {
        let what = match arrival.msg.method() {
            Method::Register => Guarded::Register,
            Method::Invite => Guarded::Invite,
            _ => Guarded::Other,
        };
        if !self.epoch.trunk(arrival.trunk).users.guards(what) {
            return Some(Voucher::Source);
        }
        let epoch = self.epoch.clone();
        let trunk = epoch.trunk(arrival.trunk);
        let host = epoch.face(trunk.listen).host();
        self.demand(now, (trunk, host), (arrival.msg, arrival.flow, arrival.txn), out)
    }

    /// Whether a request inside a call may be acted on; else it was answered.
    pub(crate) fn vouch_inside(
        &mut self,
        now: Time,
        (call, side): (CallRef, Side),
        request: (Msg<'_>, Flow, ServerTxn),
        out: &mut crate::Outbox,
    ) -> bool {
        let Some(call) = self.calls.get(call) else { return true };
        let id = call.trunk_of(side);
        if !call.epoch.trunk(id).users.guards(Guarded::Inside) {
            return true;
        }
        let epoch = call.epoch.clone();
        let trunk = epoch.trunk(id);
        self.demand(now, (trunk, epoch.face(trunk.listen).host()), request, out).is_some()
    }

    /// Demands that a request prove a user of a trunk; `None`: it was answered.
    fn demand(
        &mut self,
        now: Time,
        (trunk, host): (&Trunk, &str),
        (msg, flow, txn): (Msg<'_>, Flow, ServerTxn),
        out: &mut crate::Outbox,
    ) -> Option<Voucher> {
        let bindings = &self.runs.bindings;
        let judged = self.desk.judge(now, (trunk, host), (msg, &flow), || bindings.is_bound(&flow));
        let refused = match judged {
            Ok(voucher) => return Some(voucher),
            Err(refused) => refused,
        };
        let mut cx = self.context(now, out);
        if refused.reason == Some(ReasonId::WrongDigest) {
            let (method, reason) = (String::from_utf8_lossy(msg.method_token()), ReasonId::WrongDigest);
            let detail = format!("{method} from {} for trunk {}: {reason}", flow.remote, trunk.name);
            cx.note(Level::Warn, "wrong credentials", detail);
        }
        if refused.locks {
            let seconds = trunk.users.authenticate.lock_for.as_secs();
            let detail = format!("{} for {seconds} s: {}", flow.remote.ip(), ReasonId::LockedOut);
            cx.note(Level::Warn, "source locked out", detail);
        }
        local::answer(&mut cx, txn, refused.status, &refused.rows);
        None
    }

    /// Of several trunks whose networks hold a source, that which knows the user in From.
    pub(crate) fn by_user(&self, found: TrunkId, flow: &Flow, msg: Msg<'_>) -> TrunkId {
        if self.epoch.trunk(found).users.all.is_empty() {
            return found;
        }
        let user = msg.from().ok().and_then(|from| Some(Uri::parse(from.uri).ok()?.user));
        let Some(user) = user.filter(|user| !user.is_empty()) else { return found };
        let knows = |id: TrunkId| user_named(&self.epoch.trunk(id).users.all, user).is_some();
        if knows(found) {
            return found;
        }
        let address = flow.remote.ip().to_canonical();
        self.epoch.networks.all(flow.listen, address).find(|id| knows(*id)).unwrap_or(found)
    }
}

impl Call {
    /// Whether the user who proved to place a call may do so with this caller's number.
    pub(crate) fn may_call_as(&self, plan: &Plan, cx: &Context<'_>) -> bool {
        plan.emergency || self.names_itself(&plan.caller, cx)
    }

    /// Whether all numbers by which a proven user names itself are its own: `caller` as normalised, and those that
    /// it asserts or prefers (a telephone is outside of the trust domain, RFC 3325 §5). Who withholds its number
    /// names none.
    pub(crate) fn names_itself(&self, caller: &str, cx: &Context<'_>) -> bool {
        let who = self.arrived.as_ref().map(|arrived| &arrived.identity);
        let said = who.map_or(&*self.facts.caller_received, |who| &who.caller);
        let named = who.map(|who| [&who.asserted, &who.remote, &who.preferred]).into_iter().flatten();
        let named = named.flatten().map(|party| &*party.number);
        let users = &self.epoch.trunk(self.trunk_in).users;
        let (table, facts) = (&self.epoch.snapshot.table, self.facts_of(Side::A, "", "", cx));
        let told = |said| if is_nobody(said) { "" } else { said };
        table.speaks_for_itself(users, &facts, (told(said), caller), named.map(told))
    }
}
