//! `[site.NAME]`.

use super::Effect::Reload;
use super::Need::Absent;
use super::usage::{deny, deny_unknown};
use super::{Family, Key, Section, Shape, scope};
use crate::forms::{net, number};

pub(crate) static SITE: Section = Section {
    title: "site.NAME",
    doc: "A place: central or branch.",
    keys: &[
        Key {
            name: "external_prefix",
            shape: Shape::Text(&number::EXTERNAL_PREFIX),
            need: Absent("the top level's"),
            effect: Reload,
            doc: "What is dialled before called numbers to get an outside line, on calls of callers at this site.",
        },
        Key {
            name: "policy",
            shape: Shape::Name(Family::CallPolicy),
            need: Absent("`default_policy`"),
            effect: Reload,
            doc: "The policy of calls of callers at this site, where their user, group and trunk name none.",
        },
        deny("the top level's"),
        deny_unknown("the top level's"),
        scope::SITE_DEFAULTS,
        Key {
            name: "subnets",
            shape: Shape::List { of: &Shape::Text(&net::NETWORK), min: 1, max: 1_000 },
            need: Absent("callers are at the site of their trunk"),
            effect: Reload,
            doc: "Its networks. Who calls or registers from there is at this site, whatever site the trunk is of; the longest prefix of all sites counts.",
        },
        Key {
            name: "wan_calls_max",
            shape: Shape::Integer { min: 0, max: 1_000_000 },
            need: Absent("no limit"),
            effect: Reload,
            doc: "Calls whose media cross its WAN link at a time, both directions; a call that would be one more goes to the route's next trunk.",
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
