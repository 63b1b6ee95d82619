//! Profiles: data-only presets of behaviour for a kind of peer.
//!
//! They are TOML files in `profiles/`, compiled in, with a source for every value. Enter through
//! [`profiles`] or [`find`].

mod files;
mod value;

pub use value::ProfileValue;

use crate::build;
use crate::check::check;
use crate::keys::PROFILE;
use crate::model::{Policy, ProfileStatus};
use crate::names::Names;
use crate::report::Report;
use crate::text::{self, Table};
use crate::{Diagnostics, Format};
use files::FILES;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

/// A built-in preset; a trunk names one and may override its keys.
#[derive(Clone, PartialEq)]
pub struct Profile {
    /// The name a trunk writes, such as `generic-pbx`.
    pub name: String,
    /// The preset's own version; rises when a value changes.
    pub version: u32,
    /// How far it is known to work.
    pub status: ProfileStatus,
    /// One sentence: for whom.
    pub summary: String,
    /// Values of trunks that name this profile.
    pub defaults: Defaults,
    /// The file itself: what it writes down is told apart from what it leaves to the defaults.
    pub(crate) table: Table,
    /// The file's text.
    pub(crate) text: &'static str,
}

impl Profile {
    /// Name of its file, for messages.
    pub(crate) fn file(&self) -> String {
        format!("{}.toml", self.name)
    }
}

impl fmt::Debug for Profile {
    /// Name and version: the values stand in the trunks that name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({} version {})", self.name, self.version)
    }
}

/// What a profile sets.
#[derive(Clone, PartialEq, Debug)]
pub struct Defaults {
    /// How the trunk's calls are treated.
    pub policy: Policy,
    /// Final responses after which the next attempt is made.
    pub retry_on: Vec<u16>,
    /// Time without progress before the next attempt.
    pub failover_after: Duration,
    /// Longest ringing.
    pub ring_timeout: Duration,
    /// Time between liveness OPTIONS; `None` is off.
    pub options_interval: Option<Duration>,
    /// Unanswered OPTIONS until a gateway counts as down.
    pub options_misses: u32,
}

/// The built-in profiles.
pub fn profiles() -> &'static [Profile] {
    // Compiled-in text, read once: a value that could as well be a constant, not shared state.
    static PROFILES: LazyLock<Vec<Profile>> =
        LazyLock::new(|| FILES.iter().filter_map(|(name, text)| read(text, name).ok().flatten()).collect());
    &PROFILES
}

/// The built-in profile with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Profile> {
    profiles().iter().find(|p| p.name == name)
}

/// Reads a profile file.
fn read(text: &'static str, name: &str) -> Result<Option<Profile>, Diagnostics> {
    let mut report = Report::new(text, name);
    let (root, faults) = text::read(text, Format::Toml);
    for fault in faults {
        report.syntax(fault);
    }
    check(&PROFILE, &root, &Names::none(), &mut report);
    if report.failed() {
        return Err(Diagnostics(report.finish().0));
    }
    Ok(build::profile(&root, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_reads() {
        for (name, text) in FILES {
            let profile = read(text, name).map_err(|e| e.to_string()).unwrap().unwrap();
            assert_eq!(format!("{}.toml", profile.name), *name);
        }
        assert_eq!(profiles().len(), FILES.len());
    }

    #[test]
    fn every_value_of_a_profile_has_its_source() {
        for profile in profiles() {
            for value in profile.values() {
                assert!(!value.source.is_empty(), "{}: no source of {}", profile.file(), value.key);
            }
        }
    }

    #[test]
    fn a_profile_writes_each_value_on_a_line_with_its_source() {
        let values = find("generic-gateway").unwrap().values();
        let one = values.iter().find(|v| v.key == "policy.user_phone").unwrap();
        assert_eq!(one.written, "true");
        assert_eq!(one.source, "RFC 3261 §19.1.1: the user part is a telephone number");
    }
}
