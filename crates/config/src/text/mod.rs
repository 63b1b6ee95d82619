//! From characters to a tree that remembers where everything was written.
//!
//! Knows TOML and JSON, and no key of ours. Enter through [`read`]; what cannot be read comes back as
//! [`Syntax`] beside as much of the tree as could be saved.

mod json;
mod source;
mod toml;
mod tree;

pub(crate) use source::Source;
pub(crate) use tree::{Entry, Span, Table, Value, What};

use crate::Format;

/// A fault in the writing itself.
pub(crate) struct Syntax {
    /// Byte offset.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) message: String,
    /// What would be right; may be empty.
    pub(crate) expected: String,
}

/// Reads a text into a tree; the root is a table, empty when nothing could be saved.
pub(crate) fn read(text: &str, format: Format) -> (Table, Vec<Syntax>) {
    match format {
        Format::Toml => toml::read(text),
        Format::Json => json::read(text),
    }
}
