//! Parameters: `;name`, `;name=value`, `;name="quoted value"` (RFC 3261 §25.1 `generic-param`).
//!
//! [`Params`] is a view of the bytes after the first semicolon. The typed reader that made it has checked the
//! grammar with [`Params::check`]; iterating never fails, on any bytes.

use crate::chars::{part, skip, skip_lws, skip_quoted, token_byte, trim, value_byte};

/// One parameter. `value` is empty for a parameter without value; quotes are kept (see [`crate::unquote`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name as written; compare without regard to case.
    pub name: &'a [u8],
    /// The value as written; empty if there is none.
    pub value: &'a [u8],
}

/// The parameters of a header value or URI, in order, borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// A view of `bytes`: what follows the first semicolon, or starts with it.
    pub fn new(bytes: &'a [u8]) -> Params<'a> {
        let bytes = trim(bytes);
        Params { bytes: bytes.strip_prefix(b";").unwrap_or(bytes) }
    }

    /// The bytes of all parameters, without the first semicolon.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The value of the first parameter of that name (ASCII case-insensitive); empty if it has none.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name.as_bytes())).map(|param| param.value)
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + Clone + use<'a> {
        Iter { rest: self.bytes }
    }

    /// Reads the grammar from `at` (a semicolon or blanks before one) up to a top-level comma or the end and
    /// hands each parameter to `visit`. Returns where it stopped.
    ///
    /// # Errors
    /// The offset of the first byte that breaks the grammar.
    #[inline(always)]
    pub(crate) fn check(
        bytes: &'a [u8],
        at: usize,
        mut visit: impl FnMut(Param<'a>),
    ) -> Result<usize, usize> {
        let mut at = skip_lws(bytes, at);
        while bytes.get(at) == Some(&b';') {
            let name_start = skip_lws(bytes, at + 1);
            let name_end = skip(bytes, name_start, token_byte);
            if name_end == name_start {
                return Err(name_start);
            }
            let name = part(bytes, name_start, name_end);
            at = skip_lws(bytes, name_end);
            let mut value: &[u8] = &[];
            if bytes.get(at) == Some(&b'=') {
                let value_start = skip_lws(bytes, at + 1);
                let value_end = match bytes.get(value_start) {
                    Some(b'"') => skip_quoted(bytes, value_start).ok_or(value_start)?,
                    _ => skip(bytes, value_start, value_byte),
                };
                if value_end == value_start {
                    return Err(value_start);
                }
                value = part(bytes, value_start, value_end);
                at = skip_lws(bytes, value_end);
            }
            visit(Param { name, value });
        }
        match bytes.get(at) {
            None | Some(b',') => Ok(at),
            Some(_) => Err(at),
        }
    }
}

#[derive(Clone)]
struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        while !self.rest.is_empty() {
            let (item, rest) = split_param(self.rest);
            self.rest = rest;
            let (name, value) = match memchr::memchr(b'=', item) {
                Some(equals) => (part(item, 0, equals), part(item, equals + 1, item.len())),
                None => (item, &[][..]),
            };
            let name = trim(name);
            if !name.is_empty() {
                return Some(Param { name, value: trim(value) });
            }
        }
        None
    }
}

/// Cuts at the first semicolon outside quotes.
fn split_param(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b';', b'"', rest)) {
        let found = at + found;
        if bytes.get(found) == Some(&b';') {
            return (part(bytes, 0, found), part(bytes, found + 1, bytes.len()));
        }
        match skip_quoted(bytes, found) {
            Some(after) => at = after,
            None => break,
        }
    }
    (bytes, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_quotes_and_flags() {
        let params = Params::new(b";lr; Tag = a;x=\"1;2\";b==;;");
        assert_eq!(params.get("lr"), Some(&b""[..]));
        assert_eq!(params.get("tag"), Some(&b"a"[..]));
        assert_eq!(params.get("x"), Some(&b"\"1;2\""[..]));
        assert_eq!(params.get("b"), Some(&b"="[..]));
        assert_eq!(params.get("none"), None);
        assert_eq!(params.iter().count(), 4);
    }

    #[test]
    fn grammar_faults_have_offsets() {
        let check = |bytes: &'static [u8]| Params::check(bytes, 0, |_| {});
        assert_eq!(check(b";a=b;c"), Ok(6));
        assert_eq!(check(b";a=b , d"), Ok(5));
        assert_eq!(check(b";a;;b"), Err(3));
        assert_eq!(check(b";a="), Err(3));
        assert_eq!(check(b";a=\"b"), Err(3));
        assert_eq!(check(b";a b"), Err(3));
    }
}
