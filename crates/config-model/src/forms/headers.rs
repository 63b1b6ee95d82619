//! Headers that rules may touch, and rows in tests of rules.

use super::plain::{TEXT, is_own_header, token};
use super::{Flaw, Form};

/// A header that a rule may touch.
pub static RULED: Form = Form {
    phrase: "the name of a header that is not the dialog's own, such as `X-Account`",
    check: ruled,
    schema_pattern: "^[A-Za-z0-9.!%*_+`'~-]+$",
};

/// A header row of a test.
pub static ROW: Form = Form {
    phrase: "a header row such as `X-Account: 7`",
    check: |text| row(text).map(drop),
    schema_pattern: "",
};

/// A header that a rule may touch: none that holds a dialog, transaction or body together.
///
/// # Errors
/// No header name, or a header of the dialog's own.
pub fn ruled(text: &str) -> Result<(), Flaw> {
    token(text)?;
    if is_own_header(text) {
        return Err(Flaw::new(format!(
            "header `{text}` belongs to each leg's own dialog; no rule may touch it"
        )));
    }
    Ok(())
}

/// Reads a row of a test.
///
/// # Errors
/// No row, or a header that no rule may touch.
pub fn row(text: &str) -> Result<(&str, &str), Flaw> {
    (TEXT.check)(text)?;
    let Some((name, value)) = text.split_once(':') else { return Err(Flaw::new("a row without `:`")) };
    ruled(name)?;
    Ok((name, value.trim()))
}
