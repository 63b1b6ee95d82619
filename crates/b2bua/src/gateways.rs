//! Gateways: their names resolved, the life of each of their addresses asked after by OPTIONS.

use crate::context::{Alarm, Context, User};
use crate::epoch::Epoch;
use crate::output::{Level, ResolveRequest};
use crate::switchboard::Switchboard;
use base::{GatewayId, Time};
use config::Host;
use peers::{GatewayRef, Resolution, TargetRef, WATCHED_MAX};
use sip_core::liveness::{Change, LivenessAct};
use sip_core::{ClientTxn, Request};

/// Liveness alarms of one address come at least this far apart.
const ALARM_GAP: std::time::Duration = std::time::Duration::from_millis(100);
/// The longest Retry-After that is obeyed, in seconds: limit `cooldown`.
const COOLDOWN_SECONDS_MAX: u32 = 3_600;

impl Switchboard {
    /// Starts asking after every gateway of a configuration just put to use, and registers its accounts.
    pub(crate) fn watch_gateways(&mut self, now: Time, out: &mut crate::Outbox) {
        let epoch = self.epoch.clone();
        for (index, gateway) in epoch.snapshot.config.gateways.iter().enumerate() {
            let id = GatewayId(u32::try_from(index).unwrap_or(u32::MAX));
            self.watch_targets(epoch.gateway_run(id), now);
            if matches!(gateway.host, Host::Name(_)) && gateway.user.is_none() {
                request_resolution(&epoch, id, gateway, out);
            }
        }
        self.keep_users(now);
        self.enrol(now, out);
    }

    /// Starts asking after every address of a gateway. What a new configuration or resolution does not
    /// change keeps its health and its rhythm.
    pub(crate) fn watch_targets(&mut self, at: GatewayRef, now: Time) {
        let epoch = self.epoch.clone();
        let trunk = epoch.trunk(self.runs.gateway(at).trunk_id);
        let interval = trunk.options_interval.filter(|_| trunk.enabled);
        for (place, target) in self.runs.gateway_mut(at).targets.iter_mut().enumerate() {
            let interval = interval.filter(|_| place < WATCHED_MAX);
            target.watch((interval, trunk.options_misses), now, self.rng.next_u64());
            if target.alarm_at.is_none()
                && let Some(deadline) = target.liveness.next_deadline()
            {
                target.alarm_at = Some(deadline);
                let at = TargetRef { gateway: at, id: target.id };
                self.wheel.insert(deadline, Alarm::Liveness(at));
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
            self.sources = self.epoch.sources(&self.runs);
            self.watch_targets(at, now);
            self.enrol_again(self.runs.gateway(at).trunk_id, now);
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

    /// OPTIONS to an address is due.
    pub(crate) fn on_liveness_alarm(&mut self, at: TargetRef, now: Time, out: &mut crate::Outbox) {
        let configured = self.runs.gateway(at.gateway).configured;
        let Some(target) = self.runs.target_mut(at) else { return };
        if target.alarm_at.is_none_or(|standing| standing > now) {
            return; // replaced since
        }
        target.alarm_at = None;
        if !configured {
            return target.watch((None, 1), now, 0);
        }
        let act = target.liveness.handle_timeout(now);
        target.alarm_at = target.liveness.next_deadline().map(|d| d.max(now + ALARM_GAP));
        if let Some(deadline) = target.alarm_at {
            self.wheel.insert(deadline, Alarm::Liveness(at));
        }
        if matches!(act, Some(LivenessAct::SendOptions)) {
            let mut cx = self.context(now, out);
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

/// Sends OPTIONS to an address of a gateway (RFC 3261 §11.1).
fn ask(at: TargetRef, cx: &mut Context<'_>) {
    let epoch = cx.current.clone();
    let now = cx.now;
    let Some(run) = cx.runs.target_mut(at) else { return };
    let (target, waits) = (run.target(), run.asked.is_some());
    let face = epoch.face(cx.runs.gateway(at.gateway).listen);
    let Some(sent_by) = face.sent_by(target.transport) else { return };
    if waits {
        // The one before was not answered in a whole interval: so much sooner than its transaction ends (RFC 3261 §17.1.2.2).
        missed(at, cx);
    }
    let trunk = cx.runs.gateway(at.gateway).trunk_id;
    let mut rows = cx.take_rows();
    let (uri, flow) = cx.runs.way_to(at, target, &mut rows);
    let run = cx.runs.gateway_mut(at.gateway);
    run.cseq = run.cseq % 0x7fff_ffff + 1;
    let (tag, call_id) = (cx.rng.tag(), cx.rng.call_id());
    let ids = (&tag[..], &call_id[..], run.cseq);
    face.push_options((&uri, target.transport), ids, epoch.policy(trunk), &mut rows);
    rows.extend_from_slice(epoch.agent_row(trunk));
    let request = Request {
        method: b"OPTIONS",
        uri: &uri,
        flow,
        sent_by,
        rows: &rows,
        content_type: b"",
        body: b"",
        udp_max: face.udp_max,
        alternative: None,
    };
    let sent = cx.send(&epoch, trunk, 0, User::Options(at), &request);
    cx.give_rows(rows);
    if let Some(run) = cx.runs.target_mut(at) {
        run.asked = sent.as_ref().ok().map(|txn| (now, *txn));
    }
    if sent.is_err() {
        missed(at, cx);
    }
}

/// An address answered our OPTIONS: any final response is a sign of life.
pub(crate) fn options_answered(at: TargetRef, txn: ClientTxn, cx: &mut Context<'_>) {
    let now = cx.now;
    let asked = cx.runs.target_mut(at).and_then(|target| target.asked.take_if(|(_, of)| *of == txn));
    answered(at, asked.map(|(then, _)| now.since(then)), cx);
}

/// An address answered, OPTIONS or a call.
pub(crate) fn answered(at: TargetRef, rtt: Option<std::time::Duration>, cx: &mut Context<'_>) {
    let now = cx.now;
    if let Some(Change::Up) = cx.runs.target_mut(at).and_then(|target| target.answered(now, rtt)) {
        let detail = cx.runs.said_of(at);
        cx.note(Level::Info, "gateway up", detail);
    }
}

/// Nothing came to this OPTIONS: a miss, unless it was one already when the next was due.
pub(crate) fn unanswered(at: TargetRef, txn: ClientTxn, cx: &mut Context<'_>) {
    let last = cx.runs.target_mut(at).and_then(|target| target.asked);
    if last.is_some_and(|(_, of)| of == txn) {
        missed(at, cx);
        cx.runs.target_mut(at).into_iter().for_each(|target| target.asked = None);
    }
}

/// An address was silent, to OPTIONS or to a call.
pub(crate) fn missed(at: TargetRef, cx: &mut Context<'_>) {
    let now = cx.now;
    let Some(target) = cx.runs.target_mut(at) else { return };
    if let Some(Change::Down) = target.missed(now) {
        let detail = cx.runs.said_of(at);
        cx.note(Level::Warn, "gateway down", detail);
    }
}

/// A 503 asked to leave an address alone for a while (RFC 3261 §21.5.4); its neighbours go on.
pub(crate) fn cool(at: TargetRef, seconds: u32, cx: &mut Context<'_>) {
    let until = cx.now + std::time::Duration::from_secs(u64::from(seconds.min(COOLDOWN_SECONDS_MAX)));
    if let Some(target) = cx.runs.target_mut(at) {
        target.cooling_until = until;
    }
}
