//! What people may see of gateways, and of registrations in both directions.

use crate::{Bindings, Duty, GatewayRef, Quality, Runs, TargetRun};
use base::{Time, Transport};
use sip_core::liveness::Health;
use std::net::SocketAddr;
use std::sync::Arc;
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

/// One gateway: the best of its addresses speaks for it.
#[derive(Clone, Debug)]
pub struct GatewayView {
    /// As configured.
    pub name: Arc<str>,
    /// `disabled` or `draining` by an operator; `poor` for its quality; else `up`, `unknown`, `cooling`,
    /// `down`, or without an address `unresolved`, for a user that registers `unregistered`.
    pub state: &'static str,
    /// What an operator said of it.
    pub duty: Duty,
    /// Live calls and attempts that go to it.
    pub calls: u32,
    /// How its calls went of late, when the trunk judges that.
    pub quality: Option<QualityView>,
    /// Present addresses, lower ranks first.
    pub targets: Vec<TargetView>,
    /// What is wrong with its name (`no such name`).
    pub trouble: Option<String>,
    /// Where its user registered, when it is one.
    pub bindings: Vec<BindingView>,
}

/// How the calls of a gateway went of late.
#[derive(Clone, Copy, Debug)]
pub struct QualityView {
    /// Attempts that are judged together.
    pub window: u32,
    /// Attempts known since the last judgement that went against it.
    pub sample: u32,
    /// Answered of all, percent.
    pub answer_ratio: Option<f64>,
    /// Mean time to the first progress.
    pub post_dial_delay: Option<Duration>,
    /// Mean duration of the last calls, when the trunk judges that.
    pub call_duration: Option<Duration>,
    /// How much longer others are tried first.
    pub held: Option<Duration>,
}

/// One address of a gateway.
#[derive(Clone, Debug)]
pub struct TargetView {
    /// Address and port.
    pub address: SocketAddr,
    /// Transport.
    pub transport: Transport,
    /// `up`, `unknown`, `cooling` (it asked to be left alone), `down`.
    pub state: &'static str,
    /// Lower ranks are tried first (NAPTR, SRV priority).
    pub rank: u16,
    /// SRV weight.
    pub weight: u16,
    /// Round trip of the last answered OPTIONS.
    pub rtt: Option<Duration>,
    /// OPTIONS and calls unanswered in a row.
    pub misses: u32,
    /// How much longer it is to be left alone.
    pub cooling: Option<Duration>,
}

impl Runs {
    /// A gateway, for people.
    #[must_use]
    pub fn gateway_view(&self, at: GatewayRef, now: Time) -> GatewayView {
        let gateway = self.gateway(at);
        let targets: Vec<TargetView> = gateway.targets.iter().map(|t| target_view(t, now)).collect();
        let best = ["up", "unknown", "cooling", "down"];
        let state = best.into_iter().find(|state| targets.iter().any(|t| t.state == *state));
        let state = match (gateway.duty, state) {
            (Duty::Enabled, Some(_)) if gateway.quality.is_poor(now) => "poor",
            (Duty::Enabled, None) if gateway.registers => "unregistered",
            (Duty::Enabled, state) => state.unwrap_or("unresolved"),
            (duty, _) => duty.word(),
        };
        GatewayView {
            name: gateway.name.clone(),
            state,
            duty: gateway.duty,
            calls: gateway.calls,
            quality: quality_view(&gateway.quality, now),
            targets,
            trouble: gateway.trouble.clone(),
            bindings: self.bindings.views(at, now),
        }
    }
}

fn quality_view(quality: &Quality, now: Time) -> Option<QualityView> {
    Some(QualityView {
        window: quality.of()?,
        sample: u32::try_from(quality.sample()).unwrap_or(u32::MAX),
        answer_ratio: quality.answer_ratio(),
        post_dial_delay: quality.delay(),
        call_duration: quality.talk(),
        held: quality.held(now),
    })
}

fn target_view(run: &TargetRun, now: Time) -> TargetView {
    let state = match run.liveness.state() {
        Health::Down => "down",
        _ if run.cooling_until > now => "cooling",
        Health::Up => "up",
        Health::Unknown => "unknown",
    };
    TargetView {
        address: run.target().address,
        transport: run.target().transport,
        state,
        rank: run.choice.rank,
        weight: run.choice.weight,
        rtt: run.liveness.rtt(),
        misses: run.liveness.misses(),
        cooling: (run.cooling_until > now).then(|| run.cooling_until.since(now)),
    }
}
