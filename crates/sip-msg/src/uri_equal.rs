//! When two URIs are the same (RFC 3261 §19.1.4, RFC 3966 §4).

use crate::params::Params;
use crate::uri::{Scheme, Uri, escape_at};

/// Parameters that never match when only one URI has them. The text of RFC 3261 §19.1.4 names the first four,
/// its examples add `transport`.
const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

/// URIs with more parameters or headers than this are not compared: they equal nothing but their own bytes.
/// The comparison is quadratic in them, and they come from strangers.
const PARTS_MAX: usize = 64;

pub(crate) fn equivalent(left: &Uri<'_>, right: &Uri<'_>) -> bool {
    if left.raw == right.raw {
        return true;
    }
    if left.scheme != right.scheme || is_crowded(left) || is_crowded(right) {
        return false;
    }
    match left.scheme {
        Scheme::Sip | Scheme::Sips => {
            same_text(left.user, right.user, false)
                && same_optional(left.password, right.password)
                && left.host.eq_ignore_ascii_case(right.host)
                && left.port == right.port
                && params_match(left.params, right.params)
                && params_match(right.params, left.params)
                && headers_match(left.headers, right.headers)
        }
        Scheme::Tel => {
            dialled(left.user).eq(dialled(right.user))
                && same_parameters(left.params, right.params)
                && same_parameters(right.params, left.params)
        }
        Scheme::Other => {
            let colon = |uri: &Uri<'_>| uri.raw.len() - uri.host.len();
            let scheme = |uri: &Uri<'_>| uri.raw.get(..colon(uri)).unwrap_or(&[]).to_ascii_lowercase();
            left.host == right.host && scheme(left) == scheme(right)
        }
    }
}

fn is_crowded(uri: &Uri<'_>) -> bool {
    let headers = uri.headers.iter().filter(|byte| **byte == b'&').count();
    headers >= PARTS_MAX || uri.params.iter().nth(PARTS_MAX).is_some()
}

/// Bytes with escapes decoded; the flag keeps an escaped reserved character apart from the bare one.
fn characters(text: &[u8]) -> impl Iterator<Item = (u8, bool)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *text.get(at)?;
        match escape_at(text, at) {
            Some(decoded) => {
                at += 3;
                Some((decoded, b";/?:@&=+$,".contains(&decoded)))
            }
            None => {
                at += 1;
                Some((byte, false))
            }
        }
    })
}

fn same_text(left: &[u8], right: &[u8], fold_case: bool) -> bool {
    let fold =
        |(byte, reserved): (u8, bool)| (if fold_case { byte.to_ascii_lowercase() } else { byte }, reserved);
    characters(left).map(fold).eq(characters(right).map(fold))
}

fn same_optional(left: Option<&[u8]>, right: Option<&[u8]>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => same_text(left, right, false),
        (None, None) => true,
        _ => false,
    }
}

/// Every parameter of `left` that `right` has too has the same value there, and no decisive one is alone.
fn params_match(left: Params<'_>, right: Params<'_>) -> bool {
    left.iter().all(|param| {
        let mut twins = right.iter().filter(|other| same_text(other.name, param.name, true)).peekable();
        match twins.peek() {
            Some(_) => twins.any(|twin| same_text(twin.value, param.value, true)),
            None => !DECISIVE.iter().any(|name| same_text(name.as_bytes(), param.name, true)),
        }
    })
}

/// URI headers must match as sets: none may be alone.
fn headers_match(left: &[u8], right: &[u8]) -> bool {
    let split =
        |headers: &[u8]| headers.split(|byte| *byte == b'&').filter(|header| !header.is_empty()).count();
    let holds =
        |all: &[u8], wanted: &[u8]| all.split(|byte| *byte == b'&').any(|header| same_header(header, wanted));
    let covers = |all: &[u8], other: &[u8]| {
        other.split(|byte| *byte == b'&').filter(|header| !header.is_empty()).all(|wanted| holds(all, wanted))
    };
    // The count bounds the comparison before it starts: both sides come from one message each.
    split(left) == split(right) && covers(left, right) && covers(right, left)
}

fn same_header(left: &[u8], right: &[u8]) -> bool {
    let cut = |header: &[u8]| memchr::memchr(b'=', header).unwrap_or(header.len());
    let (left_name, left_value) = left.split_at(cut(left));
    let (right_name, right_value) = right.split_at(cut(right));
    same_text(left_name, right_name, true) && same_text(left_value, right_value, false)
}

/// The number without visual separators, letters in lower case.
fn dialled(number: &[u8]) -> impl Iterator<Item = u8> + '_ {
    number.iter().filter(|byte| !b"-.()".contains(byte)).map(u8::to_ascii_lowercase)
}

fn same_parameters(left: Params<'_>, right: Params<'_>) -> bool {
    left.iter().all(|param| {
        let mut twins = right.iter().filter(|other| same_text(other.name, param.name, true));
        twins.any(|twin| same_text(twin.value, param.value, true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &str, right: &str) -> bool {
        let (left, right) = (Uri::parse(left.as_bytes()).unwrap(), Uri::parse(right.as_bytes()).unwrap());
        assert_eq!(left.equivalent(&right), right.equivalent(&left));
        left.equivalent(&right)
    }

    #[test]
    fn the_equal_pairs_of_rfc3261() {
        assert!(check("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"));
        assert!(check("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
        assert!(check("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"));
        assert!(check(
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"
        ));
        assert!(check(
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
        ));
    }

    #[test]
    fn the_unequal_pairs_of_rfc3261() {
        assert!(!check("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
        assert!(!check("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
        assert!(!check("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
        assert!(!check("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
        assert!(!check("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
        assert!(!check("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
        assert!(!check("sip:a@b", "sips:a@b"));
        assert!(!check("sip:a%2Cb@c", "sip:a,b@c"));
        assert!(!check("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
    }

    #[test]
    fn tel_numbers_ignore_separators_but_not_parameters() {
        assert!(check("tel:+49-30-(1234)", "tel:+49301234"));
        assert!(!check("tel:+49301234", "tel:49301234"));
        assert!(!check("tel:1234;phone-context=a.b", "tel:1234"));
        assert!(check("tel:1234;ext=1;phone-context=A.b", "tel:1234;phone-context=a.b;ext=1"));
    }
}
