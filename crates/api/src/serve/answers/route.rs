//! What would happen to a call now: the same function as for live calls, on the present state.

use super::{Asked, Filters, Shared, ask};
use crate::serve::House;
use crate::serve::refused::Refused;
use crate::wire::{RouteQuery, RouteTest};
use axum::Json;
use axum::extract::State;
use b2bua::view::{LinkView, TrunkView};
use base::TrunkId;
use config::Config;
use rehearsal::Rehearsal;
use routing::TrunkState;

/// `GET /v1/route`.
pub(super) async fn test(State(house): Shared, filters: Filters<RouteQuery>) -> Asked<Json<RouteTest>> {
    Ok(Json(ask(move || judge(&house, &filters.0)).await?))
}

/// Trunks and links as they stand.
struct Present<'a> {
    config: &'a Config,
    trunks: &'a [TrunkView],
    links: &'a [LinkView],
}

impl routing::State for Present<'_> {
    fn trunk(&self, id: TrunkId) -> TrunkState {
        self.trunks.iter().find(|v| v.id == id).map_or_else(TrunkState::default, |v| v.standing)
    }

    fn link(&self, site: u16) -> u32 {
        let site = self.config.sites.get(usize::from(site));
        site.and_then(|site| self.links.iter().find(|l| *l.site == *site.name)).map_or(0, |l| l.calls)
    }
}

fn judge(house: &House, query: &RouteQuery) -> Asked<RouteTest> {
    let node = &house.subject.node;
    let snapshot = node.snapshot()?;
    let trunks = node.trunks()?;
    let status = node.status()?;
    let Some(on) = snapshot.config.trunk_named(&query.on) else {
        let known: Vec<String> = snapshot.config.trunks.iter().map(|t| t.name.clone()).collect();
        return Err(Refused::no_trunk(&query.on, &known));
    };
    let state = Present { config: &snapshot.config, trunks: &trunks, links: &status.links };
    let what_if = crate::wire::what_if(&snapshot.config, on, query).map_err(Refused::query)?;
    let (copy, now) = node.copy(rehearsal::SEED)?;
    let rehearsal = Rehearsal::with(*copy, now);
    let (config, table) = (&snapshot.config, &snapshot.table);
    let mut test = crate::wire::route_test((config, table), query, &what_if, &state, rehearsal);
    if status.draining {
        test.story.insert(0, "the node is draining: no new call is taken at all".to_owned());
    }
    Ok(test)
}
