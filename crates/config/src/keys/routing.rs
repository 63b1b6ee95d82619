//! `[[dialplan]]`, `[[numbers]]`, `[[route]]`, `[[test]]`.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::{Integer as Int, Text as Word};
use super::{Family, Key, Section, Shape, WHEN, recording, seconds};
use crate::forms::{calendar, expression, net, number, plain};
use crate::model::{TierOrder, Unrated, Words};

pub(crate) static DIALPLAN: Section = Section {
    title: "[dialplan]",
    doc: "A rule that turns dialled strings into +E.164.",
    keys: &[
        Key {
            name: "name",
            shape: Shape::Text(&plain::NAME),
            need: Required,
            effect: Reload,
            doc: "Its name, in traces and records.",
        },
        Key {
            name: "match",
            shape: Shape::Text(&expression::EXPRESSION),
            need: Required,
            effect: Reload,
            doc: "Regular expression that the whole dialled string must match. No look-around, no backreferences: its time is linear in the string.",
        },
        Key {
            name: "to",
            shape: Shape::Text(&expression::REPLACEMENT),
            need: Required,
            effect: Reload,
            doc: "What the string becomes. `$1`, `${1}` and `${name}` stand for groups of `match`, `$$` for a dollar.",
        },
        Key {
            name: "trunk",
            shape: Shape::Name(Family::Trunk),
            need: Absent("all trunks"),
            effect: Reload,
            doc: "Only for calls that arrive by this trunk.",
        },
        Key {
            name: "site",
            shape: Shape::Name(Family::Site),
            need: Absent("all sites"),
            effect: Reload,
            doc: "Only for calls of callers in this site: whose address is in its `subnets`, else whose trunk is of it.",
        },
        Key {
            name: "group",
            shape: Shape::Name(Family::Group),
            need: Absent("all callers"),
            effect: Reload,
            doc: "Only for calls of users of this `[group.NAME]`.",
        },
    ],
};

pub(crate) static NUMBERS: Section = Section {
    title: "[numbers]",
    doc: "Numbers of ours (DID).",
    keys: &[
        Key {
            name: "range",
            shape: Shape::Text(&number::RANGE),
            need: Required,
            effect: Reload,
            doc: "One number, or the first and last of a range. Ranges never overlap.",
        },
        Key {
            name: "deliver",
            shape: Shape::OneOrMore { of: &Shape::Name(Family::Trunk), max: 64 },
            need: Required,
            effect: Reload,
            doc: "Trunks that their calls go to, tried in this order.",
        },
    ],
};

pub(crate) static ROUTE: Section = Section {
    title: "[route]",
    doc: "A way for calls. The first route that matches is taken; under a policy the first of each of its usages.",
    keys: &[
        Key {
            name: "name",
            shape: Shape::Text(&plain::NAME),
            need: Required,
            effect: Reload,
            doc: "Its name, in traces and records.",
        },
        Key {
            name: "match",
            shape: Shape::Table(&MATCH),
            need: Absent("all calls"),
            effect: Reload,
            doc: "What a call must look like.",
        },
        Key {
            name: "except",
            shape: Shape::OneOrMore { of: &Shape::Text(&number::PATTERN), max: 1_000 },
            need: Absent("none"),
            effect: Reload,
            doc: "Called numbers that it does not take although `match` holds, written as in `match`.",
        },
        Key {
            name: "when",
            shape: Shape::Table(&WHEN),
            need: Absent("always"),
            effect: Reload,
            doc: "When it holds.",
        },
        Key {
            name: "usages",
            shape: Shape::List { of: &Shape::Text(&plain::NAME), min: 1, max: 64 },
            need: Absent("none"),
            effect: Reload,
            doc: "Usages that it serves. A call under a policy is given routes of the policy's usages alone.",
        },
        Key {
            name: "priority",
            shape: Shape::Integer { min: 0, max: 1_000 },
            need: Default(Int(100)),
            effect: Reload,
            doc: "Lower is asked first; routes of one priority are asked in the order of the text.",
        },
        Key {
            name: "caller_id",
            shape: Shape::Text(&number::CALLER_ID),
            need: Absent("the caller's own"),
            effect: Reload,
            doc: "The calling number that its attempts show instead of the caller's.",
        },
        Key {
            name: "to",
            shape: Shape::Tiers,
            need: Required,
            effect: Reload,
            doc: "Tiers of trunks, tried in order: `\"pbx\"`, `[\"a\", \"b\"]` (two tiers), or `[[\"a:80\", \"b:20\"], [\"c\"]]` with weights inside a tier. The order inside a tier is drawn by weight; no weight means 1. Weights may be written as shares, `\"a:80%\"`; those of a tier then make 100.",
        },
        Key {
            name: "order",
            shape: Shape::Word { now: TierOrder::TOKENS, later: &[] },
            need: Default(Word("weight")),
            effect: Reload,
            doc: "The order inside each tier: `weight` draws it, `cost` tries the trunk first that is cheapest for the called number by `[rates.NAME]`, the longest prefix of each trunk counting; equals in the order of the tier. Emergency calls keep the order of the text.",
        },
        Key {
            name: "unrated",
            shape: Shape::Word { now: Unrated::TOKENS, later: &[] },
            need: Default(Word("last")),
            effect: Reload,
            doc: "With `order = \"cost\"`, trunks that have no rate for the called number: `last` tries them after the others of their tier, `exclude` not at all.",
        },
        Key {
            name: "call_length",
            shape: Shape::Duration { min: seconds(1), max: seconds(86_400), off: false },
            need: Default(Word("3m")),
            effect: Reload,
            doc: "With `order = \"cost\"`, the length of a call for which costs are compared: fees for each call and increments weigh more the shorter it is.",
        },
        Key {
            name: "retry_on",
            shape: Shape::List { of: &Shape::Integer { min: 400, max: 699 }, min: 0, max: 100 },
            need: Absent("the trunk's own"),
            effect: Reload,
            doc: "Final responses after which the next attempt is made.",
        },
        recording::OF_ROUTE,
    ],
};

pub(crate) static MATCH: Section = Section {
    title: "[route].match",
    doc: "What a call must look like. All keys that are written must hold.",
    keys: &[
        Key {
            name: "called",
            shape: Shape::Text(&number::PATTERN),
            need: Absent("any number"),
            effect: Reload,
            doc: "The called number after normalisation: exact, a prefix with a closing `*`, or `/expression/` for the whole number.",
        },
        Key {
            name: "caller",
            shape: Shape::Text(&number::PATTERN),
            need: Absent("any number"),
            effect: Reload,
            doc: "The calling number after normalisation, written likewise.",
        },
        Key {
            name: "on",
            shape: Shape::OneOrMore { of: &Shape::Name(Family::Trunk), max: 1_000 },
            need: Absent("any trunk"),
            effect: Reload,
            doc: "The trunk, or one of the trunks, that the call arrived by.",
        },
    ],
};

pub(crate) static TEST: Section = Section {
    title: "[test]",
    doc: "A call that a check routes, and what must come out.",
    keys: &[
        Key {
            name: "name",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("`test` and its number"),
            effect: Reload,
            doc: "Its name in the report.",
        },
        Key { name: "call", shape: Shape::Table(&CALL), need: Required, effect: Reload, doc: "The call." },
        Key {
            name: "at",
            shape: Shape::Text(&calendar::INSTANT),
            need: Absent("no time: a route with `when` does not hold"),
            effect: Reload,
            doc: "When it arrives.",
        },
        Key {
            name: "down",
            shape: Shape::OneOrMore { of: &Shape::Name(Family::Trunk), max: 1_000 },
            need: Absent("all trunks are up"),
            effect: Reload,
            doc: "Trunks whose gateways do not answer.",
        },
        Key {
            name: "expect",
            shape: Shape::Table(&EXPECT),
            need: Required,
            effect: Reload,
            doc: "What must come out.",
        },
    ],
};

pub(crate) static CALL: Section = Section {
    title: "[test].call",
    doc: "The call that is routed.",
    keys: &[
        Key {
            name: "on",
            shape: Shape::Name(Family::Trunk),
            need: Required,
            effect: Reload,
            doc: "The trunk that it arrives by.",
        },
        Key {
            name: "user",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("nobody has proven a password"),
            effect: Reload,
            doc: "The user of that trunk who places it, by user name.",
        },
        Key {
            name: "source",
            shape: Shape::Text(&net::ADDRESS),
            need: Absent("an address in no `subnets`"),
            effect: Reload,
            doc: "Where it comes from.",
        },
        Key {
            name: "from",
            shape: Shape::Text(&plain::TEXT),
            need: Required,
            effect: Reload,
            doc: "The calling number as received.",
        },
        Key {
            name: "to",
            shape: Shape::Text(&plain::TEXT),
            need: Required,
            effect: Reload,
            doc: "The called number as received.",
        },
    ],
};

pub(crate) static EXPECT: Section = Section {
    title: "[test].expect",
    doc: "What must come out; at least one key.",
    keys: &[
        Key {
            name: "route",
            shape: Shape::Name(Family::Route),
            need: Absent("any"),
            effect: Reload,
            doc: "The route that is taken.",
        },
        Key {
            name: "called",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("any"),
            effect: Reload,
            doc: "The called number after normalisation.",
        },
        Key {
            name: "calling",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("any"),
            effect: Reload,
            doc: "The calling number after normalisation.",
        },
        Key {
            name: "trunk",
            shape: Shape::Name(Family::Trunk),
            need: Absent("any"),
            effect: Reload,
            doc: "The first trunk that is tried.",
        },
        Key {
            name: "called_sent",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("any"),
            effect: Reload,
            doc: "The called number that `trunk`, or else the first trunk that is tried, is sent.",
        },
        Key {
            name: "calling_sent",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("any"),
            effect: Reload,
            doc: "The calling number that it is sent.",
        },
        Key {
            name: "refused",
            shape: Shape::Integer { min: 400, max: 699 },
            need: Absent("the call is not refused"),
            effect: Reload,
            doc: "The status that the call is refused with.",
        },
    ],
};
