//! Profiles: data-only presets of behaviour for a kind of peer, with a source for every value.

use super::Policy;
use super::words::words;
use config_text::{Table, What};
use std::fmt;
use std::time::Duration;

words! {
    /// How far a profile is known to work.
    pub enum ProfileStatus {
        /// Its values are taken from documents; nobody has yet placed calls with such a peer.
        FromDocuments = "from-documents",
        /// Calls in both directions were placed with such a peer.
        Proven = "proven",
    }
}

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
    pub table: Table,
    /// The file's text.
    pub text: &'static str,
}

impl Profile {
    /// Name of its file, for messages.
    pub fn file(&self) -> String {
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

/// A value that a profile sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileValue {
    /// The key in the profile's file, such as `policy.hold`.
    pub key: String,
    /// The value as it is written.
    pub written: &'static str,
    /// Where it is taken from: what stands behind it on its line.
    pub source: &'static str,
}

impl Profile {
    /// The values that it sets, in the order of its file.
    #[must_use]
    pub fn values(&self) -> Vec<ProfileValue> {
        let mut values = Vec::new();
        for part in ["trunk", "policy"] {
            if let Some(table) = self.table.table(part) {
                self.collect(table, part, &mut values);
            }
        }
        values
    }

    fn collect(&self, table: &Table, path: &str, values: &mut Vec<ProfileValue>) {
        for entry in &table.entries {
            let key = format!("{path}.{}", entry.key);
            let span = entry.value.span;
            let rest = self.text.get(span.end..).unwrap_or_default();
            let line = rest.lines().next().unwrap_or_default().trim();
            match &entry.value.what {
                // A table with a header of its own has its values on lines of their own.
                What::Table(inner) if !self.text.get(span.start..).unwrap_or_default().starts_with('{') => {
                    self.collect(inner, &key, values);
                }
                _ => values.push(ProfileValue {
                    key,
                    written: self.text.get(span.start..span.end).unwrap_or_default(),
                    source: line.strip_prefix('#').map(str::trim).unwrap_or_default(),
                }),
            }
        }
    }
}
