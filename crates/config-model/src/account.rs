//! Who we are towards a trunk's peer, and how we register there.

use super::listen::Secret;
use super::words::words;
use std::time::Duration;

/// An account: its name, its password, and who calls with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// User part of the address of record.
    pub user: String,
    /// Its domain; `None` takes the registrar's.
    pub domain: Option<String>,
    /// User name for digest authentication.
    pub username: String,
    /// Its password; the pure house uses it only once its text is here (`Secret::Inline`).
    pub password: Secret,
    /// First and last number of the callers whose calls are placed with it; empty: all that no other has.
    pub numbers: Vec<(String, String)>,
    /// User part of From in calls that are placed with it; `None` is the caller's number.
    pub from_user: Option<String>,
    /// Of a user: the policy of its calls, an index into the configuration's policies.
    pub policy: Option<usize>,
    /// Of a user: its group, an index into the configuration's groups.
    pub group: Option<usize>,
}

impl Account {
    /// The password's text; `None` while nobody has fetched it from where it is.
    #[must_use]
    pub fn password_text(&self) -> Option<&str> {
        match &self.password {
            Secret::Inline(text) => Some(text.reveal()),
            _ => None,
        }
    }

    /// Whether it is called so: by the user of its address of record, or its user name.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.user == name || self.username == name
    }

    /// Whether a caller's calls are placed with it by name.
    #[must_use]
    pub fn has_number(&self, number: &str) -> bool {
        let inside = |(first, last): &(String, String)| {
            first.len() == number.len() && first.as_str() <= number && number <= last.as_str()
        };
        self.numbers.iter().any(inside)
    }
}

words! {
    /// What a registration binds.
    pub enum RegisterMode {
        /// One address of record.
        Single = "single",
        /// All numbers of the account (RFC 6140).
        Bulk = "bulk",
    }
}

words! {
    /// What is agreed with the registrar about security (RFC 3329).
    pub enum RegisterSecurity {
        /// Nothing.
        Off = "off",
        /// The exchange for media security of Deutsche Telekom's trunks (`mediasec`).
        Mediasec = "mediasec",
    }
}

/// How a trunk registers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Register {
    /// Host of the REGISTER's Request-URI.
    pub registrar: String,
    /// The length of binding that is asked for.
    pub expires: Duration,
    /// What is bound.
    pub mode: RegisterMode,
    /// User part of our Contact, when it is not the account's.
    pub contact_user: Option<String>,
    /// Whether calls go to the address that accepted.
    pub pin: bool,
    /// Whether the trunk counts as down without a binding.
    pub health: bool,
    /// Registrations of each account that stand at a time, each at another address.
    pub flows: u8,
    /// Whether the connection itself is registered (RFC 5626).
    pub outbound: bool,
    /// How often the connection is pinged; `None`: as the registrar of a flow asks.
    pub keepalive: Option<Duration>,
    /// What is agreed about security.
    pub security: RegisterSecurity,
}

/// Who we are towards a trunk's peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// The accounts; empty: challenges are not answered.
    pub accounts: Vec<Account>,
    /// Whether the first of them is written in the trunk's own table, and not in its `accounts`.
    pub own: bool,
    /// The realms that are answered; empty: the first that the peer asks for.
    pub realms: Vec<String>,
    /// How the accounts register; `None`: they do not.
    pub register: Option<Register>,
    /// The Route of an outbound proxy, which then is the trunk's one gateway.
    pub proxy_route: Option<String>,
}

impl Login {
    /// User part of our Contact in what an account registers; none in a bulk registration.
    #[must_use]
    pub fn contact_user<'a>(&'a self, account: &'a Account) -> &'a str {
        match &self.register {
            Some(register) if register.mode == RegisterMode::Bulk => "",
            Some(register) => register.contact_user.as_deref().unwrap_or(&account.user),
            None => &account.user,
        }
    }
}
