//! The numbers that a redirect names.

use crate::received::number_of;
use sip_msg::{Msg, Name, NameAddr};

/// How many Contacts of one 3xx are looked at: limit `redirect_contacts`.
const CONTACTS_MAX: usize = 8;

/// A number in a Contact with its preference in thousandths (RFC 3261 §20.10 `q`).
pub struct Named {
    pub number: Box<str>,
    pub q: u16,
}

/// The numbers in the Contacts of a 3xx, the preferred first; those of one preference as they stand.
#[must_use]
pub fn named_in(msg: Msg<'_>) -> Vec<Named> {
    let named = |element| {
        let address = NameAddr::parse_in(Name::Contact, element).ok()?;
        let number = number_of(address.uri);
        let q = address.params.get("q").map_or(1_000, preference);
        (!number.is_empty()).then_some(Named { number, q })
    };
    let mut all: Vec<Named> = msg.list(Name::Contact).take(CONTACTS_MAX).filter_map(named).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.q));
    all
}

/// A `qvalue` (RFC 3261 §25.1) in thousandths; what is none counts least.
fn preference(text: &[u8]) -> u16 {
    let (whole, part) = match text.iter().position(|c| *c == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b""[..]),
    };
    let digits = part.len() <= 3 && part.iter().all(u8::is_ascii_digit);
    match whole {
        b"1" => 1_000,
        b"0" if digits => {
            (0..3).fold(0, |sum, at| sum * 10 + part.get(at).map_or(0, |c| u16::from(c - b'0')))
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::preference;

    #[test]
    fn preferences_are_read_in_thousandths() {
        for (text, thousandths) in [
            ("1", 1_000),
            ("1.000", 1_000),
            ("0.7", 700),
            ("0.75", 750),
            ("0.001", 1),
            ("0", 0),
            ("0.1234", 0),
            ("high", 0),
            ("", 0),
        ] {
            assert_eq!(preference(text.as_bytes()), thousandths, "{text}");
        }
    }
}
