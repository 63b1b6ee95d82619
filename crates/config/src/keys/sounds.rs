//! Keys of the policy about sounds that we make: ringing, announcements, music on hold.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::Text as Word;
use super::{Key, Section, Shape};
use crate::forms::plain;
use crate::model::{ANNOUNCEMENTS_MAX, RingingTone, Words};

pub(super) const RINGBACK: Key = Key {
    name: "ringback",
    shape: Shape::Word { now: RingingTone::TOKENS, later: &[] },
    need: Default(Word("off")),
    effect: Reload,
    doc: "Whether a caller on this trunk hears a ringing tone of ours with a 180. `off`: it makes its own. `auto`: until the callee's side sends media or answers; where its media were described before, they are heard instead. `always`: until the callee answers, and early media of its side are not heard. Anchored calls of one stream of sound only.",
};

pub(super) const RINGBACK_OF: Key = Key {
    name: "ringback_of",
    shape: Shape::Text(&plain::COUNTRY),
    need: Absent("the trunk's `country`"),
    effect: Reload,
    doc: "The country whose ringing tone it is (ITU-T E.180). One that is not in the table has 425 Hz, 1 s on and 4 s off.",
};

pub(super) const ANNOUNCE: Key = Key {
    name: "announce",
    shape: Shape::Each { section: &ANNOUNCEMENT, max: ANNOUNCEMENTS_MAX },
    need: Absent("callers hear nothing but the refusal"),
    effect: Reload,
    doc: "What callers on this trunk hear before a call of theirs is refused: a file as early media, then the refusal. One for each status.",
};

pub(super) const HOLD_MUSIC: Key = Key {
    name: "hold_music",
    shape: Shape::Text(&plain::PATH),
    need: Absent("the peer that holds sees to it"),
    effect: Reload,
    doc: "A WAV file that the other side of a call hears over and over while a peer of this trunk holds it. What the peer says itself has precedence.",
};

pub(crate) static ANNOUNCEMENT: Section = Section {
    title: "[trunk.NAME.override.announce]",
    doc: "An announcement before a refusal.",
    keys: &[
        Key {
            name: "status",
            shape: Shape::Integer { min: 400, max: 699 },
            need: Required,
            effect: Reload,
            doc: "The status with which the call is refused.",
        },
        Key {
            name: "file",
            shape: Shape::Text(&plain::PATH),
            need: Required,
            effect: Reload,
            doc: "A WAV file of one channel: 16-bit linear at 8, 16 or 48 kHz, or G.711. Of more than a minute the first is heard.",
        },
    ],
};
