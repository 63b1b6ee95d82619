//! The running state of trunks and gateways: counts, rates, health. It outlives configurations:
//! what has the same name keeps its state.

use crate::{Bindings, Choice, Duty, Enrolment, Links, Quality, Rate, Resolution, Target, TargetRun, Wallet};
use base::{ListenId, Time, Transport, TrunkId};
use config::{Gateway, Host, Trunk};
use std::net::SocketAddr;
use std::sync::Arc;

/// A domain that denies its own name (RFC 2308) is believed when it says so this often in a row.
const DENIALS_MAX: u32 = 2;

/// A trunk's running state; the index never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TrunkRef(pub u32);

/// A gateway's running state; the index never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct GatewayRef(pub u32);

/// An address of a gateway; the id is never used again for another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TargetRef {
    pub gateway: GatewayRef,
    pub id: u32,
}

/// Limits of a trunk: both directions together, in, out.
#[derive(Clone, Copy, Default)]
struct Limits {
    calls: [Option<u32>; 3],
    cps: [Option<u32>; 3],
}

/// How a trunk is doing.
#[derive(Clone)]
pub struct TrunkRun {
    pub name: Arc<str>,
    /// Part of the present configuration and enabled there.
    pub configured: bool,
    /// What an operator said.
    pub duty: Duty,
    limits: Limits,
    pub calls_in: u32,
    pub calls_out: u32,
    pub total_in: u64,
    pub total_out: u64,
    pub answered_out: u64,
    pub failed_out: u64,
    gateways: Vec<GatewayRef>,
    rates: [Rate; 3],
    pub wallet: Wallet,
}

impl TrunkRun {
    fn new(name: &str) -> TrunkRun {
        TrunkRun {
            name: name.into(),
            configured: false,
            duty: Duty::Enabled,
            limits: Limits::default(),
            calls_in: 0,
            calls_out: 0,
            total_in: 0,
            total_out: 0,
            answered_out: 0,
            failed_out: 0,
            gateways: Vec::new(),
            rates: Default::default(),
            wallet: Wallet::default(),
        }
    }

    /// Whether it carries as many calls as it may, for one that arrives or, with `out`, leaves.
    pub fn is_full(&self, out: bool) -> bool {
        let [both, incoming, outgoing] = self.limits.calls;
        let reached = |max: Option<u32>, calls: u32| max.is_some_and(|max| calls >= max);
        let one = if out { reached(outgoing, self.calls_out) } else { reached(incoming, self.calls_in) };
        one || reached(both, self.calls_in + self.calls_out)
    }

    /// Whether the calls per second of the second that `now` lies in are used up.
    pub fn rate_spent(&self, out: bool, now: Time) -> bool {
        let spent = |at: usize| self.rates[at].is_spent(self.limits.cps[at], now);
        spent(0) || spent(1 + usize::from(out))
    }

    /// Counts a call against the limits per second.
    pub fn spend(&mut self, out: bool, now: Time) {
        self.rates[0].spend(now);
        self.rates[1 + usize::from(out)].spend(now);
    }
}

/// How a gateway is doing.
#[derive(Clone)]
pub struct GatewayRun {
    pub trunk: TrunkRef,
    pub trunk_id: TrunkId,
    pub name: Arc<str>,
    pub listen: ListenId,
    /// Whether the present configuration has it.
    pub configured: bool,
    pub host: Host,
    pub port: Option<u16>,
    /// Present addresses, lower ranks first; empty while its name does not resolve.
    pub targets: Vec<TargetRun>,
    pub trouble: Option<String>,
    /// How often in a row its domain denied its name.
    denials: u32,
    /// What an operator said.
    pub duty: Duty,
    /// Attempts that go to it now.
    pub calls: u32,
    /// When it last got an attempt, as a count of all attempts: the smallest is next in turn.
    pub turn: u64,
    pub quality: Quality,
    /// CSeq of our OPTIONS.
    pub cseq: u32,
    pub resolve_at: Option<Time>,
    /// Its addresses are the bindings of a user.
    pub registers: bool,
    /// Its user was registered when that was last said.
    pub registered: bool,
}

impl GatewayRun {
    /// Whether calls should try others first.
    pub fn is_demoted(&self, now: Time) -> bool {
        self.quality.is_poor(now) || self.targets.iter().all(|t| t.is_demoted(now))
    }

    /// Whether all of its addresses want to be left alone.
    pub fn is_cooling(&self, now: Time) -> bool {
        self.targets.iter().all(|t| t.cooling_until > now)
    }
}

/// All running state, never shrunk: names that left the configuration keep their counts.
#[derive(Clone, Default)]
pub struct Runs {
    pub bindings: Bindings<GatewayRef>,
    /// When the alarm for the next of them that runs out fires.
    pub bindings_due: Option<Time>,
    pub enrolments: Vec<Enrolment>,
    pub links: Links,
    trunks: Vec<TrunkRun>,
    gateways: Vec<GatewayRun>,
    /// Numbers addresses.
    addresses: u32,
    /// Counts attempts.
    turns: u64,
}

impl Runs {
    /// Before a new configuration is adopted: nothing is configured until adopted again.
    pub fn begin(&mut self) {
        for trunk in &mut self.trunks {
            trunk.configured = false;
            trunk.gateways.clear();
        }
        for gateway in &mut self.gateways {
            gateway.configured = false;
        }
    }

    pub fn adopt_trunk(&mut self, trunk: &Trunk) -> TrunkRef {
        let found = self.trunks.iter().position(|t| *t.name == *trunk.name);
        let index = found.unwrap_or_else(|| {
            self.trunks.push(TrunkRun::new(&trunk.name));
            self.trunks.len() - 1
        });
        let run = &mut self.trunks[index];
        run.configured = trunk.enabled;
        run.limits = Limits {
            calls: [trunk.calls_max, trunk.each_way.calls_in_max, trunk.each_way.calls_out_max],
            cps: [trunk.cps_max, trunk.each_way.cps_in_max, trunk.each_way.cps_out_max],
        };
        run.wallet.adopt(trunk);
        TrunkRef(index as u32)
    }

    pub fn adopt_gateway(&mut self, trunk: TrunkRef, gateway: &Gateway, owner: &Trunk) -> GatewayRef {
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
                duty: Duty::Enabled,
                calls: 0,
                turn: 0,
                quality: Quality::default(),
                cseq: 0,
                resolve_at: None,
                registers: false,
                registered: false,
            });
            self.gateways.len() - 1
        });
        let run = &mut self.gateways[index];
        run.configured = true;
        run.trunk_id = gateway.trunk;
        run.listen = owner.listen;
        run.registers = gateway.user.is_some();
        run.quality.follow(owner.quality.as_ref());
        let me = GatewayRef(index as u32);
        self.trunks[trunk.0 as usize].gateways.push(me);
        me
    }

    pub fn trunk(&self, at: TrunkRef) -> &TrunkRun {
        &self.trunks[at.0 as usize]
    }

    pub fn trunk_mut(&mut self, at: TrunkRef) -> &mut TrunkRun {
        &mut self.trunks[at.0 as usize]
    }

    pub fn gateway(&self, at: GatewayRef) -> &GatewayRun {
        &self.gateways[at.0 as usize]
    }

    pub fn gateway_mut(&mut self, at: GatewayRef) -> &mut GatewayRun {
        &mut self.gateways[at.0 as usize]
    }

    pub fn gateways_of(&self, at: TrunkRef) -> &[GatewayRef] {
        &self.trunk(at).gateways
    }

    /// The gateways of a trunk that take new calls.
    pub fn open_gateways(&self, at: TrunkRef) -> impl Iterator<Item = &GatewayRun> {
        self.gateways_of(at).iter().map(|g| self.gateway(*g)).filter(|g| g.duty == Duty::Enabled)
    }

    /// An attempt goes to a gateway.
    pub fn begun(&mut self, at: GatewayRef, now: Time) {
        self.turns += 1;
        let turn = self.turns;
        let run = self.gateway_mut(at);
        run.calls += 1;
        run.turn = turn;
        let trunk = run.trunk;
        let run = self.trunk_mut(trunk);
        run.calls_out += 1;
        run.total_out += 1;
        run.spend(true, now);
    }

    /// A call that a gateway has comes over to another one, which counts it too.
    pub fn shared(&mut self, at: GatewayRef) {
        let run = self.gateway_mut(at);
        run.calls += 1;
        let trunk = run.trunk;
        self.trunk_mut(trunk).calls_out += 1;
    }

    /// An attempt at a gateway, or the call that it became, is over.
    pub fn over(&mut self, at: GatewayRef) {
        let run = self.gateway_mut(at);
        run.calls = run.calls.saturating_sub(1);
        let trunk = run.trunk;
        let run = self.trunk_mut(trunk);
        run.calls_out = run.calls_out.saturating_sub(1);
    }

    /// For a rehearsal: nobody answers at a trunk.
    pub fn suppose_down(&mut self, at: TrunkRef, until: Time) {
        for gateway in self.trunk(at).gateways.clone() {
            for target in &mut self.gateway_mut(gateway).targets {
                target.cooling_until = until;
            }
        }
    }

    fn target_run(&mut self, choice: Choice) -> TargetRun {
        self.addresses = self.addresses.wrapping_add(1);
        TargetRun::new(self.addresses, choice)
    }

    /// An address, while its gateway still has it.
    pub fn target_mut(&mut self, at: TargetRef) -> Option<&mut TargetRun> {
        self.gateway_mut(at.gateway).targets.iter_mut().find(|t| t.id == at.id)
    }

    /// An address in words, for people.
    #[must_use]
    pub fn said_of(&self, at: TargetRef) -> String {
        let run = self.gateway(at.gateway);
        let trunk = &self.trunk(run.trunk).name;
        match run.targets.iter().find(|target| target.id == at.id).map(TargetRun::target) {
            Some(target) => {
                format!("gateway {} of trunk {trunk} at {} {}", run.name, target.transport, target.address)
            }
            None => format!("gateway {} of trunk {trunk}", run.name),
        }
    }

    /// Since when an address that is asked by OPTIONS does not answer, where that is so.
    #[must_use]
    pub fn down_since(&self, at: TargetRef) -> Option<Time> {
        self.gateway(at.gateway).targets.iter().find(|target| target.id == at.id)?.down_since()
    }

    /// Takes over what a gateway's name stands for; tells whether its addresses changed. An address that
    /// stays keeps its health.
    pub fn resolved(&mut self, at: GatewayRef, resolution: Resolution, now: Time) -> bool {
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

    pub fn replace_targets(&mut self, at: GatewayRef, choices: Vec<Choice>) -> bool {
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
