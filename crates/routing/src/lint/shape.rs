//! What is odd in the writing of an expression, whatever numbers it meets.

use config::Expression;
use regex_syntax::ast::{self, Ast, GroupKind, Visitor};

/// The character, from 1, of the first repetition that repeats a place and no text, as in `^+1`.
pub(super) fn repeated_place(expression: &Expression) -> Option<usize> {
    let tree = ast::parse::Parser::new().parse(expression.source()).ok()?;
    let Ok(offset) = ast::visit(&tree, Places { first: None }) else { return None };
    let before = expression.source().get(..offset?)?;
    Some(before.chars().count() + 1)
}

/// Finds repetitions of places.
struct Places {
    first: Option<usize>,
}

impl Visitor for Places {
    type Output = Option<usize>;
    type Err = ();

    fn finish(self) -> Result<Option<usize>, ()> {
        Ok(self.first)
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), ()> {
        if let Ast::Repetition(repetition) = node
            && is_place(&repetition.ast)
        {
            self.first = self.first.or(Some(repetition.op.span.start.offset));
        }
        Ok(())
    }
}

/// Whether a part matches no character, but a place such as the beginning.
fn is_place(part: &Ast) -> bool {
    match part {
        Ast::Assertion(_) => true,
        Ast::Group(group) => !matches!(group.kind, GroupKind::CaptureName { .. }) && is_place(&group.ast),
        _ => false,
    }
}

/// The character, from 1, of the first blank in a text.
pub(super) fn blank(text: &str) -> Option<usize> {
    text.chars().position(|c| c == ' ').map(|at| at + 1)
}

/// Whether an expression takes every number and name; `false` where that cannot be said.
pub(super) fn takes_all(expression: &Expression) -> bool {
    const ALL_KINDS: [&str; 6] = ["0", "+493023125;ext=100", "*21#", "alice.smith", "~", "é"];
    ALL_KINDS.iter().all(|text| expression.is_match(text))
}
