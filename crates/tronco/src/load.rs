//! Configuration files: read, checked, and what is wrong with them told.
//!
//! Enter through [`load`], or [`check`] for the command.

mod report;

pub(crate) use report::check;

use config::{Config, Diagnostic, Diagnostics, Format};
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
    /// It is right, and its own tests fail.
    TestsFailed {
        /// The file.
        file: String,
        /// The cases that fail; at least one.
        failed: Vec<TestOutcome>,
    },
}

impl fmt::Display for LoadError {
    /// One line for each finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Unreadable(text) => f.write_str(text),
            LoadError::Invalid(diagnostics) => diagnostics.fmt(f),
            LoadError::TestsFailed { file, failed } => {
                let lines: Vec<String> = failed.iter().map(|outcome| test_line(file, outcome)).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

fn test_line(file: &str, outcome: &TestOutcome) -> String {
    format!("{file}: test `{}` failed: {}", outcome.name, outcome.failures.join("; "))
}

/// A configuration and what is allowed in it but probably not meant.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) warnings: Vec<Diagnostic>,
    /// Routes that can never be taken, one sentence each.
    pub(crate) shadowed: Vec<String>,
}

impl Loaded {
    /// All warnings, one line each.
    pub(crate) fn warnings(&self, file: &Path) -> Vec<String> {
        let shadowed = self.shadowed.iter().map(|text| format!("{}: warning: {text}", file.display()));
        self.warnings.iter().map(ToString::to_string).chain(shadowed).collect()
    }
}

/// Reads a configuration file, without running the tests in it.
pub(crate) fn read(path: &Path) -> Result<Loaded, LoadError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| LoadError::Unreadable(format!("{name}: {e}")))?;
    let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let format = if json { Format::Json } else { Format::Toml };
    let config::Loaded { config, warnings } =
        config::parse(&text, &name, format).map_err(LoadError::Invalid)?;
    let hidden = routing::shadowed(&config).into_iter().filter_map(|(hidden, by)| {
        let (hidden, by) = (config.routes.get(hidden)?, config.routes.get(by)?);
        Some(format!("route `{}` is never reached; `{}` matches first", hidden.name, by.name))
    });
    let shadowed = hidden.collect();
    Ok(Loaded { config, warnings, shadowed })
}

/// Reads a configuration file and runs the tests in it.
pub(crate) fn load(path: &Path) -> Result<Loaded, LoadError> {
    let loaded = read(path)?;
    let table = Table::compile(&loaded.config);
    let outcomes = routing::run_tests(&loaded.config, &table);
    let failed: Vec<TestOutcome> = outcomes.into_iter().filter(|outcome| !outcome.passed()).collect();
    if failed.is_empty() {
        Ok(loaded)
    } else {
        Err(LoadError::TestsFailed { file: path.display().to_string(), failed })
    }
}
