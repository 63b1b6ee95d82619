//! Who calls and who was called before: the policy's tables `caller` and `forwarding`.

use super::Effect::Reload;
use super::Need::{Absent, Default};
use super::Preset::{Text as Word, Texts};
use super::{Key, Section, Shape};
use crate::forms::{number, plain};
use crate::model::{
    AnonymousHost, CalledParty, CallerDisplay, CallerSource, CallerWritten, Charge, FirstIs,
    ForwardingHeader, ForwardingWrite, NotOwned, PaiForm, PassStrip, Replaced, Withheld, WithheldFrom, Words,
};

pub(crate) static CALLER: Section = Section {
    title: "trunk.NAME.override.caller",
    doc: "Who calls: what is believed of it when a call arrives on this trunk, and how it is written when a call leaves by it.",
    keys: &[
        Key {
            name: "trust",
            shape: Shape::Bool,
            need: Absent("`true` with `identity = \"pass\"`, else `false`"),
            effect: Reload,
            doc: "Whether the peer is in our trust domain (RFC 3325 §2.3). P-Asserted-Identity and Remote-Party-ID from an untrusted peer are not believed; towards one, a caller who asks for privacy gets it here (RFC 3323 §5).",
        },
        Key {
            name: "read",
            shape: Shape::List {
                of: &Shape::Word { now: CallerSource::TOKENS, later: &[] },
                min: 1,
                max: CallerSource::TOKENS.len(),
            },
            need: Default(Texts(&["from"])),
            effect: Reload,
            doc: "Where the caller's number is taken from, in order: P-Asserted-Identity, Remote-Party-ID, P-Preferred-Identity, From. The first that names one counts, for routes and for From towards the other side.",
        },
        Key {
            name: "write",
            shape: Shape::List {
                of: &Shape::Word { now: CallerWritten::TOKENS, later: &[] },
                min: 1,
                max: CallerWritten::TOKENS.len(),
            },
            need: Absent("`from`, and with `identity = \"pass\"` those of the others that arrived"),
            effect: Reload,
            doc: "Headers that name the caller towards this trunk. Without `from`, From names the pilot. A caller of an untrusted trunk is asserted only when `screen` finds the number owned.",
        },
        Key {
            name: "pai",
            shape: Shape::Word { now: PaiForm::TOKENS, later: &[] },
            need: Default(Word("sip")),
            effect: Reload,
            doc: "The URI in P-Asserted-Identity: sip, tel (RFC 3966), or one of each (RFC 3325 §9.1).",
        },
        Key {
            name: "withheld",
            shape: Shape::Word { now: Withheld::TOKENS, later: &[] },
            need: Default(Word("keep")),
            effect: Reload,
            doc: "What a trusted peer learns of a caller who withholds the number. `keep`: the headers in `write`, with `Privacy: id`. `drop`: From alone, anonymous.",
        },
        Key {
            name: "withheld_from",
            shape: Shape::Word { now: WithheldFrom::TOKENS, later: &[] },
            need: Default(Word("as-arrived")),
            effect: Reload,
            doc: "From towards a trusted peer when the caller withholds the number: as it arrived, or `anonymous` in every case. Towards an untrusted peer it is always anonymous.",
        },
        Key {
            name: "anonymous_host",
            shape: Shape::Word { now: AnonymousHost::TOKENS, later: &[] },
            need: Default(Word("invalid")),
            effect: Reload,
            doc: "Host of an anonymous From: `anonymous.invalid` (RFC 3323 §4.1.1.3), or the trunk's `domain`.",
        },
        Key {
            name: "display",
            shape: Shape::Word { now: CallerDisplay::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "The display name towards this trunk: that of From, that of the asserted identity, none, or `display_name`.",
        },
        Key {
            name: "display_name",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("none"),
            effect: Reload,
            doc: "The name that `display = \"replace\"` writes.",
        },
        Key {
            name: "replaced",
            shape: Shape::Word { now: Replaced::TOKENS, later: &[] },
            need: Default(Word("everywhere")),
            effect: Reload,
            doc: "Where the number of a route's `caller_id` stands. `everywhere`: in every header of `write`, also where another identity was asserted or preferred. `from`: in From; other identities that arrived stay.",
        },
        Key {
            name: "charge",
            shape: Shape::Word { now: Charge::TOKENS, later: &[] },
            need: Default(Word("strip")),
            effect: Reload,
            doc: "P-Charge-Info (RFC 8496) towards a trusted peer: none, what a trusted peer said, the pilot of `screen`, or `charge_number`. An untrusted peer is never told.",
        },
        Key {
            name: "charge_number",
            shape: Shape::Text(&number::NUMBER),
            need: Absent("none"),
            effect: Reload,
            doc: "The number that `charge = \"replace\"` writes.",
        },
        Key {
            name: "called_party",
            shape: Shape::Word { now: CalledParty::TOKENS, later: &[] },
            need: Default(Word("strip")),
            effect: Reload,
            doc: "P-Called-Party-ID (RFC 7315 §4.2) towards a trusted peer: none, what a trusted peer said, or the number called. An untrusted peer is never told.",
        },
        Key {
            name: "referred_by",
            shape: Shape::Word { now: PassStrip::TOKENS, later: &[] },
            need: Default(Word("strip")),
            effect: Reload,
            doc: "Who referred the caller, in Referred-By (RFC 3892). It is told where both trunks say `pass` and both peers are trusted, under our own host and without a token.",
        },
        Key {
            name: "screen",
            shape: Shape::Table(&SCREEN),
            need: Absent("its keys' defaults"),
            effect: Reload,
            doc: "Which callers' numbers this peer accepts.",
        },
    ],
};

pub(crate) static SCREEN: Section = Section {
    title: "trunk.NAME.override.caller.screen",
    doc: "Which callers' numbers the peer accepts, and what becomes of the others.",
    keys: &[
        Key {
            name: "owned",
            shape: Shape::List { of: &Shape::Text(&number::RANGE), min: 0, max: 10_000 },
            need: Absent("the ranges in `[[numbers]]`"),
            effect: Reload,
            doc: "Numbers that the peer has given us.",
        },
        Key {
            name: "pilot",
            shape: Shape::Text(&number::NUMBER),
            need: Absent("the number of the trunk's `pilot`"),
            effect: Reload,
            doc: "The number of the trunk itself, which stands for callers whose own may not.",
        },
        Key {
            name: "not_owned",
            shape: Shape::Word { now: NotOwned::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "What becomes of a caller's number that is not owned. `pass`: nothing is looked at. `pilot-asserted`: the pilot in P-Asserted-Identity, P-Preferred-Identity and Remote-Party-ID, the caller in From. `pilot`: the pilot everywhere. `refuse`: 403.",
        },
    ],
};

pub(crate) static FORWARDING: Section = Section {
    title: "trunk.NAME.override.forwarding",
    doc: "Who was called before: Diversion (RFC 5806) and History-Info (RFC 7044), in and out.",
    keys: &[
        Key {
            name: "read",
            shape: Shape::List {
                of: &Shape::Word { now: ForwardingHeader::TOKENS, later: &[] },
                min: 0,
                max: ForwardingHeader::TOKENS.len(),
            },
            need: Absent("those of `diversion` and `history_info` that are `pass`"),
            effect: Reload,
            doc: "Headers that are believed on arrival, in order; the first that names a forwarding counts.",
        },
        Key {
            name: "write",
            shape: Shape::Word { now: ForwardingWrite::TOKENS, later: &[] },
            need: Default(Word("as-arrived")),
            effect: Reload,
            doc: "Headers written. `as-arrived`: those that arrived and were read, where `diversion` and `history_info` say `pass`. The others convert what was read (RFC 7544).",
        },
        Key {
            name: "first_is",
            shape: Shape::Word { now: FirstIs::TOKENS, later: &[] },
            need: Default(Word("keep")),
            effect: Reload,
            doc: "The number that forwarded last, which a provider may want as proof. `keep`: as it arrived. `did`: the latest one in the history that is owned (`caller.screen`), else the pilot. `pilot`: the pilot.",
        },
    ],
};
