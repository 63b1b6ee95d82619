//! Keys of the policy about codecs.

use super::Effect::Reload;
use super::Need::{Absent, Default};
use super::Preset::{Bool as Truth, Integer as Int, Text as Word, Texts};
use super::{Key, Shape};
use crate::model::{PayloadTypes, Transcode, Words};

/// Codecs that a trunk's calls can be held to; of these PCMU, PCMA, G722 and opus can be transcoded.
const NAMES: &[&str] = &[
    "PCMU", "PCMA", "G722", "opus", "G729", "G723", "G726-32", "GSM", "iLBC", "speex", "SILK", "AMR",
    "AMR-WB", "EVS",
];

pub(super) const CODECS: Key = Key {
    name: "codecs",
    shape: Shape::List { of: &Shape::Word { now: NAMES, later: &[] }, min: 0, max: 16 },
    need: Default(Texts(&[])),
    effect: Reload,
    doc: "Codecs that calls of this trunk may use, in order of preference; others are taken out of offers in both directions. An offer to this trunk names those that the other side has too, then, unless `transcode` forbids it, the others of this list that can be transcoded. Empty: whatever the peers have. Events and comfort noise always cross. Anchored media only.",
};

pub(super) const CODECS_LOCKED: Key = Key {
    name: "codecs_locked",
    shape: Shape::Bool,
    need: Default(Truth(false)),
    effect: Reload,
    doc: "Answers of ours to this trunk name one codec alone, for peers that change it as they like within what was agreed.",
};

pub(super) const PTIME: Key = Key {
    name: "ptime",
    shape: Shape::Integer { min: 10, max: 60 },
    need: Absent("as the peers say"),
    effect: Reload,
    doc: "Milliseconds of sound in a packet from and to this trunk: 10, 20, 30, 40, 50 or 60. Said in our descriptions, and made so where the other side's packets differ and their codec can be transcoded.",
};

pub(super) const GAIN: Key = Key {
    name: "gain",
    shape: Shape::Integer { min: -24, max: 24 },
    need: Default(Int(0)),
    effect: Reload,
    doc: "How much louder sound becomes on its way to this trunk, in dB; less than 0: softer. Only where the codec can be transcoded.",
};

pub(super) const TRANSCODE: Key = Key {
    name: "transcode",
    shape: Shape::Word { now: Transcode::TOKENS, later: &[] },
    need: Default(Word("needed")),
    effect: Reload,
    doc: "Whether sound is turned from one codec into another for this trunk, between PCMU, PCMA, G722 and opus. `needed`: where the two sides of a call have agreed on different ones. `never`: a call without a codec in common fails. The other trunk of a call must not forbid it either.",
};

pub(super) const PAYLOAD_TYPES: Key = Key {
    name: "payload_types",
    shape: Shape::Word { now: PayloadTypes::TOKENS, later: &[] },
    need: Default(Word("agreed")),
    effect: Reload,
    doc: "Which RTP payload types peers of this trunk may send. `agreed`: those that our description or theirs names (RFC 3264 §5.1), comfort noise under its fixed number 13 (RFC 3389), and for two seconds after a change those of before; others are dropped and counted (`payload_type`). `any`: all, for peers that send what they have not named; where sound or digits are converted only what was agreed is understood. Anchored media only.",
};
