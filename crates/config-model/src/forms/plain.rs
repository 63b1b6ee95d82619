//! Plain texts: names, paths, headers, countries.

use super::{Flaw, Form, each, is_token, sized};
use crate::country::{self, Country};

/// Longest name.
const NAME_MAX: usize = 63;
/// Longest free text.
const TEXT_MAX: usize = 255;
/// Largest weight in a tier.
const WEIGHT_MAX: u32 = 1_000;
/// Longest path (Linux `PATH_MAX`).
const PATH_MAX: usize = 4096;

/// A name.
pub static NAME: Form = Form {
    phrase: "a name of 1 to 63 letters, digits, `-`, `_` or `.`",
    check: name,
    schema_pattern: "^[A-Za-z0-9._-]{1,63}$",
};

/// A free text.
pub static TEXT: Form =
    Form { phrase: "a text of 1 to 255 bytes without control characters", check: text, schema_pattern: "" };

/// A path.
pub static PATH: Form =
    Form { phrase: "a path such as `/etc/tronco/chain.pem`", check: path, schema_pattern: "" };

/// A directory, or `off`.
pub static PATH_OR_OFF: Form =
    Form { phrase: "a directory such as `/var/lib/tronco`, or `off`", check: path, schema_pattern: "" };

/// A header that a policy may let cross by name.
pub static HEADER: Form = Form {
    phrase: "the name of an end-to-end header such as `X-Account`",
    check: header,
    schema_pattern: "^[A-Za-z0-9.!%*_+`'~-]+$",
};

/// A country (ISO 3166-1 alpha-2).
pub static COUNTRY: Form = Form {
    phrase: "a two-letter country code such as `DE`",
    check: |t| country(t).map(drop),
    schema_pattern: "^[A-Z]{2}$",
};

/// A currency (ISO 4217).
pub static CURRENCY: Form = Form {
    phrase: "a currency of three letters such as `EUR` (ISO 4217)",
    check: currency,
    schema_pattern: "^[A-Z]{3}$",
};

fn currency(text: &str) -> Result<(), Flaw> {
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    let upper = text.to_ascii_uppercase();
    let flaw = Flaw::new(format!("`{}` is no currency", text.escape_debug()));
    Err(flaw.nearest(currency(&upper).is_ok().then_some(upper).filter(|u| u != text)))
}

fn name(text: &str) -> Result<(), Flaw> {
    sized(text, NAME_MAX, "name")?;
    each(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c), "may not stand in a name")
}

fn text(text: &str) -> Result<(), Flaw> {
    sized(text, TEXT_MAX, "text")?;
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(Flaw::new("a control character").at(at)),
        None => Ok(()),
    }
}

fn path(text: &str) -> Result<(), Flaw> {
    sized(text, PATH_MAX, "path")?;
    match text.find('\0') {
        Some(at) => Err(Flaw::new("a zero byte").at(at)),
        None => Ok(()),
    }
}

/// Headers that belong to one leg's own dialog, transaction or body, and those that policies of their
/// own decide about; a B2BUA never passes them by name.
const OWN_HEADERS: [&str; 32] = [
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Route",
    "Record-Route",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Content-Disposition",
    "Authorization",
    "Proxy-Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Require",
    "Proxy-Require",
    "Supported",
    "Unsupported",
    "Allow",
    "RSeq",
    "RAck",
    "Session-Expires",
    "Min-SE",
    "Path",
    "Service-Route",
    "Replaces",
    "Refer-To",
    "Expires",
    "MIME-Version",
];

/// Headers that a key of the policy decides about.
const POLICY_HEADERS: [(&str, &str); 6] = [
    ("Diversion", "diversion"),
    ("History-Info", "history_info"),
    ("P-Asserted-Identity", "identity"),
    ("P-Preferred-Identity", "identity"),
    ("Privacy", "identity"),
    ("Remote-Party-ID", "identity"),
];

/// Whether a header belongs to one leg's own dialog, transaction or body.
pub(super) fn is_own_header(text: &str) -> bool {
    OWN_HEADERS.iter().any(|name| name.eq_ignore_ascii_case(text))
}

/// A header name is a token (RFC 3261 §25.1), not a compact form.
pub(super) fn token(text: &str) -> Result<(), Flaw> {
    if text.is_empty() {
        return Err(Flaw::new("the header name is empty"));
    }
    each(text, is_token, "may not stand in a header name")?;
    if text.len() == 1 {
        return Err(Flaw::new(format!("`{text}` is a compact form")).expected("the header's full name"));
    }
    Ok(())
}

/// A header that a policy may let cross by name.
fn header(text: &str) -> Result<(), Flaw> {
    token(text)?;
    if let Some((_, key)) = POLICY_HEADERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Err(Flaw::new(format!("header `{text}` is decided by the key `{key}`"))
            .expected(format!("`{key} = \"pass\"` in `override`")));
    }
    if is_own_header(text) {
        return Err(Flaw::new(format!(
            "header `{text}` belongs to each leg's own dialog and is never passed"
        )));
    }
    Ok(())
}

/// Reads a country code.
///
/// # Errors
/// An unknown code.
pub fn country(text: &str) -> Result<&'static Country, Flaw> {
    country::find(text).ok_or_else(|| {
        let upper = text.to_ascii_uppercase();
        let usual = match upper.as_str() {
            "UK" => Some("GB"),
            "EL" => Some("GR"),
            _ => country::find(&upper).map(|c| c.iso),
        };
        Flaw::new(format!("unknown country `{}`", text.escape_debug())).nearest(usual.map(str::to_owned))
    })
}

/// Reads a trunk and its weight in a tier: `flex`, `flex:80` or `flex:80%`.
///
/// # Errors
/// No weight from 1 to 1000.
pub fn share(text: &str) -> Result<(&str, u32), Flaw> {
    let Some((name, written)) = text.split_once(':') else {
        return Ok((text, 1));
    };
    let weight = written.strip_suffix('%').unwrap_or(written);
    let digits = !weight.is_empty() && weight.bytes().all(|b| b.is_ascii_digit());
    match weight.parse::<u32>() {
        Ok(number) if digits && (1..=WEIGHT_MAX).contains(&number) => Ok((name, number)),
        _ => Err(Flaw::new(format!("`{}` is no weight", written.escape_debug()))
            .at(name.len() + 1)
            .expected("a weight from 1 to 1000, or a share such as `80%`")),
    }
}
