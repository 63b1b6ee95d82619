//! Numbers as a request brings them: where they stand and how they are read out of URIs.
//!
//! What a number means is routing's to say; here it is only found. Enter through [`called_of`] and
//! [`number_of`].

use config::CalledFrom;
use sip_msg::{Msg, Name, NameAddr, Scheme, Uri};

/// Longest number kept: one byte more than routing takes, so that a longer one is refused and not cut.
const NUMBER_KEPT_MAX: usize = base::limit::NUMBER_MAX + 1;

/// The called number of a request, from where its trunk puts it, else from the Request-URI.
pub fn called_of(msg: Msg<'_>, from: &CalledFrom) -> Box<str> {
    let first = |name| msg.list(name).next().map(number_of_address);
    let named = match from {
        CalledFrom::RequestUri => None,
        CalledFrom::To => msg.to().ok().map(|to| number_of(to.uri)),
        CalledFrom::PCalledPartyId => first(Name::PCalledPartyId),
        CalledFrom::Diversion => first(Name::Diversion),
        CalledFrom::Header(name) => msg.row_named(name).next().map(number_of_address),
    };
    named.filter(|number| !number.is_empty()).unwrap_or_else(|| number_of(msg.request_uri()))
}

/// The number in a header's value: of its URI, or the value itself when it is a bare number.
fn number_of_address(value: &[u8]) -> Box<str> {
    if let Ok(address) = NameAddr::parse(value) {
        let number = number_of(address.uri);
        if !number.is_empty() {
            return number;
        }
    }
    let bare = value.trim_ascii();
    let dialled = |c: &u8| c.is_ascii_digit() || b"+*#-.() ".contains(c);
    if bare.iter().all(dialled) && bare.iter().any(u8::is_ascii_digit) { kept(bare) } else { Box::default() }
}

/// The number that a URI names: the user part of sip and sips, the number of tel, decoded, with its
/// extension as `;ext=` (RFC 3966 §5.3).
///
/// Other parameters are no part of it; a `phone-context` says where a local number is valid, and not
/// what to put before it (RFC 3966 §5.1.5).
pub fn number_of(uri: &[u8]) -> Box<str> {
    let Ok(uri) = Uri::parse(uri) else { return Box::default() };
    if uri.scheme == Scheme::Other {
        return Box::default();
    }
    let mut number = Vec::with_capacity(uri.user.len() + 8);
    uri.user_decoded(&mut number);
    let end = number.iter().position(|c| *c == b';').unwrap_or(number.len());
    let parameters = number.split_off(end);
    let within = parameters.split(|c| *c == b';').find_map(|parameter| {
        let equals = parameter.iter().position(|c| *c == b'=')?;
        let (name, value) = parameter.split_at(equals);
        name.eq_ignore_ascii_case(b"ext").then(|| value.get(1..).unwrap_or_default())
    });
    let beside = (uri.scheme == Scheme::Tel).then(|| uri.params.get("ext")).flatten();
    if let Some(extension) = within.or(beside) {
        let digits = extension.iter().filter(|c| !b"-.()".contains(c));
        let digits: Vec<u8> = digits.copied().collect();
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
            number.extend_from_slice(b";ext=");
            number.extend_from_slice(&digits);
        }
    }
    kept(&number)
}

fn kept(number: &[u8]) -> Box<str> {
    let shown = number.get(..NUMBER_KEPT_MAX).unwrap_or(number);
    String::from_utf8_lossy(shown).into_owned().into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_uris() {
        for (uri, number) in [
            ("sip:+493023125100@example.com;user=phone", "+493023125100"),
            ("sip:+493023125;ext=100@example.com;user=phone", "+493023125;ext=100"),
            ("sip:+493023125;phone-context=x;EXT=1-0@example.com", "+493023125;ext=10"),
            ("sips:%2B4930@example.com", "+4930"),
            ("tel:+49-30-23125;ext=1.00;isub=9", "+49-30-23125;ext=100"),
            ("tel:7042;phone-context=+1-914-555", "7042"),
            ("tel:112;phone-context=example.com", "112"),
            ("sip:+49;ext=a@example.com", "+49"),
            ("sip:example.com", ""),
            ("http://example.com", ""),
            ("nonsense", ""),
        ] {
            assert_eq!(&*number_of(uri.as_bytes()), number, "{uri}");
        }
        let long = format!("sip:{}@example.com", "1".repeat(500));
        assert_eq!(number_of(long.as_bytes()).len(), NUMBER_KEPT_MAX, "too long for routing, and so refused");
    }

    #[test]
    fn numbers_of_headers() {
        for (value, number) in [
            ("<sip:+4930@example.com>;reason=unconditional", "+4930"),
            ("\"Office\" <tel:+49-30>", "+49-30"),
            ("sip:100@example.com", "100"),
            (" +49 30 23125 ", "+49 30 23125"),
            ("hello", ""),
            ("+", ""),
            ("", ""),
        ] {
            assert_eq!(&*number_of_address(value.as_bytes()), number, "{value}");
        }
    }
}
