//! Trunks: shown, enabled, disabled.

use super::{Asked, Shared, ask};
use crate::serve::refused::Refused;
use crate::serve::{House, Peer};
use crate::wire::{self, Trunk, Trunks};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use b2bua::Command;
use b2bua::view::TrunkView;
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
) -> Asked<Json<Trunk>> {
    Ok(Json(ask(move || set(&house, peer, &name, true)).await?))
}

/// `POST /v1/trunks/{name}/disable`.
pub(super) async fn disable(
    State(house): Shared,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
) -> Asked<Json<Trunk>> {
    Ok(Json(ask(move || set(&house, peer, &name, false)).await?))
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

/// Letters to the node are read in order: the view that follows the command shows its effect, unless a
/// reload came between and gave the trunk another id.
fn set(house: &House, peer: Peer, name: &str, enabled: bool) -> Asked<Trunk> {
    let node = &house.subject.node;
    let found = find(node, name)?;
    node.command(Command::EnableTrunk(found.id, enabled))?;
    tracing::info!(trunk = name, enabled, uid = peer.uid, pid = peer.pid, "trunk set by an operator");
    let trunk = one(node, name)?;
    if trunk.enabled == enabled { Ok(trunk) } else { Err(Refused::changed(name)) }
}
