//! Who may use a trunk: keys of `[trunk.NAME]` that demand passwords and take registrations.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::{Bool as Truth, Integer as Int, Text as Word, Texts};
use super::account::{ACCOUNT, PASSWORD, USERNAME};
use super::{Family, Key, Section, Shape, seconds};
use crate::forms::{net, number, plain};
use crate::model::{
    CallsTo, DigestAlgorithm, DigestQop, Guarded, Presents, ReachedAt, SpeaksFor, WhenFull, Words,
};

pub(super) const USERS: Key = Key {
    name: "users",
    shape: Shape::Each { section: &USER, max: 1_000 },
    need: Absent("the source alone tells whose a request is"),
    effect: Reload,
    doc: "Who may use the trunk, each with a password that requests must prove (RFC 3261 §22). With `registrar` each is a gateway of its own: where it registered, calls to it go.",
};

pub(super) const AUTHENTICATE: Key = Key {
    name: "authenticate",
    shape: Shape::Table(&AUTHENTICATION),
    need: Absent("its keys' defaults, where there are `users`"),
    effect: Reload,
    doc: "What the trunk's `users` must prove, and how.",
};

pub(super) const REGISTRAR: Key = Key {
    name: "registrar",
    shape: Shape::Table(&REGISTERING),
    need: Absent("REGISTER is refused"),
    effect: Reload,
    doc: "Takes registrations of the trunk's `users` (RFC 3261 §10.3); may be empty (`registrar = {}`). The trunk then needs no `gateways`. Registrations are heard from its `sources`.",
};

pub(crate) static USER: Section = Section {
    title: "trunk.NAME.users",
    doc: "A user of a trunk: a phone, or a PBX that registers.",
    keys: &[
        Key { doc: "The address of record that it registers: a user, or user and domain.", ..ACCOUNT },
        Key { need: Required, doc: "User name for digest authentication.", ..USERNAME },
        Key { need: Required, doc: "Password for digest authentication.", ..PASSWORD },
        Key {
            name: "numbers",
            shape: Shape::OneOrMore { of: &Shape::Text(&number::RANGE), max: 1_000 },
            need: Absent("its account's user; all numbers for the only user of a trunk"),
            effect: Reload,
            doc: "Its numbers: calls to them go to it, and it may call with them. The first is shown where it calls by its name (`presents`).",
        },
        Key {
            name: "group",
            shape: Shape::Name(Family::Group),
            need: Absent("no group"),
            effect: Reload,
            doc: "The `[group.NAME]` whose dial plan and rights are its.",
        },
        Key {
            name: "policy",
            shape: Shape::Name(Family::CallPolicy),
            need: Absent("its group's, the trunk's, the site's, `default_policy`"),
            effect: Reload,
            doc: "The policy of its calls.",
        },
    ],
};

pub(crate) static AUTHENTICATION: Section = Section {
    title: "trunk.NAME.authenticate",
    doc: "Digest authentication of a trunk's users (RFC 3261 §22.2, RFC 8760). ACK and CANCEL are never asked.",
    keys: &[
        Key {
            name: "realm",
            shape: Shape::Text(&plain::TEXT),
            need: Absent("`domain`, else our address on the interface"),
            effect: Reload,
            doc: "The realm of the challenges.",
        },
        Key {
            name: "algorithms",
            shape: Shape::List {
                of: &Shape::Word { now: DigestAlgorithm::TOKENS, later: &[] },
                min: 1,
                max: 3,
            },
            need: Default(Texts(&["sha-256", "md5"])),
            effect: Reload,
            doc: "The algorithms that are offered, the preferred first. Leave `md5` out where all peers know a better one.",
        },
        Key {
            name: "qop",
            shape: Shape::List { of: &Shape::Word { now: DigestQop::TOKENS, later: &[] }, min: 1, max: 2 },
            need: Default(Texts(&["auth"])),
            effect: Reload,
            doc: "What a digest may cover. `auth`: method and URI. `auth-int`: the body too, which nothing between may then change.",
        },
        Key {
            name: "requests",
            shape: Shape::List { of: &Shape::Word { now: Guarded::TOKENS, later: &[] }, min: 0, max: 4 },
            need: Default(Texts(&["register", "invite", "other"])),
            effect: Reload,
            doc: "Requests that must prove their user. `register`, `invite` (those that begin a call), `other` (any other outside a call), `inside` (those inside a call).",
        },
        Key {
            name: "caller",
            shape: Shape::Word { now: SpeaksFor::TOKENS, later: &[] },
            need: Default(Word("own")),
            effect: Reload,
            doc: "Whose number may stand in From of a user's calls. `own`: that of its account or in its `numbers`, else the call is refused with `A-IDENTITY`. `any`: any.",
        },
        Key {
            name: "presents",
            shape: Shape::Word { now: Presents::TOKENS, later: &[] },
            need: Default(Word("number")),
            effect: Reload,
            doc: "What callees are shown of a user who names itself by its account or user name where no dial rule makes a number of that. `number`: the first of its `numbers`. `name`: the name.",
        },
        Key {
            name: "nonce_life",
            shape: Shape::Duration { min: seconds(10), max: seconds(3_600), off: false },
            need: Default(Word("300s")),
            effect: Reload,
            doc: "How long one challenge may be answered; each answer counts, and each count serves once.",
        },
        Key {
            name: "lock_after",
            shape: Shape::Integer { min: 1, max: 1_000 },
            need: Default(Int(10)),
            effect: Reload,
            doc: "Wrong credentials in a row, from one address, until it is locked out.",
        },
        Key {
            name: "lock_for",
            shape: Shape::Duration { min: seconds(1), max: seconds(86_400), off: false },
            need: Default(Word("60s")),
            effect: Reload,
            doc: "How long an address is locked out, and how long a wrong attempt is remembered.",
        },
    ],
};

pub(crate) static REGISTERING: Section = Section {
    title: "trunk.NAME.registrar",
    doc: "Registrations of a trunk's users with us (RFC 3261 §10.3).",
    keys: &[
        Key {
            name: "domains",
            shape: Shape::OneOrMore { of: &Shape::Text(&net::HOST), max: 16 },
            need: Absent("any"),
            effect: Reload,
            doc: "The hosts that a REGISTER may be for; others are refused with 404.",
        },
        Key {
            name: "expires_min",
            // RFC 3261 §10.3 step 7: what lasts an hour or longer is not refused.
            shape: Shape::Duration { min: seconds(1), max: seconds(3_600), off: false },
            need: Default(Word("60s")),
            effect: Reload,
            doc: "The shortest registration; shorter ones are refused with 423. No longer than an hour: a registrar may not refuse longer ones (RFC 3261 §10.3).",
        },
        Key {
            name: "expires_max",
            shape: Shape::Duration { min: seconds(1), max: seconds(86_400), off: false },
            need: Default(Word("3600s")),
            effect: Reload,
            doc: "The longest registration; longer ones are shortened to it.",
        },
        Key {
            name: "expires",
            shape: Shape::Duration { min: seconds(1), max: seconds(86_400), off: false },
            need: Default(Word("600s")),
            effect: Reload,
            doc: "How long a registration holds that does not say.",
        },
        Key {
            name: "contacts_max",
            shape: Shape::Integer { min: 1, max: 32 },
            need: Default(Int(8)),
            effect: Reload,
            doc: "Contacts that one user may have registered at a time.",
        },
        Key {
            name: "when_full",
            shape: Shape::Word { now: WhenFull::TOKENS, later: &[] },
            need: Default(Word("replace")),
            effect: Reload,
            doc: "What becomes of one contact more. `replace`: it takes the place of the one that was refreshed longest ago. `refuse`: 403.",
        },
        Key {
            name: "outbound",
            shape: Shape::Bool,
            need: Default(Truth(true)),
            effect: Reload,
            doc: "Whether clients that ask for it register their connections (RFC 5626).",
        },
        Key {
            name: "flow_timer",
            shape: Shape::Duration { min: seconds(10), max: seconds(3_600), off: true },
            need: Default(Word("120s")),
            effect: Reload,
            doc: "How often such a client is told to keep its connection alive (Flow-Timer); 0 does not say.",
        },
        Key {
            name: "reach",
            shape: Shape::Word { now: ReachedAt::TOKENS, later: &[] },
            need: Default(Word("source")),
            effect: Reload,
            doc: "Where calls to a registered contact go. `source`: where its REGISTER came from, on the same connection, as peers behind NAT need it. `contact`: to the address in its Contact, over UDP, when that is an address.",
        },
        Key {
            name: "calls_to",
            shape: Shape::Word { now: CallsTo::TOKENS, later: &[] },
            need: Default(Word("contact")),
            effect: Reload,
            doc: "Request-URI of calls to a registered contact. `contact`: as registered. `number`: the called number at the contact's host, as a PBX wants it.",
        },
    ],
};
