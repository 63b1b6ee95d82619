//! Names of journal files, and the small file that says when a run last lived.

use crate::error::StoreError;
use crate::moment::Moment;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Which segment a file is; ordered as the events in them happened within a stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SegmentName {
    pub(crate) run: u64,
    pub(crate) stream: u16,
    pub(crate) number: u32,
}

impl SegmentName {
    pub(crate) fn path(self, dir: &Path) -> PathBuf {
        dir.join(format!("{:016x}-{:04x}-{:08x}.journal", self.run, self.stream, self.number))
    }

    fn parse(name: &str) -> Option<SegmentName> {
        let mut parts = name.strip_suffix(".journal")?.split('-');
        let run = u64::from_str_radix(parts.next()?, 16).ok()?;
        let stream = u16::from_str_radix(parts.next()?, 16).ok()?;
        let number = u32::from_str_radix(parts.next()?, 16).ok()?;
        parts.next().is_none().then_some(SegmentName { run, stream, number })
    }
}

/// What lies in a journal directory.
#[derive(Default)]
pub(crate) struct Listing {
    /// Segments in order.
    pub(crate) segments: Vec<SegmentName>,
    /// Runs with an alive file.
    pub(crate) alive: Vec<u64>,
    /// Files of interrupted compactions.
    pub(crate) unfinished: Vec<PathBuf>,
}

/// Lists a journal directory; files of other names are left alone.
pub(crate) fn list(dir: &Path) -> Result<Listing, StoreError> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(dir).map_err(StoreError::file(dir))? {
        let path = entry.map_err(StoreError::file(dir))?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
        if let Some(segment) = SegmentName::parse(name) {
            listing.segments.push(segment);
        } else if let Some(run) = name.strip_suffix(".alive").and_then(|r| u64::from_str_radix(r, 16).ok()) {
            listing.alive.push(run);
        } else if name.ends_with(".journal.new") {
            listing.unfinished.push(path);
        }
    }
    listing.segments.sort_unstable();
    Ok(listing)
}

/// Removes a file; one that is already gone is no error.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::File { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// The path of a run's alive file.
pub(crate) fn alive_path(dir: &Path, run: u64) -> PathBuf {
    dir.join(format!("{run:016x}.alive"))
}

/// Overwrites one moment in a small file, so that the end of calls cut by a kill is known.
pub(crate) struct Alive {
    file: File,
}

impl Alive {
    pub(crate) fn create(dir: &Path, run: u64) -> Result<Alive, StoreError> {
        let path = alive_path(dir, run);
        let options = OpenOptions::new().create(true).truncate(true).write(true).open(&path);
        Ok(Alive { file: options.map_err(StoreError::file(path))? })
    }

    /// Says that the process lives at `now`.
    pub(crate) fn beat(&self, now: Moment) -> io::Result<()> {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&now.0.to_le_bytes());
        bytes[8..].copy_from_slice(&crc32fast::hash(&now.0.to_le_bytes()).to_le_bytes());
        self.file.write_all_at(&bytes, 0)
    }
}

/// When a run last said that it lives.
pub(crate) fn last_beat(dir: &Path, run: u64) -> Option<Moment> {
    let bytes: [u8; 12] = fs::read(alive_path(dir, run)).ok()?.try_into().ok()?;
    let (at, sum) = bytes.split_at(8);
    (crc32fast::hash(at).to_le_bytes() == *sum).then_some(())?;
    Some(Moment(u64::from_le_bytes(at.try_into().ok()?)))
}
