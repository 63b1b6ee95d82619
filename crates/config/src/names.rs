//! The names that a configuration declares, for references and for the nearest valid name.

pub(crate) use config_text::nearest::one_of;

use crate::keys::Family;
use crate::profile;
use crate::text::Table;
use std::collections::BTreeMap;

/// Most names listed in a message.
const LISTED_MAX: usize = 12;

/// Names by family, each with its place in the order of the text.
pub(crate) struct Names<'a> {
    families: BTreeMap<Family, BTreeMap<&'a str, usize>>,
}

impl<'a> Names<'a> {
    /// Collects what the root table declares.
    pub(crate) fn collect(root: &'a Table) -> Names<'a> {
        let named = |key: &str| root.entries_of(key).iter().enumerate().map(|(i, e)| (e.key.as_str(), i));
        let mut sites: BTreeMap<&str, usize> = named("site").collect();
        if let Some(own) = root.table("node").and_then(|n| n.value("site")).and_then(|v| v.text()) {
            let next = sites.len();
            sites.entry(own).or_insert(next);
        }
        let routes = root.tables_of("route");
        let routes = routes.iter().enumerate().filter_map(|(i, (_, t))| Some((t.value("name")?.text()?, i)));
        let profiles = profile::profiles().iter().enumerate().map(|(i, p)| (p.name.as_str(), i));
        let families = [
            (Family::Listen, named("listen").collect()),
            (Family::Trunk, named("trunk").collect()),
            (Family::Site, sites),
            (Family::Route, routes.collect()),
            (Family::Profile, profiles.collect()),
            (Family::CallPolicy, named("policy").collect()),
            (Family::Holidays, named("holidays").collect()),
            (Family::Group, named("group").collect()),
        ];
        Names { families: families.into_iter().collect() }
    }

    /// No names at all: for texts that refer to nothing.
    pub(crate) fn none() -> Names<'a> {
        Names { families: BTreeMap::new() }
    }

    /// The place of a name in its family.
    pub(crate) fn index(&self, family: Family, name: &str) -> Option<usize> {
        self.families.get(&family).and_then(|names| names.get(name)).copied()
    }

    /// All names of a family.
    pub(crate) fn all(&self, family: Family) -> impl Iterator<Item = &'a str> + '_ {
        self.families.get(&family).into_iter().flat_map(|names| names.keys().copied())
    }

    /// What is expected of a reference, for a message.
    pub(crate) fn phrase(&self, family: Family) -> String {
        let noun = family.noun();
        let count = self.all(family).count();
        if count == 0 {
            return format!("the name of a {noun}, and there is none");
        }
        let listed = self.all(family).take(LISTED_MAX);
        let rest =
            if count > LISTED_MAX { format!(" and {} more", count - LISTED_MAX) } else { String::new() };
        format!("{}{rest}", one_of(listed))
    }
}
