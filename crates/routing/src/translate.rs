//! Translations: a trunk's own ordered rules over the numbers that it receives and that it is sent.
//!
//! Each list is asked in order; the first rule that matches counts, unless it says that those behind
//! it go on with its result (R63, R64, R67). Enter through [`Translator::run`].

use crate::number::{Cleaned, clean};
use crate::rewrite::{Rewrite, TooLong};
use crate::trace::{Side, Step, Trace, Way};
use config::Translation;
use std::fmt::Write;

/// One list of a trunk.
#[derive(Default)]
pub(crate) struct Translator {
    rules: Vec<(Rewrite, bool)>,
}

/// Which list is asked, for the story.
#[derive(Clone, Copy)]
pub(crate) struct List<'a> {
    pub trunk: &'a str,
    pub side: Side,
    pub way: Way,
}

impl Translator {
    pub(crate) fn compile(rules: &[Translation]) -> Translator {
        let compile = |rule: &Translation| (Rewrite::compile(&rule.name, &rule.pattern, &rule.to), rule.ends);
        Translator { rules: rules.iter().map(compile).collect() }
    }

    /// Rewrites a number; `None` when no rule matches. A list of at most
    /// [`config::TRANSLATIONS_MAX`] rules is walked once.
    pub(crate) fn run(
        &self,
        number: &str,
        list: List<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Option<String>, TooLong> {
        let List { trunk, side, way } = list;
        let mut now: Option<String> = None;
        for (rule, ends) in &self.rules {
            let from = now.as_deref().unwrap_or(number);
            let result = rule.apply(from);
            if trace.wants() {
                let name = &rule.name;
                trace.note(match &result {
                    None => Step::Translated { trunk, side, way, name, from, to: None },
                    Some(Ok(to)) => Step::Translated { trunk, side, way, name, from, to: Some(to) },
                    Some(Err(TooLong)) => Step::TooLong { side, name },
                });
            }
            let Some(result) = result else { continue };
            now = Some(result?);
            if *ends {
                break;
            }
        }
        Ok(now)
    }

    /// Whether there is any rule.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Puts the extension behind a number, as translations and peers see it: `+493023125;ext=100`
/// (RFC 3966 §5.3).
pub(crate) fn push_extension(number: &mut String, extension: Option<&str>) {
    if let Some(extension) = extension {
        let _ = write!(number, ";ext={extension}");
    }
}

/// A number and its extension, taken apart again.
pub(crate) fn apart(text: &str) -> (String, Option<String>) {
    let Cleaned { number, extension } = clean(text);
    (number.into_owned(), extension.map(str::to_owned))
}
