//! Profiles: data-only presets of behaviour for a kind of peer.
//!
//! They are TOML files in `profiles/`, compiled in, with a source for every value. Enter through
//! [`profiles`] or [`find`].

mod files;

pub use crate::model::{Defaults, Profile, ProfileValue};

use crate::build;
use crate::check::check;
use crate::keys::PROFILE;
use crate::names::Names;
use crate::report::Report;
use crate::{Diagnostics, Format};
use config_text as text;
use files::FILES;
use std::sync::LazyLock;

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
#[path = "../tests/unit/profile.rs"]
mod tests;
