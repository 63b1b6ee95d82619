//! Digest authentication: RFC 7616, RFC 8760, RFC 3261 §22, and RFC 2069 where a peer offers no `qop`.
//!
//! Values and hashes only: who is asked with whose password is the owner's business, time and seeds are
//! arguments, and nothing here is kept between two messages but what a [`Session`] or a [`Window`] holds. The
//! client half enters at [`challenges`] and [`Session`], the server half at [`Gate`], which is made of [`Nonces`],
//! [`Answer`] and [`Window`]; [`Lockout`] keeps those away who try passwords.
//!
//! Neither half panics or grows with what a peer sends: [`ROWS_MAX`] rows of a message are read, and
//! [`PARAMS_MAX`] parameters of a row.

mod algorithm;
mod answer;
mod challenge;
mod fields;
mod gate;
mod lockout;
mod server;
mod session;
#[cfg(test)]
mod tests;

pub use algorithm::{Algorithm, Hash};
pub use answer::{Answer, Password};
pub use challenge::{Challenge, challenges, strongest};
pub use gate::{Asks, Gate, NONCES_MAX, Verdict};
pub use lockout::{Lockout, SOURCES_MAX};
pub use server::{Freshness, Nonces, Offer, Window};
pub use session::{Credentials, Session};

use sip_msg::Name;

/// How many challenges, or answers, of one message are read: limit `challenge_rows`.
pub const ROWS_MAX: usize = 8;

/// How many parameters of one challenge or answer are read: limit `challenge_params`.
pub const PARAMS_MAX: usize = 32;

/// Who asks: the far end itself, or a proxy on the way. RFC 3261 §22.2, §22.3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Asker {
    /// A user agent server or registrar: 401, WWW-Authenticate, Authorization.
    Server,
    /// A proxy: 407, Proxy-Authenticate, Proxy-Authorization.
    Proxy,
}

impl Asker {
    /// Both.
    pub const BOTH: [Asker; 2] = [Asker::Server, Asker::Proxy];

    /// The header that holds its challenges.
    #[must_use]
    pub fn challenge(self) -> Name {
        match self {
            Asker::Server => Name::WwwAuthenticate,
            Asker::Proxy => Name::ProxyAuthenticate,
        }
    }

    /// The header that holds the answers to it.
    #[must_use]
    pub fn answer(self) -> Name {
        match self {
            Asker::Server => Name::Authorization,
            Asker::Proxy => Name::ProxyAuthorization,
        }
    }

    /// The status of the response that asks.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Asker::Server => 401,
            Asker::Proxy => 407,
        }
    }
}

/// What a digest covers. RFC 7616 §3.4.2, §3.4.3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Qop {
    /// Method and URI.
    Auth,
    /// Method, URI and body.
    AuthInt,
}

impl Qop {
    /// The word on the wire.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }

    fn from_token(token: &[u8]) -> Option<Qop> {
        [Qop::Auth, Qop::AuthInt].into_iter().find(|q| q.token().as_bytes().eq_ignore_ascii_case(token))
    }
}
