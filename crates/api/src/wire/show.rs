//! From the house's values to the wire's: one function for each.
//!
//! They copy and name, and judge only what a trunk's one-word state is.

use super::{Address, Binding, Call, Gateway, Listen, Quality, Registration, Relayed, SiteLink, Trunk};
use b2bua::view::{
    BindingView, CallView, GatewayView, LinkView, QualityView, RegistrationView, TargetView, TrunkView,
};
use b2bua::{Duty, Snapshot};
use base::WallTime;
use engine::Status as EngineStatus;
use runtime::TransportStatus;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::Moment;

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;

/// The present, for ages.
#[derive(Clone, Copy)]
pub(crate) struct Moments {
    now: Moment,
}

impl Moments {
    /// As of now.
    pub(crate) fn now() -> Moments {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moments { now: Moment(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)) }
    }

    /// Whole seconds since `then`.
    pub(crate) fn seconds_since(self, then: WallTime) -> u64 {
        self.now.0.saturating_sub(then.0) / SECOND
    }
}

fn text(wall: WallTime) -> String {
    Moment::from(wall).to_string()
}

/// A live call.
pub(crate) fn call(view: &CallView, moments: Moments) -> Call {
    let [caller_security, callee_security] = view.security().map(|told| told.map(|how| how.to_string()));
    Call {
        key: view.key.to_string(),
        state: view.state.to_owned(),
        trunk_in: view.trunk_in.to_string(),
        trunk_out: view.trunk_out.as_deref().map(str::to_owned),
        route: view.route.to_string(),
        decision: view.decision.to_string(),
        caller: view.caller.to_string(),
        called: view.called.to_string(),
        start: text(view.start),
        answer: view.answer.map(text),
        age_s: moments.seconds_since(view.start),
        talk_s: view.answer.map(|at| moments.seconds_since(at)),
        attempts: view.attempts,
        a_call_id: view.a_call_id.to_string(),
        b_call_id: view.b_call_id.as_deref().map(str::to_owned),
        anchored: view.anchored,
        codec: view.codec().map(String::from),
        caller_security,
        callee_security,
        caller_unheard: view.unheard[0].map(|heard| heard.why.word().to_owned()),
        callee_unheard: view.unheard[1].map(|heard| heard.why.word().to_owned()),
        links: view.links.iter().map(|(site, times)| (site.to_string(), *times)).collect(),
        recording: view.recording.to_string(),
        recorder: view.recorder.as_deref().map(str::to_owned),
        recording_paused: view.paused && view.recorder.is_some(),
        caller_holds: view.held[0].map(text),
        callee_holds: view.held[1].map(text),
        from_caller: None,
        from_callee: None,
    }
}

/// The link of a site.
pub(crate) fn link(view: &LinkView) -> SiteLink {
    let LinkView { site, calls, max, refused, skipped } = view;
    SiteLink {
        site: site.to_string(),
        calls: (*calls).into(),
        calls_max: max.map(u64::from),
        refused: *refused,
        skipped: *skipped,
    }
}

/// A trunk, with what the configuration says of it.
pub(crate) fn trunk(view: &TrunkView, snapshot: &Snapshot) -> Trunk {
    let config = snapshot.config.trunk(view.id).filter(|t| *t.name == *view.name);
    let listen = config.and_then(|t| snapshot.config.listen(t.listen));
    Trunk {
        name: view.name.to_string(),
        kind: config.map_or(String::new(), |t| t.kind.to_string()),
        profile: config.map_or(String::new(), |t| t.profile.name.to_owned()),
        listen: listen.map_or(String::new(), |l| l.name.clone()),
        site: config.and_then(|t| t.site.clone()),
        enabled: view.duty == Duty::Enabled,
        state: trunk_state(view).to_owned(),
        calls_in: view.calls_in.into(),
        calls_out: view.calls_out.into(),
        calls_max: config.and_then(|t| t.calls_max).map(u64::from),
        calls_in_max: config.and_then(|t| t.each_way.calls_in_max).map(u64::from),
        calls_out_max: config.and_then(|t| t.each_way.calls_out_max).map(u64::from),
        cps_max: config.and_then(|t| t.cps_max).map(u64::from),
        cps_in_max: config.and_then(|t| t.each_way.cps_in_max).map(u64::from),
        cps_out_max: config.and_then(|t| t.each_way.cps_out_max).map(u64::from),
        total_in: view.total_in,
        total_out: view.total_out,
        answered_out: view.answered_out,
        failed_out: view.failed_out,
        gateways: view.gateways.iter().map(gateway).collect(),
        registrations: view.registrations.iter().map(registration).collect(),
    }
}

fn registration(view: &RegistrationView) -> Registration {
    Registration {
        account: view.account.to_string(),
        state: view.state.to_owned(),
        expires_s: view.expires.map(|left| left.as_secs()),
        next_s: view.next.map(|left| left.as_secs()),
        last_status: view.last,
        registrar: view.registrar.map(|address| address.to_string()),
        trouble: view.trouble.map(|reason| reason.id().to_owned()),
    }
}

/// The best of its gateways' states, unless it is disabled.
fn trunk_state(view: &TrunkView) -> &'static str {
    let any = |state: &str| view.gateways.iter().any(|g| g.state == state);
    match () {
        () if view.duty != Duty::Enabled => view.duty.word(),
        () if view.unregistered => "unregistered",
        () if any("up") => "up",
        () if any("unknown") => "unknown",
        () if any("poor") => "poor",
        () if any("cooling") => "cooling",
        () if any("down") => "down",
        () if any("unregistered") => "unregistered",
        () => "unresolved",
    }
}

fn gateway(view: &GatewayView) -> Gateway {
    Gateway {
        name: view.name.to_string(),
        state: view.state.to_owned(),
        calls: view.calls.into(),
        quality: view.quality.map(quality),
        targets: view.targets.iter().map(|t| t.address.to_string()).collect(),
        trouble: view.trouble.clone(),
        rtt_ms: view.targets.iter().filter_map(|t| t.rtt).min().map(millis),
        misses: view.targets.iter().map(|t| t.misses).min().unwrap_or(0),
        addresses: view.targets.iter().map(address).collect(),
        bindings: view.bindings.iter().map(binding).collect(),
    }
}

fn quality(view: QualityView) -> Quality {
    Quality {
        window: view.window,
        sample: view.sample,
        answer_ratio: view.answer_ratio,
        post_dial_delay_ms: view.post_dial_delay.map(millis),
        call_duration_s: view.call_duration.map(|mean| mean.as_secs_f64()),
        poor_s: view.held.map(|left| left.as_secs()),
    }
}

fn binding(view: &BindingView) -> Binding {
    Binding {
        contact: view.contact.to_string(),
        source: view.source.to_string(),
        transport: view.transport.token().to_owned(),
        expires_s: view.expires.as_secs(),
        flow: view.flow,
        agent: view.agent.to_string(),
    }
}

fn address(view: &TargetView) -> Address {
    Address {
        target: view.address.to_string(),
        transport: view.transport.token().to_owned(),
        state: view.state.to_owned(),
        rank: view.rank,
        weight: view.weight,
        rtt_ms: view.rtt.map(millis),
        misses: view.misses,
        cooling_s: view.cooling.map(|left| left.as_secs()),
    }
}

fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1_000.0
}

/// The interfaces, with their media ports.
pub(crate) fn listens(transport: &TransportStatus, engine: &EngineStatus) -> Vec<Listen> {
    let one = |(index, listen): (usize, &runtime::ListenStatus)| {
        let ports = engine.ports.iter().find(|p| p.listen.index() == index);
        Listen {
            name: listen.name.clone(),
            ports: listen.ports.iter().map(|(t, at)| format!("{}:{at}", t.token().to_lowercase())).collect(),
            connections_in: listen.connections.inbound,
            connections_out: listen.connections.outbound,
            datagrams_in: listen.datagrams.received,
            datagrams_out: listen.datagrams.sent,
            media_ports_used: ports.map(|p| p.used),
            media_ports_limit: ports.map(|p| p.limit),
            relayed: ports.map(|p| Relayed::at(p.address, &engine.fast)),
            certificate_ends: listen
                .certificate_ends
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(|seconds| Moment(seconds.saturating_mul(SECOND)).to_string()),
        }
    };
    transport.listens.iter().enumerate().map(one).collect()
}
