//! Keys of the policy about DTMF.

use super::Effect::Reload;
use super::Need::Default;
use super::Preset::Text as Word;
use super::{Key, Shape};
use crate::model::{Dtmf, DtmfInfo, Words};

pub(super) const DTMF: Key = Key {
    name: "dtmf",
    shape: Shape::Word { now: Dtmf::TOKENS, later: &[] },
    need: Default(Word("auto")),
    effect: Reload,
    doc: "How DTMF goes between us and this trunk's peer. `auto`: as the peer negotiates, named events (RFC 4733) when they are in its SDP, else in the sound; between two such trunks nothing is converted. `rfc4733`: named events, offered also where the other side has none. `info`: INFO requests, and no events in SDP. `inband`: in the sound, and no events in SDP. What the other side sends is converted.",
};

pub(super) const DTMF_INFO: Key = Key {
    name: "dtmf_info",
    shape: Shape::Word { now: DtmfInfo::TOKENS, later: &[] },
    need: Default(Word("dtmf-relay")),
    effect: Reload,
    doc: "The body of INFO requests with a digit towards this trunk: `application/dtmf-relay` with signal and duration, or `application/dtmf` with the digit alone. Both are read.",
};
