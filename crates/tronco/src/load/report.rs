//! `tronco check`: the findings for people, or as one JSON object.

use super::{FailedTest, LoadError, Loaded, load, load_offline, outside};
use crate::exit::{self, Failure};
use crate::print::Output;
use config::Diagnostic;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// The outcome of a check, for machines.
#[derive(Serialize, Default)]
struct Report<'a> {
    ok: bool,
    file: String,
    errors: Vec<Finding<'a>>,
    warnings: Vec<Finding<'a>>,
    failed_tests: Vec<Case<'a>>,
}

/// One finding; no line and column when it is about the whole file.
#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<&'a str>,
}

/// A case that fails.
#[derive(Serialize)]
struct Case<'a> {
    name: &'a str,
    line: u32,
    column: u32,
    path: &'a str,
    failures: &'a [String],
    story: &'a [String],
}

impl<'a> Finding<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Finding<'a> {
        Finding {
            code: diagnostic.code,
            message: &diagnostic.message,
            line: Some(diagnostic.line),
            column: Some(diagnostic.column),
            path: &diagnostic.path,
            expected: &diagnostic.expected,
            nearest: diagnostic.nearest.as_deref(),
        }
    }

    fn whole(code: &'a str, message: &'a str) -> Finding<'a> {
        Finding { code, message, line: None, column: None, path: "", expected: "", nearest: None }
    }
}

/// Checks a file, and unless `offline` what it names.
pub(crate) fn check(path: &Path, json: bool, offline: bool) -> Result<ExitCode, Failure> {
    let outcome = if offline { load_offline(path) } else { load(path) };
    let code = match &outcome {
        Ok(_) => ExitCode::SUCCESS,
        Err(LoadError::TestsFailed(_)) => ExitCode::from(exit::CHECK_FAILED),
        Err(LoadError::Unreadable(_) | LoadError::Invalid(_)) => ExitCode::from(exit::CONFIG),
    };
    let output = Output::new(json);
    if json {
        output.json(&report(path, &outcome))?;
        return Ok(code);
    }
    match &outcome {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|line| eprintln!("{line}"));
            output.text(&format!("{}: ok\n", path.display()))?;
        }
        Err(error) => {
            eprintln!("{error}");
            if error.is_about_what_is_named() {
                eprintln!("{}: --offline checks without the files and secrets that it names", path.display());
            }
        }
    }
    Ok(code)
}

impl LoadError {
    /// Whether only things outside of the text are wrong.
    fn is_about_what_is_named(&self) -> bool {
        matches!(self, LoadError::Invalid(found) if found.0.iter().all(|d| outside::CODES.contains(&d.code)))
    }
}

fn report<'a>(path: &Path, outcome: &'a Result<Loaded, LoadError>) -> Report<'a> {
    let mut report = Report { ok: outcome.is_ok(), file: path.display().to_string(), ..Report::default() };
    match outcome {
        Ok(loaded) => {
            report.warnings = loaded.warnings.iter().map(Finding::of).collect();
        }
        Err(LoadError::Unreadable(text)) => report.errors.push(Finding::whole("unreadable", text)),
        Err(LoadError::Invalid(found)) => {
            let is_error = |d: &&Diagnostic| d.severity == config::Severity::Error;
            report.errors = found.0.iter().filter(is_error).map(Finding::of).collect();
            report.warnings = found.0.iter().filter(|d| !is_error(d)).map(Finding::of).collect();
        }
        Err(LoadError::TestsFailed(failed)) => {
            report.failed_tests = failed.iter().map(case).collect();
        }
    }
    report
}

fn case(test: &FailedTest) -> Case<'_> {
    let FailedTest { diagnostic, outcome } = test;
    Case {
        name: &outcome.name,
        line: diagnostic.line,
        column: diagnostic.column,
        path: &diagnostic.path,
        failures: &outcome.failures,
        story: &outcome.story,
    }
}
