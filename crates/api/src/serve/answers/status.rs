//! The node at a glance, and its metrics.

use super::{Asked, Shared, ask};
use crate::metrics;
use crate::serve::House;
use crate::wire::{self, CallCounts, Media, Records, Status};
use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use b2bua::Snapshot;
use b2bua::view::{StatusView, TrunkView};
use engine::Status as EngineStatus;
use media::DropReason;
use runtime::{NodeGone, NodeHandle, TransportStatus};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use store::StoreStats;

/// A certificate that ends within this many seconds is a trouble: 14 days.
const CERTIFICATE_SOON: i64 = 14 * 86_400;

/// Everything that a node says of itself, asked in one go.
pub(crate) struct Picture {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) status: StatusView,
    pub(crate) trunks: Vec<TrunkView>,
    pub(crate) transport: TransportStatus,
    pub(crate) engine: EngineStatus,
    pub(crate) store: Option<StoreStats>,
    pub(crate) reload_failure: Option<String>,
}

impl Picture {
    pub(crate) fn take(house: &House) -> Result<Picture, NodeGone> {
        let node: &NodeHandle = &house.subject.node;
        Ok(Picture {
            snapshot: node.snapshot()?,
            status: node.status()?,
            trunks: node.trunks()?,
            transport: node.transport_status()?,
            engine: node.engine_status()?,
            store: house.subject.store.as_ref().map(|store| store.stats()),
            reload_failure: house.subject.reload.failure(),
        })
    }
}

/// `GET /v1/status`.
pub(super) async fn status(State(house): Shared) -> Asked<Json<Status>> {
    let config = house.subject.config.clone();
    let picture = ask(move || Picture::take(&house)).await?;
    Ok(Json(show(&picture, config)))
}

/// `GET /v1/metrics`.
pub(super) async fn metrics(State(house): Shared) -> Asked<impl IntoResponse> {
    let text = ask(move || -> Result<String, NodeGone> {
        let picture = Picture::take(&house)?;
        let mut tally = house.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(store) = &house.subject.store {
            tally.advance(store);
        }
        Ok(metrics::text(&picture, &tally))
    });
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text.await?))
}

fn show(picture: &Picture, config: String) -> Status {
    let Picture { snapshot, status, transport, engine, .. } = picture;
    let trunks: Vec<wire::Trunk> = picture.trunks.iter().map(|t| wire::trunk(t, snapshot)).collect();
    Status {
        node: snapshot.config.node.name.clone(),
        site: snapshot.config.node.site.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_s: transport.uptime.as_secs(),
        config,
        revision: snapshot.revision,
        draining: status.draining,
        calls: CallCounts {
            live: status.calls,
            limit: snapshot.config.limits.calls_max.into(),
            accepted: status.accepted,
            answered: status.answered,
            ended: status.ended,
            refused: status.refused,
        },
        listens: wire::listens(transport, engine),
        media: media(engine),
        records: picture.store.map(records),
        unknown_sources: status.unknown_sources,
        malformed: status.malformed,
        counters: counters(picture),
        limits: transport
            .limits
            .iter()
            .map(|&(name, max, hits)| wire::Limit { name: name.to_owned(), max, hits })
            .collect(),
        troubles: troubles(picture, &trunks),
        links: status.links.iter().map(wire::link).collect(),
        trunks: trunks
            .into_iter()
            .map(|t| wire::TrunkLine { name: t.name, state: t.state, calls: t.calls_in + t.calls_out })
            .collect(),
    }
}

fn media(engine: &EngineStatus) -> Media {
    let dropped = DropReason::ALL.iter().map(|&reason| (reason.name().to_owned(), engine.dropped(reason)));
    Media {
        engine: engine.engine.to_owned(),
        workers: engine.workers as u64,
        sessions: engine.sessions,
        packets: engine.packets,
        bytes: engine.bytes,
        fast_path: fast_path(engine),
        touched_path: wire::TouchedPath::of(&engine.fast.touched),
        drops: dropped.filter(|(_, count)| *count > 0).collect(),
    }
}

fn fast_path(engine: &EngineStatus) -> wire::FastPath {
    let fast = &engine.fast;
    wire::FastPath {
        devices: fast.devices.iter().map(|(name, hook)| (name.clone(), (*hook).to_owned())).collect(),
        reason: fast.reason.clone(),
        directions: fast.lanes,
        directions_max: fast.lanes_max,
        refused: fast.refused,
        packets: engine.fast_packets,
    }
}

fn records(stats: StoreStats) -> Records {
    Records {
        written: stats.records,
        database_errors: stats.sqlite_errors,
        line_errors: stats.line_errors,
        held_bytes: stats.held_bytes,
        events_dropped: stats.events_dropped,
        syncs: stats.syncs,
        sync_errors: stats.sync_errors,
    }
}

fn counters(picture: &Picture) -> std::collections::BTreeMap<String, u64> {
    let shard = picture.transport.shard;
    let loop_counters = [
        ("messages_in", shard.messages_in),
        ("messages_out", shard.messages_out),
        ("send_failures", shard.send_failures),
        ("journal_errors", shard.journal_errors),
        ("panics", shard.panics),
        ("lookups_refused", shard.lookups_refused),
        ("media_panics", picture.engine.panics),
        ("media_busy", picture.engine.busy),
        ("media_socket_errors", picture.engine.socket_errors),
    ];
    let all = picture.status.counters.iter().copied().chain(loop_counters);
    all.map(|(name, count)| (name.to_owned(), count)).collect()
}

/// What is wrong with a trunk.
fn trunk_troubles(trunk: &wire::Trunk, told: &mut Vec<String>) {
    let absent = trunk.gateways.iter().filter(|g| g.state == "unregistered").count();
    if absent > 0 {
        let users = trunk.gateways.len();
        told.push(format!("trunk {}: {absent} of {users} users and gateways are not registered", trunk.name));
    }
    let well = ["up", "unknown", "unregistered"];
    for gateway in trunk.gateways.iter().filter(|g| !well.contains(&g.state.as_str())) {
        let why = gateway.trouble.as_ref().map_or(String::new(), |why| format!(": {why}"));
        told.push(format!("trunk {} gateway {} is {}{why}", trunk.name, gateway.name, gateway.state));
    }
    for one in trunk.registrations.iter().filter(|r| r.trouble.is_some()) {
        let why = one.trouble.as_deref().unwrap_or_default();
        told.push(format!("trunk {} account {} is {}: {why}", trunk.name, one.account, one.state));
    }
}

fn troubles(picture: &Picture, trunks: &[wire::Trunk]) -> Vec<String> {
    let mut told = Vec::new();
    if let Some(failure) = &picture.reload_failure {
        told.push(format!("the last reload failed: {failure}"));
    }
    if picture.status.draining {
        told.push("no new calls are taken: the node is draining".to_owned());
    }
    for trunk in trunks.iter().filter(|t| t.enabled) {
        trunk_troubles(trunk, &mut told);
    }
    for link in &picture.status.links {
        if let Some(max) = link.max.filter(|max| link.calls >= *max && *max > 0) {
            told.push(format!("the link to site {} is full: {} of {max} calls", link.site, link.calls));
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    for listen in &picture.transport.listens {
        match listen.certificate_ends {
            Some(ends) if ends <= now => told.push(format!("the certificate of {} has ended", listen.name)),
            Some(ends) if ends - now < CERTIFICATE_SOON => {
                let days = (ends - now) / 86_400;
                told.push(format!("the certificate of {} ends in {days} days", listen.name));
            }
            _ => {}
        }
    }
    if let Some(stats) = &picture.store {
        if stats.held_bytes > 0 {
            told.push(format!("the disk refuses the journal: {} bytes wait in memory", stats.held_bytes));
        }
        if stats.events_dropped > 0 {
            told.push(format!("{} journal events were lost", stats.events_dropped));
        }
    }
    told
}
