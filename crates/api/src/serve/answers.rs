//! The endpoints: each asks the node or the store on a thread of its own and shows the answer.
//!
//! `docs/reference/api.md` describes them. Whatever changes something is logged with the peer's user.
//! Enter through [`router`].

mod calls;
mod effective;
mod records;
mod route;
pub(super) mod status;
mod trunks;

use super::House;
use super::refused::Refused;
use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{Method, Uri};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub(super) type Asked<T> = Result<T, Refused>;
pub(super) type Shared = axum::extract::State<Arc<House>>;

/// All endpoints.
pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/v1/status", get(status::status))
        .route("/v1/metrics", get(status::metrics))
        .route("/v1/trunks", get(trunks::list))
        .route("/v1/trunks/{name}", get(trunks::show))
        .route("/v1/trunks/{name}/effective", get(effective::show))
        .route("/v1/trunks/{name}/enable", post(trunks::enable))
        .route("/v1/trunks/{name}/disable", post(trunks::disable))
        .route("/v1/trunks/{name}/drain", post(trunks::drain))
        .route("/v1/calls", get(calls::list))
        .route("/v1/calls/{key}", get(calls::show).delete(calls::hang_up))
        .route("/v1/calls/{key}/record", post(calls::record))
        .route("/v1/records", get(records::query))
        .route("/v1/records/tail", get(records::tail))
        .route("/v1/records/export", get(records::export))
        .route("/v1/route", get(route::test))
        .fallback(|uri: Uri| async move { Refused::path(uri.path()) })
        .method_not_allowed_fallback(|method: Method| async move { Refused::method(method.as_str()) })
        .with_state(house)
}

/// A query string read whole, or a refusal as JSON.
pub(super) struct Filters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filters<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Filters<T>, Refused> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(filters)) => Ok(Filters(filters)),
            Err(error) => Err(Refused::query(
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
            )),
        }
    }
}

/// Runs a question that waits for an answer from another thread or the disk.
pub(super) async fn ask<T, E>(question: impl FnOnce() -> Result<T, E> + Send + 'static) -> Asked<T>
where
    T: Send + 'static,
    E: Into<Refused> + Send + 'static,
{
    match tokio::task::spawn_blocking(question).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(error) => {
            tracing::error!(%error, "a question of the control socket panicked");
            Err(Refused::fault())
        }
    }
}
