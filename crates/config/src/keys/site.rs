//! `[site.NAME]`.

use super::Effect::Reload;
use super::Need::Absent;
use super::usage::{deny, deny_unknown};
use super::{Family, Key, Section, Shape, scope};
use crate::forms::number;

pub(crate) static SITE: Section = Section {
    title: "site.NAME",
    doc: "A place: central or branch.",
    keys: &[
        Key {
            name: "external_prefix",
            shape: Shape::Text(&number::EXTERNAL_PREFIX),
            need: Absent("the top level's"),
            effect: Reload,
            doc: "What is dialled before called numbers to get an outside line, on calls that arrive by trunks of this site.",
        },
        Key {
            name: "policy",
            shape: Shape::Name(Family::CallPolicy),
            need: Absent("`default_policy`"),
            effect: Reload,
            doc: "The policy of calls that arrive by its trunks, where they name none.",
        },
        deny("the top level's"),
        deny_unknown("the top level's"),
        scope::SITE_DEFAULTS,
        Key {
            name: "subnets",
            shape: Shape::Later("finding a place by its networks"),
            need: Absent(""),
            effect: Reload,
            doc: "Its networks.",
        },
        Key {
            name: "wan_calls_max",
            shape: Shape::Later("admission by a site's WAN link"),
            need: Absent(""),
            effect: Reload,
            doc: "Calls over its WAN link at a time.",
        },
        Key {
            name: "on_wan_down",
            shape: Shape::Later("local breakout of a site"),
            need: Absent(""),
            effect: Reload,
            doc: "Trunks that take its calls while its WAN link is down.",
        },
        Key {
            name: "emergency",
            shape: Shape::Later("emergency routes of a site"),
            need: Absent(""),
            effect: Reload,
            doc: "Trunks that take its emergency calls.",
        },
    ],
};
