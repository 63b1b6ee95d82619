//! Who may use a trunk: users with passwords, what must be proven, and registration with us.

use super::account::Account;
use super::words::words;
use std::time::Duration;

words! {
    /// A hash function that is offered (RFC 8760).
    pub enum DigestAlgorithm {
        /// SHA-512/256.
        Sha512 = "sha-512-256",
        /// SHA-256.
        Sha256 = "sha-256",
        /// MD5.
        Md5 = "md5",
    }
}

words! {
    /// What a digest covers (RFC 7616 §3.4.2).
    pub enum DigestQop {
        /// Method and URI.
        Auth = "auth",
        /// Method, URI and body.
        AuthInt = "auth-int",
    }
}

words! {
    /// Requests that must prove their user.
    pub enum Guarded {
        /// REGISTER.
        Register = "register",
        /// An INVITE that begins a call.
        Invite = "invite",
        /// Any other request outside a call.
        Other = "other",
        /// Requests inside a call, but for ACK and CANCEL.
        Inside = "inside",
    }
}

words! {
    /// Whose number a user may call with.
    pub enum SpeaksFor {
        /// Its own: that of its account, or in its `numbers`.
        Own = "own",
        /// Any.
        Any = "any",
    }
}

words! {
    /// What a caller is shown as who names itself by its account and has numbers.
    pub enum Presents {
        /// The first of its numbers.
        Number = "number",
        /// The name.
        Name = "name",
    }
}

words! {
    /// What becomes of a new contact when a user has as many as it may.
    pub enum WhenFull {
        /// It takes the place of the one that was refreshed longest ago.
        Replace = "replace",
        /// It is refused.
        Refuse = "refuse",
    }
}

words! {
    /// Where a registered contact is reached.
    pub enum ReachedAt {
        /// Where its REGISTER came from.
        Source = "source",
        /// At the address in the contact, if it is one.
        Contact = "contact",
    }
}

words! {
    /// The Request-URI of calls to a registered contact.
    pub enum CallsTo {
        /// The contact as registered.
        Contact = "contact",
        /// The called number at the contact's host.
        Number = "number",
    }
}

/// What must be proven, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authenticate {
    /// The realm; `None` takes the trunk's domain, else our address on its interface.
    pub realm: Option<String>,
    /// The algorithms that are offered, in their order.
    pub algorithms: Vec<DigestAlgorithm>,
    /// What digests may cover.
    pub qop: Vec<DigestQop>,
    /// Which requests must prove their user.
    pub requests: Vec<Guarded>,
    /// Whose number a user may call with.
    pub caller: SpeaksFor,
    /// What a user is shown as who names itself by its account.
    pub presents: Presents,
    /// How long a nonce is good.
    pub nonce_life: Duration,
    /// Wrong credentials from one source until it is locked out.
    pub lock_after: u32,
    /// For how long.
    pub lock_for: Duration,
}

/// How users register with us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registrar {
    /// The hosts that a REGISTER may be for; empty: any.
    pub domains: Vec<String>,
    /// The shortest binding.
    pub expires_min: Duration,
    /// The longest.
    pub expires_max: Duration,
    /// When none is asked for.
    pub expires: Duration,
    /// Contacts of one user.
    pub contacts_max: u8,
    /// What becomes of one more.
    pub when_full: WhenFull,
    /// Whether flows are registered (RFC 5626).
    pub outbound: bool,
    /// How often a flow is to be kept alive by its client (RFC 5626 §5.4); `None` does not say.
    pub flow_timer: Option<Duration>,
    /// Where contacts are reached.
    pub reach: ReachedAt,
    /// Request-URI of calls to them.
    pub calls_to: CallsTo,
}

/// Who may use a trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Users {
    /// Each with its password; empty: the source alone tells whose a request is.
    pub all: Vec<Account>,
    /// What they must prove.
    pub authenticate: Authenticate,
    /// How they register; `None`: they do not.
    pub registrar: Option<Registrar>,
}

impl Users {
    /// Whether a request of this kind must prove its user.
    #[must_use]
    pub fn guards(&self, what: Guarded) -> bool {
        !self.all.is_empty() && self.authenticate.requests.contains(&what)
    }

    /// Whether a number is a user's own: the user's name, one of its `numbers`, or any when it is the trunk's only
    /// user and has none.
    #[must_use]
    pub fn owns(&self, user: usize, number: &str) -> bool {
        let Some(own) = self.all.get(user) else { return false };
        let only = self.all.len() == 1 && own.numbers.is_empty();
        only || own.is_named(number) || own.has_number(number)
    }

    /// The place of the user of this user name.
    #[must_use]
    pub fn named(&self, username: &str) -> Option<u16> {
        let at = self.all.iter().position(|user| user.username == username)?;
        u16::try_from(at).ok()
    }

    /// Whether calls to a number, in one of these forms, are for a user.
    #[must_use]
    pub fn is_called(&self, user: usize, forms: &[&str]) -> bool {
        forms.iter().any(|number| self.owns(user, number))
    }
}
