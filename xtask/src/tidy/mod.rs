//! The tidy check: what the compiler does not enforce about this house. It reads files and judges
//! them; it never changes any but `xtask/budget.txt`, and that only when told to.
//! Enter at [`check`] (a list of faults) or [`command`] (the same for people).

mod bans;
mod budget;
mod floors;
mod limits;
mod manifest;
mod scrub;

pub(crate) use budget::Ratchet;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// Path below the workspace, with a line where there is one.
    pub(crate) place: String,
    /// What is wrong and what would be right.
    pub(crate) what: String,
}

impl Fault {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Fault {
        Fault { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A Rust file of the workspace.
pub(crate) struct Source {
    /// Path below the workspace, with `/`.
    pub(crate) path: String,
    /// Name of its crate's folder: `sip-msg`, `xtask`.
    pub(crate) room: String,
    pub(crate) text: String,
    /// The text with comments, strings and characters blanked, line for line.
    pub(crate) bare: String,
}

/// A crate's folder and its manifest.
pub(crate) struct Room {
    /// The folder's name, which is also the package's.
    pub(crate) name: String,
    /// Folder below the workspace.
    pub(crate) folder: String,
    pub(crate) manifest: String,
    /// The folder's `clippy.toml`, where it has one.
    pub(crate) clippy: Option<String>,
}

/// The workspace as read from the disk.
pub(crate) struct House {
    pub(crate) rooms: Vec<Room>,
    pub(crate) sources: Vec<Source>,
    pub(crate) root_manifest: String,
}

/// Runs every check over the workspace at `root`.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn check(root: &Path, ratchet: Ratchet) -> std::io::Result<Vec<Fault>> {
    let house = read(root)?;
    let mut faults = Vec::new();
    floors::check(&house, &mut faults);
    manifest::check(&house, &mut faults);
    bans::check(&house, &mut faults);
    limits::check(&house, &std::fs::read_to_string(root.join(limits::PAGE))?, &mut faults);
    budget::check(&house, &root.join("xtask/budget.txt"), ratchet, &mut faults)?;
    faults.sort();
    Ok(faults)
}

/// `xtask tidy`: prints the faults; exit code 3 when there are any.
pub(crate) fn command(root: &Path, ratchet: Ratchet) -> ExitCode {
    match check(root, ratchet) {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            for fault in &faults {
                println!("{fault}");
            }
            eprintln!("tidy: {} faults", faults.len());
            ExitCode::from(3)
        }
        Err(error) => {
            eprintln!("tidy: {error}");
            ExitCode::from(1)
        }
    }
}

fn read(root: &Path) -> std::io::Result<House> {
    let mut house = House {
        rooms: Vec::new(),
        sources: Vec::new(),
        root_manifest: std::fs::read_to_string(root.join("Cargo.toml"))?,
    };
    let mut folders = vec![root.join("xtask")];
    for entry in std::fs::read_dir(root.join("crates"))? {
        folders.push(entry?.path());
    }
    folders.sort();
    for folder in folders.iter().filter(|f| f.join("Cargo.toml").is_file()) {
        read_room(root, folder, &mut house)?;
    }
    Ok(house)
}

fn read_room(root: &Path, folder: &Path, house: &mut House) -> std::io::Result<()> {
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    house.rooms.push(Room {
        folder: below(root, folder),
        manifest: std::fs::read_to_string(folder.join("Cargo.toml"))?,
        clippy: std::fs::read_to_string(folder.join("clippy.toml")).ok(),
        name: name.clone(),
    });
    let mut files = Vec::new();
    rust_files(folder, &mut files)?;
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let bare = scrub::scrub(&text);
        house.sources.push(Source { path: below(root, &file), room: name.clone(), text, bare });
    }
    Ok(())
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                rust_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let faults = check(&crate::root(), Ratchet::Keep).unwrap();
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}
