//! Configuration files: read, checked, and what is wrong with them told.

use crate::exit;
use config::{Config, Format};
use routing::Table;
use std::path::Path;
use std::process::ExitCode;

/// Why a configuration cannot be used.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The file cannot be read.
    Unreadable(String),
    /// It is read, and wrong; one diagnostic a line.
    Invalid(String),
    /// It is right, and its own tests fail.
    TestsFailed(String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Unreadable(text) | LoadError::Invalid(text) | LoadError::TestsFailed(text) => {
                f.write_str(text)
            }
        }
    }
}

/// A configuration and what is allowed in it but probably not meant.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) warnings: Vec<String>,
}

/// Reads a configuration file and runs the tests in it.
pub(crate) fn load(path: &Path) -> Result<Loaded, LoadError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| LoadError::Unreadable(format!("{name}: {e}")))?;
    let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let format = if json { Format::Json } else { Format::Toml };
    let loaded = config::parse(&text, &name, format).map_err(|d| LoadError::Invalid(d.to_string()))?;
    let mut warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let config = loaded.config;
    for (hidden, by) in routing::shadowed(&config) {
        let (hidden, by) = (&config.routes[hidden].name, &config.routes[by].name);
        warnings.push(format!("{name}: warning: route `{hidden}` is never reached; `{by}` matches first"));
    }
    let table = Table::compile(&config);
    let failed: Vec<String> = routing::run_tests(&config, &table)
        .iter()
        .filter(|outcome| !outcome.passed())
        .map(|outcome| format!("{name}: test `{}` failed: {}", outcome.name, outcome.failures.join("; ")))
        .collect();
    if failed.is_empty() { Ok(Loaded { config, warnings }) } else { Err(LoadError::TestsFailed(failed.join("\n"))) }
}

/// `tronco check`.
pub(crate) fn check(path: &Path) -> ExitCode {
    match load(path) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("{warning}");
            }
            println!("{}: ok", path.display());
            ExitCode::SUCCESS
        }
        Err(error @ LoadError::TestsFailed(_)) => {
            eprintln!("{error}");
            ExitCode::from(exit::CHECK_FAILED)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(exit::CONFIG)
        }
    }
}
