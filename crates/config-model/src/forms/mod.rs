//! Forms: the texts inside strings (addresses, gateways, ranges, patterns) and how to read each.
//!
//! A form is read by one function; the check of a configuration and the building of its picture both
//! call it. Nothing here knows where in the text it stands, only the offset inside the string.

pub mod account;
pub mod calendar;
pub mod called;
pub mod expression;
pub mod headers;
pub mod number;
pub mod plain;

pub use crate::net;
pub use config_text::{Flaw, Form, time};

/// Whether a character may stand in a token, such as a header's name (RFC 3261 §25.1).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c)
}

/// Refuses the first character that may not stand there: "`x` may not stand in a name".
fn each(text: &str, may: impl Fn(char) -> bool, refusal: &str) -> Result<(), Flaw> {
    match text.char_indices().find(|(_, c)| !may(*c)) {
        Some((at, c)) => Err(Flaw::new(format!("`{}` {refusal}", c.escape_debug())).at(at)),
        None => Ok(()),
    }
}

/// Refuses what is empty or longer than so many bytes.
fn sized(text: &str, most: usize, what: &str) -> Result<(), Flaw> {
    match text.len() {
        0 => Err(Flaw::new(format!("the {what} is empty"))),
        bytes if bytes > most => Err(Flaw::new(format!("the {what} has {bytes} bytes"))),
        _ => Ok(()),
    }
}
