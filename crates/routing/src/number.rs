//! Numbers as text: cleaning what was received and writing what is sent.
//!
//! Knows no rules and no routes; the reading of national numbers is in [`crate::reading`].

use config::{Country, NumberFormat};
use std::borrow::Cow;

pub use base::limit::NUMBER_MAX;

/// A number as received, without its dress.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cleaned<'a> {
    /// Digits (or a name) without separators and parameters.
    pub number: Cow<'a, str>,
    /// The extension parameter's digits (RFC 3966 §5.1.1).
    pub extension: Option<&'a str>,
}

/// Whether the text is `+` and digits, or digits, `*` and `#` with visual separators.
///
/// Separators are those of RFC 3966 §5.1.1, and the blank and slash that people type.
fn is_dialled(text: &str) -> bool {
    let body = text.strip_prefix('+').unwrap_or(text);
    let mut digits = 0_usize;
    let plain = body.chars().all(|c| match c {
        '0'..='9' | '*' | '#' => {
            digits += 1;
            true
        }
        ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/' => true,
        _ => false,
    });
    plain && digits > 0
}

/// Takes parameters and visual separators off a number; names of users stand as they are.
pub(crate) fn clean(user: &str) -> Cleaned<'_> {
    let trimmed = user.trim();
    let mut parts = trimmed.split(';');
    let base = parts.next().unwrap_or_default();
    if !is_dialled(base) {
        return Cleaned { number: Cow::Borrowed(trimmed), extension: None };
    }
    let extension = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        (name.eq_ignore_ascii_case("ext") && digits).then_some(value)
    });
    let dialled = |c: char| c.is_ascii_digit() || matches!(c, '+' | '*' | '#');
    let number = if base.chars().all(dialled) {
        Cow::Borrowed(base)
    } else {
        Cow::Owned(base.chars().filter(|&c| dialled(c)).collect())
    };
    Cleaned { number, extension }
}

/// Whether a user part can be put into a header at all: of bounded length, without control characters.
pub(crate) fn is_possible(user: &str) -> bool {
    user.len() <= NUMBER_MAX && !user.chars().any(char::is_control)
}

/// A number in the form that a trunk wants (INTEROP 27); what is not +E.164 goes as it is.
pub(crate) fn wire(number: &str, format: NumberFormat, country: Option<&Country>) -> String {
    let Some(digits) = number.strip_prefix('+') else { return number.to_owned() };
    let international = || format!("{}{digits}", country.map_or("00", |c| c.international_prefix));
    match format {
        NumberFormat::E164Plus | NumberFormat::AsRouted => number.to_owned(),
        NumberFormat::E164 => digits.to_owned(),
        NumberFormat::International => international(),
        NumberFormat::National => match country {
            Some(home) => match digits.strip_prefix(home.calling_code) {
                Some(rest) => format!("{}{rest}", home.national_prefix),
                None => international(),
            },
            None => international(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DE: Country =
        Country { iso: "DE", calling_code: "49", international_prefix: "00", national_prefix: "0" };
    const IT: Country =
        Country { iso: "IT", calling_code: "39", international_prefix: "00", national_prefix: "" };
    const US: Country =
        Country { iso: "US", calling_code: "1", international_prefix: "011", national_prefix: "1" };

    #[test]
    fn separators_and_parameters_come_off() {
        for (received, number, extension) in [
            ("0044 1632 960001", "00441632960001", None),
            ("+49 (30) 231-25.100", "+493023125100", None),
            ("030/23125100", "03023125100", None),
            ("+493023125;ext=100", "+493023125", Some("100")),
            ("+493023125;phone-context=x;EXT=7", "+493023125", Some("7")),
            ("+493023125;ext=", "+493023125", None),
            ("*31#03023125", "*31#03023125", None),
            ("alice.smith", "alice.smith", None),
            ("call-center;ext=1", "call-center;ext=1", None),
            ("+", "+", None),
            ("()", "()", None),
            ("", "", None),
            ("1+2", "1+2", None),
        ] {
            let cleaned = clean(received);
            assert_eq!((&*cleaned.number, cleaned.extension), (number, extension), "{received}");
        }
    }

    #[test]
    fn each_form_on_the_wire() {
        use NumberFormat::{AsRouted, E164, E164Plus, International, National};
        for (number, format, country, sent) in [
            ("+493023125", E164Plus, Some(&DE), "+493023125"),
            ("+493023125", AsRouted, Some(&DE), "+493023125"),
            ("+493023125", E164, Some(&DE), "493023125"),
            ("+493023125", International, Some(&DE), "00493023125"),
            ("+493023125", International, Some(&US), "011493023125"),
            ("+493023125", National, Some(&DE), "03023125"),
            ("+441632960001", National, Some(&DE), "00441632960001"),
            ("+390612345", National, Some(&IT), "0612345"),
            ("+14255550100", National, Some(&US), "14255550100"),
            ("+493023125", National, None, "00493023125"),
            ("112", National, Some(&DE), "112"),
            ("alice", E164, Some(&DE), "alice"),
        ] {
            assert_eq!(wire(number, format, country), sent, "{number} {format:?}");
        }
    }
}
