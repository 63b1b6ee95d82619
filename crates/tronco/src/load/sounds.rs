//! Sound files: reads those that a configuration names, at its start and at each reload.
//!
//! Enter through [`load_sounds`].

use config::{Config, Trunk};
use sounds::{FILE_MAX, MEMORY_MAX, Sounds, wav};
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
pub(crate) fn load_sounds(config: &Config) -> (Sounds, Vec<SoundError>) {
    let (mut sounds, mut errors) = (Sounds::default(), Vec::new());
    for (key, file) in config.trunks.iter().flat_map(files) {
        if sounds.get(file).is_some() {
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

/// The files of a trunk and the keys that name them.
fn files(trunk: &Trunk) -> impl Iterator<Item = (String, &str)> {
    let of = format!("trunk.{}.override", trunk.name);
    let sounds = &trunk.policy.sounds;
    let music = sounds.hold_music.as_deref().map(|file| (format!("{of}.hold_music"), file));
    let announce = sounds.announce.iter().enumerate();
    announce.map(move |(index, one)| (format!("{of}.announce[{index}].file"), &*one.file)).chain(music)
}

fn read(path: &Path) -> Result<bridge::Samples, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > FILE_MAX {
        return Err(format!("{length} bytes are more than {FILE_MAX}"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    wav::parse(&bytes).map_err(|error| error.to_string())
}
