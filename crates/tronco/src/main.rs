//! The `tronco` program: command line and wiring; it owns nothing.

mod exit;
mod load;
mod run;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// SIP trunking server: connects a voice network to Internet telephony providers.
#[derive(Parser)]
#[command(name = "tronco", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Run {
        /// The configuration file (TOML, or JSON when it ends in .json).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Check a configuration: syntax, references, shadowed routes, its own tests.
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    match arguments.command {
        Command::Run { config } => run::run(&config),
        Command::Check { config } => load::check(&config),
    }
}
