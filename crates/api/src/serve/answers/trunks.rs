//! Trunks: shown, enabled, disabled, drained.

use super::{Asked, Filters, Shared, ask};
use crate::serve::refused::Refused;
use crate::serve::{House, Peer};
use crate::wire::{self, Trunk, TrunkQuery, Trunks};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use b2bua::view::TrunkView;
use b2bua::{Command, Duty};
use base::{GatewayId, TrunkId};
use runtime::NodeHandle;

/// `GET /v1/trunks`.
pub(super) async fn list(State(house): Shared) -> Asked<Json<Trunks>> {
    let trunks = ask(move || all(&house.subject.node)).await?;
    Ok(Json(Trunks { trunks }))
}

/// `GET /v1/trunks/{name}`.
pub(super) async fn show(State(house): Shared, Path(name): Path<String>) -> Asked<Json<Trunk>> {
    Ok(Json(ask(move || one(&house.subject.node, &name)).await?))
}

/// `POST /v1/trunks/{name}/enable`.
pub(super) async fn enable(
    State(house): Shared,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    filters: Filters<TrunkQuery>,
) -> Asked<Json<Trunk>> {
    Ok(Json(ask(move || set(&house, peer, &name, &filters.0, Duty::Enabled)).await?))
}

/// `POST /v1/trunks/{name}/disable`.
pub(super) async fn disable(
    State(house): Shared,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    filters: Filters<TrunkQuery>,
) -> Asked<Json<Trunk>> {
    Ok(Json(ask(move || set(&house, peer, &name, &filters.0, Duty::Disabled)).await?))
}

/// `POST /v1/trunks/{name}/drain`.
pub(super) async fn drain(
    State(house): Shared,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    filters: Filters<TrunkQuery>,
) -> Asked<Json<Trunk>> {
    Ok(Json(ask(move || set(&house, peer, &name, &filters.0, Duty::Draining)).await?))
}

fn all(node: &NodeHandle) -> Asked<Vec<Trunk>> {
    let snapshot = node.snapshot()?;
    Ok(node.trunks()?.iter().map(|view| wire::trunk(view, &snapshot)).collect())
}

fn one(node: &NodeHandle, name: &str) -> Asked<Trunk> {
    let snapshot = node.snapshot()?;
    Ok(wire::trunk(&find(node, name)?, &snapshot))
}

fn find(node: &NodeHandle, name: &str) -> Asked<TrunkView> {
    let trunks = node.trunks()?;
    match trunks.iter().position(|view| *view.name == *name) {
        Some(at) => Ok(trunks.into_iter().nth(at).ok_or_else(Refused::fault)?),
        None => {
            let known: Vec<String> = trunks.iter().map(|view| view.name.to_string()).collect();
            Err(Refused::no_trunk(name, &known))
        }
    }
}

/// The recorder of a name.
pub(super) fn recorder(node: &NodeHandle, name: &str) -> Asked<TrunkId> {
    let id = find(node, name)?.id;
    let config = &node.snapshot()?.config;
    let is = config.trunk(id).is_some_and(|trunk| trunk.kind == config::Kind::Recorder);
    if is { Ok(id) } else { Err(Refused::no_recorder(name)) }
}

/// Letters to the node are read in order: the view that follows the command shows its effect, unless a
/// reload came between and gave the trunk another id.
fn set(house: &House, peer: Peer, name: &str, query: &TrunkQuery, duty: Duty) -> Asked<Trunk> {
    let node = &house.subject.node;
    let found = find(node, name)?;
    let gateway = query.gateway.as_deref().map(|wanted| gateway(node, &found, wanted)).transpose()?;
    node.command(Command::SetDuty { trunk: found.id, gateway, duty })?;
    let (to, part) = (duty.word(), query.gateway.as_deref().unwrap_or("all gateways"));
    tracing::info!(trunk = name, part, to, uid = peer.uid, pid = peer.pid, "trunk set by an operator");
    let snapshot = node.snapshot()?;
    let view = find(node, name)?;
    // What the configuration disables, and a trunk whose gateways were each set, stays as it is.
    let taken = match gateway {
        Some(_) => view.gateways.iter().any(|g| Some(&*g.name) == query.gateway.as_deref() && g.duty == duty),
        None => view.word == duty,
    };
    if taken && view.id == found.id { Ok(wire::trunk(&view, &snapshot)) } else { Err(Refused::changed(name)) }
}

/// The id of a trunk's gateway, by its text in the configuration.
fn gateway(node: &NodeHandle, trunk: &TrunkView, wanted: &str) -> Asked<GatewayId> {
    let snapshot = node.snapshot()?;
    let known: Vec<String> = trunk.gateways.iter().map(|g| g.name.to_string()).collect();
    let mut ids = snapshot.config.trunk(trunk.id).into_iter().flat_map(|t| &t.gateways);
    let found = ids.find(|id| snapshot.config.gateway(**id).is_some_and(|g| g.text == wanted)).copied();
    found.ok_or_else(|| Refused::no_gateway(&trunk.name, wanted, &known))
}
