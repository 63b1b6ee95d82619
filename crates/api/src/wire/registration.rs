//! Registrations of our accounts, as the control socket shows them.

use serde::{Deserialize, Serialize};

/// One account's registration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Registration {
    /// The address of record.
    pub account: String,
    /// `idle`, `registering`, `registered`, `refreshing`, `waiting`, `forbidden`, `unregistering`.
    pub state: String,
    /// Seconds that the binding still stands.
    pub expires_s: Option<u64>,
    /// Seconds until the registrar is asked again.
    pub next_s: Option<u64>,
    /// The registrar's last final response; 0 for silence.
    pub last_status: Option<u16>,
    /// The address that accepted last.
    pub registrar: Option<String>,
    /// Why the last REGISTER failed, a reason id.
    pub trouble: Option<String>,
}
