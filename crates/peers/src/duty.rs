//! Whether trunks and gateways take new calls, as an operator wants it; present calls always go on.

use crate::{GatewayRef, Runs, TrunkRef};
use base::ReasonId;
use std::net::SocketAddr;

/// What an operator said of a trunk or gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Duty {
    /// It takes new calls.
    #[default]
    Enabled,
    /// It takes none; who calls from there is refused for good (403).
    Disabled,
    /// It takes none; who calls from there is sent elsewhere (503 with Retry-After).
    Draining,
}

impl Duty {
    /// The word in views and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Duty::Enabled => "enabled",
            Duty::Disabled => "disabled",
            Duty::Draining => "draining",
        }
    }
}

impl Runs {
    /// What holds for new calls over a trunk: the word of the trunk, or of all its gateways.
    pub fn duty(&self, at: TrunkRef) -> Duty {
        let trunk = self.trunk(at);
        if !trunk.configured {
            return Duty::Disabled;
        }
        let mut gateways = self.gateways_of(at).iter().map(|g| self.gateway(*g).duty);
        match trunk.duty {
            Duty::Enabled if self.gateways_of(at).is_empty() => Duty::Enabled,
            Duty::Enabled if gateways.clone().any(|duty| duty == Duty::Enabled) => Duty::Enabled,
            Duty::Enabled if gateways.any(|duty| duty == Duty::Draining) => Duty::Draining,
            Duty::Enabled => Duty::Disabled,
            other => other,
        }
    }

    /// Why a request for a new call from this address of a trunk is refused, if it is.
    pub fn refuses(&self, at: TrunkRef, source: SocketAddr) -> Option<ReasonId> {
        let gateway = self.gateway_at(at, source).map_or(Duty::Enabled, |g| self.gateway(g).duty);
        match (self.duty(at), gateway) {
            (Duty::Disabled, _) | (_, Duty::Disabled) => Some(ReasonId::SourceDisabled),
            (Duty::Draining, _) | (_, Duty::Draining) => Some(ReasonId::SourceDraining),
            (Duty::Enabled, Duty::Enabled) => None,
        }
    }

    /// The gateway of a trunk with this address; the port decides between several.
    fn gateway_at(&self, at: TrunkRef, source: SocketAddr) -> Option<GatewayRef> {
        let ip = source.ip().to_canonical();
        let here = |g: &&GatewayRef| self.gateway(**g).targets.iter().any(|t| t.target().address.ip() == ip);
        let exact = |g: &&GatewayRef| {
            let mut targets = self.gateway(**g).targets.iter();
            targets.any(|t| t.target().address.port() == source.port())
        };
        let all = self.gateways_of(at);
        all.iter().filter(here).find(exact).or_else(|| all.iter().find(here)).copied()
    }
}
