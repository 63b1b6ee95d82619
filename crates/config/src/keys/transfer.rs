//! Keys of the policy about transfers.

use super::Effect::Reload;
use super::Need::Default;
use super::Preset::{Integer as Int, Text as Word};
use super::{Key, Shape};
use crate::model::{Refer, ReferTarget, Replaces, Words};

pub(super) const REFER: Key = Key {
    name: "refer",
    shape: Shape::Word { now: Refer::TOKENS, later: &[] },
    need: Default(Word("refuse")),
    effect: Reload,
    doc: "What REFER of this trunk's peer inside a call gets. `refuse`: 603. `local`: it is carried out here: the target is routed as a call that this peer places through this trunk, and joined with the party that stays. `pass`: the other peer of the call gets it, numbers at our own address.",
};

pub(super) const REFER_TARGET: Key = Key {
    name: "refer_target",
    shape: Shape::Word { now: ReferTarget::TOKENS, later: &[] },
    need: Default(Word("routed")),
    effect: Reload,
    doc: "With `refer = \"local\"`: where the target is called. `routed`: where the number in Refer-To is routed to. `peer`: at the peer that sent the REFER, under the URI of Refer-To and with its Referred-By, both as they came; for peers that name their own users there and no numbers.",
};

pub(super) const REFER_MAX: Key = Key {
    name: "refer_max",
    shape: Shape::Integer { min: 1, max: 20 },
    need: Default(Int(5)),
    effect: Reload,
    doc: "The most transfers that one call may have; one of this trunk beyond is refused.",
};

pub(super) const REPLACES: Key = Key {
    name: "replaces",
    shape: Shape::Word { now: Replaces::TOKENS, later: &[] },
    need: Default(Word("refuse")),
    effect: Reload,
    doc: "Whose place an INVITE with Replaces (RFC 3891) of this trunk may take. `refuse`: nobody's, the extension is not known here. `own`: that of a leg on this trunk. `any`: that of a leg on any trunk.",
};
