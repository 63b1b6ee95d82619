//! Output for people and machines: tables, pairs, JSON; data on stdout alone.
//!
//! Colour only for a terminal and never when NO_COLOR is set, and never as the only sign. Enter
//! through [`Output`].

mod table;
mod words;

pub(crate) use table::{Cell, Colour, Table, sentence};
pub(crate) use words::{bytes, clock, count, duration, whole_seconds};

use crate::exit::Failure;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Where results go.
pub(crate) struct Output {
    json: bool,
    colour: bool,
}

impl Output {
    /// To stdout.
    pub(crate) fn new(json: bool) -> Output {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Output { json, colour: !json && !forbidden && io::stdout().is_terminal() }
    }

    /// Whether JSON is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether colour is.
    pub(crate) fn has_colour(&self) -> bool {
        self.colour
    }

    /// The value as JSON, or what `people` makes of it.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        people: impl FnOnce(&T, bool) -> String,
    ) -> Result<(), Failure> {
        if self.json { self.json(value) } else { Ok(self.text(&people(value, self.colour))?) }
    }

    /// As one JSON document.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        Ok(self.text(&text)?)
    }

    /// As one line of JSON.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string(value)?;
        text.push('\n');
        Ok(self.text(&text)?)
    }

    /// As it is.
    pub(crate) fn text(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}
