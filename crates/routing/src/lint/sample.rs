//! Numbers that an expression takes, made from the expression itself.
//!
//! A rule is judged by what it does to them rather than by how it is written.

use config::Expression;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Variants made of one expression.
const VARIANTS: u32 = 8;
/// How often a part is repeated that may be repeated without end; a whole number has as many digits.
const REPEATED: u32 = 10;
/// Longest sample.
const LENGTH_MAX: usize = 64;
/// How deep parts of an expression are followed.
const DEPTH_MAX: u32 = 32;
/// Digits in the order in which they are put in; the first numbers of a plan begin with them.
const DIGITS: &[char] = &['2', '3', '4', '5', '6', '7', '8', '9', '1', '0'];

/// A few different numbers that the expression takes.
pub(super) fn samples(expression: &Expression) -> Vec<String> {
    let Ok(tree) = regex_syntax::parse(expression.source()) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for variant in 0..VARIANTS {
        let mut making = Making { text: String::new(), variant, digits: 0 };
        let made = making.part(&tree, 0).is_some();
        if made && expression.is_match(&making.text) && !found.contains(&making.text) {
            found.push(making.text);
        }
    }
    found
}

struct Making {
    text: String,
    variant: u32,
    /// Digits put in so far.
    digits: usize,
}

impl Making {
    /// Appends text that the part takes; `None` when none is found.
    fn part(&mut self, part: &Hir, depth: u32) -> Option<()> {
        if depth > DEPTH_MAX || self.text.len() > LENGTH_MAX {
            return None;
        }
        match part.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.text.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(class) => self.class(class)?,
            HirKind::Repetition(repetition) => self.repetition(repetition, depth)?,
            HirKind::Capture(capture) => self.part(&capture.sub, depth + 1)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.part(part, depth + 1))?,
            HirKind::Alternation(parts) => {
                let at = self.variant as usize % parts.len().max(1);
                self.part(parts.get(at)?, depth + 1)?;
            }
        }
        Some(())
    }

    fn repetition(&mut self, repetition: &Repetition, depth: u32) -> Option<()> {
        let most = repetition.max.unwrap_or(repetition.min.max(REPEATED));
        // Every other variant leaves out what may be left out.
        let count =
            if self.variant % 2 == 1 { repetition.min } else { most.min(repetition.min.max(REPEATED)) };
        (0..count).try_for_each(|_| self.part(&repetition.sub, depth + 1))
    }

    fn class(&mut self, class: &Class) -> Option<()> {
        let Class::Unicode(class) = class else { return None };
        let holds = |c: &char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(c));
        let turned = DIGITS.iter().cycle().skip(self.digits % DIGITS.len()).take(DIGITS.len());
        let digit = turned.copied().find(holds);
        self.digits += 1;
        self.text.push(digit.or_else(|| class.ranges().first().map(|range| range.start()))?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Vec<String> {
        let text = format!(
            "version = 1\n[listen.a]\naddress = \"127.0.0.1\"\nsip = [\"udp:5060\"]\n[[dialplan]]\nname = \"r\"\nmatch = '{pattern}'\nto = \"1\"\n"
        );
        let loaded = config::parse(&text, "t", config::Format::Toml).expect("a configuration");
        samples(&loaded.config.dialplan[0].pattern)
    }

    #[test]
    fn samples_are_taken_by_their_expression() {
        assert_eq!(of(r"^1(\d{10})$"), ["12345678910"]);
        assert_eq!(of(r"^\+?49([1-9]\d*)$"), ["+4923456789102", "492"]);
        assert_eq!(of("(30|40)5"), ["305", "405"]);
        assert_eq!(of(r"^+1(\d{2})"), ["123"]);
        assert_eq!(of("[a-c]x"), ["ax"]);
        assert!(of("(.*){9}").iter().all(|text| text.len() <= LENGTH_MAX));
    }
}
