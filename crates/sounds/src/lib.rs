//! Sounds that a call may hear from us: ringing tones of the countries, and the files that a configuration names.
//!
//! Floor 2, pure: whoever reads files hands their bytes to [`wav::parse`] and keeps what comes of them in [`Sounds`],
//! from where calls take them. Ringing tones are made in [`ringing`].

pub mod ringing;
pub mod wav;

use bridge::Samples;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest file that is read, bytes: limit `sound_file`.
pub const FILE_MAX: u64 = 32 << 20;
/// The longest sound of one file: limit `sound_length`.
pub const SECONDS_MAX: u32 = 600;
/// Memory that all sounds of a configuration may take, bytes: limit `sounds_memory`.
pub const MEMORY_MAX: usize = 256 << 20;

/// The sounds of a configuration by the names of their files, as they are written there.
#[derive(Clone, Default, Debug)]
pub struct Sounds {
    files: BTreeMap<Box<str>, Arc<Samples>>,
    bytes: usize,
}

impl Sounds {
    /// Keeps a sound; `false`: there is no room for it any more.
    pub fn keep(&mut self, name: &str, samples: Samples) -> bool {
        let bytes = self.bytes + samples.samples.len() * size_of::<i16>();
        let room = bytes <= MEMORY_MAX;
        if room {
            self.bytes = bytes;
            self.files.insert(name.into(), Arc::new(samples));
        }
        room
    }

    /// The sound of a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Samples>> {
        self.files.get(name)
    }
}
