//! The text of a configuration, and what can be said about it: characters to a tree that remembers where
//! everything was written, findings collected and told with their places, the valid name nearest to a
//! wrong one, kinds of strings, regular expressions, durations, tables with separators.
//!
//! Floor 0. Knows TOML and JSON, and no key of ours: what a key means is `config`'s. It opens no file.
//! Enter through [`read`]; what cannot be read comes back as [`Syntax`] beside as much of the tree as
//! could be saved. What others find wrong in the tree goes to a [`report::Report`].

pub mod calendar;
pub mod csv;
pub mod diagnostic;
pub mod expression;
pub mod nearest;
pub mod report;
pub mod time;

mod form;
mod json;
mod source;
mod toml;
mod tree;

pub use form::{Flaw, Form};
pub use source::{Place, Source, place};
pub use tree::{Entry, Span, Table, Value, What};

/// The language of a configuration text; both carry the same schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// TOML, for people.
    Toml,
    /// JSON (RFC 8259), for machines.
    Json,
}

/// A fault in the writing itself.
pub struct Syntax {
    /// Byte offset.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right; may be empty.
    pub expected: String,
}

/// Reads a text into a tree; the root is a table, empty when nothing could be saved.
#[must_use]
pub fn read(text: &str, format: Format) -> (Table, Vec<Syntax>) {
    match format {
        Format::Toml => toml::read(text),
        Format::Json => json::read(text),
    }
}
