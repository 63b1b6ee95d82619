//! Keys of the policy about secure media.

use super::Preset::{Text as Word, Texts};
use super::{Effect::Reload, Key, Need::Default, Shape};
use crate::model::{DtlsAnswer, DtlsSetup, SrtpKeys, SrtpMode, SrtpOverPlain, SrtpSuite, SrtpT38, Words};

pub(super) const SRTP: Key = Key {
    name: "srtp",
    shape: Shape::Word { now: SrtpMode::TOKENS, later: &[] },
    need: Default(Word("auto")),
    effect: Reload,
    doc: "Whether media between this node and the trunk are SRTP (RFC 3711), with keys as `srtp_keys` says. `auto`: required where the signalling is TLS, else off. `off`: never; an offer of RTP/SAVP or UDP/TLS/RTP/SAVP gets 488. `optional`: offered as RTP/AVP with keys or a fingerprint, and taken in any form. `required`: offered as RTP/SAVP or UDP/TLS/RTP/SAVP; without usable keys there is no call. The other leg of a call has keys of its own, or none.",
};

pub(super) const OVER_PLAIN: Key = Key {
    name: "srtp_over_plain",
    shape: Shape::Word { now: SrtpOverPlain::TOKENS, later: &[] },
    need: Default(Word("allow")),
    effect: Reload,
    doc: "What becomes of `srtp = \"optional\"` or `\"required\"` where the signalling is UDP or TCP, on which anyone on the way can read the keys. `allow`: it is used all the same. `off`: media are plain there, as Lync does on TCP.",
};

pub(super) const KEYS: Key = Key {
    name: "srtp_keys",
    shape: Shape::List { of: &Shape::Word { now: SrtpKeys::TOKENS, later: &[] }, min: 1, max: 2 },
    need: Default(Texts(&["sdes"])),
    effect: Reload,
    doc: "How the keys of SRTP are agreed on. `sdes`: in the session description (RFC 4568). `dtls`: by a handshake on the media ports, whose certificates the descriptions name (DTLS-SRTP, RFC 5763). Of two the first is preferred: it alone is offered where SRTP is required, both where it is optional; of a peer's offer with both the first is taken.",
};

pub(super) const SETUP: Key = Key {
    name: "dtls_setup",
    shape: Shape::Word { now: DtlsSetup::TOKENS, later: &[] },
    need: Default(Word("auto")),
    effect: Reload,
    doc: "Who begins the handshake of DTLS-SRTP where the peer's offer leaves it to us (`a=setup:actpass`, which our own offers always say). `active`: this node. `passive`: the peer. `auto`: this node, but the peer where `latch` is `nat`, for it cannot be reached before it has sent.",
};

pub(super) const ANSWER: Key = Key {
    name: "dtls_answer",
    shape: Shape::Word { now: DtlsAnswer::TOKENS, later: &[] },
    need: Default(Word("take")),
    effect: Reload,
    doc: "What becomes of an answer that says `a=setup:actpass`, which RFC 5763 §5 forbids and baresip says when a call that it began is held. `take`: whoever began the running handshake is taken to do so still, and its keys go on while the fingerprint is the same (RFC 8842 §5.5); of a first one `dtls_setup` says who begins. `refuse`: it is no answer, and the call ends with `M-DTLS-ANSWER`.",
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
    doc: "Crypto suites that are offered, in order, and accepted in the order of the peer's offer. DTLS-SRTP knows no `AES_256_CM` suites and leaves them out. The default begins with the one that every peer has, for some look at the first alone.",
};

pub(super) const T38: Key = Key {
    name: "srtp_t38",
    shape: Shape::Word { now: SrtpT38::TOKENS, later: &[] },
    need: Default(Word("refuse")),
    effect: Reload,
    doc: "What becomes of T.38 where SRTP is required: UDPTL goes in clear, for nothing secures it. `refuse`: neither offered to this trunk's peer nor taken from it; an offer of T.38 alone gets 488, so that the fax goes on as sound, which is secured. `plain`: relayed in clear.",
};
