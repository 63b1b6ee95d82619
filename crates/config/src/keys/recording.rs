//! Keys about recordings: who records, and what peers are told of it.

use super::Effect::Reload;
use super::Need::{Absent, Default};
use super::Preset::Text as Word;
use super::{Family, Key, Shape};
use crate::model::{RecordNotice, RecordPreference, Words};

pub(super) const RECORD: Key = Key {
    name: "record",
    shape: Shape::NameOr(Family::Trunk, "off"),
    need: Absent("calls are not recorded"),
    effect: Reload,
    doc: "The trunk of kind `recorder` that gets a copy of its calls, of what each side says, from the answer on (SIPREC, RFC 7866); `off`: nobody does. What an operator orders for a call counts first, then its route's `record`, then that of the trunk that it arrived by, then that of the trunk that it left by. The media of recorded calls go through this node. A call goes on as it is when its recorder fails.",
};

pub(super) const OF_ROUTE: Key = Key {
    need: Absent("as the trunks of the call say"),
    doc: "The trunk of kind `recorder` that gets a copy of its calls, or `off`, whatever the trunks of a call say.",
    ..RECORD
};

pub(super) const NOTICE: Key = Key {
    name: "record_notice",
    shape: Shape::Word { now: RecordNotice::TOKENS, later: &[] },
    need: Default(Word("aware")),
    effect: Reload,
    doc: "Which peers hear in their session description that their call is recorded, that the recording pauses and that it has ended (`a=record`, RFC 7866 §7.1.2). `aware`: those whose Supported names `record-aware`. `always`: all. `never`: none.",
};

pub(super) const PREFERENCE: Key = Key {
    name: "record_preference",
    shape: Shape::Word { now: RecordPreference::TOKENS, later: &[] },
    need: Default(Word("ignore")),
    effect: Reload,
    doc: "What it is worth when a peer says that it does not want to be recorded, or that the recording should pause (`a=recordpref:off`, `pause`, RFC 7866 §7.1.3). `ignore`: nothing. `honour`: it is so, unless an operator has ordered the recording.",
};
