//! What was found, collected in the order of the text.

use crate::diagnostic::{Diagnostic, Severity};
use crate::{Source, Syntax};

/// Most errors, and most warnings, that one parse reports.
const FINDINGS_MAX: usize = 200;

/// One finding, by byte offset.
pub struct Finding {
    /// Byte offset.
    pub at: usize,
    /// The value's path, such as `trunk.pbx.gateways[1]`.
    pub path: String,
    /// Stable name of the kind of finding.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would be right; may be empty.
    pub expected: String,
    /// What may have been meant.
    pub nearest: Option<String>,
}

impl Finding {
    /// A finding without more than what is wrong.
    #[must_use]
    pub fn new(
        at: usize,
        path: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            at,
            path: path.into(),
            code,
            message: message.into(),
            expected: String::new(),
            nearest: None,
        }
    }

    /// With what would be right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Finding {
        self.expected = expected.into();
        self
    }

    /// With what may have been meant.
    #[must_use]
    pub fn nearest(mut self, nearest: Option<String>) -> Finding {
        self.nearest = nearest;
        self
    }
}

/// Collects findings about one text.
pub struct Report<'a> {
    /// The text.
    pub source: Source<'a>,
    file: &'a str,
    errors: Pile,
    warnings: Pile,
}

/// Findings of one severity, and how many there was no room for.
#[derive(Default)]
struct Pile {
    found: Vec<Finding>,
    omitted: usize,
}

impl Pile {
    fn push(&mut self, finding: Finding) {
        if self.found.len() < FINDINGS_MAX {
            self.found.push(finding);
        } else {
            self.omitted += 1;
        }
    }
}

impl<'a> Report<'a> {
    /// Nothing is found yet. `file` is the text's name for messages.
    #[must_use]
    pub fn new(text: &'a str, file: &'a str) -> Report<'a> {
        Report { source: Source::new(text), file, errors: Pile::default(), warnings: Pile::default() }
    }

    /// The text is refused.
    pub fn error(&mut self, finding: Finding) {
        self.errors.push(finding);
    }

    /// A fault in the writing itself.
    pub fn syntax(&mut self, fault: Syntax) {
        self.error(Finding::new(fault.at, "", "syntax", fault.message).expected(fault.expected));
    }

    /// Allowed, but probably not meant.
    pub fn warning(&mut self, finding: Finding) {
        self.warnings.push(finding);
    }

    /// Whether there is an error.
    #[must_use]
    pub fn failed(&self) -> bool {
        !self.errors.found.is_empty()
    }

    /// Errors and warnings, each in the order of the text.
    #[must_use]
    pub fn finish(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let Report { source, file, errors, warnings } = self;
        (
            diagnostics(&source, file, errors, Severity::Error),
            diagnostics(&source, file, warnings, Severity::Warning),
        )
    }
}

fn diagnostics(source: &Source<'_>, file: &str, mut pile: Pile, severity: Severity) -> Vec<Diagnostic> {
    if pile.omitted > 0 {
        let message = format!("{} more {severity}s are not listed", pile.omitted);
        pile.found.push(Finding::new(usize::MAX, "", "too-many", message));
    }
    pile.found.sort_by_key(|f| f.at);
    let located = pile.found.into_iter().map(|finding| {
        let (line, column) = source.position(finding.at);
        Diagnostic {
            severity,
            file: file.to_owned(),
            line,
            column,
            path: finding.path,
            message: finding.message,
            expected: finding.expected,
            nearest: finding.nearest,
            code: finding.code,
        }
    });
    located.collect()
}
