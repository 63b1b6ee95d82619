//! Exit codes (DESIGN §4, after sysexits.h), and what ends a command before its time.

use api::ClientError;
use std::io;
use std::process::ExitCode;

/// Failed.
pub(crate) const FAILED: u8 = 1;
/// A check or test failed.
pub(crate) const CHECK_FAILED: u8 = 3;
/// Wrong use of the command line.
pub(crate) const USAGE: u8 = 64;
/// The daemon cannot be reached.
pub(crate) const UNREACHABLE: u8 = 69;
/// Bad configuration; a service manager need not try again.
pub(crate) const CONFIG: u8 = 78;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The daemon refused, or did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// The result could not be written.
    #[error("output: {0}")]
    Output(#[from] io::Error),
    /// The result could not be put into JSON.
    #[error("output as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) => USAGE,
            Failure::Client(error) => match error {
                ClientError::Unreachable { .. } | ClientError::Slow { .. } | ClientError::Broken { .. } => {
                    UNREACHABLE
                }
                ClientError::Refused { problem, .. } => match problem.reason.as_str() {
                    "bad-query" | "bad-key" => USAGE,
                    "node-gone" => UNREACHABLE,
                    _ => FAILED,
                },
                ClientError::Strange(_) => FAILED,
            },
            Failure::Output(_) | Failure::Json(_) => FAILED,
        }
    }
}

/// Says on stderr what went wrong, if anything did. Whoever closes our stdout has seen enough: that is
/// no failure.
pub(crate) fn of(outcome: Result<ExitCode, Failure>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tronco: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

/// Prints a command-line error, or the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (printed, error.use_stderr()) {
        (Err(_), _) => ExitCode::from(FAILED),
        (Ok(()), true) => ExitCode::from(USAGE),
        (Ok(()), false) => ExitCode::SUCCESS,
    }
}
