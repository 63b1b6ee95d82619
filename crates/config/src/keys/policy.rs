//! The policy: keys of a trunk's `override` and of profiles.

use super::Effect::Reload;
use super::Need::{Absent, Default};
use super::Preset::{Bool as Truth, Text as Word, Texts};
use super::{CALLER, FORWARDING, Key, Section, Shape, dialog, headers, redirect, seconds, transfer};
use crate::forms::{called, plain};
use crate::model::{
    EarlyOffer, Extension, Hold, Latch, MediaMode, NumberFormat, PassStrip, Prack, Sips, UriScheme, Words,
};

/// Codecs that an offer of ours can hold.
const CODECS: &[&str] = &["PCMU", "PCMA", "G722", "G729", "opus", "telephone-event"];

pub(crate) static POLICY: Section = Section {
    title: "trunk.NAME.override",
    doc: "How a trunk's calls are treated. A profile sets these keys and a trunk's `override` replaces single ones.",
    keys: &[
        Key {
            name: "media",
            shape: Shape::Word { now: MediaMode::TOKENS, later: &[] },
            need: Default(Word("anchor")),
            effect: Reload,
            doc: "`anchor`: media flows through this node. `direct`: between the peers, when both trunks of a call say so.",
        },
        Key {
            name: "latch",
            shape: Shape::Word { now: Latch::TOKENS, later: &[] },
            need: Default(Word("off")),
            effect: Reload,
            doc: "Which media sources are believed. `off`: only the signalled address and port. `signalled`: the signalled address from any port. `nat`: the first valid source, locked from then on; whoever sends first gets the call's audio.",
        },
        Key {
            name: "early_offer",
            shape: Shape::Word { now: EarlyOffer::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "Whether our INVITE to this trunk bears an offer. `pass`: when the caller's does. `make`: always; where the caller's has none it gets an offer of ours. `withhold`: never; a caller's offer stays here, the callee offers in its answer, and each gets of the other what both have.",
        },
        Key {
            name: "offer_codecs",
            shape: Shape::List { of: &Shape::Word { now: CODECS, later: &[] }, min: 1, max: 16 },
            need: Default(Texts(&["PCMA", "PCMU", "telephone-event"])),
            effect: Reload,
            doc: "Codecs of an offer that we make, in order. The default puts PCMU first in countries that use it.",
        },
        Key {
            name: "prack",
            shape: Shape::Word { now: Prack::TOKENS, later: &[] },
            need: Default(Word("supported")),
            effect: Reload,
            doc: "Reliable provisional responses (RFC 3262) towards this trunk: not offered, offered, or demanded.",
        },
        Key {
            name: "session_timer",
            shape: Shape::Table(&super::SESSION_TIMER),
            need: Absent("its keys' defaults"),
            effect: Reload,
            doc: "Session timer of our own (RFC 4028). A peer's is always answered.",
        },
        Key {
            name: "hold",
            shape: Shape::Word { now: Hold::TOKENS, later: &[] },
            need: Default(Word("pass")),
            effect: Reload,
            doc: "The form of hold sent to this trunk: as received, `a=sendonly`, `a=inactive`, or the address 0.0.0.0. `sendonly-only` is `sendonly` for peers that know no `inactive`: an offer of `inactive` becomes `sendonly` too.",
        },
        transfer::REFER,
        transfer::REFER_MAX,
        transfer::REPLACES,
        redirect::REDIRECT,
        redirect::REDIRECT_MAX,
        redirect::REDIRECT_TAKEN,
        Key {
            name: "diversion",
            shape: Shape::Word { now: PassStrip::TOKENS, later: &[] },
            need: Default(Word("strip")),
            effect: Reload,
            doc: "Whether Diversion (RFC 5806) crosses between this trunk and others that say so; `forwarding` has the details.",
        },
        Key {
            name: "history_info",
            shape: Shape::Word { now: PassStrip::TOKENS, later: &[] },
            need: Default(Word("strip")),
            effect: Reload,
            doc: "Whether History-Info (RFC 7044) crosses between this trunk and others that say so; `forwarding` has the details.",
        },
        Key {
            name: "identity",
            shape: Shape::Word { now: PassStrip::TOKENS, later: &[] },
            need: Default(Word("strip")),
            effect: Reload,
            doc: "Whether P-Asserted-Identity, P-Preferred-Identity, Privacy (RFC 3323, 3325) and Remote-Party-ID cross between this trunk and others that say so; `caller` has the details.",
        },
        Key {
            name: "caller",
            shape: Shape::Table(&CALLER),
            need: Absent("its keys' defaults"),
            effect: Reload,
            doc: "Who calls: trust, headers read and written, privacy, screening.",
        },
        Key {
            name: "forwarding",
            shape: Shape::Table(&FORWARDING),
            need: Absent("its keys' defaults"),
            effect: Reload,
            doc: "Who was called before: headers read and written.",
        },
        Key {
            name: "headers_pass",
            shape: Shape::List { of: &Shape::Text(&plain::HEADER), min: 0, max: 64 },
            need: Default(Texts(&[])),
            effect: Reload,
            doc: "Further end-to-end headers that cross to this trunk.",
        },
        Key {
            name: "number_format",
            shape: Shape::Word { now: NumberFormat::TOKENS, later: &[] },
            need: Default(Word("e164-plus")),
            effect: Reload,
            doc: "Form of numbers on the wire: `+4930…`, `4930…`, `004930…`, `030…` inside the country, or as routing left them.",
        },
        Key {
            name: "extension",
            shape: Shape::Word { now: Extension::TOKENS, later: &[] },
            need: Default(Word("strip")),
            effect: Reload,
            doc: "How extensions are written towards this trunk. `pass`: `;ext=` as received (RFC 3966 §5.3). `strip`: left out. `append`: digits behind the number itself. `add`: numbers of the trunk's `pilot` as the pilot with `;ext=`. `short`: numbers of the `pilot` as the extension alone.",
        },
        Key {
            name: "called_from",
            shape: Shape::Text(&called::CALLED_FROM),
            need: Default(Word("request-uri")),
            effect: Reload,
            doc: "Where the called number of calls that arrive by this trunk is taken from: the Request-URI, To, P-Called-Party-ID (RFC 7315 §4.2), the first Diversion, or a header by name. Where it names no number the Request-URI does.",
        },
        Key {
            name: "uri",
            shape: Shape::Word { now: UriScheme::TOKENS, later: &[] },
            need: Default(Word("sip")),
            effect: Reload,
            doc: "Scheme of the numbers in Request-URI, To and From towards this trunk: `sip`, or `tel` (RFC 3966). Names, and local numbers where no `phone_context` is set, stay `sip`. Both are understood when received.",
        },
        Key {
            name: "phone_context",
            shape: Shape::Text(&called::PHONE_CONTEXT),
            need: Absent("none"),
            effect: Reload,
            doc: "What numbers without `+` are local to: `;phone-context=` (RFC 3966 §5.1.5) in `tel` URIs and beside `;user=phone`.",
        },
        Key {
            name: "user_phone",
            shape: Shape::Bool,
            need: Default(Truth(false)),
            effect: Reload,
            doc: "Whether numbers carry `;user=phone` (RFC 3261 §19.1.1).",
        },
        Key {
            name: "media_timeout",
            shape: Shape::Duration { min: seconds(1), max: seconds(3_600), off: true },
            need: Default(Word("30s")),
            effect: Reload,
            doc: "Time without RTP and RTCP until the call ends; 0 is off. A held call is judged by RTCP.",
        },
        Key {
            name: "sips",
            shape: Shape::Word { now: Sips::TOKENS, later: &[] },
            need: Default(Word("demand")),
            effect: Reload,
            doc: "What `sips:` in the Request-URI of a call that arrives here means. `demand`: TLS on both legs (RFC 5630), or no call. `plain`: the same as `sip:`.",
        },
        Key {
            name: "user_agent",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("Tronco's own"),
            effect: Reload,
            doc: "User-Agent of requests towards this trunk (RFC 3261 §20.41): calls, requests inside calls, OPTIONS, REGISTER. Responses name no Server (RFC 3261 §20.35); `header_rules_out` can set one.",
        },
        headers::STRIP,
        headers::TOPOLOGY_PASS,
        headers::RULES_IN,
        headers::RULES_OUT,
        headers::TESTS,
        dialog::UPDATE,
        dialog::ABSORB,
        dialog::LATE_REINVITE,
        dialog::EARLY_MEDIA,
        dialog::EARLY_DIALOGS,
        dialog::EARLY_DIALOGS_MAX,
        dialog::RINGING_KEY,
    ],
};
