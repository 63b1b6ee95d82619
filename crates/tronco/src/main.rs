//! The `tronco` program: command line and wiring; it owns nothing.

mod arguments;
mod command;
mod demo;
mod exit;
mod load;
mod print;
#[cfg(test)]
mod reference;
mod run;

use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser};
use exit::Failure;
use print::Output;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    exit::of(match &arguments.command {
        Command::Run { config } => return run::run(config),
        Command::Check { config, json, offline } => load::check(config, *json, *offline),
        Command::Status { reach } => command::status::status(reach),
        Command::Trunk(command) => command::trunk::trunk(command),
        Command::Call(command) => command::call::call(command),
        Command::Cdr(command) => command::cdr::cdr(command),
        Command::Route(command) => command::route::route(command),
        Command::Config(command) => command::config::config(command),
        Command::Profile(command) => command::profile::profile(command),
        Command::Demo(wanted) => demo::demo(wanted),
        Command::Completions { shell } => completions(*shell),
    })
}

fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tronco", &mut text);
    Output::new(false).text(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}
