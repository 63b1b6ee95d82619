//! Forms of regular expressions and replacements; what may stand in them `config_text::expression` knows.

use super::{Flaw, Form};
use crate::{Expression, TRANSLATION_NAME_MAX};
use config_text::expression as text;
pub use text::{groups, has_group};

/// A regular expression for the whole of a number.
pub static EXPRESSION: Form = Form {
    phrase: "a regular expression for the whole dialled string such as `0([1-9][0-9]*)`",
    check: |t| expression(t).map(drop),
    schema_pattern: "",
};

/// What takes the place of a match.
pub static REPLACEMENT: Form =
    Form { phrase: "a replacement such as `+49$1`", check: text::replacement, schema_pattern: "" };

/// The name of a rule.
pub static RULE_NAME: Form = Form {
    phrase: "a name of 1 to 100 characters without control characters",
    check: rule_name,
    schema_pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,100}$",
};

fn rule_name(name: &str) -> Result<(), Flaw> {
    let length = name.chars().count();
    if !(1..=TRANSLATION_NAME_MAX).contains(&length) {
        return Err(Flaw::new(format!("the name has {length} characters")));
    }
    text::no_controls(name)
}

/// Reads an expression, anchored at both ends.
///
/// # Errors
/// What the expression does not say or may not.
pub fn expression(source: &str) -> Result<Expression, Flaw> {
    Ok(Expression::new(source.to_owned(), text::expression(source)?))
}
