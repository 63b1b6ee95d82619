//! Keys of the policy about secure media.

use super::Effect::Reload;
use super::Need::Default;
use super::Preset::{Text as Word, Texts};
use super::{Key, Shape};
use crate::model::{SrtpMode, SrtpOverPlain, SrtpSuite, Words};

pub(super) const SRTP: Key = Key {
    name: "srtp",
    shape: Shape::Word { now: SrtpMode::TOKENS, later: &[] },
    need: Default(Word("auto")),
    effect: Reload,
    doc: "Whether media between this node and the trunk are SRTP with keys in SDP (RFC 3711, RFC 4568). `auto`: required where the signalling is TLS, else off. `off`: never; an offer of RTP/SAVP gets 488. `optional`: offered as RTP/AVP with keys, and taken in any form. `required`: offered as RTP/SAVP; without usable keys there is no call. The other leg of a call has keys of its own, or none.",
};

pub(super) const OVER_PLAIN: Key = Key {
    name: "srtp_over_plain",
    shape: Shape::Word { now: SrtpOverPlain::TOKENS, later: &[] },
    need: Default(Word("allow")),
    effect: Reload,
    doc: "What becomes of `srtp = \"optional\"` or `\"required\"` where the signalling is UDP or TCP, on which anyone on the way can read the keys. `allow`: it is used all the same. `off`: media are plain there, as Lync does on TCP.",
};

pub(super) const SUITES: Key = Key {
    name: "srtp_suites",
    shape: Shape::List { of: &Shape::Word { now: SrtpSuite::TOKENS, later: &[] }, min: 1, max: 6 },
    need: Default(Texts(&[
        "AES_CM_128_HMAC_SHA1_80",
        "AEAD_AES_256_GCM",
        "AEAD_AES_128_GCM",
        "AES_256_CM_HMAC_SHA1_80",
        "AES_CM_128_HMAC_SHA1_32",
    ])),
    effect: Reload,
    doc: "Crypto suites that are offered, in order, and accepted in the order of the peer's offer. The default begins with the one that every peer has, for some look at the first alone.",
};
