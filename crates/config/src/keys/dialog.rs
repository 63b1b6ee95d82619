//! Keys of the policy that fit a call's two dialogs to each other.

use super::Effect::Reload;
use super::Need::{Absent, Default};
use super::Preset::{Text as Word, Texts};
use super::{Key, Section, Shape, seconds};
use crate::model::{
    Absorb, EarlyDialogs, EarlyMedia, LateReinvite, Map180, Map183, PassDrop, RefreshBy, Refresher, Update,
    Words,
};
use std::time::Duration;

pub(super) const UPDATE: Key = Key {
    name: "update",
    shape: Shape::Word { now: Update::TOKENS, later: &[] },
    need: Default(Word("auto")),
    effect: Reload,
    doc: "UPDATE (RFC 3311). `auto`: sent where the peer allows it, a re-INVITE elsewhere. `off`: neither sent nor allowed.",
};

pub(super) const ABSORB: Key = Key {
    name: "absorb",
    shape: Shape::List { of: &Shape::Word { now: Absorb::TOKENS, later: &[] }, min: 0, max: 3 },
    need: Default(Texts(&["refresh"])),
    effect: Reload,
    doc: "Offers of this trunk inside a call that are answered here and hidden from the other leg. `refresh`: those that change nothing. `hold`: those that change directions alone. `codec`: those that keep what is agreed and change other codecs or addresses.",
};

pub(super) const LATE_REINVITE: Key = Key {
    name: "late_reinvite",
    shape: Shape::Word { now: LateReinvite::TOKENS, later: &[] },
    need: Default(Word("pass")),
    effect: Reload,
    doc: "What a re-INVITE without SDP from this trunk gets. `pass`: it goes on, the other peer offers. `answer`: our last description, the other leg hears nothing.",
};

pub(super) const EARLY_MEDIA: Key = Key {
    name: "early_media",
    shape: Shape::Word { now: EarlyMedia::TOKENS, later: &[] },
    need: Default(Word("pass")),
    effect: Reload,
    doc: "Whether SDP and media before the answer cross. `gate`: only as P-Early-Media of the callee's side allows (RFC 5009). `strip`: they do not. Both trunks of a call have their say; the stricter holds.",
};

pub(super) const EARLY_DIALOGS: Key = Key {
    name: "early_dialogs",
    shape: Shape::Word { now: EarlyDialogs::TOKENS, later: &[] },
    need: Default(Word("all")),
    effect: Reload,
    doc: "Which forks' early media a caller on this trunk is shown. `all`: every fork's; the one that speaks first is heard, until one answers. `one`: the first that describes any, for callers that keep to one.",
};

pub(super) const EARLY_DIALOGS_MAX: Key = Key {
    name: "early_dialogs_max",
    shape: Shape::Integer { min: 1, max: 1_000 },
    need: Absent("`limits.early_dialogs_max`"),
    effect: Reload,
    doc: "Early dialogs (forks) kept for one attempt on this trunk; what further ones say is not heard.",
};

pub(super) const RINGING_KEY: Key = Key {
    name: "ringing",
    shape: Shape::Table(&RINGING),
    need: Absent("its keys' defaults"),
    effect: Reload,
    doc: "How ringing is shown to a caller on this trunk.",
};

pub(crate) static RINGING: Section = Section {
    title: "trunk.NAME.override.ringing",
    doc: "How ringing is shown to a caller on this trunk.",
    keys: &[
        Key {
            name: "map_180",
            shape: Shape::Word { now: Map180::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "What a 180 becomes.",
        },
        Key {
            name: "map_181",
            shape: Shape::Word { now: PassDrop::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "Whether 181 (forwarded) and 182 (queued) go on.",
        },
        Key {
            name: "map_183",
            shape: Shape::Word { now: Map183::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "What a 183 without SDP becomes; also one whose SDP does not cross.",
        },
        Key {
            name: "late_180",
            shape: Shape::Word { now: PassDrop::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "Whether a 180 without SDP goes on after early media was shown; some callers then play a tone over it.",
        },
        Key {
            name: "after",
            shape: Shape::Duration { min: Duration::from_millis(200), max: seconds(300), off: true },
            need: Default(Word("0s")),
            effect: Reload,
            doc: "Time until we say 180 ourselves when no callee has made itself heard; 0 is off. It is no progress for `failover_after`: the next gateway may still be tried, none has rung.",
        },
    ],
};

pub(crate) static SESSION_TIMER: Section = Section {
    title: "trunk.NAME.override.session_timer",
    doc: "Session timer of our own (RFC 4028).",
    keys: &[
        Key {
            name: "expires",
            shape: Shape::Duration { min: seconds(90), max: seconds(86_400), off: true },
            need: Absent("none is asked for"),
            effect: Reload,
            doc: "Session-Expires that we ask for; 0 is off. 1800 is usual. At least `min_se`.",
        },
        Key {
            name: "min_se",
            shape: Shape::Duration { min: seconds(90), max: seconds(86_400), off: false },
            need: Default(Word("90s")),
            effect: Reload,
            doc: "Shortest interval accepted (RFC 4028 §5).",
        },
        Key {
            name: "refresher",
            shape: Shape::Word { now: Refresher::TOKENS, later: &[] },
            need: Default(Word("auto")),
            effect: Reload,
            doc: "Who refreshes where RFC 4028 leaves us the choice. `auto`: as the peers agree. `us`: we. `peer`: the peer, if it knows session timers.",
        },
        Key {
            name: "refresh_by",
            shape: Shape::Word { now: RefreshBy::TOKENS, later: &[] },
            need: Default(Word("auto")),
            effect: Reload,
            doc: "How we refresh. `auto`: by UPDATE where the peer allows it, else by re-INVITE. `update`: by UPDATE in any case, by re-INVITE once it was refused with 405 or 501. `reinvite`: by re-INVITE.",
        },
    ],
};
