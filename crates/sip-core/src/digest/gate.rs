//! A server's judgement of credentials: whether a request proves who sent it, and what is asked when it does not.
//! RFC 3261 §22.2, RFC 7616 §3.3, §3.4.6, §5.12, RFC 8760 §2.

use super::server::{Freshness, Nonces, Offer, Window};
use super::{Algorithm, Answer, Asker, Password, Qop};
use base::{Limit, Time};
use sip_msg::{Msg, Uri};
use std::collections::BTreeMap;
use std::time::Duration;

/// Nonces whose counts are remembered: limit `nonces`. Beyond it the oldest are taken for stale.
pub const NONCES_MAX: u64 = 16_384;

/// What one trunk asks.
#[derive(Clone, Copy)]
pub struct Asks<'a> {
    /// The realm.
    pub realm: &'a [u8],
    /// The hash functions that are offered, the best first.
    pub algorithms: &'a [Algorithm],
    /// What the digest may cover.
    pub qops: &'a [Qop],
    /// How long a nonce is good.
    pub nonce_life: Duration,
}

/// How a request stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It has no credentials for the realm: asked.
    Absent,
    /// The password is right; the nonce is too old, or this count of it was used: asked again, `stale`.
    Stale,
    /// Sent by this user, the place in the owner's list.
    Proven(usize),
    /// The credentials prove nothing: unknown user, wrong password, another request's, or not as asked.
    Wrong,
}

/// Judges credentials, and remembers which counts of which nonce were used.
#[derive(Debug)]
pub struct Gate {
    secret: (u64, u64),
    serial: u32,
    /// By nonce, whose first digits are its time. Only a right password makes an entry.
    windows: BTreeMap<Box<[u8]>, Window>,
    /// Nonces up to this one have been forgotten.
    floor: Box<[u8]>,
    limit: Limit,
}

impl Gate {
    /// `secret`: 128 bits that no peer can know.
    #[must_use]
    pub fn new(secret: (u64, u64)) -> Gate {
        let limit = Limit::new("nonces", NONCES_MAX);
        Gate { secret, serial: 0, windows: BTreeMap::new(), floor: Box::default(), limit }
    }

    /// The limit and its hits.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Judges a request. `find` gives a user's place and password by the name in the credentials.
    ///
    /// An unknown user costs the same hashes as a known one, and is told the same.
    pub fn judge<'u>(
        &mut self,
        now: Time,
        asks: &Asks<'_>,
        request: Msg<'_>,
        find: impl FnOnce(&[u8]) -> Option<(usize, &'u str)>,
    ) -> Verdict {
        let Some(answer) = Answer::find(request, Asker::Server, asks.realm) else { return Verdict::Absent };
        let found = find(answer.username);
        let password = Password(found.map_or("", |(_, password)| password));
        let proves = answer.proves(password, request.method_token(), request.body());
        let fits = asks.algorithms.contains(&answer.algorithm)
            && answer.qop.map_or(asks.qops.contains(&Qop::Auth), |(qop, _)| asks.qops.contains(&qop))
            && is_of(answer.uri, request.request_uri());
        match found {
            Some((user, _)) if proves && fits => self.spend(now, asks, &answer, user),
            _ => Verdict::Wrong,
        }
    }

    /// Whether the nonce of right credentials serves once more.
    fn spend(&mut self, now: Time, asks: &Asks<'_>, answer: &Answer<'_>, user: usize) -> Verdict {
        let fresh = self.nonces(asks).judge(answer.nonce, now, asks.realm) == Freshness::Fresh;
        if !fresh || answer.nonce <= &*self.floor {
            return Verdict::Stale;
        }
        // A peer of RFC 2069 does not count: each nonce serves it once.
        let count = answer.qop.map_or(1, |(_, count)| count);
        if let Some(window) = self.windows.get_mut(answer.nonce) {
            return if window.accept(count) { Verdict::Proven(user) } else { Verdict::Stale };
        }
        let mut window = Window::default();
        if !window.accept(count) {
            return Verdict::Stale;
        }
        while !self.limit.admit(self.windows.len() as u64) {
            let Some((oldest, _)) = self.windows.pop_first() else { break };
            self.floor = oldest;
        }
        self.windows.insert(answer.nonce.into(), window);
        Verdict::Proven(user)
    }

    /// Appends the challenges, one row for each algorithm (RFC 8760 §2.1), and forgets nonces that are too old
    /// for any trunk.
    pub fn ask(&mut self, now: Time, asks: &Asks<'_>, stale: bool, out: &mut Vec<u8>) {
        self.serial = self.serial.wrapping_add(1);
        let nonce = self.nonces(asks).issue(now, self.serial, asks.realm);
        for algorithm in asks.algorithms {
            let offer = Offer {
                asker: Asker::Server,
                realm: asks.realm,
                nonce: &nonce,
                algorithm: *algorithm,
                qops: asks.qops,
                stale,
            };
            offer.write(out);
        }
    }

    /// Forgets nonces issued before `then`.
    pub fn forget_before(&mut self, then: Time) {
        let mark = format!("{:016x}", then.as_millis()).into_bytes();
        while self.windows.first_key_value().is_some_and(|(nonce, _)| **nonce < *mark) {
            self.windows.pop_first();
        }
    }

    fn nonces(&self, asks: &Asks<'_>) -> Nonces {
        Nonces::new(self.secret, asks.nonce_life)
    }
}

/// Whether a digest over `said` was made for a request with this URI (RFC 7616 §3.4.6): the same bytes, or the
/// same user, host and port.
fn is_of(said: &[u8], uri: &[u8]) -> bool {
    if said == uri {
        return true;
    }
    let (Ok(a), Ok(b)) = (Uri::parse(said), Uri::parse(uri)) else { return false };
    a.scheme == b.scheme && a.user == b.user && a.host.eq_ignore_ascii_case(b.host) && a.port == b.port
}

#[cfg(test)]
mod tests {
    use super::super::{Challenge, Credentials, Hash, Session, challenges};
    use super::*;
    use sip_msg::{Index, Leniency, Limits};

    const ASKS: Asks<'static> = Asks {
        realm: b"pbx",
        algorithms: &[Algorithm::of(Hash::Sha256), Algorithm::of(Hash::Md5)],
        qops: &[Qop::Auth],
        nonce_life: Duration::from_secs(60),
    };

    fn with_msg<T>(start: &str, rows: &str, look: impl FnOnce(Msg<'_>) -> T) -> T {
        let text = format!(
            "{start}\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n{rows}Content-Length: 0\r\n\r\n"
        );
        let mut index = Index::new();
        look(sip_msg::parse(text.as_bytes(), &mut index, &Limits::default(), Leniency::default()).unwrap())
    }

    fn asked(gate: &mut Gate, now: Time) -> Vec<Challenge> {
        let mut rows = Vec::new();
        gate.ask(now, &ASKS, false, &mut rows);
        with_msg("SIP/2.0 401 Unauthorized", std::str::from_utf8(&rows).unwrap(), challenges)
    }

    fn answer(session: &mut Session, username: &str, password: &str, uri: &str) -> String {
        let mut row = Vec::new();
        session.answer(&Credentials { username, password }, b"REGISTER", uri.as_bytes(), b"", &mut row);
        String::from_utf8(row).unwrap()
    }

    fn judged(gate: &mut Gate, now: Time, row: &str) -> Verdict {
        with_msg("REGISTER sip:pbx SIP/2.0", row, |msg| {
            gate.judge(now, &ASKS, msg, |name| (name == b"100").then_some((4, "geheim")))
        })
    }

    #[test]
    fn each_offered_algorithm_proves_a_user_and_each_count_serves_once() {
        let mut gate = Gate::new((1, 2));
        assert_eq!(judged(&mut gate, Time::ZERO, ""), Verdict::Absent);
        let all = asked(&mut gate, Time::ZERO);
        assert_eq!(all.iter().map(|c| c.algorithm.hash).collect::<Vec<_>>(), [Hash::Sha256, Hash::Md5]);
        let mut session = Session::new(all[1].clone(), (1, 1));
        let first = answer(&mut session, "100", "geheim", "sip:pbx");
        assert_eq!(judged(&mut gate, Time::ZERO, &first), Verdict::Proven(4));
        assert_eq!(judged(&mut gate, Time::ZERO, &first), Verdict::Stale, "somebody repeats it");
        let second = answer(&mut session, "100", "geheim", "sip:pbx");
        assert_eq!(judged(&mut gate, Time::from_millis(60_001), &second), Verdict::Stale);
        assert_eq!(judged(&mut gate, Time::from_millis(60_000), &second), Verdict::Proven(4));
    }

    #[test]
    fn unknown_users_wrong_passwords_and_other_requests_are_one_and_the_same() {
        let mut gate = Gate::new((1, 2));
        let mut session = Session::new(asked(&mut gate, Time::ZERO)[0].clone(), (1, 1));
        for (user, password, uri) in [
            ("101", "geheim", "sip:pbx"),
            ("100", "Geheim", "sip:pbx"),
            ("100", "geheim", "sip:x@pbx"),
            ("101", "", "sip:pbx"),
        ] {
            let row = answer(&mut session, user, password, uri);
            assert_eq!(judged(&mut gate, Time::ZERO, &row), Verdict::Wrong, "{row}");
        }
    }

    #[test]
    fn a_nonce_that_is_not_ours_is_stale_for_who_knows_the_password_only() {
        let (mut gate, mut before) = (Gate::new((1, 2)), Gate::new((3, 4)));
        let mut session = Session::new(asked(&mut before, Time::ZERO)[0].clone(), (1, 1));
        let row = answer(&mut session, "100", "geheim", "sip:pbx");
        assert_eq!(judged(&mut gate, Time::ZERO, &row), Verdict::Stale);
        let row = answer(&mut session, "100", "falsch", "sip:pbx");
        assert_eq!(judged(&mut gate, Time::ZERO, &row), Verdict::Wrong);
    }

    #[test]
    fn an_algorithm_or_quality_that_was_not_offered_proves_nothing() {
        let mut gate = Gate::new((1, 2));
        let nonce = String::from_utf8(asked(&mut gate, Time::ZERO)[0].nonce.to_vec()).unwrap();
        for extra in [
            "algorithm=SHA-512-256, qop=\"auth\"",
            "algorithm=MD5, qop=\"auth-int\"",
            "algorithm=MD5-sess, qop=\"auth\"",
        ] {
            let challenge = format!("Digest realm=\"pbx\", nonce=\"{nonce}\", {extra}");
            let challenge = Challenge::parse(Asker::Server, challenge.as_bytes()).unwrap();
            let row = answer(&mut Session::new(challenge, (1, 1)), "100", "geheim", "sip:pbx");
            assert_eq!(judged(&mut gate, Time::ZERO, &row), Verdict::Wrong, "{row}");
        }
        // Without a quality, as RFC 2069 has it, a nonce serves once.
        let challenge = format!("Digest realm=\"pbx\", nonce=\"{nonce}\", algorithm=MD5");
        let challenge = Challenge::parse(Asker::Server, challenge.as_bytes()).unwrap();
        let row = answer(&mut Session::new(challenge, (1, 1)), "100", "geheim", "sip:pbx");
        assert_eq!(judged(&mut gate, Time::ZERO, &row), Verdict::Proven(4));
        assert_eq!(judged(&mut gate, Time::ZERO, &row), Verdict::Stale);
    }

    #[test]
    fn what_is_forgotten_for_room_is_stale_and_never_served_twice() {
        let mut gate = Gate::new((1, 2));
        gate.limit.max = 2;
        let mut rows = Vec::new();
        for second in 0..3 {
            let now = Time::from_millis(second);
            let mut session = Session::new(asked(&mut gate, now)[0].clone(), (1, 1));
            rows.push(answer(&mut session, "100", "geheim", "sip:pbx"));
            assert_eq!(judged(&mut gate, now, &rows[rows.len() - 1]), Verdict::Proven(4));
        }
        assert_eq!(gate.limit().hits, 1);
        for row in &rows {
            assert_eq!(judged(&mut gate, Time::from_millis(10), row), Verdict::Stale);
        }
        gate.forget_before(Time::from_millis(2));
        assert_eq!(gate.windows.len(), 1);
    }
}
