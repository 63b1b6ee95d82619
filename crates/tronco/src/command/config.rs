//! `tronco config schema|effective`.

use crate::arguments::{Config as Command, Reach};
use crate::exit::{self, Failure};
use crate::load;
use crate::print::{Cell, Output, Table};
use api::client::segment;
use api::wire::{Effective, EffectiveQuery};
use config::EffectiveError;
use std::path::Path;
use std::process::ExitCode;

/// Does what the command says.
pub(crate) fn config(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Schema => Output::new(true).json(&config::schema())?,
        Command::Effective { trunk, user, config, reach } => {
            return effective((trunk, user.as_deref()), config.as_deref(), reach);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn effective(
    (trunk, user): (&str, Option<&str>),
    file: Option<&Path>,
    reach: &Reach,
) -> Result<ExitCode, Failure> {
    let found: Effective = match file {
        None => {
            let query = EffectiveQuery { user: user.map(str::to_owned) };
            reach.client().get(&format!("/v1/trunks/{}/effective", segment(trunk)), &query)?
        }
        Some(path) => match load::read(path) {
            Ok(read) => of_text(&read.text, (trunk, user))?,
            Err(error) => {
                eprintln!("{error}");
                return Ok(ExitCode::from(exit::CONFIG));
            }
        },
    };
    reach.output().show(&found, people)?;
    Ok(ExitCode::SUCCESS)
}

fn of_text(text: &api::ConfigText, (trunk, user): (&str, Option<&str>)) -> Result<Effective, Failure> {
    match config::effective(&text.text, &text.name, text.format, (trunk, user)) {
        Ok(found) => Ok(Effective::new(trunk, found)),
        Err(EffectiveError::NoTrunk(known)) => {
            Err(Failure::Usage(format!("no trunk {trunk:?}; there are: {}", known.join(", "))))
        }
        Err(EffectiveError::NoUser(known)) => {
            let user = user.unwrap_or_default();
            Err(Failure::Usage(format!(
                "no user {user:?} of trunk {trunk:?}; there are: {}",
                known.join(", ")
            )))
        }
        Err(EffectiveError::Invalid(found)) => Err(Failure::Usage(found.to_string())),
    }
}

fn people(found: &Effective, colour: bool) -> String {
    let mut table = Table::new(&["SETTING", "VALUE", "FROM", "AT"]);
    for setting in &found.settings {
        let at = setting.file.as_deref().zip(setting.line).map(|(file, line)| format!("{file}:{line}"));
        table.row(vec![
            Cell::new(&setting.key),
            Cell::new(&setting.shown),
            Cell::new(&setting.origin),
            Cell::maybe(at),
        ]);
    }
    let mut text = table.print(colour);
    if !found.place.is_empty() {
        text.push_str(&format!("\n{}\n", found.place));
    }
    text
}
