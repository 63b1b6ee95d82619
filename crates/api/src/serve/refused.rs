//! Refusals: an HTTP status, a stable reason and a sentence, as JSON.
//!
//! Every answer other than 2xx is made here. Enter through the constructors of [`Refused`].

use crate::wire::Problem;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use runtime::NodeGone;
use store::StoreError;

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    reason: &'static str,
    error: String,
}

impl Refused {
    fn new(status: StatusCode, reason: &'static str, error: impl Into<String>) -> Refused {
        Refused { status, reason, error: error.into() }
    }

    pub(super) fn query(error: impl Into<String>) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, "bad-query", error)
    }

    pub(super) fn path(path: &str) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, "no-such-endpoint", format!("no endpoint {path}"))
    }

    pub(super) fn method(method: &str) -> Refused {
        let error = format!("this endpoint does not take {method}");
        Refused::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", error)
    }

    pub(super) fn body() -> Refused {
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "body-refused", "no endpoint takes a body")
    }

    pub(super) fn too_slow() -> Refused {
        Refused::new(StatusCode::GATEWAY_TIMEOUT, "too-slow", "the answer took too long; ask for less")
    }

    pub(super) fn no_trunk(name: &str, known: &[String]) -> Refused {
        let error = format!("no trunk {name:?}; there are: {}", known.join(", "));
        Refused::new(StatusCode::NOT_FOUND, "no-such-trunk", error)
    }

    pub(super) fn no_recorder(name: &str) -> Refused {
        let error = format!("trunk {name:?} is no recorder; its kind is another");
        Refused::new(StatusCode::CONFLICT, "no-recorder", error)
    }

    pub(super) fn no_recorder_then(key: &str, name: &str) -> Refused {
        let error = format!(
            "call {key} keeps the configuration that it began with, in which no trunk {name:?} is a recorder: its \
             recording stays as it is"
        );
        Refused::new(StatusCode::CONFLICT, "no-recorder-then", error)
    }

    pub(super) fn not_recorded(key: &str) -> Refused {
        let error = format!(
            "nobody records call {key}, nor is to: no trunk or route of it names a recorder, and no order does; name one \
             with `by`"
        );
        Refused::new(StatusCode::CONFLICT, "not-recorded", error)
    }

    pub(super) fn not_anchored(key: &str) -> Refused {
        let error = format!("the media of call {key} go between its peers: there is nothing to record here");
        Refused::new(StatusCode::CONFLICT, "not-anchored", error)
    }

    pub(super) fn no_gateway(trunk: &str, name: &str, known: &[String]) -> Refused {
        let error = format!("trunk {trunk:?} has no gateway {name:?}; there are: {}", known.join(", "));
        Refused::new(StatusCode::NOT_FOUND, "no-such-gateway", error)
    }

    pub(super) fn changed(name: &str) -> Refused {
        let error = format!("the configuration changed while trunk {name:?} was being set; ask again");
        Refused::new(StatusCode::CONFLICT, "changed", error)
    }

    pub(super) fn no_call(key: &str) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, "no-such-call", format!("no live call {key}"))
    }

    pub(super) fn bad_key(key: &str) -> Refused {
        let error = format!("{key:?} names no call: expected 4 to 32 hex digits");
        Refused::new(StatusCode::BAD_REQUEST, "bad-key", error)
    }

    pub(super) fn ambiguous(key: &str, count: usize) -> Refused {
        let error = format!("{key} begins the keys of {count} live calls; give more digits");
        Refused::new(StatusCode::CONFLICT, "ambiguous-key", error)
    }

    pub(super) fn records_off() -> Refused {
        let error = "no records are kept: the configuration says records.path = \"off\"";
        Refused::new(StatusCode::CONFLICT, "records-off", error)
    }

    pub(super) fn busy(what: &str) -> Refused {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "busy", format!("too many {what} at a time"))
    }

    pub(super) fn fault() -> Refused {
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "a fault of ours; see the log")
    }
}

impl From<NodeGone> for Refused {
    fn from(gone: NodeGone) -> Refused {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "node-gone", gone.to_string())
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "records-failed", error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = Problem { error: self.error, reason: self.reason.to_owned() };
        let mut response = (self.status, Json(problem)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, axum::http::HeaderValue::from_static("1"));
        }
        response
    }
}
