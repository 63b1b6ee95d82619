//! What goes over the wire: plain values as JSON, apart from the types of calls and engines.
//!
//! Times are RFC 3339 in UTC, durations carry their unit in the name. Fields may be added within
//! `/v1`; none changes its meaning. Records have the store's format ([`store::StoredCall`]).
//! Nothing here knows how a value is made; that is in `show`.

mod calls;
mod effective;
mod figures;
mod gateway;
mod media;
mod ordered;
mod query;
mod registration;
mod route;
mod show;

pub use calls::{Call, Calls};
pub use effective::{Effective, Setting};
pub use figures::Figures;
pub use gateway::{Address, Binding, Gateway, Quality};
pub use media::{FastPath, Media, Relayed, TouchedPath, TouchedQueue, TouchedWorker};
pub use ordered::HungUp;
pub use query::{
    CallQuery, EffectiveQuery, ExportFormat, ExportQuery, RecordQuery, RecordingQuery, RouteQuery, TailQuery,
    TrunkQuery,
};
pub use registration::Registration;
pub use route::{RouteMessage, RoutePrice, WhatIf, route_test, what_if};
pub(crate) use show::{Moments, call, link, listens, trunk};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::StoredCall;

/// `GET /v1/status`: one node at a glance.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The node's name.
    pub node: String,
    /// Where it stands.
    pub site: Option<String>,
    /// The program's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Seconds since its start.
    pub uptime_s: u64,
    /// The configuration file.
    pub config: String,
    /// Counts applied configurations from 1.
    pub revision: u64,
    /// Whether it takes no new calls.
    pub draining: bool,
    /// Calls.
    pub calls: CallCounts,
    /// Interfaces.
    pub listens: Vec<Listen>,
    /// Trunks, in short.
    pub trunks: Vec<TrunkLine>,
    /// The WAN links of sites.
    #[serde(default)]
    pub links: Vec<SiteLink>,
    /// The media engine.
    pub media: Media,
    /// Records; `None` when the configuration keeps none.
    pub records: Option<Records>,
    /// Requests from unknown sources, dropped without an answer.
    pub unknown_sources: u64,
    /// Datagrams and frames that were no SIP message.
    pub malformed: u64,
    /// Further counters by name.
    pub counters: BTreeMap<String, u64>,
    /// Named limits.
    pub limits: Vec<Limit>,
    /// What somebody should look at, one sentence each.
    pub troubles: Vec<String>,
}

/// Calls of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CallCounts {
    /// Live now.
    pub live: u64,
    /// How many may live at a time.
    pub limit: u64,
    /// Accepted since the start.
    pub accepted: u64,
    /// Answered since the start.
    pub answered: u64,
    /// Ended since the start.
    pub ended: u64,
    /// Refused by this node since the start.
    pub refused: u64,
}

/// One interface.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Listen {
    /// Its name.
    pub name: String,
    /// Open ports, such as `udp:192.0.2.10:5060`.
    pub ports: Vec<String>,
    /// Open connections that peers made.
    pub connections_in: u64,
    /// Open connections that we made.
    pub connections_out: u64,
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Pairs of media ports in use.
    pub media_ports_used: Option<u64>,
    /// Pairs of media ports in the range.
    pub media_ports_limit: Option<u64>,
    /// Who relays its media; none where it has no media ports.
    #[serde(default)]
    pub relayed: Option<Relayed>,
    /// When its TLS certificate ends.
    pub certificate_ends: Option<String>,
}

/// A trunk in one line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrunkLine {
    /// Its name.
    pub name: String,
    /// As [`Trunk::state`].
    pub state: String,
    /// Live calls, both directions.
    pub calls: u64,
}

/// The WAN link of a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SiteLink {
    /// The site.
    pub site: String,
    /// Calls whose media cross it; one that crosses it twice counts twice.
    pub calls: u64,
    /// How many may; none without a limit.
    pub calls_max: Option<u64>,
    /// Calls since the start that were refused for want of room on it.
    pub refused: u64,
    /// Attempts that were not made for that, whatever became of the call.
    #[serde(default)]
    pub skipped: u64,
}

/// The record store.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Records {
    /// Records committed since the start.
    pub written: u64,
    /// Failed writes to the database, tried again.
    pub database_errors: u64,
    /// Failed writes to the JSON lines file, caught up later.
    pub line_errors: u64,
    /// Journal bytes that wait in memory because the disk refuses them.
    pub held_bytes: u64,
    /// Journal events lost because the disk refused for too long.
    pub events_dropped: u64,
    /// Syncs of the journal to the disk (`records.sync`).
    #[serde(default)]
    pub syncs: u64,
    /// Those that failed and are tried again.
    #[serde(default)]
    pub sync_errors: u64,
}

/// A named limit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// Its maximum.
    pub max: u64,
    /// How often it was met.
    pub hits: u64,
}

/// `GET /v1/trunks`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Trunks {
    /// In the order of the configuration.
    pub trunks: Vec<Trunk>,
}

/// `GET /v1/trunks/{name}`: a trunk and its gateways.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Trunk {
    /// Its name.
    pub name: String,
    /// `itsp` or `direct`.
    pub kind: String,
    /// The profile it names.
    pub profile: String,
    /// The interface it lives on.
    pub listen: String,
    /// The place it belongs to.
    pub site: Option<String>,
    /// Whether it takes new calls.
    pub enabled: bool,
    /// `up`: a gateway answers. `unknown`: none has been asked yet. `cooling`: those that answer asked
    /// to be left alone for a while. `down`: none answers. `poor`: others are
    /// tried first because of its `quality`. `unresolved`: no gateway has an address. `disabled`: it takes
    /// no new calls. `draining`: it takes none and sends callers elsewhere. `unregistered`: it lives by its
    /// registrations and has none.
    pub state: String,
    /// Live calls that came in on it.
    pub calls_in: u64,
    /// Live calls that go out on it.
    pub calls_out: u64,
    /// Most calls at a time, both directions.
    pub calls_max: Option<u64>,
    /// Most calls at a time that arrive.
    pub calls_in_max: Option<u64>,
    /// Most calls at a time that leave.
    pub calls_out_max: Option<u64>,
    /// Most new calls a second.
    pub cps_max: Option<u64>,
    /// Most new calls a second that arrive.
    pub cps_in_max: Option<u64>,
    /// Most new calls a second that leave.
    pub cps_out_max: Option<u64>,
    /// Calls in since the start.
    pub total_in: u64,
    /// Attempts out since the start.
    pub total_out: u64,
    /// Attempts answered since the start.
    pub answered_out: u64,
    /// Attempts failed since the start.
    pub failed_out: u64,
    /// Its gateways.
    pub gateways: Vec<Gateway>,
    /// Its accounts that register.
    pub registrations: Vec<Registration>,
}

/// `GET /v1/records`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RecordPage {
    /// In the order asked for.
    pub records: Vec<StoredCall>,
    /// When more may follow: the `after` (or `before`, newest first) of the next page.
    pub next: Option<i64>,
}

/// `GET /v1/records/tail`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tail {
    /// What was stored since, oldest first; empty when the wait was over.
    pub records: Vec<StoredCall>,
    /// The `after` of the next request.
    pub last: i64,
}

/// `GET /v1/route`: what would happen to a call now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RouteTest {
    /// Whether attempts would be made.
    pub routed: bool,
    /// The route taken, or `numbers`.
    pub route: Option<String>,
    /// The called number, normalised; `None` when refused before.
    pub called: Option<String>,
    /// The caller's number, normalised.
    pub caller: Option<String>,
    /// What would be tried, in order.
    pub attempts: Vec<RouteAttempt>,
    /// Trunks left out, and why.
    pub skipped: Vec<RouteSkip>,
    /// The refusal, when there is one.
    pub refusal: Option<RouteRefusal>,
    /// Every step of the decision, one sentence each.
    pub story: Vec<String>,
}

/// One attempt that would be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RouteAttempt {
    /// The trunk.
    pub trunk: String,
    /// The route it belongs to, or `numbers`.
    #[serde(default)]
    pub route: String,
    /// The tier, from 0.
    pub tier: u8,
    /// The called number as sent.
    pub called: String,
    /// The caller's number as sent.
    pub caller: String,
    /// Whether it was put last because it is down or asked to be left alone.
    pub demoted: bool,
    /// What the trunk charges, where the route orders by cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<RoutePrice>,
    /// The INVITE that would leave, for each address that would be tried.
    #[serde(default)]
    pub messages: Vec<RouteMessage>,
}

/// A trunk that would be left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RouteSkip {
    /// The trunk.
    pub trunk: String,
    /// Why.
    pub why: String,
}

/// A call that would be refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RouteRefusal {
    /// SIP status.
    pub status: u16,
    /// Stable reason id.
    pub reason: String,
    /// What happened and what to do.
    pub sentence: String,
}

/// What every answer other than 2xx carries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// One sentence for people.
    pub error: String,
    /// A stable word for machines.
    pub reason: String,
}
