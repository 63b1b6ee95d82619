//! `[trunk.NAME]`, and the part of it that profiles set.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::{Bool as Truth, Integer as Int, Integers, Text as Word};
use super::account::{
    ACCOUNT, ACCOUNTS, FROM_USER, OUTBOUND_PROXY, PASSWORD, REALM, REGISTER, REGISTER_AS, USERNAME,
};
use super::usage::{deny, deny_unknown};
use super::users::{AUTHENTICATE, REGISTRAR, USERS};
use super::{Family, Key, PILOT, POLICY, Section, Shape, TRANSLATE, seconds};
use super::{failover, recording};
use crate::forms::{net, number, plain};
use crate::model::{Kind, Words};
use std::time::Duration;

pub(super) const PSTN: Key = Key {
    name: "pstn",
    shape: Shape::Bool,
    need: Absent("true for `kind = \"itsp\"` and the profile `generic-gateway`"),
    effect: Reload,
    doc: "Whether the telephone network lies behind the trunk. The check warns where calls from one such trunk can leave by another.",
};

pub(super) const RETRY_ON: Key = Key {
    name: "retry_on",
    shape: Shape::List { of: &Shape::Integer { min: 400, max: 699 }, min: 0, max: 100 },
    need: Default(Integers(&[408, 500, 502, 503, 504])),
    effect: Reload,
    doc: "Final responses after which the next attempt is made.",
};
pub(super) const FAILOVER_AFTER: Key = Key {
    name: "failover_after",
    shape: Shape::Duration { min: Duration::from_millis(500), max: seconds(300), off: false },
    need: Default(Word("10s")),
    effect: Reload,
    doc: "Time without progress before the next attempt; 100 is no progress.",
};
pub(super) const RING_TIMEOUT: Key = Key {
    name: "ring_timeout",
    shape: Shape::Duration { min: seconds(5), max: seconds(3_600), off: false },
    need: Default(Word("180s")),
    effect: Reload,
    doc: "Longest ringing (Timer C, RFC 3261 §16.6).",
};
pub(super) const OPTIONS_INTERVAL: Key = Key {
    name: "options_interval",
    shape: Shape::Duration { min: seconds(1), max: seconds(3_600), off: true },
    need: Default(Word("60s")),
    effect: Reload,
    doc: "Time between liveness OPTIONS to each gateway; 0 is off.",
};
pub(super) const OPTIONS_MISSES: Key = Key {
    name: "options_misses",
    shape: Shape::Integer { min: 1, max: 100 },
    need: Default(Int(5)),
    effect: Reload,
    doc: "OPTIONS without an answer until a gateway counts as down. It is then tried last, never excluded; the first answer counts it as up.",
};

pub(super) const CALLS_MAX: Key = Key {
    name: "calls_max",
    shape: Shape::Integer { min: 1, max: 1_000_000 },
    need: Absent("no limit but the node's"),
    effect: Reload,
    doc: "Calls at a time, both directions.",
};
pub(super) const CPS_MAX: Key = Key {
    name: "cps_max",
    shape: Shape::Integer { min: 1, max: 100_000 },
    need: Absent("no limit"),
    effect: Reload,
    doc: "New calls a second, both directions.",
};
pub(super) const TLS_VERIFY: Key = Key {
    name: "verify",
    shape: Shape::Bool,
    need: Default(Truth(true)),
    effect: Reload,
    doc: "Whether the peer's certificate is verified. Without it anyone on the way can read and change the calls.",
};
pub(super) const TLS_CA: Key = Key {
    name: "ca",
    shape: Shape::Text(&plain::PATH),
    need: Absent("the system's authorities"),
    effect: Reload,
    doc: "Authorities trusted for this trunk, PEM.",
};
pub(super) const TLS_CLIENT_CERT: Key = Key {
    name: "client_cert",
    shape: Shape::Text(&plain::PATH),
    need: Absent("the interface's"),
    effect: Reload,
    doc: "Our certificate chain towards this trunk, PEM. Needs `client_key`.",
};
pub(super) const TLS_CLIENT_KEY: Key = Key {
    name: "client_key",
    shape: Shape::Secret,
    need: Absent("the interface's"),
    effect: Reload,
    doc: "Our private key towards this trunk, PEM. Needs `client_cert`.",
};

pub(crate) static TRUNK: Section = Section {
    title: "trunk.NAME",
    doc: "A trunk: one interface of ours and a peer's gateways, one object for both directions.",
    keys: &[
        Key {
            name: "kind",
            shape: Shape::Word { now: Kind::TOKENS, later: &[] },
            need: Required,
            effect: Reload,
            doc: "`itsp`: a provider beyond the network boundary. `direct`: an IP-PBX or PSTN gateway inside. `recorder`: a recording server (SIPREC) that `record` names; no call is routed there.",
        },
        Key {
            name: "profile",
            shape: Shape::Name(Family::Profile),
            need: Absent("`generic-itsp` or, for `direct`, `generic-pbx`"),
            effect: Reload,
            doc: "Preset of behaviour for a kind of peer.",
        },
        Key {
            name: "listen",
            shape: Shape::Name(Family::Listen),
            need: Required,
            effect: Reload,
            doc: "The interface that the trunk lives on.",
        },
        Key {
            name: "site",
            shape: Shape::Name(Family::Site),
            need: Absent("no place"),
            effect: Reload,
            doc: "The place that the trunk belongs to; its dial rules hold for calls that arrive here.",
        },
        Key {
            name: "site_only",
            shape: Shape::Bool,
            need: Default(Truth(false)),
            effect: Reload,
            doc: "Whether only calls of its own `site`, or of the site whose `subnets` its peers are in, may use it: a call that arrives by it leaves by trunks of the site alone, and a call leaves by it when it arrived by one of them. Trunks without a site, and those of other sites, are kept apart from it, in every attempt, redirect and backup. Emergency calls are not.",
        },
        Key {
            name: "bypass",
            shape: Shape::List { of: &Shape::Text(&plain::NAME), min: 1, max: 16 },
            need: Absent("the site of its `media_address`, else its own"),
            effect: Reload,
            doc: "With `media.bypass = \"match\"`: ids of the places that its media are at. A call between trunks that share one, and that both say `media = \"direct\"`, has its media between the peers. A peer whose media stand elsewhere than its signalling names where its media stand.",
        },
        Key {
            name: "media_address",
            shape: Shape::Text(&net::ADDRESS),
            need: Absent("where its signalling is"),
            effect: Reload,
            doc: "With `media.bypass = \"match\"` and no `bypass`: the address that stands for the trunk's media where they are elsewhere than its signalling. Its media are at the site whose `subnets` hold the address. It opens no port: sources of media are those of the session descriptions.",
        },
        Key {
            name: "policy",
            shape: Shape::Name(Family::CallPolicy),
            need: Absent("its site's, else `default_policy`"),
            effect: Reload,
            doc: "The policy of calls that arrive by this trunk.",
        },
        deny("its site's, else the top level's"),
        deny_unknown("its site's, else the top level's"),
        Key {
            name: "transit",
            shape: Shape::Bool,
            need: Default(Truth(false)),
            effect: Reload,
            doc: "Whether calls that arrive by this trunk are meant to leave through other providers or gateways to the telephone network, at your cost. Without it the check warns where they can.",
        },
        PSTN,
        Key {
            name: "enabled",
            shape: Shape::Bool,
            need: Default(Truth(true)),
            effect: Reload,
            doc: "Whether the trunk carries calls.",
        },
        recording::RECORD,
        Key {
            name: "gateways",
            shape: Shape::List { of: &Shape::Text(&net::GATEWAY), min: 1, max: 64 },
            need: Required,
            effect: Reload,
            doc: "The peer's far ends; a trunk with an account may leave them to its registrar or the account's domain, one with `registrar` to its users. A name is resolved by NAPTR, SRV and address records (RFC 3263); an address without transport means UDP.",
        },
        Key {
            name: "sources",
            shape: Shape::List { of: &Shape::Text(&net::NETWORK), min: 0, max: 1_000 },
            need: Absent("only the gateways' own addresses"),
            effect: Reload,
            doc: "Further networks that requests may come from. All other sources are dropped without an answer.",
        },
        Key {
            name: "domain",
            shape: Shape::Text(&net::HOST),
            need: Absent("the gateway's host and our advertised address"),
            effect: Reload,
            doc: "Host part of Request-URI, To and From towards this trunk.",
        },
        CALLS_MAX,
        CPS_MAX,
        failover::CALLS_IN_MAX,
        failover::CALLS_OUT_MAX,
        failover::CPS_IN_MAX,
        failover::CPS_OUT_MAX,
        failover::HUNT,
        failover::FORKS_MAX,
        RETRY_ON,
        failover::MAP_RESPONSE,
        failover::QUALITY,
        FAILOVER_AFTER,
        RING_TIMEOUT,
        OPTIONS_INTERVAL,
        OPTIONS_MISSES,
        Key {
            name: "tls",
            shape: Shape::Table(&TRUNK_TLS),
            need: Absent("its keys' defaults"),
            effect: Reload,
            doc: "TLS towards this trunk.",
        },
        Key {
            name: "external_prefix",
            shape: Shape::Text(&number::EXTERNAL_PREFIX),
            need: Absent("its site's, or the top level's"),
            effect: Reload,
            doc: "What is dialled before called numbers to get an outside line, on calls that arrive here.",
        },
        Key {
            name: "pilot",
            shape: Shape::Table(&PILOT),
            need: Absent("short numbers stay as they are"),
            effect: Reload,
            doc: "The number whose extensions the peer's telephones are. Short numbers that arrive become the pilot with the extension behind it: called numbers, and on `direct` trunks callers' numbers too. `extension` says how they are written towards the peer.",
        },
        Key {
            name: "translate",
            shape: Shape::Table(&TRANSLATE),
            need: Absent("numbers are not rewritten"),
            effect: Reload,
            doc: "Rules that rewrite this trunk's numbers.",
        },
        Key {
            name: "override",
            shape: Shape::Table(&POLICY),
            need: Absent("the profile's values"),
            effect: Reload,
            doc: "Values that replace the profile's.",
        },
        ACCOUNT,
        USERNAME,
        PASSWORD,
        FROM_USER,
        REALM,
        ACCOUNTS,
        REGISTER,
        OUTBOUND_PROXY,
        USERS,
        AUTHENTICATE,
        REGISTRAR,
    ],
};

pub(crate) static TRUNK_TLS: Section = Section {
    title: "trunk.NAME.tls",
    doc: "TLS towards one trunk.",
    keys: &[
        TLS_VERIFY,
        Key {
            name: "name",
            shape: Shape::Text(&net::HOST),
            need: Absent("the gateway's host"),
            effect: Reload,
            doc: "Name that the peer's certificate must carry (RFC 5922 §7.2).",
        },
        TLS_CA,
        TLS_CLIENT_CERT,
        TLS_CLIENT_KEY,
        Key {
            name: "peer_names",
            shape: Shape::List { of: &Shape::Text(&net::HOST), min: 0, max: 64 },
            need: Absent("none"),
            effect: Reload,
            doc: "Certificate names that identify this trunk when the peer connects (mutual TLS).",
        },
    ],
};

/// What a profile sets of the trunk itself.
pub(crate) static PRESET: Section = Section {
    title: "profile.trunk",
    doc: "Values of the trunk itself.",
    keys: &[
        PSTN,
        failover::HUNT,
        failover::FORKS_MAX,
        RETRY_ON,
        FAILOVER_AFTER,
        RING_TIMEOUT,
        OPTIONS_INTERVAL,
        OPTIONS_MISSES,
        REGISTER_AS,
    ],
};
