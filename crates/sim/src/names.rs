//! The DNS of a world: one name, and what it stands for.

use crate::world::{World, host};
use b2bua::{Choice, Input, Resolution, ResolveRequest, Target};
use base::Transport;
use std::net::SocketAddr;
use std::time::Duration;

/// What the DNS says of the first provider's second gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Names {
    /// Now this, now that, sometimes nothing.
    #[default]
    Fickle,
    /// Both of its addresses, with equal weights.
    Both,
    /// The first of them alone.
    One,
    /// No server answers.
    Away,
    /// The domain denies its name.
    Denied,
}

fn found(choices: Vec<Choice>) -> Resolution {
    Resolution::Found { choices, ttl: Duration::from_secs(30), trouble: None }
}

impl World {
    pub(crate) fn resolve(&mut self, request: &ResolveRequest) {
        let choice = |ip| -> Choice {
            Target { address: SocketAddr::new(host(ip), 5060), transport: Transport::Udp }.into()
        };
        let names = match self.net.names.unwrap_or(self.plan.config.names) {
            Names::Fickle if self.dice.percent(20) && self.dice.percent(50) => Names::Denied,
            Names::Fickle if self.dice.percent(10) => Names::Away,
            Names::Fickle if self.dice.percent(50) => Names::One,
            Names::Fickle => Names::Both,
            steady => steady,
        };
        let resolution = match names {
            Names::Away | Names::Denied => {
                let reason = "no such name".to_owned();
                Resolution::Failed { reason, retry: Duration::from_secs(10), denied: names == Names::Denied }
            }
            Names::One => found(vec![choice("192.0.2.9")]),
            _ => found(vec![choice("192.0.2.10"), choice("192.0.2.9")]),
        };
        self.input(Input::Resolved { revision: request.revision, gateway: request.gateway, resolution });
    }
}
