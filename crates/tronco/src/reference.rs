//! `docs/reference/cli.md`, made from the command line's own definition.
//! `TRONCO_BLESS=1 cargo test -p tronco reference` writes it anew.

#![allow(clippy::unwrap_used)]

use crate::arguments::Arguments;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;

const OPENING: &str = "\
# Command line

Generated from the program's own definition of its commands.

Results go to stdout, everything else to stderr. Commands that ask a running daemon reach it over its unix \
socket, print tables for people or, with `--json`, the daemon's own JSON ([api.md](api.md)). Colour appears only \
on a terminal and never when `NO_COLOR` is set.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 3 | a check or test failed, or a call would be refused |
| 64 | the command line is wrong |
| 69 | the daemon cannot be reached or does not answer |
| 78 | the configuration cannot be read or is wrong |
";

fn page() -> String {
    let mut text = OPENING.to_owned();
    let mut command = Arguments::command();
    command.build();
    for sub in command.get_subcommands() {
        describe(&mut text, "tronco", sub);
    }
    text
}

fn describe(text: &mut String, parent: &str, command: &Command) {
    let name = format!("{parent} {}", command.get_name());
    let subs: Vec<&Command> = command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
    if !subs.is_empty() {
        subs.into_iter().for_each(|sub| describe(text, &name, sub));
        return;
    }
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage: String = command.get_positionals().map(|arg| format!(" {}", value(arg))).collect();
    write!(text, "\n## `{name}{usage}`\n\n{}\n", ended(&about)).unwrap();
    let arguments: Vec<&Arg> = command.get_arguments().filter(|arg| arg.get_id() != "help").collect();
    if arguments.is_empty() {
        return;
    }
    text.push_str("\n| argument | meaning |\n|---|---|\n");
    for argument in arguments {
        writeln!(text, "| {} | {} |", spelling(argument), meaning(argument)).unwrap();
    }
}

fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().map(|name| name.to_string().to_uppercase()).collect::<Vec<_>>().join(" ")
}

fn spelling(argument: &Arg) -> String {
    let Some(long) = argument.get_long() else { return format!("`{}`", value(argument)) };
    let short = argument.get_short().map_or(String::new(), |short| format!("-{short}, "));
    let takes = argument.get_action().takes_values();
    let value = if takes { format!(" {}", value(argument)) } else { String::new() };
    format!("`{short}--{long}{value}`")
}

fn ended(sentence: &str) -> String {
    if sentence.ends_with('.') { sentence.to_owned() } else { format!("{sentence}.") }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = ended(&help);
    let choices: Vec<String> =
        argument.get_possible_values().iter().map(|choice| format!("`{}`", choice.get_name())).collect();
    if argument.get_action().takes_values() && !choices.is_empty() {
        write!(text, " One of {}.", choices.join(", ")).unwrap();
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if argument.get_action().takes_values() && defaults.iter().any(|value| !value.is_empty()) {
        write!(text, " Default: `{}`.", defaults.join(" ")).unwrap();
    }
    if let Some(variable) = argument.get_env() {
        write!(text, " Also from the environment: `{}`.", variable.to_string_lossy()).unwrap();
    }
    if argument.is_required_set() && argument.get_long().is_some() {
        text.push_str(" Required.");
    }
    text.replace('|', "\\|")
}

#[test]
fn the_reference_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
    let page = page();
    if std::env::var_os("TRONCO_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page, "docs/reference/cli.md is stale");
}
