//! Gateways: their names resolved, their life asked after by OPTIONS, their silence remembered.

use crate::context::{Alarm, Context, User};
use crate::epoch::{Epoch, Sources};
use crate::headers::{push_number, push_parts, push_row};
use crate::input::Resolution;
use crate::leg::{ALLOW, push_contact};
use crate::output::{Level, ResolveRequest};
use crate::runs::GatewayRef;
use crate::switchboard::Switchboard;
use crate::tag::hex;
use base::{GatewayId, Time};
use config::Host;
use sip_core::liveness::{Change, Liveness, LivenessAct};
use sip_core::{Flow, Request};

/// Liveness alarms of one gateway come at least this far apart.
const ALARM_GAP: std::time::Duration = std::time::Duration::from_millis(100);

impl Switchboard {
    /// Starts asking after every gateway of a configuration just put to use.
    pub(crate) fn watch_gateways(&mut self, now: Time, out: &mut crate::Outbox) {
        let epoch = self.epoch.clone();
        for (index, gateway) in epoch.snapshot.config.gateways.iter().enumerate() {
            let id = GatewayId(u32::try_from(index).unwrap_or(u32::MAX));
            let at = epoch.gateway_run(id);
            let trunk = epoch.trunk(gateway.trunk);
            let interval = trunk.options_interval.filter(|_| trunk.enabled);
            let jitter = self.rng.next_u64();
            let run = self.runs.gateway_mut(at);
            // What a new configuration does not change keeps its health and its rhythm.
            let rhythm = Some((interval, trunk.options_misses));
            if run.rhythm != rhythm {
                run.rhythm = rhythm;
                run.liveness = Liveness::new(interval, trunk.options_misses, now, jitter);
                run.alarm_at = run.liveness.next_deadline();
                if let Some(deadline) = run.alarm_at {
                    self.wheel.insert(deadline, Alarm::Liveness(at));
                }
            }
            if matches!(gateway.host, Host::Name(_)) {
                request_resolution(&epoch, id, gateway, out);
            }
        }
    }

    /// A name resolved, or did not.
    pub(crate) fn on_resolved(
        &mut self,
        now: Time,
        revision: u64,
        gateway: GatewayId,
        resolution: Resolution,
        out: &mut crate::Outbox,
    ) {
        if revision != self.epoch.snapshot.revision || gateway.index() >= self.epoch.gateway_runs().len() {
            return;
        }
        let at = self.epoch.gateway_run(gateway);
        let failed = matches!(resolution, Resolution::Failed { .. });
        let changed = self.runs.resolved(at, resolution, now);
        let run = self.runs.gateway(at);
        if let Some(again) = run.resolve_at {
            self.wheel.insert(again, Alarm::Resolve(at));
        }
        if failed {
            let detail = format!("gateway {}: {}", run.name, run.trouble.as_deref().unwrap_or("?"));
            out.notes.push(crate::Note { level: Level::Warn, what: "name not resolved", detail });
        }
        if changed {
            self.sources = Sources::gather(&self.epoch, &self.runs);
        }
    }

    /// A resolution has run out.
    pub(crate) fn on_resolve_alarm(&mut self, now: Time, at: GatewayRef, out: &mut crate::Outbox) {
        let due = self.runs.gateway(at).resolve_at.is_some_and(|t| t <= now);
        if !due {
            return;
        }
        self.runs.gateway_mut(at).resolve_at = None;
        let epoch = self.epoch.clone();
        let index = epoch.gateway_runs().iter().position(|g| *g == at);
        if let Some((index, id)) = index.and_then(|i| Some((i, GatewayId(u32::try_from(i).ok()?)))) {
            request_resolution(&epoch, id, &epoch.snapshot.config.gateways[index], out);
        }
    }

    /// OPTIONS is due, or its answer overdue.
    pub(crate) fn on_liveness_alarm(&mut self, at: GatewayRef, cx_now: Time, out: &mut crate::Outbox) {
        let run = self.runs.gateway_mut(at);
        if run.alarm_at.is_none_or(|standing| standing > cx_now) {
            return; // replaced since
        }
        run.alarm_at = None;
        if !run.configured {
            run.rhythm = None;
            return;
        }
        let act = run.liveness.handle_timeout(cx_now);
        run.alarm_at = run.liveness.next_deadline().map(|d| d.max(cx_now + ALARM_GAP));
        if let Some(deadline) = run.alarm_at {
            self.wheel.insert(deadline, Alarm::Liveness(at));
        }
        if matches!(act, Some(LivenessAct::SendOptions)) {
            let mut cx = self.context(cx_now, out);
            ask(at, &mut cx);
        }
    }
}

fn request_resolution(epoch: &Epoch, id: GatewayId, gateway: &config::Gateway, out: &mut crate::Outbox) {
    out.resolve.push(ResolveRequest {
        revision: epoch.snapshot.revision,
        gateway: id,
        host: gateway.host.clone(),
        port: gateway.port,
        transport: gateway.transport,
    });
}

/// Sends OPTIONS to a gateway (RFC 3261 §11.1).
fn ask(at: GatewayRef, cx: &mut Context<'_>) {
    let epoch = cx.current.clone();
    let run = cx.runs.gateway_mut(at);
    let Some(target) = run.targets.first().copied() else { return };
    let face = epoch.face(run.listen);
    let Some(sent_by) = face.sent_by(target.transport) else { return };
    run.cseq = run.cseq % 0x7fff_ffff + 1;
    let (cseq, listen, trunk) = (run.cseq, run.listen, run.trunk_id);
    run.asked_at = Some(cx.now);
    let host = run.host.to_string();
    let port = run.port.map(|p| format!(":{p}")).unwrap_or_default();
    let uri = format!(
        "sip:{host}{port}{}",
        match target.transport {
            base::Transport::Udp => "",
            base::Transport::Tcp => ";transport=tcp",
            base::Transport::Tls => ";transport=tls",
        }
    );
    let (mut tag, mut call_id) = ([0; 16], [0; 32]);
    hex(cx.rng.next_u64(), &mut tag);
    let (high, low) = cx.rng.next_pair();
    hex(high, &mut call_id[..16]);
    hex(low, &mut call_id[16..]);
    let mut rows = cx.take_rows();
    push_number(&mut rows, b"Max-Forwards", 70);
    push_parts(&mut rows, b"From", &[b"<sip:", face.host().as_bytes(), b">;tag=", &tag]);
    push_parts(&mut rows, b"To", &[b"<", uri.as_bytes(), b">"]);
    push_row(&mut rows, b"Call-ID", &call_id);
    push_row(&mut rows, b"CSeq", format!("{cseq} OPTIONS").as_bytes());
    push_contact(&mut rows, face, target.transport, b"");
    push_row(&mut rows, b"Allow", ALLOW);
    push_row(&mut rows, b"Accept", b"application/sdp");
    push_row(
        &mut rows,
        b"User-Agent",
        epoch.policy(trunk).user_agent.as_deref().unwrap_or("Tronco").as_bytes(),
    );
    let request = Request {
        method: b"OPTIONS",
        uri: uri.as_bytes(),
        flow: Flow {
            listen,
            transport: target.transport,
            remote: target.address,
            conn: None,
            trunk: Some(trunk),
        },
        sent_by,
        rows: &rows,
        content_type: b"",
        body: b"",
        udp_max: face.udp_max,
        alternative: None,
    };
    let sent = cx.txns.request(cx.now, User::Options(at), &request, &mut cx.out.sip);
    cx.give_rows(rows);
    if sent.is_err() {
        missed(at, cx);
    }
}

/// A gateway answered our OPTIONS: any final response is a sign of life.
pub(crate) fn options_answered(at: GatewayRef, cx: &mut Context<'_>) {
    let now = cx.now;
    let run = cx.runs.gateway_mut(at);
    let rtt = run.asked_at.take().map(|t| now.since(t));
    if let Some(Change::Up) = run.liveness.answered(now, rtt) {
        let detail = named(at, cx);
        cx.note(Level::Info, "gateway up", detail);
    }
}

/// A gateway was silent, to OPTIONS or to a call.
pub(crate) fn missed(at: GatewayRef, cx: &mut Context<'_>) {
    let now = cx.now;
    let run = cx.runs.gateway_mut(at);
    run.asked_at = None;
    if let Some(Change::Down) = run.liveness.missed(now) {
        let detail = named(at, cx);
        cx.note(Level::Warn, "gateway down", detail);
    }
}

fn named(at: GatewayRef, cx: &Context<'_>) -> String {
    let run = cx.runs.gateway(at);
    format!("gateway {} of trunk {}", run.name, cx.runs.trunk(run.trunk).name)
}
