//! What callers may do: policies of usages, per scope.

use super::words::words;
use super::{Config, Site, Trunk};

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

/// What one scope (the node, a site, a trunk) says of its callers. What is `None` is left to the next
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
const DENY_UNKNOWN: [Class; 3] = [Class::Premium, Class::Satellite, Class::International];

/// What holds for the callers of a trunk: its own word, else its site's, else the node's.
pub fn effective<'a, T>(
    trunk: &'a Trunk,
    sites: &'a [Site],
    node: &'a Permissions,
    word: impl Fn(&'a Permissions) -> Option<T>,
) -> Option<T> {
    let site = trunk.site.as_deref().and_then(|name| sites.iter().find(|site| site.name == name));
    word(&trunk.permissions).or_else(|| word(&site?.permissions)).or_else(|| word(node))
}

impl Config {
    /// Classes of numbers that nobody may call by way of a trunk.
    #[must_use]
    pub fn deny_of<'a>(&'a self, trunk: &'a Trunk) -> &'a [Class] {
        effective(trunk, &self.sites, &self.permissions, |p| p.deny.as_deref()).unwrap_or_default()
    }

    /// Classes of numbers that unknown callers may not call by way of a trunk.
    #[must_use]
    pub fn deny_unknown_of<'a>(&'a self, trunk: &'a Trunk) -> &'a [Class] {
        effective(trunk, &self.sites, &self.permissions, |p| p.deny_unknown.as_deref())
            .unwrap_or(&DENY_UNKNOWN)
    }

    /// The policy of calls that arrive by a trunk, an index into `policies`.
    #[must_use]
    pub fn policy_of(&self, trunk: &Trunk) -> Option<usize> {
        effective(trunk, &self.sites, &self.permissions, |p| p.policy)
    }
}
