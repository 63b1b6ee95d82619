//! Keys of the policy that change headers.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::Texts;
use super::{Key, Section, Shape};
use crate::forms::{expression, headers, plain};
use crate::model::{HeaderDo, HeaderList, HeaderOn, Reveal, Words};

/// Most rules in a list.
const RULES_MAX: usize = 64;

pub(super) const STRIP: Key = Key {
    name: "headers_strip",
    shape: Shape::List { of: &Shape::Text(&plain::HEADER), min: 0, max: 64 },
    need: Default(Texts(&[])),
    effect: Reload,
    doc: "Headers that do not cross to this trunk although other keys would let them.",
};

pub(super) const TOPOLOGY_PASS: Key = Key {
    name: "topology_pass",
    shape: Shape::List { of: &Shape::Word { now: Reveal::TOKENS, later: &[] }, min: 0, max: 4 },
    need: Default(Texts(&[])),
    effect: Reload,
    doc: "What crosses to this trunk as the other side wrote it although it can name hosts and addresses there. `alert-info`: Alert-Info with URLs of any host (else URNs and forms without a host alone). `text`: texts of Reason and Warning that name a host. `session`: `s=`, `i=`, `u=`, `e=`, `p=`, `a=tool`, `a=cat`, `a=keywds` of session descriptions. `attributes`: attributes unknown here that name a host.",
};

pub(super) const RULES_IN: Key = Key {
    name: "header_rules_in",
    shape: Shape::Each { section: &RULE, max: RULES_MAX },
    need: Absent("headers are taken as they come"),
    effect: Reload,
    doc: "Rules for headers of messages from this trunk, run in order before anything crosses. What comes out still needs a key that lets it cross. Identities, Diversion and History-Info have keys of their own.",
};

pub(super) const RULES_OUT: Key = Key {
    name: "header_rules_out",
    shape: Shape::Each { section: &RULE, max: RULES_MAX },
    need: Absent("headers go as they are made"),
    effect: Reload,
    doc: "Rules for headers of messages to this trunk inside calls, run in order after all else. ACK and CANCEL go as they are.",
};

pub(super) const TESTS: Key = Key {
    name: "header_tests",
    shape: Shape::Each { section: &TEST, max: 256 },
    need: Absent("no rule is tested"),
    effect: Reload,
    doc: "Tests of the two lists, run by every check and before every change is taken over.",
};

pub(crate) static RULE: Section = Section {
    title: "[trunk.NAME.override.LIST]",
    doc: "A rule of `header_rules_in` or `header_rules_out`. Headers of the dialog, transaction and body cannot be touched.",
    keys: &[
        Key {
            name: "on",
            shape: Shape::List { of: &Shape::Word { now: HeaderOn::TOKENS, later: &[] }, min: 1, max: 16 },
            need: Default(Texts(&["request", "response"])),
            effect: Reload,
            doc: "Messages that it concerns: methods, `request` for all of them, `response`.",
        },
        Key {
            name: "header",
            shape: Shape::Text(&headers::RULED),
            need: Required,
            effect: Reload,
            doc: "The header, in any case.",
        },
        Key {
            name: "do",
            shape: Shape::Word { now: HeaderDo::TOKENS, later: &[] },
            need: Required,
            effect: Reload,
            doc: "`remove` its rows, `set` one row to `value`, `add` a row with `value`, `replace` values by `match` and `to`, `rename` rows `to` another header.",
        },
        Key {
            name: "match",
            shape: Shape::Text(&expression::EXPRESSION),
            need: Absent("all its rows"),
            effect: Reload,
            doc: "Only rows whose whole value this regular expression matches; `replace` needs it.",
        },
        Key {
            name: "value",
            shape: Shape::Text(&plain::TEXT),
            need: Absent(""),
            effect: Reload,
            doc: "The value of `set` and `add`.",
        },
        Key {
            name: "to",
            shape: Shape::Text(&plain::TEXT),
            need: Absent(""),
            effect: Reload,
            doc: "For `replace` the new value, with `$1` and the like for groups of `match`; for `rename` the new name.",
        },
    ],
};

pub(crate) static TEST: Section = Section {
    title: "[trunk.NAME.override.header_tests]",
    doc: "A test of header rules.",
    keys: &[
        Key {
            name: "rules",
            shape: Shape::Word { now: HeaderList::TOKENS, later: &[] },
            need: Required,
            effect: Reload,
            doc: "The list that runs.",
        },
        Key {
            name: "on",
            shape: Shape::Word { now: HeaderOn::TOKENS, later: &[] },
            need: Default(super::Preset::Text("INVITE")),
            effect: Reload,
            doc: "The message.",
        },
        Key {
            name: "given",
            shape: Shape::List { of: &Shape::Text(&headers::ROW), min: 0, max: 64 },
            need: Required,
            effect: Reload,
            doc: "Rows before, such as `X-Account: 7`.",
        },
        Key {
            name: "expect",
            shape: Shape::List { of: &Shape::Text(&headers::ROW), min: 0, max: 64 },
            need: Required,
            effect: Reload,
            doc: "Rows after, in order.",
        },
    ],
};
