//! URIs: `sip`, `sips` (RFC 3261 §19.1), `tel` (RFC 3966), and others kept as bytes.
//!
//! A [`Uri`] is a view; escapes stay as written until asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::chars::{
    dialable_byte, escapes_complete, host_byte, part, port, skip, uri_header_byte, uri_param_byte, user_byte,
};
use crate::params::Params;

/// The scheme of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other; all that follows the colon is in [`Uri::host`].
    Other,
}

/// A URI as spans of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The user without password, escapes as written; for `tel` the number; empty if absent.
    pub user: &'a [u8],
    /// The password, which RFC 3261 §19.1.1 advises against.
    pub password: Option<&'a [u8]>,
    /// The host; brackets kept around IPv6. Empty for `tel`.
    pub host: &'a [u8],
    /// The port, if written.
    pub port: Option<u16>,
    /// The URI's parameters.
    pub params: Params<'a>,
    /// The URI's headers: what follows `?`, without it.
    pub headers: &'a [u8],
    /// The whole URI.
    pub raw: &'a [u8],
}

/// Why bytes are not a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// No scheme and colon at the start.
    #[error("expected a scheme and a colon")]
    Scheme,
    /// An empty user, a byte that must be escaped, or a broken escape.
    #[error("expected a user of allowed or escaped characters before @")]
    User,
    /// Not a host name, IPv4 address or bracketed IPv6 address.
    #[error("expected a host")]
    Host,
    /// Not a number from 0 to 65535.
    #[error("expected a port from 0 to 65535")]
    Port,
    /// A parameter breaks the grammar.
    #[error("expected URI parameters")]
    Params,
    /// The URI headers break the grammar.
    #[error("expected URI headers")]
    Headers,
    /// A `tel` number with other characters than digits and separators.
    #[error("expected a telephone number")]
    Number,
    /// Blanks, control bytes, quotes or angle brackets in a URI of another scheme.
    #[error("expected visible characters")]
    Opaque,
}

impl<'a> Uri<'a> {
    /// Reads a whole URI without brackets around it (RFC 3261 §25.1, RFC 3966 §3).
    ///
    /// Beyond the grammar a user may hold an unescaped `#` and a host name an underscore, as PBXs send them.
    pub fn parse(raw: &'a [u8]) -> Result<Uri<'a>, UriError> {
        let colon = memchr::memchr(b':', raw).ok_or(UriError::Scheme)?;
        let scheme = part(raw, 0, colon);
        let rest = part(raw, colon + 1, raw.len());
        if scheme.eq_ignore_ascii_case(b"sip") {
            parse_sip(Scheme::Sip, rest, raw)
        } else if scheme.eq_ignore_ascii_case(b"sips") {
            parse_sip(Scheme::Sips, rest, raw)
        } else if scheme.eq_ignore_ascii_case(b"tel") {
            parse_tel(rest, raw)
        } else {
            parse_other(scheme, rest, raw)
        }
    }

    /// The host as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        if self.scheme == Scheme::Other {
            return None;
        }
        if self.host.first() == Some(&b'[') {
            return bracketed_ip6(self.host).map(IpAddr::V6);
        }
        std::str::from_utf8(self.host).ok()?.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    }

    /// The user with its escapes decoded, written into `buffer` (emptied first). May hold any byte, NUL too.
    pub fn user_decoded<'b>(&self, buffer: &'b mut Vec<u8>) -> &'b [u8] {
        buffer.clear();
        percent_decode(self.user, buffer);
        buffer
    }

    /// Whether the two name the same resource (RFC 3261 §19.1.4; for `tel` RFC 3966 §4). Not transitive.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        crate::uri_equal::equivalent(self, other)
    }
}

/// Appends `escaped` to `out` with every complete `%HH` decoded.
pub fn percent_decode(escaped: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(byte) = escaped.get(at) {
        match escape_at(escaped, at) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
}

/// The byte that the escape at `at` stands for, if there is one.
pub(crate) fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = bytes.get(at..at + 3)? else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    Some(digit(*high)? << 4 | digit(*low)?)
}

/// Whether `host` is `[` IPv6 address `]`.
pub(crate) fn host_is_bracketed_ip6(host: &[u8]) -> bool {
    bracketed_ip6(host).is_some()
}

/// The longest IPv6 text (RFC 4291 §2.2) with one colon too many.
const IP6_TEXT_MAX: usize = 46;

/// Reads `[` IPv6 address `]`. RFC 3261's grammar puts a third colon before an embedded IPv4 address, which must
/// be tolerated (RFC 5118 §4.10), there and nowhere else.
fn bracketed_ip6(host: &[u8]) -> Option<Ipv6Addr> {
    let inner = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let text = std::str::from_utf8(inner).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (before, after) =
        text.split_once(":::").filter(|(_, after)| after.contains('.') && !after.contains(':'))?;
    let mut buffer = [0u8; IP6_TEXT_MAX];
    let mut end = 0;
    for piece in [before.as_bytes(), b"::", after.as_bytes()] {
        buffer.get_mut(end..end + piece.len())?.copy_from_slice(piece);
        end += piece.len();
    }
    std::str::from_utf8(part(&buffer, 0, end)).ok()?.parse().ok()
}

fn parse_sip<'a>(scheme: Scheme, rest: &'a [u8], raw: &'a [u8]) -> Result<Uri<'a>, UriError> {
    let (mut user, mut password, mut at) = (&[][..], None, 0);
    if let Some(sign) = memchr::memchr(b'@', rest) {
        let userinfo = part(rest, 0, sign);
        if !userinfo.iter().all(|byte| user_byte(*byte)) || !escapes_complete(userinfo) {
            return Err(UriError::User);
        }
        let colon = memchr::memchr(b':', userinfo);
        user = part(userinfo, 0, colon.unwrap_or(userinfo.len()));
        password = colon.map(|colon| part(userinfo, colon + 1, userinfo.len()));
        if user.is_empty() {
            return Err(UriError::User);
        }
        at = sign + 1;
    }
    let host_end = match rest.get(at) {
        Some(b'[') => {
            let close = rest.get(at..).and_then(|rest| memchr::memchr(b']', rest)).ok_or(UriError::Host)?;
            let end = at + close + 1;
            if host_is_bracketed_ip6(part(rest, at, end)) { end } else { return Err(UriError::Host) }
        }
        _ => skip(rest, at, host_byte),
    };
    let host = part(rest, at, host_end);
    if host.is_empty() {
        return Err(UriError::Host);
    }
    at = host_end;
    let mut uri_port = None;
    if rest.get(at) == Some(&b':') {
        let digits_end = skip(rest, at + 1, |byte| byte.is_ascii_digit());
        uri_port = Some(port(part(rest, at + 1, digits_end)).ok_or(UriError::Port)?);
        at = digits_end;
    }
    let tail = part(rest, at, rest.len());
    let question = memchr::memchr(b'?', tail);
    let params = part(tail, 0, question.unwrap_or(tail.len()));
    let headers = question.map(|question| part(tail, question + 1, tail.len()));
    check_params(params)?;
    check_headers(headers)?;
    let (params, headers) = (Params::new(params), headers.unwrap_or(&[]));
    Ok(Uri { scheme, user, password, host, port: uri_port, params, headers, raw })
}

/// `*(";" pname ["=" pvalue])`, no blanks.
fn check_params(params: &[u8]) -> Result<(), UriError> {
    let Some(rest) = params.strip_prefix(b";") else {
        return if params.is_empty() { Ok(()) } else { Err(UriError::Host) };
    };
    for param in rest.split(|byte| *byte == b';') {
        let name = part(param, 0, memchr::memchr(b'=', param).unwrap_or(param.len()));
        // A second = is not in the grammar, but opaque values in base64 have it, and nothing can be misread.
        if name.is_empty() || !param.iter().all(|byte| uri_param_byte(*byte) || *byte == b'=') {
            return Err(UriError::Params);
        }
    }
    if escapes_complete(params) { Ok(()) } else { Err(UriError::Params) }
}

/// `hname "=" hvalue *("&" hname "=" hvalue)`.
fn check_headers(headers: Option<&[u8]>) -> Result<(), UriError> {
    let Some(headers) = headers else {
        return Ok(());
    };
    let well_formed = |header: &[u8]| memchr::memchr(b'=', header).is_some_and(|equals| equals > 0);
    let allowed = headers.iter().all(|byte| uri_header_byte(*byte)) && escapes_complete(headers);
    if allowed && headers.split(|byte| *byte == b'&').all(well_formed) {
        Ok(())
    } else {
        Err(UriError::Headers)
    }
}

fn parse_tel<'a>(rest: &'a [u8], raw: &'a [u8]) -> Result<Uri<'a>, UriError> {
    let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
    let number = part(rest, 0, end);
    let digits = number.strip_prefix(b"+").unwrap_or(number);
    let dialled = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#');
    if !digits.iter().all(|byte| dialable_byte(*byte) && *byte != b'+') || !digits.iter().any(dialled) {
        return Err(UriError::Number);
    }
    let params = part(rest, end, rest.len());
    check_params(params)?;
    Ok(Uri {
        scheme: Scheme::Tel,
        user: number,
        password: None,
        host: &[],
        port: None,
        params: Params::new(params),
        headers: &[],
        raw,
    })
}

fn parse_other<'a>(scheme: &[u8], rest: &'a [u8], raw: &'a [u8]) -> Result<Uri<'a>, UriError> {
    let scheme_byte = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !scheme.iter().all(scheme_byte) {
        return Err(UriError::Scheme);
    }
    let stray = |byte: &u8| *byte <= 0x20 || matches!(byte, b'<' | b'>' | b'"' | 0x7f);
    if rest.is_empty() || rest.iter().any(stray) {
        return Err(UriError::Opaque);
    }
    Ok(Uri {
        scheme: Scheme::Other,
        user: &[],
        password: None,
        host: rest,
        port: None,
        params: Params::default(),
        headers: &[],
        raw,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_parts() {
        let uri =
            Uri::parse(b"sips:+49(30)1;par=u%40x:pass@[2001:db8::1]:5071;lr;transport=tls?a=b&c=").unwrap();
        assert_eq!((uri.scheme, uri.user), (Scheme::Sips, &b"+49(30)1;par=u%40x"[..]));
        assert_eq!(
            (uri.password, uri.host, uri.port),
            (Some(&b"pass"[..]), &b"[2001:db8::1]"[..], Some(5071))
        );
        assert_eq!((uri.params.get("transport"), uri.headers), (Some(&b"tls"[..]), &b"a=b&c="[..]));
        assert_eq!(uri.ip(), Some("2001:db8::1".parse().unwrap()));
        let mut buffer = Vec::new();
        assert_eq!(uri.user_decoded(&mut buffer), b"+49(30)1;par=u@x");
    }

    #[test]
    fn reads_tel_and_unknown_schemes() {
        let tel = Uri::parse(b"tel:+49-30-1234;phone-context=example.com").unwrap();
        assert_eq!((tel.scheme, tel.user), (Scheme::Tel, &b"+49-30-1234"[..]));
        assert_eq!(tel.params.get("Phone-Context"), Some(&b"example.com"[..]));
        let other = Uri::parse(b"soap.beep://192.0.2.103:3002").unwrap();
        assert_eq!((other.scheme, other.host), (Scheme::Other, &b"//192.0.2.103:3002"[..]));
    }

    #[test]
    fn refuses_what_breaks_the_grammar() {
        let cases: [(&[u8], UriError); 18] = [
            (b"", UriError::Scheme),
            (b"alice@example.com", UriError::Scheme),
            (b"<sip:a@b>", UriError::Scheme),
            (b"sip:", UriError::Host),
            (b"sip:@b", UriError::User),
            (b"sip:a b@c", UriError::User),
            (b"sip:a%4@c", UriError::User),
            (b"sip:a@b@c", UriError::Host),
            (b"sip:2001:db8::10", UriError::Port),
            (b"sip:[2001:db8::10:5070", UriError::Host),
            (b"sip:[::1%25eth0]", UriError::Host),
            (b"sip:[2001:db8:::1]", UriError::Host),
            (b"sip:a@b:65536", UriError::Port),
            (b"sip:a@b;;lr", UriError::Params),
            (b"sip:a@b?x", UriError::Headers),
            (b"tel:", UriError::Number),
            (b"tel:+49+30", UriError::Number),
            (b"x:<a>", UriError::Opaque),
        ];
        for (raw, error) in cases {
            assert_eq!(Uri::parse(raw), Err(error), "{}", String::from_utf8_lossy(raw));
        }
    }
}
