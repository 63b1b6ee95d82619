//! Where the called number stands in a request, and what local numbers are local to.

use super::{Flaw, Form, each, is_token, net};
use crate::{CalledFrom, Host};

/// Longest `phone-context` (a host name has 253 characters at most, RFC 1035 §2.3.4).
const CONTEXT_MAX: usize = 253;
/// Longest name of a header.
const HEADER_MAX: usize = 64;

/// Where the called number stands.
pub static CALLED_FROM: Form = Form {
    phrase: "one of `request-uri`, `to`, `p-called-party-id`, `diversion`, or `header:NAME`",
    check: |t| called_from(t).map(drop),
    schema_pattern: "^(request-uri|to|p-called-party-id|diversion|header:[A-Za-z0-9.!%*_+`'~-]+)$",
};

/// What local numbers are local to (RFC 3966 §5.1.5).
pub static PHONE_CONTEXT: Form = Form {
    phrase: "a domain name such as `example.com`, or the beginning of a number such as `+49`",
    check: phone_context,
    schema_pattern: "",
};

/// Reads a source of called numbers.
///
/// # Errors
/// An unknown word, or no header name.
pub fn called_from(text: &str) -> Result<CalledFrom, Flaw> {
    Ok(match text {
        "request-uri" => CalledFrom::RequestUri,
        "to" => CalledFrom::To,
        "p-called-party-id" => CalledFrom::PCalledPartyId,
        "diversion" => CalledFrom::Diversion,
        other => match other.strip_prefix("header:") {
            Some(name) => CalledFrom::Header(header(name)?),
            None => return Err(Flaw::new(format!("`{}` is no source of numbers", other.escape_debug()))),
        },
    })
}

/// A header name is a token (RFC 3261 §25.1).
fn header(name: &str) -> Result<String, Flaw> {
    const BEFORE: usize = "header:".len();
    if name.is_empty() || name.len() > HEADER_MAX {
        return Err(Flaw::new(format!("a header name of {} characters", name.chars().count())).at(BEFORE));
    }
    each(name, is_token, "may not stand in a header name")
        .map_err(|flaw| Flaw { at: BEFORE + flaw.at, ..flaw })?;
    Ok(name.to_owned())
}

/// A domain name or the initial digits of global numbers (RFC 3966 §5.1.5).
fn phone_context(text: &str) -> Result<(), Flaw> {
    if let Some(digits) = text.strip_prefix('+') {
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        return if fits { Ok(()) } else { Err(Flaw::new("no beginning of a number").at(1)) };
    }
    if text.len() > CONTEXT_MAX {
        return Err(Flaw::new(format!("a name of {} characters", text.len())));
    }
    match net::host(text)? {
        Host::Name(_) => Ok(()),
        Host::Ip(_) => Err(Flaw::new("an address is no context of numbers")),
    }
}

#[cfg(test)]
#[path = "../../tests/unit/called.rs"]
mod tests;
