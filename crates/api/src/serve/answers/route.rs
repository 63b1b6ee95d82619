//! What would happen to a call now: the same function as for live calls, on the present state.

use super::{Asked, Filters, Shared, ask};
use crate::serve::House;
use crate::serve::refused::Refused;
use crate::wire::{RouteQuery, RouteTest};
use axum::Json;
use axum::extract::State;
use base::TrunkId;
use rehearsal::Rehearsal;
use routing::TrunkState;

/// `GET /v1/route`.
pub(super) async fn test(State(house): Shared, filters: Filters<RouteQuery>) -> Asked<Json<RouteTest>> {
    Ok(Json(ask(move || judge(&house, &filters.0)).await?))
}

fn judge(house: &House, query: &RouteQuery) -> Asked<RouteTest> {
    let node = &house.subject.node;
    let snapshot = node.snapshot()?;
    let trunks = node.trunks()?;
    let draining = node.status()?.draining;
    let Some(on) = snapshot.config.trunk_named(&query.on) else {
        let known: Vec<String> = snapshot.config.trunks.iter().map(|t| t.name.clone()).collect();
        return Err(Refused::no_trunk(&query.on, &known));
    };
    let state =
        |id: TrunkId| trunks.iter().find(|v| v.id == id).map_or_else(TrunkState::default, |v| v.standing);
    let what_if = crate::wire::what_if(&snapshot.config, on, query).map_err(Refused::query)?;
    let (copy, now) = node.copy(rehearsal::SEED)?;
    let rehearsal = Rehearsal::with(*copy, now);
    let (config, table) = (&snapshot.config, &snapshot.table);
    let mut test = crate::wire::route_test((config, table), query, &what_if, &state, rehearsal);
    if draining {
        test.story.insert(0, "the node is draining: no new call is taken at all".to_owned());
    }
    Ok(test)
}
