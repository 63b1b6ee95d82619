//! Credentials of one trunk: which challenges are answered, and with what.
//!
//! A password answers the trunk's own realms only: those that the configuration names, else the first that
//! the trunk's peer asked for. What is learned here outlives configurations that leave the accounts alone.

use base::ReasonId;
use config::{Account, Trunk};
use sip_core::digest::{self, Asker, Challenge, Credentials, Session};
use sip_msg::Msg;

/// How often one request is sent again with other credentials: limit `challenge_answers`. A proxy and a user
/// agent behind it may both ask, and each may find the nonce too old once.
const ANSWERS_MAX: u32 = 4;

/// What a dialog or attempt of ours has to do with credentials.
#[derive(Clone, Default)]
pub struct Purse {
    /// Which of the trunk's accounts speaks.
    pub account: u8,
    /// The peer asked in this dialog: further requests bear credentials at once.
    pub secured: bool,
    /// The credentials in the last INVITE: its ACK bears the same (RFC 3261 §22.1).
    pub rows: Box<[u8]>,
}

/// One request for which credentials are wanted.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    pub method: &'a [u8],
    pub uri: &'a [u8],
    pub body: &'a [u8],
}

/// See the module text.
#[derive(Clone, Default)]
pub struct Wallet {
    accounts: Vec<Account>,
    realms: Vec<String>,
    /// The realm that the peer asked for first, where the configuration names none.
    bound: Option<Box<[u8]>>,
    /// One for each account and asker.
    sessions: Vec<(u8, Session)>,
}

impl Wallet {
    /// Takes over a trunk's accounts; what was learned with others is forgotten.
    pub fn adopt(&mut self, trunk: &Trunk) {
        if self.accounts != trunk.login.accounts || self.realms != trunk.login.realms {
            *self = Wallet {
                accounts: trunk.login.accounts.clone(),
                realms: trunk.login.realms.clone(),
                ..Wallet::default()
            };
        }
    }

    /// Appends the rows that an account has for what the given askers asked last.
    pub fn sign(&mut self, account: u8, askers: &[Asker], what: Signed<'_>, out: &mut Vec<u8>) {
        let Some(known) = self.accounts.get(usize::from(account)) else { return };
        let Some(password) = known.password_text() else { return };
        let who = Credentials { username: &known.username, password };
        let own = self.sessions.iter_mut().filter(|(of, _)| *of == account);
        for (_, session) in own.filter(|(_, s)| askers.contains(&s.challenge().asker)) {
            session.answer(&who, what.method, what.uri, what.body, out);
        }
    }

    /// Takes up the challenges of a response to `request` and says to whom the repeated request answers: whoever
    /// asked now, and whoever was answered in it. `answers`: how often the request was repeated already.
    ///
    /// # Errors
    /// Why the request is not to be sent again.
    pub fn take_up(
        &mut self,
        account: u8,
        answers: u32,
        request: Msg<'_>,
        response: Msg<'_>,
        mut seed: impl FnMut() -> (u64, u64),
    ) -> Result<Vec<Asker>, ReasonId> {
        let has_password =
            self.accounts.get(usize::from(account)).is_some_and(|known| known.password_text().is_some());
        if !has_password {
            return Err(ReasonId::AuthRequired);
        }
        let asked = digest::challenges(response);
        let realm = match asked.iter().find(|c| self.is_ours(&c.realm)) {
            Some(challenge) => challenge.realm.clone(),
            None if asked.is_empty() => return Err(ReasonId::AuthRequired),
            None => return Err(ReasonId::ForeignRealm),
        };
        let mut askers: Vec<Asker> =
            Asker::BOTH.into_iter().filter(|asker| request.first(asker.answer()).is_some()).collect();
        for asker in Asker::BOTH {
            let Some(challenge) = digest::strongest(&asked, asker, &realm) else { continue };
            if answers >= ANSWERS_MAX || is_refusal(challenge, answers, request) {
                return Err(ReasonId::WrongCredentials);
            }
            if !askers.contains(&asker) {
                askers.push(asker);
            }
            self.sessions.retain(|(of, s)| !(*of == account && s.challenge().asker == asker));
            self.sessions.push((account, Session::new(challenge.clone(), seed())));
        }
        if self.realms.is_empty() {
            self.bound = Some(realm);
        }
        Ok(askers)
    }

    fn is_ours(&self, realm: &[u8]) -> bool {
        if !self.realms.is_empty() {
            return self.realms.iter().any(|known| known.as_bytes() == realm);
        }
        self.bound.as_deref().is_none_or(|known| known == realm)
    }
}

/// Whether a challenge says that the credentials in the request are wrong (RFC 3261 §22.2): they answered one
/// of the same realm, and neither is their nonce merely too old, nor were they of an earlier nonce and sent
/// unasked.
fn is_refusal(challenge: &Challenge, answers: u32, request: Msg<'_>) -> bool {
    let given = digest::Answer::find(request, challenge.asker, &challenge.realm);
    given.is_some_and(|given| given.nonce == &*challenge.nonce || (answers > 0 && !challenge.stale))
}
