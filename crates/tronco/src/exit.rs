//! Exit codes (DESIGN §4, after sysexits.h).

use std::process::ExitCode;

/// Failed.
pub(crate) const FAILED: u8 = 1;
/// A check or test failed.
pub(crate) const CHECK_FAILED: u8 = 3;
/// Wrong use of the command line.
pub(crate) const USAGE: u8 = 64;
/// Bad configuration; a service manager need not try again.
pub(crate) const CONFIG: u8 = 78;

/// Prints a command-line error, or the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (printed, error.use_stderr()) {
        (Err(_), _) => ExitCode::from(FAILED),
        (Ok(()), true) => ExitCode::from(USAGE),
        (Ok(()), false) => ExitCode::SUCCESS,
    }
}
