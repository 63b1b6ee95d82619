//! Who may use which routes and when: `[policy.NAME]`, `[holidays.NAME]`, `when` of a route.

use super::Effect::Reload;
use super::Need::{Absent, Required};
use super::{Family, Key, Section, Shape};
use crate::forms::{calendar, number, plain};
use crate::model::{Class, Words};

/// A list of classes of called numbers.
const CLASSES: Shape =
    Shape::List { of: &Shape::Word { now: Class::TOKENS, later: &[] }, min: 0, max: Class::TOKENS.len() };

/// Classes that nobody may call; `otherwise` says what holds when a scope names none.
pub(super) const fn deny(otherwise: &'static str) -> Key {
    Key {
        name: "deny",
        shape: CLASSES,
        need: Absent(otherwise),
        effect: Reload,
        doc: "Classes of called numbers that routes refuse with 403. Numbers of ours and emergency numbers are never refused so.",
    }
}

/// Classes that unknown callers may not call.
pub(super) const fn deny_unknown(otherwise: &'static str) -> Key {
    Key {
        name: "deny_unknown",
        shape: CLASSES,
        need: Absent(otherwise),
        effect: Reload,
        doc: "The same for unknown callers: calls from a trunk of kind `itsp` without `transit` that could leave by a provider again, and, where `[[numbers]]` are named, callers on other trunks who give no number or a whole number that is none of ours. An empty list lets them call all.",
    }
}

pub(crate) static CALL_POLICY: Section = Section {
    title: "policy.NAME",
    doc: "What a group of callers may do: the usages whose routes are tried for them.",
    keys: &[Key {
        name: "usages",
        shape: Shape::List { of: &Shape::Text(&plain::NAME), min: 1, max: 64 },
        need: Required,
        effect: Reload,
        doc: "Usages in order. The route found among those of the first usage is tried first; those of the next usages are its backup.",
    }],
};

pub(crate) static GROUP: Section = Section {
    title: "group.NAME",
    doc: "Users that dial and may call alike, on whichever trunk they are. Each key is left to the trunk, its site, the top level where it is not written.",
    keys: &[
        Key {
            name: "policy",
            shape: Shape::Name(Family::CallPolicy),
            need: Absent("the trunk's, its site's, `default_policy`"),
            effect: Reload,
            doc: "The policy of calls of its users; a user may have its own.",
        },
        Key {
            name: "external_prefix",
            shape: Shape::Text(&number::EXTERNAL_PREFIX),
            need: Absent("the trunk's, its site's, the top level's"),
            effect: Reload,
            doc: "What its users dial before called numbers to get an outside line.",
        },
        deny("the trunk's, its site's, the top level's"),
        deny_unknown("the trunk's, its site's, the top level's"),
    ],
};

pub(crate) static HOLIDAYS: Section = Section {
    title: "holidays.NAME",
    doc: "Days that routes refer to.",
    keys: &[Key {
        name: "dates",
        shape: Shape::List { of: &Shape::Text(&calendar::DATES), min: 1, max: 1_000 },
        need: Required,
        effect: Reload,
        doc: "Dates, spans of dates, and days of every year.",
    }],
};

pub(crate) static WHEN: Section = Section {
    title: "[route].when",
    doc: "When a route holds. All keys that are written must hold. A span over midnight belongs to the day on which it begins.",
    keys: &[
        Key {
            name: "zone",
            shape: Shape::Text(&calendar::ZONE),
            need: Required,
            effect: Reload,
            doc: "The time zone whose clocks and calendar count, daylight saving time included.",
        },
        Key {
            name: "days",
            shape: Shape::OneOrMore { of: &Shape::Text(&calendar::DAYS), max: 7 },
            need: Absent("every day"),
            effect: Reload,
            doc: "Days of the week.",
        },
        Key {
            name: "from",
            shape: Shape::Text(&calendar::TIME_OF_DAY),
            need: Absent("midnight"),
            effect: Reload,
            doc: "The time of day at which it begins.",
        },
        Key {
            name: "to",
            shape: Shape::Text(&calendar::TIME_OF_DAY),
            need: Absent("midnight"),
            effect: Reload,
            doc: "The time of day at which it ends; before `from` it is on the next day.",
        },
        Key {
            name: "dates",
            shape: Shape::List { of: &Shape::Text(&calendar::DATES), min: 1, max: 1_000 },
            need: Absent("every date"),
            effect: Reload,
            doc: "Only on these dates.",
        },
        Key {
            name: "holidays",
            shape: Shape::OneOrMore { of: &Shape::Name(Family::Holidays), max: 64 },
            need: Absent("holidays or not"),
            effect: Reload,
            doc: "Only on days of these `[holidays.NAME]`.",
        },
        Key {
            name: "not_holidays",
            shape: Shape::OneOrMore { of: &Shape::Name(Family::Holidays), max: 64 },
            need: Absent("holidays or not"),
            effect: Reload,
            doc: "Not on days of these `[holidays.NAME]`.",
        },
    ],
};
