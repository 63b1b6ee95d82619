//! Records: queried, followed, exported.

use super::{Asked, Filters, Shared, ask};
use crate::serve::export;
use crate::serve::refused::Refused;
use crate::serve::{EXPORTS_MAX, House};
use crate::wire::{ExportFormat, ExportQuery, RecordPage, RecordQuery, Tail, TailQuery};
use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use std::sync::Arc;
use std::time::Duration;
use store::{Format, LIMIT_DEFAULT, LIMIT_MAX, Moment, Query, Store};

/// A tail looks for new records this often; they are committed as often.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// `GET /v1/records`.
pub(super) async fn query(State(house): Shared, filters: Filters<RecordQuery>) -> Asked<Json<RecordPage>> {
    let store = store(&house)?;
    let query = read(&filters.0)?;
    let limit = if query.limit == 0 { LIMIT_DEFAULT } else { query.limit.min(LIMIT_MAX) };
    let records = ask(move || store.query(&query)).await?;
    let next = records.last().filter(|_| records.len() == limit).map(|record| record.id);
    Ok(Json(RecordPage { records, next }))
}

/// `GET /v1/records/tail`: waits for records when there are none.
pub(super) async fn tail(State(house): Shared, filters: Filters<TailQuery>) -> Asked<Json<Tail>> {
    let Filters(TailQuery { after, wait }) = filters;
    let store = store(&house)?;
    let Some(after) = after else {
        let last = ask(move || store.last_id()).await?;
        return Ok(Json(Tail { records: Vec::new(), last }));
    };
    let wait = Duration::from_secs(wait.unwrap_or(0).min(TailQuery::WAIT_MAX_S));
    let deadline = tokio::time::Instant::now() + wait;
    let mut stopping = house.stopping.clone();
    loop {
        let reader = store.clone();
        let records = ask(move || reader.tail(after)).await?;
        let last = records.last().map_or(after, |record| record.id);
        let next_look = tokio::time::Instant::now() + LOOK_EVERY;
        if !records.is_empty() || next_look > deadline || *stopping.borrow() {
            return Ok(Json(Tail { records, last }));
        }
        // Whether the time is over or the server stops: the next look decides.
        let _ = tokio::time::timeout_at(next_look, stopping.changed()).await;
    }
}

/// `GET /v1/records/export`.
pub(super) async fn export(State(house): Shared, filters: Filters<ExportQuery>) -> Asked<impl IntoResponse> {
    let store = store(&house)?;
    let (filters, format) = filters.0.split();
    let query = read(&filters)?;
    let Ok(permit) = house.exports.clone().try_acquire_owned() else {
        return Err(Refused::busy(&format!("exports ({EXPORTS_MAX})")));
    };
    let (format, kind) = match format {
        ExportFormat::Jsonl => (Format::Jsonl, "application/jsonl"),
        ExportFormat::Csv => (Format::Csv, "text/csv; charset=utf-8; header=present"),
        ExportFormat::CsvAttempts => (Format::CsvAttempts, "text/csv; charset=utf-8; header=present"),
    };
    let body = export::begin(store, query, format, permit).await?;
    Ok(([(CONTENT_TYPE, kind)], body))
}

fn store(house: &House) -> Asked<Arc<Store>> {
    house.subject.store.clone().ok_or_else(Refused::records_off)
}

/// The store's query, or what is wrong with the client's.
fn read(filters: &RecordQuery) -> Asked<Query> {
    let moment = |name: &str, text: &Option<String>| -> Asked<Option<Moment>> {
        let Some(text) = text else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Refused::query(format!("{name}={text}: {error}")))
    };
    let call = match &filters.call {
        None => None,
        Some(text) if text.len() == 32 => Some(text.parse().map_err(|_| Refused::bad_key(text))?),
        Some(text) => return Err(Refused::query(format!("call={text}: expected 32 hex digits"))),
    };
    Ok(Query {
        since: moment("since", &filters.since)?,
        until: moment("until", &filters.until)?,
        number: filters.number.clone(),
        trunk: filters.trunk.clone(),
        reason: filters.reason.clone(),
        status: filters.status,
        call,
        after: filters.after,
        before: filters.before,
        newest_first: filters.newest.unwrap_or(false),
        limit: filters.limit.unwrap_or(0),
    })
}
