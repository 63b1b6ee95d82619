//! The running state of trunks and gateways: counts, rates, health. It outlives configurations:
//! what has the same name keeps its state.

use crate::input::{Resolution, Target};
use base::{ListenId, Time, Transport, TrunkId};
use config::{Gateway, Host, Trunk};
use routing::{Health, TrunkState};
use sip_core::liveness::{Health as GatewayHealth, Liveness};
use std::net::SocketAddr;
use std::sync::Arc;

/// A trunk's running state; the index never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct TrunkRef(pub(crate) u32);

/// A gateway's running state; the index never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct GatewayRef(pub(crate) u32);

/// How a trunk is doing.
pub(crate) struct TrunkRun {
    pub(crate) name: Arc<str>,
    /// Part of the present configuration and enabled there.
    configured: bool,
    /// What an operator said since; wins over the configuration.
    pub(crate) override_enabled: Option<bool>,
    calls_max: Option<u32>,
    cps_max: Option<u32>,
    pub(crate) calls_in: u32,
    pub(crate) calls_out: u32,
    pub(crate) total_in: u64,
    pub(crate) total_out: u64,
    pub(crate) answered_out: u64,
    pub(crate) failed_out: u64,
    gateways: Vec<GatewayRef>,
    second: u64,
    spent: u32,
}

impl TrunkRun {
    pub(crate) fn enabled(&self) -> bool {
        self.override_enabled.unwrap_or(self.configured)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.calls_max.is_some_and(|max| self.calls_in + self.calls_out >= max)
    }

    /// Whether the calls per second of the second that `now` lies in are used up.
    pub(crate) fn rate_spent(&self, now: Time) -> bool {
        self.cps_max.is_some_and(|max| self.second == now.as_millis() / 1_000 && self.spent >= max)
    }

    /// Counts a call against `cps_max`.
    pub(crate) fn spend(&mut self, now: Time) {
        let second = now.as_millis() / 1_000;
        if self.second != second {
            self.second = second;
            self.spent = 0;
        }
        self.spent += 1;
    }
}

/// How a gateway is doing.
pub(crate) struct GatewayRun {
    pub(crate) trunk: TrunkRef,
    pub(crate) trunk_id: TrunkId,
    pub(crate) name: Arc<str>,
    pub(crate) listen: ListenId,
    /// Whether the present configuration has it.
    pub(crate) configured: bool,
    pub(crate) host: Host,
    pub(crate) port: Option<u16>,
    /// Present addresses, best first; empty while its name does not resolve.
    pub(crate) targets: Vec<Target>,
    pub(crate) trouble: Option<String>,
    /// A Retry-After holds until then (RFC 3261 §21.5.4).
    pub(crate) cooling_until: Time,
    pub(crate) liveness: Liveness,
    /// Interval and misses that `liveness` was made with.
    pub(crate) rhythm: Option<(Option<std::time::Duration>, u32)>,
    /// When its alarm fires.
    pub(crate) alarm_at: Option<Time>,
    /// When the OPTIONS under way was sent.
    pub(crate) asked_at: Option<Time>,
    /// CSeq of our OPTIONS.
    pub(crate) cseq: u32,
    pub(crate) resolve_at: Option<Time>,
}

impl GatewayRun {
    /// Whether calls should try others first.
    pub(crate) fn is_demoted(&self, now: Time) -> bool {
        self.liveness.state() == GatewayHealth::Down || self.cooling_until > now || self.targets.is_empty()
    }
}

/// All running state, never shrunk: names that left the configuration keep their counts.
#[derive(Default)]
pub(crate) struct Runs {
    trunks: Vec<TrunkRun>,
    gateways: Vec<GatewayRun>,
}

impl Runs {
    /// Before a new configuration is adopted: nothing is configured until adopted again.
    pub(crate) fn begin(&mut self) {
        for trunk in &mut self.trunks {
            trunk.configured = false;
            trunk.gateways.clear();
        }
        for gateway in &mut self.gateways {
            gateway.configured = false;
        }
    }

    pub(crate) fn adopt_trunk(&mut self, trunk: &Trunk) -> TrunkRef {
        let found = self.trunks.iter().position(|t| *t.name == *trunk.name);
        let index = found.unwrap_or_else(|| {
            self.trunks.push(TrunkRun {
                name: trunk.name.as_str().into(),
                configured: false,
                override_enabled: None,
                calls_max: None,
                cps_max: None,
                calls_in: 0,
                calls_out: 0,
                total_in: 0,
                total_out: 0,
                answered_out: 0,
                failed_out: 0,
                gateways: Vec::new(),
                second: 0,
                spent: 0,
            });
            self.trunks.len() - 1
        });
        let run = &mut self.trunks[index];
        run.configured = trunk.enabled;
        run.override_enabled = None;
        run.calls_max = trunk.calls_max;
        run.cps_max = trunk.cps_max;
        TrunkRef(index as u32)
    }

    pub(crate) fn adopt_gateway(&mut self, trunk: TrunkRef, gateway: &Gateway, owner: &Trunk) -> GatewayRef {
        let found = self.gateways.iter().position(|g| g.trunk == trunk && *g.name == *gateway.text);
        let index = found.unwrap_or_else(|| {
            self.gateways.push(GatewayRun {
                trunk,
                trunk_id: gateway.trunk,
                name: gateway.text.as_str().into(),
                listen: owner.listen,
                configured: true,
                host: gateway.host.clone(),
                port: gateway.port,
                targets: literal_targets(gateway),
                trouble: None,
                cooling_until: Time::ZERO,
                liveness: Liveness::new(None, owner.options_misses, Time::ZERO, 0),
                rhythm: None,
                alarm_at: None,
                asked_at: None,
                cseq: 0,
                resolve_at: None,
            });
            self.gateways.len() - 1
        });
        let run = &mut self.gateways[index];
        run.configured = true;
        run.trunk_id = gateway.trunk;
        run.listen = owner.listen;
        let me = GatewayRef(index as u32);
        self.trunks[trunk.0 as usize].gateways.push(me);
        me
    }

    pub(crate) fn trunk(&self, at: TrunkRef) -> &TrunkRun {
        &self.trunks[at.0 as usize]
    }

    pub(crate) fn trunk_mut(&mut self, at: TrunkRef) -> &mut TrunkRun {
        &mut self.trunks[at.0 as usize]
    }

    pub(crate) fn gateway(&self, at: GatewayRef) -> &GatewayRun {
        &self.gateways[at.0 as usize]
    }

    pub(crate) fn gateway_mut(&mut self, at: GatewayRef) -> &mut GatewayRun {
        &mut self.gateways[at.0 as usize]
    }

    pub(crate) fn gateways_of(&self, at: TrunkRef) -> &[GatewayRef] {
        &self.trunk(at).gateways
    }

    /// A trunk as routing sees it: down only when every gateway is.
    pub(crate) fn state(&self, at: TrunkRef, now: Time) -> TrunkState {
        let run = self.trunk(at);
        let demoted = |g: &GatewayRef| self.gateway(*g).is_demoted(now);
        let all_demoted = !run.gateways.is_empty() && run.gateways.iter().all(demoted);
        let cooling = |g: &GatewayRef| self.gateway(*g).cooling_until > now;
        TrunkState {
            enabled: run.enabled(),
            draining: false,
            health: if all_demoted { Health::Down } else { Health::Up },
            calls: run.calls_in + run.calls_out,
            cps_spent: run.rate_spent(now),
            cooling: !run.gateways.is_empty() && run.gateways.iter().all(cooling),
        }
    }

    /// Takes over what a gateway's name stands for; tells whether its addresses changed.
    pub(crate) fn resolved(&mut self, at: GatewayRef, resolution: Resolution, now: Time) -> bool {
        let run = self.gateway_mut(at);
        match resolution {
            Resolution::Found { targets, ttl } => {
                let changed = run.targets != targets;
                run.targets = targets;
                run.trouble = None;
                run.resolve_at = Some(now + ttl);
                changed
            }
            // Addresses known from before stay in use while the DNS is away (stale use).
            Resolution::Failed { reason, retry } => {
                run.trouble = Some(reason);
                run.resolve_at = Some(now + retry);
                false
            }
        }
    }
}

/// The one target of a gateway written as an address (RFC 3263 §4.1, §4.2 for literals).
fn literal_targets(gateway: &Gateway) -> Vec<Target> {
    let Host::Ip(address) = gateway.host else { return Vec::new() };
    let transport = gateway.transport.unwrap_or(Transport::Udp);
    let port = gateway.port.unwrap_or(transport.default_port());
    vec![Target { address: SocketAddr::new(address, port), transport }]
}
