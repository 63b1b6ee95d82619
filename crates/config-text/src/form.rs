//! Kinds of strings: what is expected of each, and what is wrong with one that does not fit.

/// What is wrong with a string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaw {
    /// Byte offset in the decoded string.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right; empty takes the form's phrase.
    pub expected: String,
    /// What may have been meant.
    pub nearest: Option<String>,
}

impl Flaw {
    /// A flaw of the whole string.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Flaw {
        Flaw { at: 0, message: message.into(), expected: String::new(), nearest: None }
    }

    /// At this byte of the decoded string.
    #[must_use]
    pub fn at(mut self, at: usize) -> Flaw {
        self.at = at;
        self
    }

    /// With what would be right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Flaw {
        self.expected = expected.into();
        self
    }

    /// With what may have been meant.
    #[must_use]
    pub fn nearest(mut self, nearest: Option<String>) -> Flaw {
        self.nearest = nearest;
        self
    }
}

/// A kind of string.
pub struct Form {
    /// What is expected, with its article and an example.
    pub phrase: &'static str,
    /// Finds the flaw.
    pub check: fn(&str) -> Result<(), Flaw>,
    /// A regular expression for the JSON Schema; empty for none. Wider than `check` where need be.
    pub schema_pattern: &'static str,
}
