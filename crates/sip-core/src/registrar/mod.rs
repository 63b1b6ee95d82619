//! The bindings of one address of record, as its registrar keeps them: RFC 3261 §10.3, RFC 3327 §5.3, RFC 5626 §6,
//! RFC 6140 §5.
//!
//! Values and deadlines only: who may register is judged before, what a binding is good for is the owner's
//! business. Read a REGISTER with [`Asked::read`], put it to use with [`Aor::register`], write what stands with
//! [`Aor::write_contacts`]. A request changes all that it asks for, or nothing.
//!
//! A binding is reached over the flow that its REGISTER came on, whatever its Contact says: behind NAT there is no
//! other way (RFC 5626 §5.3, RFC 3581). GRUUs (RFC 5627) are not given out.

mod aor;
mod asked;
#[cfg(test)]
mod tests;

pub use aor::{Aor, Binding};
pub use asked::{Asked, Contact};

use std::time::Duration;

/// Contacts read of one REGISTER: limit `contacts_read`.
pub const CONTACTS_READ_MAX: usize = 32;
/// Bytes of one Contact's URI: limit `contact_bytes`.
pub const CONTACT_BYTES_MAX: usize = 512;
/// Values of Path that are kept: limit `path_values`.
pub const PATH_VALUES_MAX: usize = 8;

/// What a registrar grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// The shortest binding that is accepted (RFC 3261 §10.3 step 7).
    pub expires_min: Duration,
    /// The longest that is granted.
    pub expires_max: Duration,
    /// What is granted when nothing is asked for.
    pub expires: Duration,
    /// Bindings of one address of record.
    pub contacts_max: usize,
    /// Whether a new binding takes the place of the one that was refreshed longest ago, when all are taken.
    pub replace: bool,
    /// Whether flows are registered (RFC 5626).
    pub outbound: bool,
}

/// Why a REGISTER changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It breaks the rules of RFC 3261 §10.3 step 6, RFC 5626 §6 or RFC 6140 §5.2.
    Broken,
    /// A binding is asked for that is shorter than this many seconds.
    TooBrief(u32),
    /// It is older than what it would change (RFC 3261 §10.3 step 7).
    OutOfOrder,
    /// No further binding is accepted.
    Full,
    /// A flow is to be registered and its first hop cannot keep one (RFC 5626 §6).
    FirstHop,
}

impl Refusal {
    /// The response's status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Refusal::Broken => 400,
            Refusal::TooBrief(_) => 423,
            Refusal::OutOfOrder => 500,
            Refusal::Full => 403,
            Refusal::FirstHop => 439,
        }
    }
}
