//! What callers may do: policies of usages, per scope.

use super::{Config, Site, Trunk};

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
}

/// What holds for the callers of a trunk: its own word, else its site's, else the node's.
pub(crate) fn effective<'a, T>(
    trunk: &'a Trunk,
    sites: &'a [Site],
    node: &'a Permissions,
    word: impl Fn(&'a Permissions) -> Option<T>,
) -> Option<T> {
    let site = trunk.site.as_deref().and_then(|name| sites.iter().find(|site| site.name == name));
    word(&trunk.permissions).or_else(|| word(&site?.permissions)).or_else(|| word(node))
}

impl Config {
    /// The policy of calls that arrive by a trunk, an index into `policies`.
    #[must_use]
    pub fn policy_of(&self, trunk: &Trunk) -> Option<usize> {
        effective(trunk, &self.sites, &self.permissions, |p| p.policy)
    }
}
