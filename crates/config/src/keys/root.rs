//! The top level and the small tables.

use super::Effect::{Reload, Restart};
use super::Need::{Absent, Default, Required};
use super::Preset::Text as Word;
use super::usage::{deny, deny_unknown};
use super::{
    API, CALL_POLICY, DIALPLAN, Family, GROUP, HOLIDAYS, Key, LIMITS, LISTEN, LOG, MEDIA, NUMBERS, POLICY,
    PRESET, RATES, RECORDS, ROUTE, SIGNALLING, SITE, Section, Shape, TEST, TRUNK, scope,
};
use crate::forms::{number, plain};
use crate::model::{ProfileStatus, Words};

pub(crate) static ROOT: Section = Section {
    title: "",
    doc: "The top level.",
    keys: &[
        Key {
            name: "version",
            shape: Shape::Integer { min: 1, max: 1 },
            need: Required,
            effect: Reload,
            doc: "Version of this schema.",
        },
        Key {
            name: "country",
            shape: Shape::Text(&plain::COUNTRY),
            need: Absent("numbers that are not +E.164 stay as dialled"),
            effect: Reload,
            doc: "Country whose prefixes numbers that are not +E.164 are read with (ISO 3166-1 alpha-2).",
        },
        Key {
            name: "node",
            shape: Shape::Table(&NODE),
            need: Absent("its keys' defaults"),
            effect: Restart,
            doc: "This process.",
        },
        Key {
            name: "listen",
            shape: Shape::Named { section: &LISTEN, max: 1_000 },
            need: Required,
            effect: Restart,
            doc: "Interfaces: the inner and outer sides of this node.",
        },
        Key {
            name: "site",
            shape: Shape::Named { section: &SITE, max: 10_000 },
            need: Absent("no places"),
            effect: Reload,
            doc: "Places: central or branch.",
        },
        Key {
            name: "trunk",
            shape: Shape::Named { section: &TRUNK, max: 100_000 },
            need: Absent("no trunks"),
            effect: Reload,
            doc: "Trunks: the associations with providers, IP-PBXs and PSTN gateways.",
        },
        scope::DEFAULTS,
        Key {
            name: "external_prefix",
            shape: Shape::Text(&number::EXTERNAL_PREFIX),
            need: Absent("no prefix"),
            effect: Reload,
            doc: "What is dialled before called numbers to get an outside line; taken off before dial rules are asked. A site or trunk may have its own; the most specific holds.",
        },
        Key {
            name: "default_policy",
            shape: Shape::Name(Family::CallPolicy),
            need: Absent("all routes"),
            effect: Reload,
            doc: "The policy of calls whose trunk and site name none.",
        },
        deny("none"),
        deny_unknown("`premium`, `satellite` and `international`"),
        Key {
            name: "policy",
            shape: Shape::Named { section: &CALL_POLICY, max: 1_000 },
            need: Absent("no policies"),
            effect: Reload,
            doc: "Policies: the usages whose routes are tried for a group of callers. Without a policy the first route that matches is taken.",
        },
        Key {
            name: "group",
            shape: Shape::Named { section: &GROUP, max: 10_000 },
            need: Absent("no groups"),
            effect: Reload,
            doc: "Groups of users, each with a dial plan and rights of its own.",
        },
        Key {
            name: "holidays",
            shape: Shape::Named { section: &HOLIDAYS, max: 1_000 },
            need: Absent("no holidays"),
            effect: Reload,
            doc: "Days that routes refer to.",
        },
        Key {
            name: "rates",
            shape: Shape::Named { section: &RATES, max: 1_000 },
            need: Absent("no rates"),
            effect: Reload,
            doc: "What trunks charge, for routes whose `order` is `cost`. The rates of all tables count together.",
        },
        Key {
            name: "dialplan",
            shape: Shape::Each { section: &DIALPLAN, max: 10_000 },
            need: Absent("only `country` reads numbers"),
            effect: Reload,
            doc: "Rules that turn dialled strings into +E.164. The rules of the calling user's group are asked first, then those of the call's trunk, of the caller's site, and the global ones; in each scope the first match wins.",
        },
        Key {
            name: "numbers",
            shape: Shape::Each { section: &NUMBERS, max: 200_000 },
            need: Absent("no numbers of ours"),
            effect: Reload,
            doc: "Numbers of ours (DID) and the trunks that their calls are delivered to. Asked before the routes.",
        },
        Key {
            name: "route",
            shape: Shape::Each { section: &ROUTE, max: 10_000 },
            need: Absent("no routes"),
            effect: Reload,
            doc: "Ways for all other calls. The first match wins.",
        },
        Key {
            name: "test",
            shape: Shape::Each { section: &TEST, max: 10_000 },
            need: Absent("no tests"),
            effect: Reload,
            doc: "Calls that a check routes, and what must come out.",
        },
        Key {
            name: "records",
            shape: Shape::Table(&RECORDS),
            need: Absent("its keys' defaults"),
            effect: Restart,
            doc: "Call records and the journal.",
        },
        Key {
            name: "media",
            shape: Shape::Table(&MEDIA),
            need: Absent("its keys' defaults"),
            effect: Restart,
            doc: "The media engine.",
        },
        Key {
            name: "limits",
            shape: Shape::Table(&LIMITS),
            need: Absent("its keys' defaults"),
            effect: Reload,
            doc: "Named limits of the whole node.",
        },
        Key {
            name: "api",
            shape: Shape::Table(&API),
            need: Absent("its keys' defaults"),
            effect: Restart,
            doc: "The control socket.",
        },
        Key {
            name: "log",
            shape: Shape::Table(&LOG),
            need: Absent("its keys' defaults"),
            effect: Restart,
            doc: "Logging.",
        },
        Key {
            name: "signalling",
            shape: Shape::Table(&SIGNALLING),
            need: Absent("its keys' defaults"),
            effect: Restart,
            doc: "SIP timers and threads.",
        },
    ],
};

pub(crate) static NODE: Section = Section {
    title: "node",
    doc: "This process.",
    keys: &[
        Key {
            name: "name",
            shape: Shape::Text(&plain::NAME),
            need: Default(Word("tronco")),
            effect: Restart,
            doc: "Name in records, logs and metrics.",
        },
        Key {
            name: "site",
            shape: Shape::Text(&plain::NAME),
            need: Absent("no place"),
            effect: Restart,
            doc: "The place where the node stands. It needs no `[site.NAME]` of its own.",
        },
    ],
};

/// The schema of the built-in profile files.
pub(crate) static PROFILE: Section = Section {
    title: "profile",
    doc: "A built-in preset.",
    keys: &[
        Key {
            name: "name",
            shape: Shape::Text(&plain::NAME),
            need: Required,
            effect: Reload,
            doc: "Its name.",
        },
        Key {
            name: "version",
            shape: Shape::Integer { min: 1, max: 1_000_000 },
            need: Required,
            effect: Reload,
            doc: "Its own version; rises when a value changes.",
        },
        Key {
            name: "status",
            shape: Shape::Word { now: ProfileStatus::TOKENS, later: &[] },
            need: Required,
            effect: Reload,
            doc: "How far it is known to work.",
        },
        Key {
            name: "summary",
            shape: Shape::Text(&plain::TEXT),
            need: Required,
            effect: Reload,
            doc: "For whom it is.",
        },
        Key {
            name: "trunk",
            shape: Shape::Table(&PRESET),
            need: Absent("the trunk's defaults"),
            effect: Reload,
            doc: "Values of the trunk itself.",
        },
        Key {
            name: "policy",
            shape: Shape::Table(&POLICY),
            need: Absent("the policy's defaults"),
            effect: Reload,
            doc: "Values of its policy.",
        },
    ],
};
