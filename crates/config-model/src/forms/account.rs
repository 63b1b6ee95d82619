//! Addresses of record: `+493023125`, `user@tel.example`.

use super::{Flaw, Form, net};

/// Longest user part.
const USER_MAX: usize = 128;

/// An address of record.
pub static ADDRESS: Form = Form {
    phrase: "an account such as `+493023125` or `user@tel.example`",
    check: |t| address(t).map(drop),
    schema_pattern: "^[^@<>\"; ]+(@[0-9A-Za-z:._\\[\\]-]+)?$",
};

/// A user part.
pub static USER: Form =
    Form { phrase: "a user part such as `+493023125`", check: user, schema_pattern: "^[^@<>\"; ]+$" };

/// Characters that may stand in a user part unescaped (RFC 3261 §25.1).
fn user(text: &str) -> Result<(), Flaw> {
    if text.is_empty() || text.len() > USER_MAX {
        return Err(Flaw::new(format!("a user part of {} bytes", text.len())));
    }
    let odd =
        text.char_indices().find(|(_, c)| !(c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,".contains(*c)));
    match odd {
        Some((at, c)) => {
            Err(Flaw::new(format!("`{}` may not stand in a user part", c.escape_debug())).at(at))
        }
        None => Ok(()),
    }
}

/// Reads user and domain.
///
/// # Errors
/// A user part or a host that cannot be one.
pub fn address(text: &str) -> Result<(String, Option<String>), Flaw> {
    let Some((name, domain)) = text.rsplit_once('@') else {
        user(text)?;
        return Ok((text.to_owned(), None));
    };
    user(name)?;
    let host = net::host(domain).map_err(|flaw| Flaw { at: flaw.at + name.len() + 1, ..flaw })?;
    Ok((name.to_owned(), Some(host.to_string())))
}
