//! Keys of a trunk about the choice among gateways: hunting, response mapping, quality, limits for each
//! direction.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::{Integer as Int, Text as Word};
use super::{Key, Section, Shape, seconds};
use crate::model::{Hunt, MAPPINGS_MAX, Words};
use std::time::Duration;

pub(super) const HUNT: Key = Key {
    name: "hunt",
    shape: Shape::Word { now: Hunt::TOKENS, later: &[] },
    need: Default(Word("order")),
    effect: Reload,
    doc: "How the trunk's gateways are tried. `order`: as listed. `balance`: the one with the fewest calls first, in turn among equals. `parallel`: all at once, with those of the other trunks of the tier that say the same; the first that answers is the call. Those in trouble come last in each.",
};
pub(super) const FORKS_MAX: Key = Key {
    name: "forks_max",
    shape: Shape::Integer { min: 2, max: 16 },
    need: Default(Int(8)),
    effect: Reload,
    doc: "Gateways that a call rings at once where `hunt` is `parallel`; the others of the tier follow when all of them have failed.",
};
pub(super) const MAP_RESPONSE: Key = Key {
    name: "map_response",
    shape: Shape::Each { section: &MAPPING, max: MAPPINGS_MAX },
    need: Absent("responses count as they are"),
    effect: Reload,
    doc: "Final responses of this trunk that count as others, for `retry_on` and for the caller. The first rule that fits counts; the record shows what was received at the attempt and what it counted as at the call.",
};
pub(super) const QUALITY: Key = Key {
    name: "quality",
    shape: Shape::Table(&MEASURE),
    need: Absent("quality is not judged"),
    effect: Reload,
    doc: "Tries a gateway last for a while when its calls go badly.",
};
pub(super) const CALLS_IN_MAX: Key = limit("calls_in_max", "Calls at a time that arrive by this trunk.");
pub(super) const CALLS_OUT_MAX: Key = limit("calls_out_max", "Calls at a time that leave by this trunk.");
pub(super) const CPS_IN_MAX: Key = limit("cps_in_max", "New calls a second that arrive by this trunk.");
pub(super) const CPS_OUT_MAX: Key = limit("cps_out_max", "New calls a second that leave by this trunk.");

const fn limit(name: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        shape: Shape::Integer { min: 1, max: 1_000_000 },
        need: Absent("no limit but the one for both directions"),
        effect: Reload,
        doc,
    }
}

pub(crate) static MAPPING: Section = Section {
    title: "[trunk.NAME.map_response]",
    doc: "A final response that counts as another.",
    keys: &[
        Key {
            name: "status",
            shape: Shape::Integer { min: 0, max: 699 },
            need: Default(Int(0)),
            effect: Reload,
            doc: "The response, 400 to 699; 0 is any. Challenges (401, 407) and 422 are dealt with before.",
        },
        Key {
            name: "cause",
            shape: Shape::Integer { min: 0, max: 127 },
            need: Absent("any, or none"),
            effect: Reload,
            doc: "The Q.850 cause in its Reason header (RFC 3326).",
        },
        Key {
            name: "to",
            shape: Shape::Integer { min: 400, max: 699 },
            need: Required,
            effect: Reload,
            doc: "What it counts as.",
        },
    ],
};

pub(crate) static MEASURE: Section = Section {
    title: "trunk.NAME.quality",
    doc: "Judges each gateway of the trunk by its last attempts. At least one of `asr_min`, `pdd_max` and `acd_min`, or `enabled = false`.",
    keys: &[
        Key {
            name: "enabled",
            shape: Shape::Bool,
            need: Absent("`true` where anything here is written"),
            effect: Reload,
            doc: "Whether quality is judged. `false` at one trunk, or one site, takes it out of what `[defaults]` or its site says; `true` takes it in again.",
        },
        Key {
            name: "asr_min",
            shape: Shape::Integer { min: 1, max: 100 },
            need: Absent("not judged"),
            effect: Reload,
            doc: "Least answer-seizure ratio in percent: attempts answered of all attempts (ITU-T E.425), also of those that callers gave up.",
        },
        Key {
            name: "pdd_max",
            shape: Shape::Duration { min: Duration::from_millis(100), max: seconds(300), off: false },
            need: Absent("not judged"),
            effect: Reload,
            doc: "Longest mean post-dial delay: from INVITE to the first response other than 100 that is no refusal.",
        },
        Key {
            name: "acd_min",
            shape: Shape::Duration { min: seconds(1), max: seconds(3_600), off: false },
            need: Absent("not judged"),
            effect: Reload,
            doc: "Least mean duration of answered calls, over the last `window` that have ended: a gateway whose calls break or are answered falsely has short ones.",
        },
        Key {
            name: "window",
            shape: Shape::Integer { min: 5, max: 1_000 },
            need: Default(Int(50)),
            effect: Reload,
            doc: "Attempts, and for `acd_min` ended calls, that are judged together; fewer are not judged.",
        },
        Key {
            name: "hold",
            shape: Shape::Duration { min: seconds(1), max: seconds(86_400), off: false },
            need: Default(Word("5m")),
            effect: Reload,
            doc: "How long a gateway found bad is tried last. Then it is judged anew.",
        },
    ],
};
