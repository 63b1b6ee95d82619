//! Who we are towards a trunk's peer: keys of `[trunk.NAME]` that authenticate and register us.

use super::Effect::Reload;
use super::Need::{Absent, Default, Required};
use super::Preset::{Bool as Truth, Integer as Int, Text as Word};
use super::{Key, Section, Shape, seconds};
use crate::forms::{account, net, number, plain};
use crate::model::{RegisterMode, RegisterSecurity, Words};

pub(super) const ACCOUNT: Key = Key {
    name: "account",
    shape: Shape::Text(&account::ADDRESS),
    need: Absent("`username`"),
    effect: Reload,
    doc: "The address of record that the trunk registers: a user, or user and domain.",
};

pub(super) const USERNAME: Key = Key {
    name: "username",
    shape: Shape::Text(&plain::TEXT),
    need: Absent("challenges are not answered"),
    effect: Reload,
    doc: "User name for digest authentication (RFC 8760). Needs `password`.",
};

pub(super) const PASSWORD: Key = Key {
    name: "password",
    shape: Shape::Secret,
    need: Absent("challenges are not answered"),
    effect: Reload,
    doc: "Password for digest authentication. Needs `username`.",
};

pub(super) const FROM_USER: Key = Key {
    name: "from_user",
    shape: Shape::Text(&account::USER),
    need: Absent("the caller's number"),
    effect: Reload,
    doc: "User part of From in calls that are placed with the account, for providers that want to see the account there and the caller in `caller.write`. Anonymous callers stay anonymous; REGISTER bears `account`.",
};

pub(super) const REALM: Key = Key {
    name: "realm",
    shape: Shape::OneOrMore { of: &Shape::Text(&plain::TEXT), max: 8 },
    need: Absent("the first realm that the peer asks for"),
    effect: Reload,
    doc: "The realms whose challenges are answered with the password. A challenge of another realm is never answered.",
};

pub(super) const ACCOUNTS: Key = Key {
    name: "accounts",
    shape: Shape::Each { section: &ACCOUNT_OF_TRUNK, max: 64 },
    need: Absent("the trunk's own `account`, if any"),
    effect: Reload,
    doc: "Further accounts at the same provider; each registers by itself when the trunk registers.",
};

pub(super) const REGISTER: Key = Key {
    name: "register",
    shape: Shape::Table(&REGISTRATION),
    need: Absent("the trunk does not register"),
    effect: Reload,
    doc: "Registers the trunk's accounts at its gateways; may be empty (`register = {}`).",
};

pub(super) const OUTBOUND_PROXY: Key = Key {
    name: "outbound_proxy",
    shape: Shape::Text(&net::GATEWAY),
    need: Absent("requests go to the gateways themselves"),
    effect: Reload,
    doc: "Where all requests to this trunk go, with a Route that names it; the first gateway's host stays in their Request-URI unless `domain` says otherwise.",
};

pub(crate) static ACCOUNT_OF_TRUNK: Section = Section {
    title: "trunk.NAME.accounts",
    doc: "One more account at a trunk's provider.",
    keys: &[
        ACCOUNT,
        Key { need: Required, ..USERNAME },
        Key { need: Required, ..PASSWORD },
        FROM_USER,
        Key {
            name: "numbers",
            shape: Shape::OneOrMore { of: &Shape::Text(&number::RANGE), max: 1_000 },
            need: Absent("callers of no other account"),
            effect: Reload,
            doc: "Calls from these callers are placed with this account.",
        },
    ],
};

const EXPIRES: Key = Key {
    name: "expires",
    shape: Shape::Duration { min: seconds(60), max: seconds(86_400), off: false },
    need: Default(Word("600s")),
    effect: Reload,
    doc: "How long a registration is asked for; what the registrar grants holds.",
};

const MODE: Key = Key {
    name: "mode",
    shape: Shape::Word { now: RegisterMode::TOKENS, later: &[] },
    need: Default(Word("single")),
    effect: Reload,
    doc: "`single`: one address of record. `bulk`: all numbers of the account at once (RFC 6140).",
};

const PIN: Key = Key {
    name: "pin",
    shape: Shape::Bool,
    need: Default(Truth(false)),
    effect: Reload,
    doc: "Whether calls go to the one address that accepted the registration.",
};

/// How a provider wants to be registered with, where the trunk registers at all.
pub(super) const REGISTER_AS: Key = Key {
    name: "register",
    shape: Shape::Table(&Section {
        title: "profile.trunk.register",
        doc: "How a provider wants to be registered with; whether it is, the trunk says.",
        keys: &[EXPIRES, MODE, PIN],
    }),
    need: Absent("the defaults of `register`"),
    effect: Reload,
    doc: "What holds where a trunk with this profile registers.",
};

pub(crate) static REGISTRATION: Section = Section {
    title: "trunk.NAME.register",
    doc: "Registration with a provider (RFC 3261 §10).",
    keys: &[
        Key {
            name: "registrar",
            shape: Shape::Text(&net::HOST),
            need: Absent("`domain`, else the first gateway's host"),
            effect: Reload,
            doc: "Host of the REGISTER's Request-URI, and of accounts without a domain. REGISTERs go to the trunk's gateways.",
        },
        EXPIRES,
        MODE,
        Key {
            name: "contact_user",
            shape: Shape::Text(&account::USER),
            need: Absent("the account's user"),
            effect: Reload,
            doc: "User part of our Contact; requests to it belong to this trunk where several share a source. Not with `bulk`.",
        },
        PIN,
        Key {
            name: "health",
            shape: Shape::Bool,
            need: Default(Truth(true)),
            effect: Reload,
            doc: "Whether a trunk without any registration counts as down: it is then tried last.",
        },
        Key {
            name: "flows",
            shape: Shape::Integer { min: 1, max: 4 },
            need: Default(Int(1)),
            effect: Reload,
            doc: "Registrations of each account that stand at a time, each at another address of the gateways where there are several.",
        },
        Key {
            name: "outbound",
            shape: Shape::Bool,
            need: Default(Truth(false)),
            effect: Reload,
            doc: "Registers the connection itself (RFC 5626): `+sip.instance`, `reg-id`, `ob`. When the connection ends, the account registers anew at once.",
        },
        Key {
            name: "keepalive",
            shape: Shape::Duration { min: seconds(10), max: seconds(3_600), off: true },
            need: Default(Word("0s")),
            effect: Reload,
            doc: "How often the registered connection is pinged by double CRLF. Over TCP and TLS a ping without its answer after 10 s ends the connection, and the account registers anew; over UDP it keeps a NAT's mapping. 0 is off, or with `outbound` what the registrar asks for (Flow-Timer).",
        },
        Key {
            name: "security",
            shape: Shape::Word { now: RegisterSecurity::TOKENS, later: &[] },
            need: Default(Word("off")),
            effect: Reload,
            doc: "What is agreed with the registrar about security (RFC 3329). `mediasec`: Security-Client for SRTP by SDES, the registrar's Security-Server given back in Security-Verify, also in calls.",
        },
    ],
};
