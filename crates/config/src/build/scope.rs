//! Where the settings of a trunk are looked for.

use crate::keys::Family;
use crate::model::{Kind, Words};
use crate::names::Names;
use crate::profile::{self, Profile};
use crate::text::{Table, Value};

/// One place that settings come from.
pub(crate) struct Layer<'a> {
    pub(crate) owner: Owner<'a>,
    /// Keys of the trunk itself.
    pub(crate) trunk: Option<&'a Table>,
    /// Keys of its policy.
    pub(crate) policy: Option<&'a Table>,
}

/// Whose place it is.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    Trunk,
    Site(&'a str),
    Defaults,
    Profile(&'a Profile),
}

/// The layers of a trunk, the most specific first (R12): its own table, its site's defaults, the
/// global ones, its profile.
pub(crate) fn layers<'a>(
    root: &'a Table,
    trunk: &'a Table,
    profile: &'static Profile,
    names: &Names<'_>,
) -> [Layer<'a>; 4] {
    let site = trunk.value("site").and_then(Value::text).unwrap_or_default();
    // The node's own site may have no table.
    let place = names.index(Family::Site, site).and_then(|index| root.entries_of("site").get(index));
    let of_site = place.and_then(|entry| entry.value.table()).and_then(|t| t.table("defaults"));
    let layer = |owner, table: Option<&'a Table>| Layer {
        owner,
        trunk: table,
        policy: table.and_then(|t| t.table("override")),
    };
    let preset = &profile.table;
    [
        layer(Owner::Trunk, Some(trunk)),
        layer(Owner::Site(site), of_site),
        layer(Owner::Defaults, root.table("defaults")),
        Layer {
            owner: Owner::Profile(profile),
            trunk: preset.table("trunk"),
            policy: preset.table("policy"),
        },
    ]
}

/// A trunk's kind, and the profile that it names, or its kind's.
pub(crate) fn kind_and_profile(trunk: &Table) -> Option<(Kind, &'static Profile)> {
    let kind = trunk.value("kind").and_then(Value::text).and_then(Kind::from_token)?;
    let usual = match kind {
        Kind::Itsp => "generic-itsp",
        Kind::Direct | Kind::Recorder => "generic-pbx",
    };
    let named = trunk.value("profile");
    let profile = profile::find(if let Some(value) = named { value.text()? } else { usual })?;
    Some((kind, profile))
}
