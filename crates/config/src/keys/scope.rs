//! Settings of many trunks at once: `[defaults]` and `[site.NAME.defaults]`.

use super::Effect::Reload;
use super::Need::Absent;
use super::trunk::{
    CALLS_MAX, CPS_MAX, FAILOVER_AFTER, OPTIONS_INTERVAL, OPTIONS_MISSES, RETRY_ON, RING_TIMEOUT, TLS_CA,
    TLS_CLIENT_CERT, TLS_CLIENT_KEY, TLS_VERIFY,
};
use super::{Key, POLICY, Section, Shape, failover, recording};

/// At the top level.
pub(super) const DEFAULTS: Key = Key {
    name: "defaults",
    shape: Shape::Table(&SCOPE),
    need: Absent("each trunk's profile alone"),
    effect: Reload,
    doc: "Settings of all trunks. A trunk's own come first, then its site's, then these, then its profile's.",
};

/// In a site.
pub(super) const SITE_DEFAULTS: Key = Key {
    name: "defaults",
    shape: Shape::Table(&SCOPE),
    need: Absent("those of the top level"),
    effect: Reload,
    doc: "Settings of the trunks whose `site` this is; they come before those of the top level.",
};

pub(crate) static SCOPE: Section = Section {
    title: "defaults",
    doc: "Settings of all trunks, and as `[site.NAME.defaults]` of the trunks of a site. For each key the most specific holds: the trunk's own, its site's, that of `[defaults]`, its profile's, the default of the key. Limits hold for each trunk by itself.",
    keys: &[
        CALLS_MAX,
        CPS_MAX,
        failover::CALLS_IN_MAX,
        failover::CALLS_OUT_MAX,
        failover::CPS_IN_MAX,
        failover::CPS_OUT_MAX,
        failover::MAP_RESPONSE,
        failover::QUALITY,
        recording::RECORD,
        Key {
            name: "tls",
            shape: Shape::Table(&SCOPE_TLS),
            need: Absent("its keys' defaults"),
            effect: Reload,
            doc: "TLS towards these trunks.",
        },
        failover::HUNT,
        failover::FORKS_MAX,
        RETRY_ON,
        FAILOVER_AFTER,
        RING_TIMEOUT,
        OPTIONS_INTERVAL,
        OPTIONS_MISSES,
        Key {
            name: "override",
            shape: Shape::Table(&POLICY),
            need: Absent("the profiles' values"),
            effect: Reload,
            doc: "Values that replace those of the trunks' profiles.",
        },
    ],
};

static SCOPE_TLS: Section = Section {
    title: "defaults.tls",
    doc: "TLS towards many trunks. Names that certificates must carry or that tell peers apart are each trunk's own.",
    keys: &[TLS_VERIFY, TLS_CA, TLS_CLIENT_CERT, TLS_CLIENT_KEY],
};
