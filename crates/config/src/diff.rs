//! What differs between two pictures, told by name.
//!
//! Each picture is laid out as paths and values; named things are compared by name, so that moving a
//! trunk within the file is no change. Whether a change waits for a restart is read from the key tables.

mod layout;

use crate::keys::{Effect, ROOT, Shape};
use crate::model::Config;
use std::collections::BTreeMap;
use std::fmt;

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// What changed: `trunk.pbx.calls_max`, or `trunk.pbx` when all of it came or went.
    pub path: String,
    /// The old value; `None` when there was none.
    pub from: Option<String>,
    /// The new value; `None` when there is none.
    pub to: Option<String>,
    restart: bool,
}

impl Change {
    /// Whether the change is taken over only at the next start.
    #[must_use]
    pub fn needs_restart(&self) -> bool {
        self.restart
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (None, Some(to)) => write!(f, "+ {} = {to}", self.path)?,
            (Some(from), None) => write!(f, "- {} = {from}", self.path)?,
            (Some(from), Some(to)) => write!(f, "~ {}: {from} -> {to}", self.path)?,
            (None, None) => write!(f, "~ {}", self.path)?,
        }
        f.write_str(if self.restart { " (needs a restart)" } else { "" })
    }
}

/// All differences, ordered by path; secrets are never shown.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let (old, new) = (layout::lay_out(old), layout::lay_out(new));
    let mut paths: BTreeMap<&str, (Option<&String>, Option<&String>)> = BTreeMap::new();
    for (path, value) in &old {
        paths.entry(path).or_default().0 = Some(value);
    }
    for (path, value) in &new {
        paths.entry(path).or_default().1 = Some(value);
    }
    let differing = paths.into_iter().filter(|(_, (from, to))| from != to);
    differing
        .map(|(path, (from, to))| Change {
            path: path.to_owned(),
            from: from.cloned(),
            to: to.cloned(),
            restart: needs_restart(path),
        })
        .collect()
}

/// Whether the key at the head of a path, or in a plain table the key behind it, asks for a restart.
/// Below named tables the head decides for all (names may hold dots).
fn needs_restart(path: &str) -> bool {
    let mut steps = path.split('.');
    let head = steps.next().and_then(|step| ROOT.key(step));
    let inner = match head.map(|key| &key.shape) {
        Some(Shape::Table(section)) => steps.next().and_then(|step| section.key(step)),
        _ => None,
    };
    inner.or(head).is_some_and(|key| key.effect == Effect::Restart)
}

#[cfg(test)]
#[path = "../tests/unit/diff.rs"]
mod tests;
