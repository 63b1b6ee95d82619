//! One rule that rewrites a number: an expression for the whole of it, and what it becomes.
//!
//! Dial rules and translations are made of these. Knows no trunks and no order of rules.

use crate::number::NUMBER_MAX;
use crate::pattern::Beginnings;
use config::Expression;
use std::sync::Arc;

/// A compiled rule.
pub(crate) struct Rewrite {
    pub name: Arc<str>,
    expression: Expression,
    beginnings: Beginnings,
    /// The replacement in the engine's language (`+49$1`).
    to: String,
}

/// A number came out longer than a number can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLong;

impl Rewrite {
    pub(crate) fn compile(name: &str, pattern: &Expression, to: &str) -> Rewrite {
        Rewrite {
            name: name.into(),
            beginnings: Beginnings::of(pattern),
            expression: pattern.clone(),
            to: to.to_owned(),
        }
    }

    /// What the rule makes of a number; `None` when it does not match.
    pub(crate) fn apply(&self, number: &str) -> Option<Result<String, TooLong>> {
        if !self.beginnings.begin(number) {
            return None;
        }
        let captures = self.expression.captures(number)?;
        let mut result = String::with_capacity(number.len() + self.to.len());
        captures.expand(&self.to, &mut result);
        Some(if result.len() > NUMBER_MAX { Err(TooLong) } else { Ok(result) })
    }
}
