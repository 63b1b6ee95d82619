//! Configuration files: read, checked, and what is wrong with them told.
//!
//! Enter through [`load`], or [`check`] for the command.

pub(crate) mod fault;
mod findings;
mod outside;
mod report;
pub(crate) mod sounds;

pub(crate) use outside::{JSONL, RECORDS, placed_where_written};
pub(crate) use report::check;

use api::ConfigText;
use config::{Config, Diagnostic, Diagnostics, Format, Places};
use findings::Findings;
use routing::{Table, TestOutcome};
use std::fmt;
use std::path::Path;

/// Why a configuration cannot be used.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The file cannot be read.
    Unreadable(String),
    /// It is read, and wrong.
    Invalid(Diagnostics),
    /// It is right, and its own tests fail: the cases that do, at least one.
    TestsFailed(Vec<FailedTest>),
}

/// A case of a configuration that fails.
#[derive(Debug)]
pub(crate) struct FailedTest {
    /// Where it stands and what is said of it.
    diagnostic: Diagnostic,
    outcome: TestOutcome,
}

impl fmt::Display for LoadError {
    /// One line for each finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Unreadable(text) => f.write_str(text),
            LoadError::Invalid(diagnostics) => diagnostics.fmt(f),
            LoadError::TestsFailed(failed) => {
                let lines: Vec<String> = failed.iter().map(|test| test.diagnostic.to_string()).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

/// A configuration and what is allowed in it but probably not meant.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// In the order of the text.
    pub(crate) warnings: Vec<Diagnostic>,
    /// As it was read.
    pub(crate) text: ConfigText,
    pub(crate) places: Places,
}

/// Reads a configuration file and nothing else that it names but rates, without running the tests in it.
pub(crate) fn read(path: &Path) -> Result<Loaded, LoadError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| LoadError::Unreadable(format!("{name}: {e}")))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|e| LoadError::Invalid(Diagnostics(vec![findings::not_text(&name, &bytes, e)])))?;
    let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let format = if json { Format::Json } else { Format::Toml };
    let loaded = config::parse(text, &name, format).map_err(LoadError::Invalid)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let loaded = loaded.with_files(&name, |file| fetch(folder, file)).map_err(LoadError::Invalid)?;
    let config::Loaded { config, mut warnings, places, rate_files } = loaded;
    let found = Findings { file: &name, config: &config, places: &places };
    let more = [found.shadowed(&warnings), found.doubtful(), routing::priced_twice(&config, &rate_files)];
    warnings.extend(more.into_iter().flatten());
    warnings.sort_by_key(|d| (d.line, d.column));
    let text = ConfigText { text: text.to_owned(), name, format };
    Ok(Loaded { config, warnings, text, places })
}

/// A file that a configuration names, with the name that messages use for it.
fn fetch(folder: &Path, file: &str) -> Result<(String, String), String> {
    let path = folder.join(file);
    let shown = path.display().to_string();
    let told = |what: &dyn fmt::Display| format!("{shown}: {what}");
    let size = std::fs::metadata(&path).map_err(|e| told(&e))?.len();
    if size > config::RATES_TEXT_MAX as u64 {
        return Err(told(&format_args!("{size} bytes, more than {}", config::RATES_TEXT_MAX)));
    }
    let text = std::fs::read_to_string(&path).map_err(|e| told(&e))?;
    Ok((shown, text))
}

/// Reads a configuration file, looks at the files, secrets and directories that it names, and runs the
/// tests in it.
pub(crate) fn load(path: &Path) -> Result<Loaded, LoadError> {
    let loaded = read(path)?;
    let wrong = outside::wrong(&loaded);
    if wrong.is_empty() { tried(loaded) } else { Err(LoadError::Invalid(Diagnostics(wrong))) }
}

/// As [`load`], on a machine that lacks what the configuration names.
pub(crate) fn load_offline(path: &Path) -> Result<Loaded, LoadError> {
    tried(read(path)?)
}

/// Runs the tests of a configuration.
fn tried(loaded: Loaded) -> Result<Loaded, LoadError> {
    let table = Table::compile(&loaded.config);
    let found = Findings { file: &loaded.text.name, config: &loaded.config, places: &loaded.places };
    let outcomes = routing::run_tests(&loaded.config, &table).into_iter();
    let failed: Vec<FailedTest> = outcomes
        .filter(|outcome| !outcome.passed())
        .map(|outcome| FailedTest { diagnostic: found.failed(&outcome), outcome })
        .collect();
    if failed.is_empty() { Ok(loaded) } else { Err(LoadError::TestsFailed(failed)) }
}
