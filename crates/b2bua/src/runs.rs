//! The running state of trunks and gateways: counts, rates, health. It outlives configurations:
//! what has the same name keeps its state.

use crate::input::{Choice, Resolution, Target};
use crate::targets::{TargetRef, TargetRun};
use base::{ListenId, Time, Transport, TrunkId};
use config::{Gateway, Host, Trunk};
use routing::{Health, TrunkState};
use std::net::SocketAddr;
use std::sync::Arc;

/// A domain that denies its own name (RFC 2308) is believed when it says so this often in a row.
const DENIALS_MAX: u32 = 2;

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
    /// Present addresses, lower ranks first; empty while its name does not resolve.
    pub(crate) targets: Vec<TargetRun>,
    pub(crate) trouble: Option<String>,
    /// How often in a row its domain denied its name.
    denials: u32,
    /// CSeq of our OPTIONS.
    pub(crate) cseq: u32,
    pub(crate) resolve_at: Option<Time>,
}

impl GatewayRun {
    /// Whether calls should try others first.
    pub(crate) fn is_demoted(&self, now: Time) -> bool {
        self.targets.iter().all(|t| t.is_demoted(now))
    }

    fn is_cooling(&self, now: Time) -> bool {
        self.targets.iter().all(|t| t.cooling_until > now)
    }
}

/// All running state, never shrunk: names that left the configuration keep their counts.
#[derive(Default)]
pub(crate) struct Runs {
    trunks: Vec<TrunkRun>,
    gateways: Vec<GatewayRun>,
    /// Numbers addresses.
    addresses: u32,
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
            let targets = literal_target(gateway).map(|target| self.target_run(target.into()));
            self.gateways.push(GatewayRun {
                trunk,
                trunk_id: gateway.trunk,
                name: gateway.text.as_str().into(),
                listen: owner.listen,
                configured: true,
                host: gateway.host.clone(),
                port: gateway.port,
                targets: targets.into_iter().collect(),
                trouble: None,
                denials: 0,
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
        let cooling = |g: &GatewayRef| self.gateway(*g).is_cooling(now);
        TrunkState {
            enabled: run.enabled(),
            draining: false,
            health: if all_demoted { Health::Down } else { Health::Up },
            calls: run.calls_in + run.calls_out,
            cps_spent: run.rate_spent(now),
            cooling: !run.gateways.is_empty() && run.gateways.iter().all(cooling),
        }
    }

    fn target_run(&mut self, choice: Choice) -> TargetRun {
        self.addresses = self.addresses.wrapping_add(1);
        TargetRun::new(self.addresses, choice)
    }

    /// An address, while its gateway still has it.
    pub(crate) fn target_mut(&mut self, at: TargetRef) -> Option<&mut TargetRun> {
        self.gateway_mut(at.gateway).targets.iter_mut().find(|t| t.id == at.id)
    }

    /// Takes over what a gateway's name stands for; tells whether its addresses changed. An address that
    /// stays keeps its health.
    pub(crate) fn resolved(&mut self, at: GatewayRef, resolution: Resolution, now: Time) -> bool {
        match resolution {
            Resolution::Found { choices, ttl, trouble } => {
                let run = self.gateway_mut(at);
                run.trouble = trouble;
                run.denials = 0;
                run.resolve_at = Some(now + ttl);
                self.replace_targets(at, choices)
            }
            Resolution::Failed { reason, retry, denied } => {
                let run = self.gateway_mut(at);
                run.trouble = Some(reason);
                run.resolve_at = Some(now + retry);
                run.denials = if denied { run.denials + 1 } else { 0 };
                // Addresses known from before stay in use while the DNS is away (stale use), and over a
                // single slip of the domain's.
                run.denials >= DENIALS_MAX && self.replace_targets(at, Vec::new())
            }
        }
    }

    fn replace_targets(&mut self, at: GatewayRef, choices: Vec<Choice>) -> bool {
        let mut old = std::mem::take(&mut self.gateway_mut(at).targets);
        let before = old.len();
        let mut kept = 0;
        let mut targets = Vec::with_capacity(choices.len());
        for choice in choices {
            let known = old.iter().position(|t| t.target() == choice.target);
            targets.push(match known {
                Some(place) => {
                    kept += 1;
                    old.swap_remove(place).placed(choice)
                }
                None => self.target_run(choice),
            });
        }
        let changed = kept != before || kept != targets.len();
        self.gateway_mut(at).targets = targets;
        changed
    }
}

/// The one target of a gateway written as an address (RFC 3263 §4.1, §4.2 for literals).
fn literal_target(gateway: &Gateway) -> Option<Target> {
    let Host::Ip(address) = gateway.host else { return None };
    let transport = gateway.transport.unwrap_or(Transport::Udp);
    let port = gateway.port.unwrap_or(transport.default_port());
    Some(Target { address: SocketAddr::new(address, port), transport })
}
