//! Every key, defined once: name, shape, bounds, default, effect of a change, documentation.
//!
//! The check, the reader's defaults, the JSON Schema, the reference page and the answer whether a
//! change needs a restart all follow from these tables. Enter through [`ROOT`]; to add a key, add a
//! line to its table and read it in `build`.

mod account;
mod codecs;
mod dialog;
mod digits;
mod failover;
mod headers;
mod identity;
mod interface;
mod policy;
mod rates;
mod recording;
mod redirect;
mod root;
mod routing;
mod rtcp;
mod scope;
mod service;
mod site;
mod sounds;
mod srtp;
mod transfer;
mod translate;
mod trunk;
mod usage;
mod users;

pub(crate) use account::{ACCOUNT_OF_TRUNK, REGISTRATION};
pub(crate) use dialog::{RINGING, SESSION_TIMER};
pub(crate) use failover::{MAPPING, MEASURE};
pub(crate) use headers::{RULE as HEADER_RULE, TEST as HEADER_TEST};
pub(crate) use identity::{CALLER, FORWARDING, SCREEN};
pub(crate) use interface::{LISTEN, LISTEN_TLS};
pub(crate) use policy::POLICY;
pub(crate) use rates::RATES;
pub(crate) use root::{NODE, PROFILE, ROOT};
pub(crate) use routing::{CALL, DIALPLAN, EXPECT, MATCH, NUMBERS, ROUTE, TEST};
pub(crate) use scope::SCOPE;
pub(crate) use service::{API, LIMITS, LOG, MEDIA, RECORDS, SIGNALLING};
pub(crate) use site::SITE;
pub(crate) use sounds::ANNOUNCEMENT;
pub(crate) use translate::{PILOT, TRANSLATE, TRANSLATION};
pub(crate) use trunk::{PRESET, TRUNK, TRUNK_TLS};
pub(crate) use usage::{CALL_POLICY, GROUP, HOLIDAYS, WHEN};
pub(crate) use users::{AUTHENTICATION, REGISTERING, USER};

use crate::forms::Form;
use std::time::Duration;

/// A table and its keys.
pub(crate) struct Section {
    /// Name of the table in the documentation, such as `trunk.NAME`.
    pub(crate) title: &'static str,
    /// What it describes.
    pub(crate) doc: &'static str,
    /// Its keys.
    pub(crate) keys: &'static [Key],
}

impl Section {
    /// The key with this name.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name)
    }
}

/// One key.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) need: Need,
    /// What a change asks of a running node.
    pub(crate) effect: Effect,
    /// What it does; one or two sentences.
    pub(crate) doc: &'static str,
}

/// What a change asks of a running node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// Taken over by a reload; running calls keep what they began with.
    Reload,
    /// Taken over at the next start.
    Restart,
}

/// Whether a key must be written, and what holds when it is not.
pub(crate) enum Need {
    /// It must.
    Required,
    /// Nothing holds; the text says what that means.
    Absent(&'static str),
    /// This value.
    Default(Preset),
}

/// A default value.
pub(crate) enum Preset {
    Text(&'static str),
    Integer(i64),
    Bool(bool),
    Texts(&'static [&'static str]),
    Integers(&'static [i64]),
}

/// A family of named things that keys refer to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Family {
    Listen,
    Site,
    Trunk,
    Route,
    Profile,
    CallPolicy,
    Holidays,
    Group,
}

impl Family {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Family::Listen => "listen",
            Family::Site => "site",
            Family::Trunk => "trunk",
            Family::Route => "route",
            Family::Profile => "profile",
            Family::CallPolicy => "policy",
            Family::Holidays => "set of holidays",
            Family::Group => "group",
        }
    }
}

/// What a value may be.
pub(crate) enum Shape {
    Bool,
    Integer {
        min: i64,
        max: i64,
    },
    /// A string with a unit, or whole seconds; `off` takes 0 beside the bounds.
    Duration {
        min: Duration,
        max: Duration,
        off: bool,
    },
    /// One of the first words; the second are understood but not built.
    Word {
        now: &'static [&'static str],
        later: &'static [&'static str],
    },
    Text(&'static Form),
    /// The name of something in this configuration.
    Name(Family),
    /// The same, or this word.
    NameOr(Family, &'static str),
    /// Tiers of trunks with weights.
    Tiers,
    /// A secret: where it is, or inline.
    Secret,
    List {
        of: &'static Shape,
        min: usize,
        max: usize,
    },
    /// A list whose only item may stand alone.
    OneOrMore {
        of: &'static Shape,
        max: usize,
    },
    Table(&'static Section),
    /// Tables by name: `[trunk.NAME]`.
    Named {
        section: &'static Section,
        max: usize,
    },
    /// A list of tables: `[[route]]`.
    Each {
        section: &'static Section,
        max: usize,
    },
    /// Understood but not built; the text says what is missing.
    Later(&'static str),
}

impl Shape {
    /// The table or tables that such a value is.
    pub(crate) fn section(&self) -> Option<&'static Section> {
        match self {
            Shape::Table(section) | Shape::Named { section, .. } | Shape::Each { section, .. } => {
                Some(section)
            }
            _ => None,
        }
    }
}

/// Seconds, for bounds.
const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
