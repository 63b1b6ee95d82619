//! Live calls: shown, recorded and hung up.

use super::{Asked, Filters, Shared, ask};
use crate::serve::Peer;
use crate::serve::refused::Refused;
use crate::wire::{self, Call, CallQuery, Calls, Figures, HungUp, Moments, RecordingQuery};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use b2bua::Command;
use b2bua::input::RecordWish;
use b2bua::view::CallView;
use runtime::NodeHandle;

/// Hex digits of a whole key.
const KEY_DIGITS: usize = 32;
/// Fewer hex digits name no call.
const KEY_DIGITS_MIN: usize = 4;

/// `GET /v1/calls`.
pub(super) async fn list(State(house): Shared, filters: Filters<CallQuery>) -> Asked<Json<Calls>> {
    let Filters(query) = filters;
    let limit = query.limit.unwrap_or(CallQuery::LIMIT_DEFAULT).min(CallQuery::LIMIT_MAX);
    let shown = ask(move || -> Asked<Calls> {
        let mut calls = house.subject.node.calls()?;
        if let Some(trunk) = &query.trunk {
            calls.retain(|call| *call.trunk_in == **trunk || call.trunk_out.as_deref() == Some(trunk));
        }
        calls.sort_unstable_by_key(|call| (call.start, call.key));
        let moments = Moments::now();
        let total = calls.len() as u64;
        Ok(Calls { total, calls: calls.iter().take(limit).map(|c| wire::call(c, moments)).collect() })
    });
    Ok(Json(shown.await?))
}

/// `GET /v1/calls/{key}`; the key may be cut short as long as it names one live call.
pub(super) async fn show(State(house): Shared, Path(key): Path<String>) -> Asked<Json<Call>> {
    let shown = ask(move || -> Asked<Call> {
        let found = find(&house.subject.node, &key)?;
        let mut call = wire::call(&found, Moments::now());
        let Some((session, caller)) = found.media else { return Ok(call) };
        // One report of a session at a time, whoever asks: media go before curiosity.
        let _one = house.looking.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(report) = house.subject.node.media(session)? {
            let agreed = found.codec().unwrap_or_default();
            let [caller, callee] = Figures::both(&report, caller, &agreed);
            (call.from_caller, call.from_callee) = (Some(Box::new(caller)), Some(Box::new(callee)));
        }
        Ok(call)
    });
    Ok(Json(shown.await?))
}

/// `DELETE /v1/calls/{key}`.
pub(super) async fn hang_up(
    State(house): Shared,
    Extension(peer): Extension<Peer>,
    Path(key): Path<String>,
) -> Asked<(StatusCode, Json<HungUp>)> {
    let found = ask(move || -> Asked<CallView> {
        let found = find(&house.subject.node, &key)?;
        house.subject.node.command(Command::HangUp(found.key))?;
        Ok(found)
    })
    .await?;
    let call = found.key.to_string();
    tracing::info!(call, uid = peer.uid, pid = peer.pid, "call hung up by an operator");
    Ok((StatusCode::ACCEPTED, Json(HungUp { call })))
}

/// `POST /v1/calls/{key}/record`: the call as it is after that.
pub(super) async fn record(
    State(house): Shared,
    Extension(peer): Extension<Peer>,
    Path(key): Path<String>,
    filters: Filters<RecordingQuery>,
) -> Asked<Json<Call>> {
    let Filters(query) = filters;
    let asked = query.clone();
    let found = ask(move || -> Asked<CallView> {
        let node = &house.subject.node;
        let call = find(node, &key)?;
        let wish = match (asked.by.as_deref(), asked.pause) {
            (Some(_), Some(_)) => return Err(Refused::query("`by` and `pause` are two orders")),
            (Some(_), None) if !call.anchored => return Err(Refused::not_anchored(&key)),
            (Some(name), None) => RecordWish::By(super::trunks::recorder(node, name)?),
            (None, None) => RecordWish::Off,
            // What nobody records, nor will, neither pauses nor goes on.
            (None, Some(_)) if call.recorder.is_none() => return Err(Refused::not_recorded(&key)),
            (None, Some(true)) => RecordWish::Pause,
            (None, Some(false)) => RecordWish::Resume,
        };
        node.command(Command::Record { call: call.key, wish })?;
        // Letters are read in order: this view shows what became of the order.
        let done = find(node, &call.key.to_string())?;
        match asked.by.as_deref().filter(|by| done.recorder.as_deref() != Some(by)) {
            Some(by) => Err(Refused::no_recorder_then(&key, by)),
            None => Ok(done),
        }
    })
    .await?;
    let (call, pause) = (found.key.to_string(), query.pause);
    let by = query.by.as_deref().unwrap_or(if pause.is_some() { "whoever records" } else { "nobody" });
    tracing::info!(
        call,
        by,
        pause,
        uid = peer.uid,
        pid = peer.pid,
        "recording of a call ordered by an operator"
    );
    Ok(Json(wire::call(&found, Moments::now())))
}

fn find(node: &NodeHandle, key: &str) -> Asked<CallView> {
    let digits = key.len();
    if !(KEY_DIGITS_MIN..=KEY_DIGITS).contains(&digits) || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Refused::bad_key(key));
    }
    let key = key.to_ascii_lowercase();
    let mut found: Vec<CallView> = node.calls()?;
    found.retain(|call| call.key.to_string().starts_with(&key));
    match (found.len(), found.pop()) {
        (1, Some(call)) => Ok(call),
        (0, _) | (_, None) => Err(Refused::no_call(&key)),
        (count, _) => Err(Refused::ambiguous(&key, count)),
    }
}
