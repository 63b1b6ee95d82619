//! Byte classes of the SIP grammar (RFC 3261 §25.1) and the small scans built on them.
//!
//! Everything here looks at bytes only, total over any input.

const TOKEN: u8 = 1;
const LWS: u8 = 2;
const HOST: u8 = 4;
const VALUE: u8 = 8;
const USER: u8 = 16;
const URI_PARAM: u8 = 32;
const DIALABLE: u8 = 64;
const URI_HEADER: u8 = 128;

/// One byte of flags for each byte value.
static CLASS: [u8; 256] = build();

const fn holds(set: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

const fn build() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        let alnum = byte.is_ascii_alphanumeric();
        let unreserved = alnum || holds(b"-_.!~*'()", byte);
        let mut class = 0;
        if alnum || holds(b"-.!%*_+`'~", byte) {
            class |= TOKEN;
        }
        if holds(b" \t\r\n", byte) {
            class |= LWS;
        }
        // The underscore is not in RFC 3261's hostname, but enterprise host names have it.
        if alnum || holds(b"-._", byte) {
            class |= HOST;
        }
        if byte > 0x20 && byte != 0x7f && !holds(b";,\"<>", byte) {
            class |= VALUE;
        }
        if unreserved || holds(b"&=+$,;?/%:#", byte) {
            class |= USER;
        }
        if unreserved || holds(b"[]/:&+$%", byte) {
            class |= URI_PARAM;
        }
        if byte.is_ascii_hexdigit() || holds(b"*#+-.()", byte) {
            class |= DIALABLE;
        }
        if unreserved || holds(b"[]/?:+$%=&", byte) {
            class |= URI_HEADER;
        }
        table[at] = class;
        at += 1;
    }
    table
}

#[inline(always)]
const fn class(byte: u8) -> u8 {
    CLASS[byte as usize]
}

/// Token characters (RFC 3261 §25.1 `token`).
#[inline(always)]
pub(crate) fn token_byte(byte: u8) -> bool {
    class(byte) & TOKEN != 0
}

/// Blanks, and the CR and LF of folds (the splitter leaves those only inside folds).
#[inline(always)]
pub(crate) fn lws_byte(byte: u8) -> bool {
    class(byte) & LWS != 0
}

#[inline(always)]
pub(crate) fn host_byte(byte: u8) -> bool {
    class(byte) & HOST != 0
}

/// What an unquoted parameter value may hold: everything visible that does not end it, bytes above 0x7f included.
#[inline(always)]
pub(crate) fn value_byte(byte: u8) -> bool {
    class(byte) & VALUE != 0
}

/// `userinfo` without its `@`, password included.
#[inline(always)]
pub(crate) fn user_byte(byte: u8) -> bool {
    class(byte) & USER != 0
}

#[inline(always)]
pub(crate) fn uri_param_byte(byte: u8) -> bool {
    class(byte) & URI_PARAM != 0
}

#[inline(always)]
pub(crate) fn uri_header_byte(byte: u8) -> bool {
    class(byte) & URI_HEADER != 0
}

/// What a `tel` number may hold: digits, visual separators, `+`, `*`, `#`, A to F (RFC 3966 §3).
#[inline(always)]
pub(crate) fn dialable_byte(byte: u8) -> bool {
    class(byte) & DIALABLE != 0
}

/// Whether `bytes` is a non-empty token (RFC 3261 §25.1).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| token_byte(*byte))
}

/// The part of `bytes` between `from` and `to`; empty where that does not exist.
#[inline(always)]
pub(crate) fn part(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to).unwrap_or(&[])
}

/// `bytes` without blanks and folds at both ends.
#[inline]
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if !lws_byte(*first) {
            break;
        }
        rest = tail;
    }
    while let [head @ .., last] = rest {
        if !lws_byte(*last) {
            break;
        }
        rest = head;
    }
    rest
}

/// The first position at or after `at` that holds no blank.
#[inline]
pub(crate) fn skip_lws(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| lws_byte(*byte)) {
        at += 1;
    }
    at
}

/// The first position at or after `at` whose byte does not satisfy `wanted`.
#[inline(always)]
pub(crate) fn skip(bytes: &[u8], mut at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|byte| wanted(*byte)) {
        at += 1;
    }
    at
}

/// For the quote at `at`: the position just after its closing quote; `None` if it never closes.
/// A backslash takes the next byte with it, whatever that is (RFC 3261 §25.1 `quoted-pair`).
#[inline]
pub(crate) fn skip_quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        let found = memchr::memchr2(b'"', b'\\', bytes.get(at..)?)? + at;
        if bytes.get(found) == Some(&b'"') {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// A quoted string without its quotes, escapes still inside; other bytes as they are.
pub fn unquote(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'"', inner @ .., b'"'] => inner,
        _ => bytes,
    }
}

/// Decimal digits only, at least one; `None` on other bytes, saturated at `u64::MAX`.
#[inline]
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let mut sum = 0u64;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        sum = sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    }
    Some(sum)
}

/// A port: 0 to 65535 in one to five digits (leading zeros counted).
#[inline]
pub(crate) fn port(bytes: &[u8]) -> Option<u16> {
    if bytes.len() > 5 {
        return None;
    }
    number(bytes).and_then(|value| u16::try_from(value).ok())
}

/// Whether every `%` in `bytes` starts an escape of two hex digits.
pub(crate) fn escapes_complete(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(b'%', rest)) {
        let hex = part(bytes, at + found + 1, at + found + 3);
        if hex.len() != 2 || !hex.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        at += found + 3;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_close_after_escapes() {
        assert_eq!(skip_quoted(br#""a\"b"c"#, 0), Some(6));
        assert_eq!(skip_quoted(br#""a\""#, 0), None);
        assert_eq!(skip_quoted(b"\"", 0), None);
        assert_eq!(skip_quoted(b"\"\\", 0), None);
    }

    #[test]
    fn numbers_saturate_and_refuse_signs() {
        assert_eq!(number(b"0009"), Some(9));
        assert_eq!(number(b"99999999999999999999999"), Some(u64::MAX));
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b""), None);
        assert_eq!(port(b"65535"), Some(65535));
        assert_eq!(port(b"65536"), None);
    }

    #[test]
    fn escapes_need_two_hex_digits() {
        assert!(escapes_complete(b"a%00b%aF"));
        assert!(!escapes_complete(b"a%0"));
        assert!(!escapes_complete(b"%zz"));
    }
}
