//! Forms: the texts inside strings (addresses, gateways, ranges, patterns) and how to read each.
//!
//! A form is read by one function; the check of a configuration and the building of its picture both
//! call it. Nothing here knows where in the text it stands, only the offset inside the string.

pub(crate) mod account;
pub(crate) mod calendar;
pub(crate) mod called;
pub(crate) mod expression;
pub(crate) mod headers;
pub(crate) mod net;
pub(crate) mod number;
pub(crate) mod plain;
pub(crate) mod time;

/// What is wrong with a string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Flaw {
    /// Byte offset in the decoded string.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) message: String,
    /// What would be right; empty takes the form's phrase.
    pub(crate) expected: String,
    /// What may have been meant.
    pub(crate) nearest: Option<String>,
}

impl Flaw {
    pub(crate) fn new(message: impl Into<String>) -> Flaw {
        Flaw { at: 0, message: message.into(), expected: String::new(), nearest: None }
    }

    pub(crate) fn at(mut self, at: usize) -> Flaw {
        self.at = at;
        self
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Flaw {
        self.expected = expected.into();
        self
    }

    pub(crate) fn nearest(mut self, nearest: Option<String>) -> Flaw {
        self.nearest = nearest;
        self
    }
}

/// A kind of string.
pub(crate) struct Form {
    /// What is expected, with its article and an example.
    pub(crate) phrase: &'static str,
    /// Finds the flaw.
    pub(crate) check: fn(&str) -> Result<(), Flaw>,
    /// A regular expression for the JSON Schema; empty for none. Wider than `check` where need be.
    pub(crate) schema_pattern: &'static str,
}
