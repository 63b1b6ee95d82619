//! What was found, collected in the order of the text.

use crate::diagnostic::{Diagnostic, Severity};
use crate::text::{Source, Syntax};

/// Most errors, and most warnings, that one parse reports.
const FINDINGS_MAX: usize = 200;

/// One finding, by byte offset.
pub(crate) struct Finding {
    pub(crate) at: usize,
    pub(crate) path: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) expected: String,
    pub(crate) nearest: Option<String>,
}

impl Finding {
    pub(crate) fn new(
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

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Finding {
        self.expected = expected.into();
        self
    }

    pub(crate) fn nearest(mut self, nearest: Option<String>) -> Finding {
        self.nearest = nearest;
        self
    }
}

/// Collects findings about one text.
pub(crate) struct Report<'a> {
    pub(crate) source: Source<'a>,
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
    pub(crate) fn new(text: &'a str, file: &'a str) -> Report<'a> {
        Report { source: Source::new(text), file, errors: Pile::default(), warnings: Pile::default() }
    }

    pub(crate) fn error(&mut self, finding: Finding) {
        self.errors.push(finding);
    }

    /// A fault in the writing itself.
    pub(crate) fn syntax(&mut self, fault: Syntax) {
        self.error(Finding::new(fault.at, "", "syntax", fault.message).expected(fault.expected));
    }

    pub(crate) fn warning(&mut self, finding: Finding) {
        self.warnings.push(finding);
    }

    pub(crate) fn failed(&self) -> bool {
        !self.errors.found.is_empty()
    }

    /// Errors and warnings, each in the order of the text.
    pub(crate) fn finish(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
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
