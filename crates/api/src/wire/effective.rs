//! The settings of one trunk, each with where it comes from.

use serde::{Deserialize, Serialize};

/// `GET /v1/trunks/{name}/effective`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Effective {
    /// The trunk.
    pub trunk: String,
    /// Its profile.
    pub profile: String,
    /// The profile's version.
    pub profile_version: u32,
    /// How far the profile is known to work.
    pub profile_status: String,
    /// Its settings in the order of the documentation.
    pub settings: Vec<Setting>,
    /// Where the trunk is: the site whose dial rules and rights are shown.
    pub site: Option<String>,
    /// Other sites whose networks callers of the trunk may be in: who is has what that site says.
    pub other_sites: Vec<String>,
    /// The same for people; empty where the trunk's own word is all.
    pub place: String,
}

/// One setting.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// The key as it is written in the trunk's table, such as `override.caller.read`.
    pub key: String,
    /// What holds; null when nothing is set and the key has no value of its own.
    pub value: serde_json::Value,
    /// The same for people: as TOML, or in brackets what it means that nothing is set.
    pub shown: String,
    /// `trunk`, `override`, `site NAME`, `defaults`, `profile NAME vN` or `built-in`.
    pub origin: String,
    /// The file that it is written in.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
}

impl Effective {
    /// The settings of the trunk `trunk`.
    #[must_use]
    pub fn new(trunk: &str, found: config::Effective) -> Effective {
        let settings = found.settings.into_iter().map(|setting| {
            let (shown, origin) = (setting.to_string(), setting.origin.to_string());
            let (file, line) = setting.place.map(|(file, place)| (file, place.line)).unzip();
            let value = setting.value.unwrap_or_default();
            Setting { key: setting.key, value, shown, origin, file, line }
        });
        Effective {
            place: found.place.to_string(),
            site: found.place.site,
            other_sites: found.place.others,
            trunk: trunk.to_owned(),
            profile: found.profile.name.clone(),
            profile_version: found.profile.version,
            profile_status: found.profile.status.to_string(),
            settings: settings.collect(),
        }
    }
}
