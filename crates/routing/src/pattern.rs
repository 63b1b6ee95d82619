//! What a number must look like, compiled: a cheap test of beginnings before any expression runs.

use config::{Expression, Pattern};
use regex_syntax::hir::Look;
use regex_syntax::hir::literal::{ExtractKind, Extractor};

/// Most beginnings that are drawn from one expression; more, and it is filed under the empty one.
const BEGINNINGS_MAX: usize = 64;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Matcher {
    /// Takes every number.
    Any,
    /// Takes this number.
    Exact(Box<str>),
    /// Takes numbers that begin so.
    Prefix(Box<str>),
    /// Takes what the expression takes; every such number begins with one of `beginnings`.
    Expression { expression: Expression, beginnings: Beginnings },
}

/// Texts of which one begins every match of an expression; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beginnings(Box<[Box<[u8]>]>);

impl Beginnings {
    /// Draws them from an expression that is anchored at its start; `[""]` when there are none.
    pub(crate) fn of(expression: &Expression) -> Beginnings {
        let all = || Beginnings(Box::new([Box::default()]));
        let Ok(hir) = regex_syntax::parse(expression.as_str()) else { return all() };
        if !hir.properties().look_set_prefix().contains(Look::Start) {
            return all();
        }
        let mut sequence = Extractor::new().kind(ExtractKind::Prefix).extract(&hir);
        sequence.minimize_by_preference();
        match sequence.literals() {
            Some(literals) if (1..=BEGINNINGS_MAX).contains(&literals.len()) => {
                Beginnings(literals.iter().map(|l| l.as_bytes().into()).collect())
            }
            _ => all(),
        }
    }

    /// Whether the number begins with one of them.
    pub(crate) fn begin(&self, number: &str) -> bool {
        self.0.iter().any(|b| number.as_bytes().starts_with(b))
    }
}

impl Matcher {
    pub(crate) fn compile(pattern: Option<&Pattern>) -> Matcher {
        match pattern {
            None => Matcher::Any,
            Some(Pattern::Prefix(prefix)) if prefix.is_empty() => Matcher::Any,
            Some(Pattern::Prefix(prefix)) => Matcher::Prefix(prefix.as_str().into()),
            Some(Pattern::Exact(number)) => Matcher::Exact(number.as_str().into()),
            Some(Pattern::Expression(expression)) => {
                Matcher::Expression { beginnings: Beginnings::of(expression), expression: expression.clone() }
            }
        }
    }

    /// Whether it takes the number.
    pub(crate) fn takes(&self, number: &str) -> bool {
        match self {
            Matcher::Any => true,
            Matcher::Exact(exact) => **exact == *number,
            Matcher::Prefix(prefix) => number.starts_with(&**prefix),
            Matcher::Expression { expression, beginnings } => {
                beginnings.begin(number) && expression.is_match(number)
            }
        }
    }

    /// Texts under which it is filed: one of them begins every number that it takes.
    pub(crate) fn beginnings(&self) -> Vec<Vec<u8>> {
        match self {
            Matcher::Any => vec![Vec::new()],
            Matcher::Exact(text) | Matcher::Prefix(text) => vec![text.as_bytes().to_vec()],
            Matcher::Expression { beginnings, .. } => beginnings.0.iter().map(|b| b.to_vec()).collect(),
        }
    }

    /// Whether it surely takes every number that `other` takes; `false` when that cannot be told.
    pub(crate) fn covers(&self, other: &Matcher) -> bool {
        match (self, other) {
            (Matcher::Any, _) => true,
            (_, Matcher::Exact(number)) => self.takes(number),
            (Matcher::Prefix(mine), Matcher::Prefix(theirs)) => theirs.starts_with(&**mine),
            (Matcher::Prefix(mine), Matcher::Expression { beginnings, .. }) => {
                beginnings.0.iter().all(|b| b.starts_with(mine.as_bytes()))
            }
            (Matcher::Expression { expression, .. }, Matcher::Expression { expression: theirs, .. }) => {
                expression == theirs
            }
            _ => false,
        }
    }
}
