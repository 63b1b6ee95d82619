//! Whether a request proves its user: RFC 3261 §22.2, RFC 7616 §3.4.6.

use base::{ReasonId, Time};
use config::{Account, DigestAlgorithm, DigestQop, Trunk};
use sip_core::Flow;
use sip_core::digest::{Algorithm, Asks, Gate, Hash, Lockout, Qop, Verdict};
use sip_msg::Msg;

/// Nonces older than this are good on no trunk: the longest `nonce_life`.
const NONCE_LIFE_MAX_MS: u64 = 3_600_000;

/// Who stands for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voucher {
    /// Its source alone.
    Source,
    /// A user of the trunk, by place.
    User(u16),
}

/// How a request that proves nobody is answered.
#[derive(Debug)]
pub struct Refused {
    /// The response's status.
    pub status: u16,
    /// Its rows.
    pub rows: Vec<u8>,
    /// Why, unless it was merely asked for the first time.
    pub reason: Option<ReasonId>,
    /// Its source is locked out from now on.
    pub locks: bool,
}

/// What became of requests that had to prove their user.
#[derive(Clone, Copy, Default, Debug)]
struct Tally {
    /// Challenges sent.
    asked: u64,
    /// Right credentials whose nonce or count was spent.
    stale: u64,
    /// Wrong credentials.
    failed: u64,
    /// Requests of sources that are locked out.
    locked: u64,
}

/// What stands between peers and trunks with users.
#[derive(Debug)]
pub struct Desk {
    gate: Gate,
    lockout: Lockout,
    tally: Tally,
}

impl Desk {
    /// `secret`: 128 bits that no peer can know.
    #[must_use]
    pub fn new(secret: (u64, u64)) -> Desk {
        Desk { gate: Gate::new(secret), lockout: Lockout::default(), tally: Tally::default() }
    }

    /// Its counters, by name.
    #[must_use]
    pub fn counters(&self) -> [(&'static str, u64); 6] {
        [
            ("auth_asked", self.tally.asked),
            ("auth_stale", self.tally.stale),
            ("auth_failed", self.tally.failed),
            ("auth_locked", self.tally.locked),
            ("nonces_forgotten", self.gate.limit().hits),
            ("failing_sources_unseen", self.lockout.limit().hits),
        ]
    }

    /// Judges a request to a trunk with users. `host`: our address there, the realm where none is set. Who is
    /// `bound`, registered from exactly there, is not locked out.
    ///
    /// # Errors
    /// How to answer a request that proves nobody.
    pub fn judge(
        &mut self,
        now: Time,
        (trunk, host): (&Trunk, &str),
        (msg, flow): (Msg<'_>, &Flow),
        bound: impl FnOnce() -> bool,
    ) -> Result<Voucher, Refused> {
        let wanted = &trunk.users.authenticate;
        let source = flow.remote.ip();
        if let Some(left) = self.lockout.left(source, now).filter(|_| !bound()) {
            self.tally.locked += 1;
            let rows = format!("Retry-After: {}\r\n", left.as_secs() + 1).into_bytes();
            let reason = ReasonId::LockedOut;
            return Err(Refused { status: reason.status(), rows, reason: Some(reason), locks: false });
        }
        let realm = wanted.realm.as_deref().or(trunk.domain.as_deref()).unwrap_or(host);
        let algorithms: Vec<Algorithm> = wanted.algorithms.iter().map(|a| algorithm(*a)).collect();
        let qops: Vec<Qop> = wanted.qop.iter().map(|q| qop(*q)).collect();
        let nonce_life = wanted.nonce_life;
        let asks = Asks { realm: realm.as_bytes(), algorithms: &algorithms, qops: &qops, nonce_life };
        let verdict = self.gate.judge(now, &asks, msg, |name| password_of(&trunk.users.all, name));
        if let Verdict::Proven(user) = verdict {
            self.lockout.proved(source);
            return Ok(Voucher::User(u16::try_from(user).unwrap_or(u16::MAX)));
        }
        let wrong = verdict == Verdict::Wrong;
        let locks = wrong && self.lockout.failed(source, now, wanted.lock_after, wanted.lock_for);
        self.tally.failed += u64::from(wrong);
        self.tally.stale += u64::from(verdict == Verdict::Stale);
        self.tally.asked += 1;
        self.gate.forget_before(Time::from_millis(now.as_millis().saturating_sub(NONCE_LIFE_MAX_MS)));
        let mut rows = Vec::new();
        self.gate.ask(now, &asks, verdict == Verdict::Stale, &mut rows);
        Err(Refused { status: 401, rows, reason: wrong.then_some(ReasonId::WrongDigest), locks })
    }
}

fn password_of<'u>(users: &'u [Account], name: &[u8]) -> Option<(usize, &'u str)> {
    let at = users.iter().position(|user| user.username.as_bytes() == name)?;
    Some((at, users.get(at)?.password_text()?))
}

/// The user of this name, by account or user name.
#[must_use]
pub fn user_named(users: &[Account], name: &[u8]) -> Option<usize> {
    users.iter().position(|user| user.user.as_bytes() == name || user.username.as_bytes() == name)
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
