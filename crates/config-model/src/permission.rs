//! What callers may do: policies of usages, per scope.

use super::words::words;
use super::{Site, Trunk};

words! {
    /// A class of called numbers.
    pub enum Class {
        /// Numbers that cost a fee beside the call.
        Premium = "premium",
        /// Satellite networks.
        Satellite = "satellite",
        /// Numbers whose cost caller and callee share.
        SharedCost = "shared-cost",
        /// Personal numbers, which may lead anywhere.
        Personal = "personal",
        /// Numbers of other countries.
        International = "international",
    }
}

/// Usages in the order in which their routes are tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallPolicy {
    /// Its name.
    pub name: String,
    /// Usages; the routes of the first that has one are tried first, those of the next are its backup.
    pub usages: Vec<String>,
}

/// Users that dial and may call alike, whichever trunks they belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What is dialled before called numbers to get an outside line.
    pub external_prefix: Option<String>,
    /// What its users may do.
    pub permissions: Permissions,
}

/// What one scope (the node, a site, a trunk, a group) says of its callers. What is `None` is left to the next
/// wider scope.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Permissions {
    /// The policy of its callers, an index into the configuration's policies.
    pub policy: Option<usize>,
    /// Classes of numbers that nobody may call.
    pub deny: Option<Vec<Class>>,
    /// Classes of numbers that unknown callers may not call.
    pub deny_unknown: Option<Vec<Class>>,
}

/// What unknown callers may not call where no scope says so.
pub const DENY_UNKNOWN: [Class; 3] = [Class::Premium, Class::Satellite, Class::International];

/// What holds for the callers of a trunk who are at a site: the trunk's word, else the site's, else the node's.
pub fn effective<'a, T>(
    trunk: &'a Trunk,
    site: Option<&'a Site>,
    node: &'a Permissions,
    word: impl Fn(&'a Permissions) -> Option<T>,
) -> Option<T> {
    word(&trunk.permissions).or_else(|| word(&site?.permissions)).or_else(|| word(node))
}
