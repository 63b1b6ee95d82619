//! `[trunk.NAME.translate]` and `[trunk.NAME.pilot]`: what is done with the numbers of one trunk.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::Bool as Truth;
use super::{Key, Section, Shape};
use crate::forms::{expression, number};
use crate::model::{TRANSLATION_NAME_MAX, TRANSLATIONS_MAX};

pub(crate) static TRANSLATE: Section = Section {
    title: "trunk.NAME.translate",
    doc: "Rules that rewrite the numbers of one trunk, in four lists. In each list the first rule that matches counts. Emergency numbers are never rewritten.",
    keys: &[
        Key {
            name: "called_in",
            shape: RULES,
            need: Absent("called numbers stay as received"),
            effect: Reload,
            doc: "For called numbers of calls that arrive by this trunk, before the dial plan.",
        },
        Key {
            name: "caller_in",
            shape: RULES,
            need: Absent("callers' numbers stay as received"),
            effect: Reload,
            doc: "For callers' numbers of calls that arrive by this trunk, before the dial plan.",
        },
        Key {
            name: "called_out",
            shape: RULES,
            need: Absent("called numbers stay as `number_format` writes them"),
            effect: Reload,
            doc: "For called numbers of calls that leave by this trunk, after `number_format`; Request-URI and To bear the result.",
        },
        Key {
            name: "caller_out",
            shape: RULES,
            need: Absent("callers' numbers stay as `number_format` writes them"),
            effect: Reload,
            doc: "For callers' numbers of calls that leave by this trunk, after `number_format`; From bears the result.",
        },
    ],
};

const RULES: Shape = Shape::Each { section: &TRANSLATION, max: TRANSLATIONS_MAX };

pub(crate) static TRANSLATION: Section = Section {
    title: "[trunk.NAME.translate.LIST]",
    doc: "A rule of one of the four lists.",
    keys: &[
        Key {
            name: "name",
            shape: Shape::Text(&expression::RULE_NAME),
            need: Absent("the list and the rule's place in it, such as `called_in 2`"),
            effect: Reload,
            doc: "Its name in the story of a decision.",
        },
        Key {
            name: "match",
            shape: Shape::Text(&expression::EXPRESSION),
            need: Required,
            effect: Reload,
            doc: "Regular expression that the whole number must match; an extension is part of it, as `;ext=100`. No look-around, no backreferences: its time is linear in the number.",
        },
        Key {
            name: "to",
            shape: Shape::Text(&expression::REPLACEMENT),
            need: Required,
            effect: Reload,
            doc: "What the number becomes. `$1`, `${1}` and `${name}` stand for groups of `match`, `$$` for a dollar.",
        },
        Key {
            name: "final",
            shape: Shape::Bool,
            need: Default(Truth(true)),
            effect: Reload,
            doc: "Whether the list ends with this rule when it matches. Otherwise the rules behind it go on with its result.",
        },
    ],
};

pub(crate) static PILOT: Section = Section {
    title: "trunk.NAME.pilot",
    doc: "The number whose extensions the peer's telephones are.",
    keys: &[
        Key {
            name: "number",
            shape: Shape::Text(&number::PILOT),
            need: Required,
            effect: Reload,
            doc: "The number that stands before every extension.",
        },
        Key {
            name: "digits",
            shape: Shape::Text(&number::LENGTHS),
            need: Required,
            effect: Reload,
            doc: "How many digits extensions have.",
        },
    ],
};

const _: () = assert!(TRANSLATION_NAME_MAX == 100, "the phrase of `RULE_NAME` says 100");
