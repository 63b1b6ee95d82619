//! The settings of a trunk in the configuration that runs.

use super::{Asked, Shared, ask};
use crate::serve::House;
use crate::serve::refused::Refused;
use crate::wire::Effective;
use axum::Json;
use axum::extract::{Path, State};
use config::EffectiveError;

/// `GET /v1/trunks/{name}/effective`.
pub(super) async fn show(State(house): Shared, Path(name): Path<String>) -> Asked<Json<Effective>> {
    Ok(Json(ask(move || settings(&house, &name)).await?))
}

fn settings(house: &House, trunk: &str) -> Asked<Effective> {
    let running = house.subject.reload.running();
    match config::effective(&running.text, &running.name, running.format, trunk) {
        Ok(found) => Ok(Effective::new(trunk, found)),
        Err(EffectiveError::NoTrunk(known)) => Err(Refused::no_trunk(trunk, &known)),
        // It was read before: it runs.
        Err(EffectiveError::Invalid(_)) => Err(Refused::fault()),
    }
}
