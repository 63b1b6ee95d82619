//! What a number must look like, compiled: a cheap test of beginnings before any expression runs.

use config::{Expression, Pattern};
use regex_syntax::hir::Look;
use regex_syntax::hir::literal::{ExtractKind, Extractor};

/// Most beginnings that are drawn from one expression; they are shortened until there are no more.
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
        let mut extractor = Extractor::new();
        extractor.kind(ExtractKind::Prefix).limit_total(BEGINNINGS_MAX);
        let mut sequence = extractor.extract(&hir);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn beginnings(source: &str) -> Vec<String> {
        let text = format!(
            "version = 1\n[listen.a]\naddress = \"127.0.0.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20999\"\n\
             [trunk.t]\nkind = \"direct\"\nlisten = \"a\"\ngateways = [\"127.0.1.1\"]\n\
             [[route]]\nname = \"r\"\nmatch = {{ called = '/{source}/' }}\nto = \"t\"\n"
        );
        let loaded = config::parse(&text, "t", config::Format::Toml).expect("a configuration");
        let matcher = Matcher::compile(loaded.config.routes[0].match_called.as_ref());
        matcher.beginnings().into_iter().map(|b| String::from_utf8(b).expect("text")).collect()
    }

    #[test]
    fn expressions_are_filed_under_their_beginnings() {
        assert_eq!(beginnings(r"\+49.*"), ["+49"]);
        assert_eq!(beginnings("112|110"), ["112", "110"]);
        assert_eq!(beginnings(r"\+49(30|40)\d{4,10}"), ["+4930", "+4940"]);
        assert_eq!(beginnings(r"\+49(30|40)[0-9]{4,10}").len(), 20, "one class more");
        assert_eq!(beginnings(r".*23"), [""]);
        assert_eq!(beginnings(r"(\+49|0)?30"), ["+4930", "030", "30"]);
        let many = beginnings(r"\+(1|2|3|4|5|6|7|8|9)(1|2|3|4|5|6|7|8|9)(1|2|3).*");
        assert!(many.len() <= BEGINNINGS_MAX && many.iter().all(|b| b.starts_with('+')), "{many:?}");
    }
}
