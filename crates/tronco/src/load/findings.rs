//! What the routing rooms find in a configuration, told like everything else: with its place.

use config::{Config, Diagnostic, Place, Places, Severity};
use routing::{RulePlace, TestOutcome};

/// Puts findings about one file into words.
pub(super) struct Findings<'a> {
    pub(super) file: &'a str,
    pub(super) config: &'a Config,
    pub(super) places: &'a Places,
}

impl Findings<'_> {
    fn diagnostic(
        &self,
        severity: Severity,
        at: Option<&Place>,
        path: String,
        code: &'static str,
    ) -> Diagnostic {
        let Place { line, column } = at.copied().unwrap_or_default();
        Diagnostic {
            severity,
            file: self.file.to_owned(),
            line,
            column,
            path,
            message: String::new(),
            expected: String::new(),
            nearest: None,
            code,
        }
    }

    /// Routes that no call reaches, but for those of which `told` says so already.
    pub(super) fn shadowed(&self, told: &[Diagnostic]) -> Vec<Diagnostic> {
        let one = |(hidden, by): (usize, usize)| {
            let path = format!("route[{hidden}]");
            let code = "shadowed-route";
            let known = told.iter().any(|d| d.code == code && d.path == path);
            let (route, earlier) = (self.config.routes.get(hidden)?, self.config.routes.get(by)?);
            let line = self.places.routes.get(by).copied().unwrap_or_default().line;
            let message = format!(
                "route `{}` is never taken: route `{}` in line {line} takes all its calls",
                route.name, earlier.name
            );
            let expected = "the narrower route first".to_owned();
            let at = self.places.routes.get(hidden);
            let told = Diagnostic { message, expected, ..self.diagnostic(Severity::Warning, at, path, code) };
            (!known).then_some(told)
        };
        routing::shadowed(self.config).into_iter().filter_map(one).collect()
    }

    /// Dial rules and translations that probably do not do what was meant.
    pub(super) fn doubtful(&self) -> Vec<Diagnostic> {
        let one = |doubt: routing::RuleDoubt| {
            let path = doubt.place.to_string();
            let at = match doubt.place {
                RulePlace::Dial(rule) => self.places.dialplan.get(rule),
                RulePlace::Translation { .. } => self.places.translations.get(&path),
            };
            let told = self.diagnostic(Severity::Warning, at, path, "doubtful-rule");
            Diagnostic { message: doubt.sentence, expected: doubt.expected.to_owned(), ..told }
        };
        routing::doubtful_rules(self.config).into_iter().map(one).collect()
    }

    /// A case that fails.
    pub(super) fn failed(&self, outcome: &TestOutcome) -> Diagnostic {
        let path = format!("test[{}]", outcome.index);
        let at = self.places.tests.get(outcome.index);
        let told = self.diagnostic(Severity::Error, at, path, "failed-test");
        let message = format!("test `{}` failed: {}", outcome.name, outcome.failures.join("; "));
        Diagnostic { message, ..told }
    }
}

/// A file that is no text: where it stops being one.
pub(super) fn not_text(file: &str, bytes: &[u8], error: std::str::Utf8Error) -> Diagnostic {
    let end = error.valid_up_to();
    let before = bytes.get(..end).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default();
    let Place { line, column } = config::place(before, end);
    Diagnostic {
        severity: Severity::Error,
        file: file.to_owned(),
        line,
        column,
        path: String::new(),
        message: format!("byte {:#04x} is not part of a text", bytes.get(end).copied().unwrap_or_default()),
        expected: "UTF-8".to_owned(),
        nearest: None,
        code: "not-text",
    }
}
