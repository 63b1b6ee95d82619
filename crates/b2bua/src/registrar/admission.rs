//! Whether a request proves its user: RFC 3261 §22.2, RFC 7616 §3.4.6.

use super::user_named;
use crate::call::Call;
use crate::context::Context;
use crate::local;
use crate::output::Level;
use crate::setup::Arrival;
use crate::switchboard::Switchboard;
use crate::tag::CallRef;
use base::{ReasonId, Time, TrunkId};
use config::{DigestAlgorithm, DigestQop, Guarded, SpeaksFor, Trunk};
use identity::headers::push_number;
use identity::is_nobody;
use media::Side;
use routing::Plan;
use sip_core::digest::{Algorithm, Asks, Hash, Qop, Verdict};
use sip_core::{Flow, ServerTxn};
use sip_msg::{Method, Msg, Uri};

/// Nonces older than this are good on no trunk: the longest `nonce_life`.
const NONCE_LIFE_MAX_MS: u64 = 3_600_000;

/// Who stands for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Voucher {
    /// Its source alone.
    Source,
    /// A user of the trunk, by place.
    User(u16),
}

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
        let epoch = self.epoch.clone();
        let trunk = epoch.trunk(arrival.trunk);
        if !trunk.users.guards(what) {
            return Some(Voucher::Source);
        }
        let host = epoch.face(trunk.listen).host();
        self.demand(now, trunk, host, (arrival.msg, arrival.flow, arrival.txn), out)
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
        self.demand(now, trunk, epoch.face(trunk.listen).host(), request, out).is_some()
    }

    /// Demands that a request prove a user of a trunk; `None`: it was answered.
    pub(crate) fn demand(
        &mut self,
        now: Time,
        trunk: &Trunk,
        host: &str,
        (msg, flow, txn): (Msg<'_>, Flow, ServerTxn),
        out: &mut crate::Outbox,
    ) -> Option<Voucher> {
        let (users, wanted) = (&trunk.users.all, &trunk.users.authenticate);
        let source = flow.remote.ip();
        if let Some(left) = self.desk.lockout.left(source, now).filter(|_| !self.runs.bindings.is_bound(&flow)) {
            self.counters.auth_locked += 1;
            let mut rows = Vec::new();
            push_number(&mut rows, b"Retry-After", left.as_secs() + 1);
            local::answer(&mut self.context(now, out), txn, ReasonId::LockedOut.status(), &rows);
            return None;
        }
        let realm = wanted.realm.as_deref().or(trunk.domain.as_deref()).unwrap_or(host);
        let algorithms: Vec<Algorithm> = wanted.algorithms.iter().map(|a| algorithm(*a)).collect();
        let qops: Vec<Qop> = wanted.qop.iter().map(|q| qop(*q)).collect();
        let nonce_life = wanted.nonce_life;
        let asks = Asks { realm: realm.as_bytes(), algorithms: &algorithms, qops: &qops, nonce_life };
        let find = |name: &[u8]| {
            let at = users.iter().position(|user| user.username.as_bytes() == name)?;
            Some((at, users.get(at)?.password_text()?))
        };
        let verdict = self.desk.gate.judge(now, &asks, msg, find);
        match verdict {
            Verdict::Proven(user) => {
                self.desk.lockout.proved(source);
                return Some(Voucher::User(u16::try_from(user).unwrap_or(u16::MAX)));
            }
            Verdict::Wrong => self.failed(now, trunk, msg, flow, out),
            Verdict::Stale => self.counters.auth_stale += 1,
            Verdict::Absent => {}
        }
        let mut rows = Vec::new();
        self.desk.gate.forget_before(Time::from_millis(now.as_millis().saturating_sub(NONCE_LIFE_MAX_MS)));
        self.desk.gate.ask(now, &asks, verdict == Verdict::Stale, &mut rows);
        self.counters.auth_asked += 1;
        local::answer(&mut self.context(now, out), txn, 401, &rows);
        None
    }

    /// Wrong credentials are counted and said aloud.
    fn failed(&mut self, now: Time, trunk: &Trunk, msg: Msg<'_>, flow: Flow, out: &mut crate::Outbox) {
        self.counters.auth_failed += 1;
        let wanted = &trunk.users.authenticate;
        let locked = self.desk.lockout.failed(flow.remote.ip(), now, wanted.lock_after, wanted.lock_for);
        let method = String::from_utf8_lossy(msg.method_token());
        let detail = format!("{method} from {} for trunk {}: {}", flow.remote, trunk.name, ReasonId::WrongDigest);
        let mut cx = self.context(now, out);
        cx.note(Level::Warn, "wrong credentials", detail);
        if locked {
            let seconds = wanted.lock_for.as_secs();
            let detail = format!("{} for {seconds} s: {}", flow.remote.ip(), ReasonId::LockedOut);
            cx.note(Level::Warn, "source locked out", detail);
        }
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
        self.epoch.trunks_of_network(flow.listen, address).find(|id| knows(*id)).unwrap_or(found)
    }
}

fn algorithm(named: DigestAlgorithm) -> Algorithm {
    Algorithm::of(match named {
        DigestAlgorithm::Sha512 => Hash::Sha512t256,
        DigestAlgorithm::Sha256 => Hash::Sha256,
        DigestAlgorithm::Md5 => Hash::Md5,
    })
}

fn qop(named: DigestQop) -> Qop {
    match named {
        DigestQop::Auth => Qop::Auth,
        DigestQop::AuthInt => Qop::AuthInt,
    }
}

impl Call {
    /// Whether the user who proved to place a call may do so with this caller's number; who withholds it names
    /// none.
    pub(crate) fn may_call_as(&self, plan: &Plan) -> bool {
        let Voucher::User(user) = self.voucher else { return true };
        let users = &self.epoch.trunk(self.trunk_in).users;
        if plan.emergency || users.authenticate.caller == SpeaksFor::Any {
            return true;
        }
        let who = self.arrived.as_ref().map(|arrived| &arrived.identity);
        let said = who.map_or(&self.facts.caller_received, |who| &who.caller);
        let user = usize::from(user);
        said.is_empty() || is_nobody(said) || users.owns(user, &plan.caller) || users.owns(user, said)
    }
}

impl Context<'_> {
    /// Refuses a request for a reason, aloud.
    pub(super) fn refuse_user(&mut self, txn: ServerTxn, status: u16, rows: &[u8], detail: String) {
        self.counters.registrations_refused += 1;
        self.note(Level::Warn, "registration refused", detail);
        local::answer(self, txn, status, rows);
    }
}
