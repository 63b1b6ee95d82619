//! What a configuration names outside of itself (certificates, keys, passwords, directories), judged on this
//! machine and told with the place that names it.

use super::Loaded;
use super::fault::{Fault, faults};
use config::{Config, Diagnostic, Place, Places, Severity};
use runtime::Secrets;
use std::path::Path;

/// Kinds of findings that `--offline` leaves out.
pub(super) const CODES: [&str; 2] = ["unreadable", "unusable"];

/// All that is wrong, in the order of the text. Nothing is made or changed by the looking, so a directory that
/// could be made may still be refused by the system at the start.
pub(super) fn wrong(loaded: &Loaded) -> Vec<Diagnostic> {
    let faults = faults(&loaded.config, &loaded.places, &Secrets::from_env()).into_iter();
    let faults = faults.chain(records(&loaded.config));
    let mut found: Vec<Diagnostic> =
        faults.map(|fault| placed(fault, &loaded.text.name, &loaded.places)).collect();
    found.sort_by_key(|d| (d.line, d.column));
    found
}

/// A fault with its place; at the beginning of the text when no key names what is to blame.
pub(super) fn placed(fault: Fault, file: &str, places: &Places) -> Diagnostic {
    let Fault { key, message, expected, nearest, code } = fault;
    let Place { line, column } = places.named.get(&key).copied().unwrap_or_default();
    let file = file.to_owned();
    Diagnostic { severity: Severity::Error, file, line, column, path: key, message, expected, nearest, code }
}

/// A fault with its place; `None` when it is about a value that is not written.
pub(crate) fn placed_where_written(fault: Fault, file: &str, places: &Places) -> Option<Diagnostic> {
    places.named.contains_key(&fault.key).then(|| placed(fault, file, places))
}

/// What the directory of the records must be.
pub(crate) const RECORDS: &str = "a directory that the server can make or write";
/// What the file of JSON lines must be.
pub(crate) const JSONL: &str = "a file that the server can make or write";

fn records(config: &Config) -> Vec<Fault> {
    let Some(directory) = &config.records.path else { return Vec::new() };
    let blocked = |path: &Path| {
        let first = path.ancestors().find(|part| part.exists())?;
        (!first.is_dir()).then(|| format!("{} is no directory", first.display()))
    };
    let path = blocked(Path::new(directory)).map(|why| Fault::new("records.path", &why, RECORDS));
    let jsonl = config.records.jsonl.as_deref().map(Path::new).and_then(|lines| {
        let is_directory = lines.is_dir().then(|| format!("{} is a directory", lines.display()));
        let why = is_directory.or_else(|| blocked(lines.parent()?))?;
        Some(Fault::new("records.jsonl", &why, JSONL))
    });
    path.into_iter().chain(jsonl).collect()
}
