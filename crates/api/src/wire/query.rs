//! What a client may ask for: the query strings of the endpoints.
//!
//! Unknown parameters are refused, so that a misspelt filter never widens an answer. Each type is
//! read by the server and written by the client.

use serde::{Deserialize, Serialize};

/// Filters of `GET /v1/calls`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallQuery {
    /// In on this trunk, or out on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// How many at most; [`crate::wire::CallQuery::LIMIT_DEFAULT`] without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl CallQuery {
    /// Calls given when no limit is named.
    pub const LIMIT_DEFAULT: usize = 1_000;
    /// Calls given at most.
    pub const LIMIT_MAX: usize = 100_000;
}

/// What of a trunk is meant, in `POST /v1/trunks/{name}/enable`, `disable` and `drain`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkQuery {
    /// One gateway, as the configuration writes it; the whole trunk without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
}

/// Filters of `GET /v1/records`; every one that is set must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordQuery {
    /// Started at or after: RFC 3339 or a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Started before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Caller or called, normalised or as received; `*` stands for any characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The trunk it came in on, or the trunk of any attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// Reason id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Final response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// One call: 32 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Ids above this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Ids below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Newest first; else in the order of storing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<bool>,
    /// How many; 100 without, at most 10,000. Exports: all without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// One JSON object a line, with its attempts.
    #[default]
    Jsonl,
    /// RFC 4180 with a header; one line for each call.
    Csv,
    /// RFC 4180 with a header; one line for each attempt.
    CsvAttempts,
}

/// Filters of `GET /v1/records/export`. Flattened by hand: query strings know no nesting.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    /// The form; JSON lines without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ExportFormat>,
    /// As [`RecordQuery::since`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// As [`RecordQuery::until`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// As [`RecordQuery::number`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// As [`RecordQuery::trunk`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// As [`RecordQuery::reason`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// As [`RecordQuery::status`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// As [`RecordQuery::call`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// How many; all without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl ExportQuery {
    /// The filters alone, and the form.
    #[must_use]
    pub fn split(self) -> (RecordQuery, ExportFormat) {
        let ExportQuery { format, since, until, number, trunk, reason, status, call, limit } = self;
        let filters = RecordQuery {
            since,
            until,
            number,
            trunk,
            reason,
            status,
            call,
            limit,
            after: None,
            before: None,
            newest: None,
        };
        (filters, format.unwrap_or_default())
    }

    /// An export of what `filters` let through.
    #[must_use]
    pub fn join(filters: RecordQuery, format: ExportFormat) -> ExportQuery {
        let RecordQuery { since, until, number, trunk, reason, status, call, limit, .. } = filters;
        ExportQuery { format: Some(format), since, until, number, trunk, reason, status, call, limit }
    }
}

/// `GET /v1/records/tail`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailQuery {
    /// Records after this id; without it nothing is given but the newest id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Seconds to wait for a record when there is none, at most [`TailQuery::WAIT_MAX_S`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

impl TailQuery {
    /// Longest wait, seconds.
    pub const WAIT_MAX_S: u64 = 30;
}

/// `GET /v1/trunks/{name}/effective`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectiveQuery {
    /// A user of the trunk: what holds for its calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// `GET /v1/route`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteQuery {
    /// The trunk that the call arrives by.
    pub on: String,
    /// The calling number as received; without it a user's own name.
    #[serde(default)]
    pub from: String,
    /// The user of that trunk who places it, by user name: its password counts as proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The address that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The called number as received.
    pub to: String,
    /// When the call arrives: RFC 3339; now without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Trunks that are taken to be down, whatever they are: names with commas between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<String>,
}

/// Who records from `POST /v1/calls/{key}/record` on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingQuery {
    /// A trunk of kind `recorder`; without it, and without `pause`, the call is recorded no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether the recording is to pause, or to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<bool>,
}
