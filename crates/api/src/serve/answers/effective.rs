//! The settings of a trunk in the configuration that runs.

use super::{Asked, Filters, Shared, ask};
use crate::serve::House;
use crate::serve::refused::Refused;
use crate::wire::{Effective, EffectiveQuery};
use axum::Json;
use axum::extract::{Path, State};
use config::EffectiveError;

/// `GET /v1/trunks/{name}/effective`.
pub(super) async fn show(
    State(house): Shared,
    Path(name): Path<String>,
    filters: Filters<EffectiveQuery>,
) -> Asked<Json<Effective>> {
    Ok(Json(ask(move || settings(&house, &name, filters.0.user.as_deref())).await?))
}

fn settings(house: &House, trunk: &str, user: Option<&str>) -> Asked<Effective> {
    let running = house.subject.reload.running();
    match config::effective(&running.text, &running.name, running.format, (trunk, user)) {
        Ok(found) => Ok(Effective::new(trunk, found)),
        Err(EffectiveError::NoTrunk(known)) => Err(Refused::no_trunk(trunk, &known)),
        Err(EffectiveError::NoUser(known)) => {
            let user = user.unwrap_or_default();
            Err(Refused::query(format!(
                "user: no user {user:?} of trunk {trunk}; there are: {}",
                known.join(", ")
            )))
        }
        // It was read before: it runs.
        Err(EffectiveError::Invalid(_)) => Err(Refused::fault()),
    }
}
