//! The settings of one trunk, each with where it comes from.
//!
//! Walks the key tables over the same layers that the trunk is built from. Enter through
//! [`effective`].

mod place;
mod rights;
mod walk;

use crate::build::{Owner, kind_and_profile, layers};
use crate::forms::plain;
use crate::keys::{POLICY, TRUNK};
use crate::names::Names;
use crate::profile::Profile;
use crate::text::{self, Place, Source, Table, Value};
use crate::{Diagnostics, Format};
pub use place::Whereabouts;
use rights::Whose;
use std::fmt;
use walk::{Seen, Walk};

/// The settings of a trunk.
#[derive(Clone, PartialEq, Debug)]
pub struct Effective {
    /// The profile that it names, or its kind's.
    pub profile: &'static Profile,
    /// Its settings in the order of the documentation.
    pub settings: Vec<Setting>,
    /// Where its callers are, on which what they may do and how they dial can depend.
    pub place: Whereabouts,
}

/// One setting.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// The key as it is written in the trunk's table, such as `override.caller.read`.
    pub key: String,
    /// What holds; `None` when nothing is set and the key has no value of its own.
    pub value: Option<serde_json::Value>,
    /// What it means that nothing is set.
    pub absent: Option<&'static str>,
    /// Who says so.
    pub origin: Origin,
    /// Where it is written: the file, and the place in it.
    pub place: Option<(String, Place)>,
}

/// Who says what holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The trunk's own table.
    Trunk,
    /// The trunk's `override`.
    Override,
    /// The entry of the user in the trunk's `users`.
    User(String),
    /// `[group.NAME]` of the user.
    Group(String),
    /// `[site.NAME]` itself.
    Place(String),
    /// The top level.
    Top,
    /// `[site.NAME.defaults]` of the trunk's site.
    Site(String),
    /// `[defaults]`.
    Defaults,
    /// The trunk's profile.
    Profile {
        /// Its name.
        name: String,
        /// Its version.
        version: u32,
    },
    /// The default of the key.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Trunk => f.write_str("trunk"),
            Origin::Override => f.write_str("override"),
            Origin::User(name) => write!(f, "user {name}"),
            Origin::Group(name) => write!(f, "group {name}"),
            Origin::Place(name) => write!(f, "[site.{name}]"),
            Origin::Top => f.write_str("top level"),
            Origin::Site(name) => write!(f, "site {name}"),
            Origin::Defaults => f.write_str("defaults"),
            Origin::Profile { name, version } => write!(f, "profile {name} v{version}"),
            Origin::BuiltIn => f.write_str("built-in"),
        }
    }
}

impl fmt::Display for Setting {
    /// The value as TOML, or what it means that there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.value, self.absent) {
            (Some(value), _) => walk::toml(value, f),
            (None, meaning) => write!(f, "({})", meaning.unwrap_or("not set")),
        }
    }
}

/// Why there are no settings to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EffectiveError {
    /// The configuration is wrong.
    Invalid(Diagnostics),
    /// It has no such trunk, but these.
    NoTrunk(Vec<String>),
    /// The trunk has no such user, but these.
    NoUser(Vec<String>),
}

/// The settings of the trunk `trunk` in a configuration text, and what holds for calls of its user `user`. `name` is the
/// file's name.
///
/// # Errors
/// The text is no valid configuration, or has no such trunk or user.
pub fn effective(
    text: &str,
    name: &str,
    format: Format,
    (trunk, user): (&str, Option<&str>),
) -> Result<Effective, EffectiveError> {
    let loaded = crate::parse(text, name, format).map_err(EffectiveError::Invalid)?;
    let no_trunk = || EffectiveError::NoTrunk(loaded.config.trunks.iter().map(|t| t.name.clone()).collect());
    let (root, _) = text::read(text, format);
    let table = root.table("trunk").and_then(|trunks| trunks.table(trunk)).ok_or_else(no_trunk)?;
    let wanted = user;
    let (_, profile) = kind_and_profile(table).ok_or_else(no_trunk)?;
    let users = table.tables_of("users");
    let known = || users.iter().filter_map(|(_, user)| user.value("username")?.text()).map(str::to_owned);
    let found = users.iter().find(|(_, user)| user.value("username").and_then(Value::text) == wanted);
    if wanted.is_some() && found.is_none() {
        return Err(EffectiveError::NoUser(known().collect()));
    }
    let place = loaded.config.trunk_named(trunk).map(|id| Whereabouts::of(&loaded.config, id));
    let place = place.unwrap_or_default();
    let user = found.filter(|_| wanted.is_some()).map(|(_, user)| *user);
    let whose = Whose { root: &root, trunk: table, user, site: place.site.as_deref() };
    let mut settings = settings(&root, table, profile, (text, name));
    let rights = rights::rights(&whose, (text, name));
    settings.retain(|setting| rights.iter().all(|right| right.key != setting.key));
    settings.extend(rights);
    Ok(Effective { profile, settings, place })
}

fn settings(
    root: &Table,
    trunk: &Table,
    profile: &'static Profile,
    (text, name): (&str, &str),
) -> Vec<Setting> {
    let own = Source::new(text);
    let preset = Source::new(profile.text);
    let preset_name = profile.file();
    let layers = layers(root, trunk, profile, &Names::collect(root));
    let seen = |policy: bool| {
        let tables = layers.iter().filter_map(move |layer| {
            let table = if policy { layer.policy } else { layer.trunk }?;
            let origin = match layer.owner {
                Owner::Trunk if policy => Origin::Override,
                Owner::Trunk => Origin::Trunk,
                Owner::Site(site) => Origin::Site(site.to_owned()),
                Owner::Defaults => Origin::Defaults,
                Owner::Profile(p) => Origin::Profile { name: p.name.clone(), version: p.version },
            };
            Some((table, origin))
        });
        tables
            .map(|(table, origin)| match origin {
                Origin::Profile { .. } => Seen { table, origin, source: &preset, file: &preset_name },
                _ => Seen { table, origin, source: &own, file: name },
            })
            .collect::<Vec<_>>()
    };
    let country = root.value("country").and_then(Value::text).and_then(|t| plain::country(t).ok());
    let mut walk = Walk { country, settings: Vec::new() };
    walk.section(&TRUNK, "", &seen(false));
    walk.section(&POLICY, "override", &seen(true));
    walk.settings
}
