//! What people may see of registrations in both directions.

use crate::Bindings;
use base::{Time, Transport};
use std::net::SocketAddr;
use std::time::Duration;

/// One account's registration.
#[derive(Clone, Debug)]
pub struct RegistrationView {
    /// The address of record.
    pub account: Box<str>,
    /// `idle`, `registering`, `registered`, `refreshing`, `waiting`, `forbidden`, `unregistering`.
    pub state: &'static str,
    /// How long the binding stands.
    pub expires: Option<Duration>,
    /// When the registrar is asked next.
    pub next: Option<Duration>,
    /// The last final response; 0 for silence.
    pub last: Option<u16>,
    /// The address that accepted last.
    pub registrar: Option<SocketAddr>,
    /// Why the last REGISTER failed.
    pub trouble: Option<base::ReasonId>,
}

/// One place where a user registered.
#[derive(Clone, Debug)]
pub struct BindingView {
    /// The registered URI.
    pub contact: Box<str>,
    /// Where the REGISTER came from, and calls go to.
    pub source: SocketAddr,
    /// Transport.
    pub transport: Transport,
    /// How long it stands.
    pub expires: Duration,
    /// Which of the client's flows it is (RFC 5626).
    pub flow: Option<u32>,
    /// Who registered.
    pub agent: Box<str>,
}

impl<K: Ord + Copy> Bindings<K> {
    /// For people.
    #[must_use]
    pub fn views(&self, gateway: K, now: Time) -> Vec<BindingView> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
        let views = self.of(gateway).iter().map(|binding| BindingView {
            contact: text(&binding.contact),
            source: binding.flow.remote,
            transport: binding.flow.transport,
            expires: binding.until.since(now),
            flow: binding.reg_id,
            agent: text(&binding.agent),
        });
        views.collect()
    }
}
