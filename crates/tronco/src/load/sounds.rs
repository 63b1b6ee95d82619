//! Sound files: reads those that a configuration names, at its start and at each reload.
//!
//! Enter through [`load_sounds`].

use config::{Config, Places, Trunk};
use sounds::{FILE_MAX, MEMORY_MAX, Sounds, wav};
use std::io::Read;
use std::path::Path;

/// Why a sound cannot be played.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {file}: {why}")]
pub(crate) struct SoundError {
    /// The key in the configuration.
    pub(crate) key: String,
    /// The file.
    pub(crate) file: String,
    /// What is wrong with it.
    pub(crate) why: String,
}

/// Reads the sounds of a configuration, and what stands in the way of some.
pub(crate) fn load_sounds(config: &Config, places: &Places) -> (Sounds, Vec<SoundError>) {
    let (mut sounds, mut errors) = (Sounds::default(), Vec::<SoundError>::new());
    for (key, file) in config.trunks.iter().flat_map(|trunk| files(trunk, places)) {
        if sounds.get(file).is_some() || errors.iter().any(|error| error.key == key) {
            continue;
        }
        if let Err(why) = read(Path::new(file)).and_then(|samples| {
            let room = || format!("no room for it: all sounds together may take {MEMORY_MAX} bytes");
            sounds.keep(file, samples).then_some(()).ok_or_else(room)
        }) {
            errors.push(SoundError { key, file: file.to_owned(), why });
        }
    }
    (sounds, errors)
}

/// The files of a trunk and the keys that name them: its own, those of its site's defaults, or the global ones.
fn files<'a>(trunk: &'a Trunk, places: &Places) -> Vec<(String, &'a str)> {
    let site = trunk.site.as_ref().map(|site| format!("site.{site}.defaults"));
    let owners = [Some(format!("trunk.{}", trunk.name)), site, Some("defaults".to_owned())];
    let key = |name: &str| {
        let mut paths = owners.iter().flatten().map(|owner| format!("{owner}.override.{name}"));
        let written = paths.clone().find(|path| places.named.contains_key(path));
        written.or_else(|| paths.next()).unwrap_or_default()
    };
    let sounds = &trunk.policy.sounds;
    let music = sounds.hold_music.as_deref().map(|file| (key("hold_music"), file));
    let announce = sounds.announce.iter().enumerate();
    announce.map(|(index, one)| (key(&format!("announce[{index}].file")), &*one.file)).chain(music).collect()
}

/// Only a regular file is read, and no more of it than may be kept: a pipe would wait, a device never end.
fn read(path: &Path) -> Result<bridge::Samples, String> {
    let said = |error: std::io::Error| error.to_string();
    let file = std::fs::metadata(path).map_err(said)?;
    if !file.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let most = FILE_MAX + 1;
    std::fs::File::open(path).map_err(said)?.take(most).read_to_end(&mut bytes).map_err(said)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(format!("it has more than {FILE_MAX} bytes"));
    }
    wav::parse(&bytes).map_err(|error| error.to_string())
}
