//! Runs that take as long as they are given: the simulated world, fuzzing, measurements.
//! Each starts the program that does the work and hands back its exit code; nothing is decided here.

use std::path::Path;
use std::process::{Command, ExitCode};

/// `cargo run --release -p sim -- ARGS`.
pub(crate) fn sim(root: &Path, arguments: &[&str]) -> ExitCode {
    let mut cargo = cargo(root);
    cargo.args(["run", "--release", "-p", "sim", "--"]).args(arguments);
    run(cargo)
}

/// Every fuzz body for `seconds` each: the `fuzz` crate's runner needs no nightly compiler.
pub(crate) fn fuzz(root: &Path, seconds: &str) -> ExitCode {
    if seconds.parse::<u64>().is_err() {
        eprintln!("fuzz: `{seconds}` is no number of seconds");
        return ExitCode::from(64);
    }
    let mut cargo = cargo(root);
    cargo.args(["run", "--release", "-p", "fuzz", "--", seconds]);
    run(cargo)
}

/// The attacks of the conformance suite, one after another, with so many packets each.
pub(crate) fn attack(root: &Path, packets: &str) -> ExitCode {
    if packets.parse::<u64>().is_err() {
        eprintln!("attack: `{packets}` is no number of packets");
        return ExitCode::from(64);
    }
    let mut cargo = cargo(root);
    cargo.env("TRONCO_STORM", packets);
    cargo.args(["test", "-p", "conformance", "--test", "attacks", "--", "--test-threads=1"]);
    run(cargo)
}

/// The measurements: `bench/side_by_side`, which needs the machine for itself.
pub(crate) fn bench(root: &Path, arguments: &[&str]) -> ExitCode {
    let mut command = Command::new(root.join("bench/side_by_side"));
    command.current_dir(root).args(arguments);
    run(command)
}

fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

fn run(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => ExitCode::from(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("{command:?}: {error}");
            ExitCode::from(1)
        }
    }
}
